"""`hpsearch plan`."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict

from hpsearch.cli.verb import Answer, study_text

arguments = study_text


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text.plan import text
    from hpsearch.orchestrator import trainer_check
    from hpsearch.orchestrator.evidence.planned_evidence import planned_evidence
    from hpsearch.orchestrator.forecast import forecast
    from hpsearch.study.definition import Study

    study = Study.load(args.file, args.overrides)
    found = trainer_check.check(study)
    trainer_check.raise_faults(study, found)
    warnings = trainer_check.warnings(study, found, args.file)
    expected, evidence = forecast(study), planned_evidence(study)
    lists = {"evidence": evidence.document(), "warnings": [asdict(warning) for warning in warnings]}
    parts = [*(f"warning: {one}" for one in warnings), text(expected, evidence.lines)]
    yield Answer({**expected.document(), **lists}, lambda: "\n".join(parts))
