"""`hpsearch reproduce`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import recorded_study


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    parser.add_argument("trial", type=int, help="the trial's number")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.reproduce.retraining import reproduce

    yield from reproduce(args)
