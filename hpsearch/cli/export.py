"""`hpsearch export`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import recorded_study


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    parser.add_argument("--format", choices=["json", "csv", "parquet", "optuna"], default="json")
    parser.add_argument("-o", "--output", type=Path, help="the file to write; json and csv go to stdout without")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.readers import export

    yield from export(args)
