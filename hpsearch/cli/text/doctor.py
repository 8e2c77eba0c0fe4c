"""The findings in the curves of a recorded study, as text."""

from hpsearch.cli.text.layout import table, wrapped
from hpsearch.core.format import many, named, number, params_line, score
from hpsearch.core.trial import Trial
from hpsearch.doctor.diagnosis import Diagnosis
from hpsearch.doctor.findings import Severity
from hpsearch.doctor.study_diagnosis import StudyDiagnosis


def trial(name: str, diagnosis: Diagnosis) -> str:
    parts = [
        f"{name}, trial {diagnosis.trial.number}: {diagnosis.trial.state}, "
        f"{score(diagnosis.trial, diagnosis.objective)}",
        f"  {params_line(diagnosis.trial.params)}",
    ]
    for one in diagnosis.findings:
        severity = f" ({one.severity})" if one.severity is not Severity.NONE else ""
        parts += ["", f"{one.label}{severity}", f"  evidence  {one.evidence}"]
        parts += [f"  epochs    {one.epochs[0]} to {one.epochs[1]}"] if any(one.epochs) else []
        parts += [f"  advice    {one.advice}"]
    if diagnosis.not_reported:
        parts += ["", f"not reported, so not examined: {', '.join(diagnosis.not_reported)}"]
    return wrapped("\n".join(parts))


def study(name: str, diagnosis: StudyDiagnosis, lines: int, worst: bool) -> str:
    """lines: the most trials to list. worst: the most severe findings first, instead of the best values."""
    counts = ", ".join(f"{count} {label}" for label, count in diagnosis.labels.items())
    parts = [f"{name}: {many(len(diagnosis.trials), 'trial')}{f' ({counts})' if counts else ''}"]
    for one in diagnosis.remarks:
        parts += ["", one.advice, f"  {one.evidence} ({named(one.trials)})"]
    parts = [wrapped("\n".join(parts))]
    if diagnosis.trials:
        rows = [_row(trial, diagnosis) for trial in diagnosis.sorted(worst)[:lines]]
        parts += ["", table([["trial", "value", "state", "finding", "evidence"], *rows], narrow=(4, 3))]
    if len(diagnosis.trials) > lines:
        more = f"{len(diagnosis.trials) - lines} more"
        parts.append(wrapped(f"{more}: --lines {len(diagnosis.trials)} lists all, --worst lists the worst first"))
    return "\n".join(parts)


def _row(trial: Trial, diagnosis: StudyDiagnosis) -> list[str]:
    first, *rest = diagnosis.findings[trial.number]
    value = diagnosis.objective.value(trial)
    label = f"{first.label}{f' (+{len(rest)})' if rest else ''}"
    return [str(trial.number), number(value) if value is not None else "", str(trial.state), label, first.evidence]
