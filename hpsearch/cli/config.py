"""`hpsearch config`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer


def arguments(parser: ArgumentParser) -> None:
    """None but those of every command."""


def run(args: Namespace) -> Iterator[Answer]:  # noqa: ARG001
    from hpsearch.cli.text.config import text
    from hpsearch.records.settings import settings

    found = settings()
    yield Answer(found.document(), lambda: text(found))
