"""`hpsearch config`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer


def arguments(parser: ArgumentParser) -> None:
    """It has none of its own."""


def run(args: Namespace) -> Iterator[Answer]:  # noqa: ARG001
    from hpsearch.cli.text.config import text
    from hpsearch.records.settings import settings

    found = settings()
    yield Answer(found.document(), lambda: text(found))
