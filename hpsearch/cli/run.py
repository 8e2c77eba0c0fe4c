"""`hpsearch run`."""

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from functools import partial

from hpsearch.cli.verb import Answer, study_file


def arguments(parser: ArgumentParser) -> None:
    study_file(parser)
    parser.add_argument("--fork", metavar="NAME", help="start a new study NAME that learns from the recorded one")
    parser.add_argument(
        "--retry-failed",
        action="store_true",
        help="train all failed trials again (default: those that failed before the trainer changed)",
    )
    parser.add_argument(
        "--accept-changes",
        action="store_true",
        help="start the search again after a change of the trainer's code; earlier trials stay recorded, but do not "
        "count",
    )
    parser.add_argument("--skip-preflight", action="store_true", help="start without the checks of [preflight]")
    parser.add_argument(
        "--force",
        action="store_true",
        help="start even if the learning-rate range is outside the range that the range test finds",
    )
    waits = parser.add_mutually_exclusive_group()
    waits.add_argument(
        "--wait",
        type=_seconds,
        metavar="TIME",
        help="how long to wait for room on a busy cluster, such as 1h; default: 2m, and not for nodes that it does not "
        "have",
    )
    waits.add_argument(
        "--no-wait", action="store_true", help="exit with code 5 if the cluster has no room for a trial now"
    )
    parser.add_argument(
        "--jsonl", action="store_true", help="print one JSON object for each ended trial, then the object of --json"
    )


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text.run import text
    from hpsearch.orchestrator.run import run_study
    from hpsearch.progress.terminal import Terminal, prints_to_stderr
    from hpsearch.study.definition import Study

    study = Study.load(args.file, args.overrides)
    origin = study.study.name if args.fork is not None else None
    if args.fork is not None:
        study = study.renamed(args.fork)
    lines = sys.stdout if args.jsonl else None
    with prints_to_stderr(), Terminal(quiet=args.quiet, lines=lines) as terminal:
        result = run_study(
            study,
            terminal,
            origin=origin,
            skip_preflight=args.skip_preflight,
            force=args.force,
            retry_failed=args.retry_failed,
            accept_changes=args.accept_changes,
            wait=0.0 if args.no_wait else args.wait,
        )
    yield Answer(result.document(), partial(text, result), result.exit_code)


def _seconds(text: str) -> float:
    from hpsearch.study.file.kinds import seconds

    try:
        return seconds(text)
    except ValueError as problem:
        raise ArgumentTypeError(str(problem)) from None
