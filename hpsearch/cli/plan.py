"""`hpsearch plan`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import study_file


def arguments(parser: ArgumentParser) -> None:
    study_file(parser)


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text.plan import text
    from hpsearch.orchestrator.forecast import forecast
    from hpsearch.study.definition import load

    expected = forecast(load(args.file, args.overrides))
    yield Answer(expected.document(), lambda: text(expected))
