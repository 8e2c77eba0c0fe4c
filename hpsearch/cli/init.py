"""`hpsearch init`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from hpsearch.cli.answer import Answer


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, nargs="?", default=Path(), help="where to write; default: here")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.files import init

    yield from init(args)
