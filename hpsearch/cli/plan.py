"""`hpsearch plan`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import study_file


def arguments(parser: ArgumentParser) -> None:
    study_file(parser)


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.files import plan

    yield from plan(args)
