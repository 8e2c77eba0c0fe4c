"""`hpsearch show`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import recorded_study


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    parser.add_argument("trial", type=int, nargs="?", help="the trial's number; the search itself, without")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.readers import show

    yield from show(args)
