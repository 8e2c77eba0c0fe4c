"""`hpsearch status`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import recorded_study


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser, optional=True)
    parser.add_argument("--watch", action="store_true", help="again whenever something changes, while it runs")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.readers import status

    yield from status(args)
