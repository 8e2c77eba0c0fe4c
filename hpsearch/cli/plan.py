"""`hpsearch plan`."""

from argparse import Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer, study_file

arguments = study_file


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text.plan import text
    from hpsearch.orchestrator.forecast import forecast
    from hpsearch.study.definition import Study

    expected = forecast(Study.load(args.file, args.overrides))
    yield Answer(expected.document(), lambda: text(expected))
