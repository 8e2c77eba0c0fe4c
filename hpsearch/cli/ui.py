"""`hpsearch ui`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from hpsearch.cli.answer import Answer


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--port", type=int, help="default: a free one from 5000 up")
    parser.add_argument("--home", type=Path, help="the folder with mlflow.db; default: .hpsearch here")
    where = "another store, a password as ${env:NAME}; or a server (its address is printed)"
    parser.add_argument("--mlflow", metavar="URI", help=where)


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.tracking import ui

    yield from ui(args)
