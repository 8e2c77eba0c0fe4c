"""`hpsearch best`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import recorded_study


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.readers import best

    yield from best(args)
