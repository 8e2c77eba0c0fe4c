"""`hpsearch quickstart`: `init --example quickstart`, then `run`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from hpsearch.cli.verb import Answer, overrides


def arguments(parser: ArgumentParser) -> None:
    folder = Path("hpsearch-quickstart")
    parser.add_argument("folder", type=Path, nargs="?", default=folder, help=f"folder to write to; default: {folder}")
    overrides(parser)


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli import examples
    from hpsearch.cli import run as running
    from hpsearch.cli.parser import verb_parser

    found = examples.contents("quickstart", args.folder)
    examples.write(found)
    study = next(iter(found))
    words = [str(study), *(word for change in args.overrides for word in ("--set", change))]
    own = verb_parser("run")[0].parse_args(words)
    own.quiet, own.json = args.quiet, args.json
    yield from running.run(own)
