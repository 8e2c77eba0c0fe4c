"""`hpsearch plan`."""

from argparse import Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer, study_file

arguments = study_file


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text.plan import text
    from hpsearch.orchestrator import trainer_check
    from hpsearch.orchestrator.forecast import forecast
    from hpsearch.study.definition import Study

    study = Study.load(args.file, args.overrides)
    trainer_check.check(study).raise_faults()
    expected = forecast(study)
    yield Answer(expected.document(), lambda: text(expected))
