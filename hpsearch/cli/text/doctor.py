"""The findings in the curves of a recorded study, as text."""

from collections.abc import Sequence
from itertools import zip_longest

from hpsearch.cli.text.layout import table, wrapped
from hpsearch.core.format import many, named, number, params_line, score
from hpsearch.core.trial import Trial
from hpsearch.doctor.diagnosis import Diagnosis
from hpsearch.doctor.findings import Severity
from hpsearch.doctor.meanings import Meanings
from hpsearch.doctor.study_diagnosis import Remark, StudyDiagnosis
from hpsearch.study.space import Space


def trial(name: str, diagnosis: Diagnosis, space: Space) -> str:
    parts = [
        f"{name}, trial {diagnosis.trial.number}: {diagnosis.trial.state}, "
        f"{score(diagnosis.trial, diagnosis.objective)}",
        f"  {params_line(space.shown(diagnosis.trial.params))}",
    ]
    for one in diagnosis.findings:
        severity = f" ({one.severity})" if one.severity is not Severity.NONE else ""
        parts += ["", f"{one.label}{severity}", f"  evidence  {one.evidence}"]
        parts += [f"  epochs    {one.epochs[0]} to {one.epochs[1]}"] if any(one.epochs) else []
        parts += [f"  advice    {one.advice}"]
    parts += ["", _metrics(diagnosis.meanings)] if diagnosis.meanings.renamed else []
    if diagnosis.not_reported:
        parts += ["", f"not reported, so not examined: {', '.join(diagnosis.not_reported)}"]
    return wrapped("\n".join(parts))


def study(name: str, diagnosis: StudyDiagnosis, lines: int, worst: bool, commands: Sequence[str] = ()) -> str:
    """lines: the most trials to list. worst: the most severe findings first, instead of the best values.
    commands: for each advice the command that tries it, or "".
    """
    counts = ", ".join(f"{count} {label}" for label, count in diagnosis.labels.items())
    parts = [f"{name}: {many(len(diagnosis.trials), 'trial')}{f' ({counts})' if counts else ''}"]
    parts = [wrapped("\n".join(parts))]
    for one, command in zip_longest(diagnosis.advice, commands, fillvalue=""):
        assert isinstance(one, Remark)
        head = f"No change of the learning rate is advised: the curves disagree with the results, since {one.against}."
        said = wrapped(f"{head if one.against else one.advice}\n  {one.evidence} ({named(one.trials)})")
        parts += ["", said, *([f"  try it: {command}"] if command else [])]
    if diagnosis.trials:
        rows = [_row(trial, diagnosis) for trial in diagnosis.sorted(worst)[:lines]]
        parts += ["", table([["trial", "value", "state", "finding", "evidence"], *rows], narrow=(4, 3))]
    if diagnosis.meanings.renamed:
        parts += ["", wrapped(_metrics(diagnosis.meanings))]
    if len(diagnosis.trials) > lines:
        more = f"{len(diagnosis.trials) - lines} more"
        parts.append(wrapped(f"{more}: --lines {len(diagnosis.trials)} lists all, --worst lists the worst first"))
    return "\n".join(parts)


def _metrics(meanings: Meanings) -> str:
    """For metrics with a name that differs from their role, or with values that are converted or replaced."""
    said = (f"{one.name} = {one.role} {one.form}".rstrip() for one in meanings.reported)
    read = f"metrics as read: {', '.join(said)} (if one is wrong, write it in [metrics] of the study file)"
    if meanings.last_batch:
        read += f"\n{meanings.last_batch} is the loss of the last batch of each report: its measured mean is used"
    if not meanings.steady:
        read += "\nlosses need not fall in adversarial and reinforcement learning: only the metric is judged"
    return read


def _row(trial: Trial, diagnosis: StudyDiagnosis) -> list[str]:
    first, *rest = diagnosis.findings[trial.number]
    value = diagnosis.objective.value(trial)
    label = f"{first.label}{f' (+{len(rest)})' if rest else ''}"
    return [str(trial.number), number(value) if value is not None else "", str(trial.state), label, first.evidence]
