"""The findings in the curves of a recorded study, as text."""

import shlex

from hpsearch.cli.text.layout import table, wrapped
from hpsearch.core.format import many, named, number, params_line, score
from hpsearch.core.trial import Cause, State, Trial
from hpsearch.doctor.diagnosis import Diagnosis
from hpsearch.doctor.findings import Label, Severity
from hpsearch.doctor.meanings import Meanings
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
    parts += ["", _metrics(diagnosis.meanings)] if diagnosis.meanings.renamed else []
    if diagnosis.not_reported:
        parts += ["", f"not reported, so not examined: {', '.join(diagnosis.not_reported)}"]
    return wrapped("\n".join(parts))


def study(name: str, diagnosis: StudyDiagnosis, lines: int, worst: bool) -> str:
    """lines: the most trials to list. worst: the most severe findings first, instead of the best values."""
    counts = ", ".join(f"{count} {label}" for label, count in diagnosis.labels.items())
    parts = [f"{name}: {many(len(diagnosis.trials), 'trial')}{f' ({counts})' if counts else ''}"]
    for one in diagnosis.advice:
        head = f"No change of the learning rate is advised: the curves disagree with the results, since {one.against}."
        parts += ["", head if one.against else one.advice, f"  {one.evidence} ({named(one.trials)})"]
    parts = [wrapped("\n".join(parts))]
    if command := _longer(name, diagnosis):
        parts += ["", f"to train longer:  {command}"]
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
    """Only where a metric has another name than its meaning, or is a percentage."""
    said = (f"{one.name} = {one.role}{' in percent' if one.factor != 1 else ''}" for one in meanings.reported)
    return f"metrics as read: {', '.join(said)} (if one is wrong, write it in [metrics] of the study file)"


def _longer(name: str, diagnosis: StudyDiagnosis) -> str:
    """The command that trains the best trials longer, if that is advised and they have trained all their epochs."""
    if not any(Label.STILL_IMPROVING in one.labels for one in diagnosis.advice if one.best):
        return ""
    finished = [trial for trial in diagnosis.sorted() if trial.cause is Cause.DONE and trial.state is State.COMPLETE]
    best = [trial for trial in finished if trial.number in diagnosis.best]
    if not best:
        return ""
    epochs = 2 * max(trial.epoch for trial in finished)
    return f"hpsearch extend {shlex.quote(name)} --epochs {epochs} --best {len(best)}"


def _row(trial: Trial, diagnosis: StudyDiagnosis) -> list[str]:
    first, *rest = diagnosis.findings[trial.number]
    value = diagnosis.objective.value(trial)
    label = f"{first.label}{f' (+{len(rest)})' if rest else ''}"
    return [str(trial.number), number(value) if value is not None else "", str(trial.state), label, first.evidence]
