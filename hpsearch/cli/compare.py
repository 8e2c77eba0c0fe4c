"""`hpsearch compare`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import journal


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("study", nargs="+", metavar="STUDY", help="two or more: names, or files")
    journal(parser)


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.evaluation.compare.comparison import compare

    yield from compare(args)
