"""What the loss curves of a recorded study show, in words."""

from hpsearch.core.format import columns, named, number, params_line, score
from hpsearch.core.trial import Trial
from hpsearch.doctor.consultation import Consultation
from hpsearch.doctor.diagnosis import Diagnosis
from hpsearch.doctor.findings import Severity


def trial(name: str, seen: Diagnosis) -> str:
    parts = [
        f"{name}, trial {seen.trial.number}: {seen.trial.state}, {score(seen.trial, seen.objective)}",
        f"  {params_line(seen.trial.params)}",
    ]
    for one in seen.findings:
        severity = f" ({one.severity})" if one.severity is not Severity.NONE else ""
        parts += ["", f"{one.label}{severity}", f"  seen    {one.evidence}"]
        parts += [f"  epochs  {one.epochs[0]} to {one.epochs[1]}"] if any(one.epochs) else []
        parts += [f"  advice  {one.advice}"]
    if seen.not_reported:
        parts += ["", f"not reported, so not looked at: {', '.join(seen.not_reported)}"]
    return "\n".join(parts)


def study(name: str, found: Consultation, lines: int, worst: bool) -> str:
    """worst: the worst findings first, not the best values."""
    counts = ", ".join(f"{count} {label}" for label, count in found.labels.items())
    parts = [f"{name}: {len(found.trials)} trials{f' ({counts})' if counts else ''}"]
    for one in found.remarks:
        parts += ["", one.advice, f"  {one.evidence} ({named(one.trials)})"]
    if found.trials:
        rows = [_row(trial, found) for trial in found.sorted(worst)[:lines]]
        parts += ["", columns([["trial", "value", "state", "finding", "seen"], *rows])]
    if len(found.trials) > lines:
        more = f"{len(found.trials) - lines} more"
        parts.append(f"{more}: --lines {len(found.trials)} shows all, --worst begins with the worst")
    return "\n".join(parts)


def _row(trial: Trial, found: Consultation) -> list[str]:
    first, *rest = found.findings[trial.number]
    value = found.objective.value(trial)
    label = f"{first.label}{f' (+{len(rest)})' if rest else ''}"
    return [str(trial.number), number(value) if value is not None else "", str(trial.state), label, first.evidence]
