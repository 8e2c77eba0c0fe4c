"""`hpsearch sync`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import recorded_study


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser, optional=True)
    parser.add_argument("--mlflow", metavar="URI", help="where MLflow is; default: as the study's file says, or here")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.tracking import sync

    yield from sync(args)
