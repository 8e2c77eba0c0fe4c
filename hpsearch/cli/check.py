"""`hpsearch check`: with --json the faults are data on stdout."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict

from hpsearch.cli.verb import Answer, study_text
from hpsearch.core.errors import Fault, OwnMethodError, StudyFileError, TrainerError

arguments = study_text


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.orchestrator import trainer_check
    from hpsearch.orchestrator.own import own_methods
    from hpsearch.study.definition import Study
    from hpsearch.study.file import reading
    from hpsearch.trainer.adapters import command_line as command

    try:
        study = Study.load(args.file, args.overrides)
        own_methods.check(study)
        if study.trainer.program is not None:
            command.located(study.trainer.program, study.folder)
        found = trainer_check.check(study)
        if found.faults:
            raise StudyFileError(trainer_check.faults(study, found, args.file))
    except (StudyFileError, OwnMethodError, TrainerError) as problem:
        if not args.json:
            raise
        faults = (
            problem.faults
            if isinstance(problem, StudyFileError)
            else [Fault(reading.where(args.file), 0, "", str(problem))]
        )
        refused, text = {"study": None, "faults": [asdict(fault) for fault in faults]}, str(problem)
        yield Answer(refused, lambda: text, problem.exit_code)
        return
    name, where = study.study.name, reading.where(args.file)
    warnings = trainer_check.warnings(study, found, args.file)
    lines = [*(f"{warning} (warning)" for warning in warnings), f"{where}: no faults in study {name}"]
    if study.search.auto is not None:
        from hpsearch.records import kept_rules

        study = kept_rules.of(study)
        lines.append(str(study.search.auto))
    said = [asdict(warning) for warning in warnings]
    data = {"study": name, "faults": [], "warnings": said, **study.search.auto_document()}
    yield Answer(data, lambda: "\n".join(lines))
