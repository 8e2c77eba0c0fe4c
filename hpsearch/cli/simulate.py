"""`hpsearch simulate`."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer, journal, study_file

METHODS = (
    *("study", "random", "random+halving", "random+stopping", "tpe", "tpe+halving", "tpe+stopping", "tpe+hyperband"),
    *("gp", "freeze-thaw", "recipe", "recipe+halving"),
)


def arguments(parser: ArgumentParser) -> None:
    study_file(parser)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--curves", metavar="FILE", help="CSV or Parquet file with the curves, or module:function")
    source.add_argument("--from", dest="recorded", metavar="STUDY", help="take the curves of this recorded study")
    parser.add_argument("--encoding", metavar="NAME", help="of the CSV file, such as latin-1; default: UTF-8")
    journal(parser)
    which = "search methods to compare; default: study, random, random+halving, tpe+halving, freeze-thaw, recipe"
    which += f"; choices: {', '.join(METHODS)}"
    parser.add_argument("--method", nargs="+", choices=METHODS, metavar="METHOD", help=which)
    parser.add_argument("--workers", nargs="+", type=int, metavar="N", help="numbers of workers; default: the study's")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="searches of each method; default: 5")
    parser.add_argument("--epochs", type=int, metavar="N", help="epochs of each search; default: as in the study")
    lost = "share of epochs, from 0 to 1, in which the worker is lost and another continues the trial; default: 0"
    parser.add_argument("--failures", type=float, default=0.0, metavar="SHARE", help=lost)


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text import simulate as words
    from hpsearch.core.errors import BadInput
    from hpsearch.orchestrator.simulation.method_comparison import DEFAULT, compare_methods
    from hpsearch.orchestrator.simulation.simulated_curves import from_file, from_study
    from hpsearch.study.definition import Study

    study = Study.load(args.file, args.overrides)
    source = (
        from_file(study, args.curves, args.encoding) if args.curves else from_study(study, args.recorded, args.journal)
    )
    workers = args.workers or [study.resources.workers or 1]
    if min(args.seeds, args.epochs or 1, *workers) < 1:
        raise BadInput("--seeds, --epochs and --workers must be at least 1")
    if not 0 <= args.failures < 1:
        raise BadInput(f"--failures must be in [0, 1), got {args.failures:g}")

    def progress(method: str, count: int, seed: int) -> None:
        if not args.quiet and sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{method}, {count} workers, search {seed + 1} of {args.seeds}")

    found = compare_methods(
        source.fitted(study),
        source.curves,
        methods=args.method or DEFAULT,
        workers=workers,
        seeds=args.seeds,
        budget=args.epochs,
        rows=source.rows,
        failures=args.failures,
        progress=progress,
    )
    if not args.quiet and sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    yield Answer(found.document() | {"source": source.document()}, lambda: words.text(found, source, study))
