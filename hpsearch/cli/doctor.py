"""What the loss curves of a recorded study show: of all its trials together, or of one of them."""

from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import recorded_study
from hpsearch.core.format import columns, named, number, params_line, score
from hpsearch.core.trial import Trial
from hpsearch.doctor.consultation import Consultation, Remark, consult
from hpsearch.doctor.curves import NAMES
from hpsearch.doctor.diagnosis import diagnose, lowest_loss
from hpsearch.doctor.findings import Finding, Severity
from hpsearch.records.find import RecordedStudy, check_trial, opened


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    parser.add_argument("trial", type=int, nargs="?", help="one trial's number; all together, without")
    parser.add_argument("--lines", type=int, default=20, metavar="N", help="how many trials to list; default: 20")
    parser.add_argument("--worst", action="store_true", help="list the worst findings first, not the best values")


def run(args: Namespace) -> Iterator[Answer]:
    with opened(args.study, args.journal) as (journal, study):
        if args.trial is not None:
            check_trial(journal, study, args.trial)
        trials = journal.trials(study.record.id)
    if args.trial is not None:
        yield _of_trial(study, trials[args.trial], lowest_loss(trials))
    else:
        yield _of_study(study, trials, args.lines, args.worst)


# One trial ───────────────────────────────────────────────────────────────────────────────────────


def _of_trial(study: RecordedStudy, trial: Trial, lowest: float | None) -> Answer:
    findings = diagnose(trial, study.objective, lowest)
    data = {
        "study": study.record.name,
        "trial": trial.number,
        "state": str(trial.state),
        "value": study.objective.value(trial),
        "epochs": trial.epoch,
        "findings": [_as_json(one) for one in findings],
        "not_reported": _not_reported(trial),
    }
    return Answer(data, lambda: _trial_text(study, trial, findings))


def _as_json(one: Finding) -> dict[str, Any]:
    return {
        "label": str(one.label),
        "severity": str(one.severity),
        "evidence": one.evidence,
        "numbers": dict(one.numbers),
        "epochs": list(one.epochs),
        "advice": one.advice,
    }


def _not_reported(trial: Trial) -> list[str]:
    """What the doctor would have looked at too."""
    reported = {name for report in trial.curve for name in report.metrics}
    return [name for name in NAMES if not any(one == name or one.startswith(f"{name}/") for one in reported)]


def _trial_text(study: RecordedStudy, trial: Trial, findings: Sequence[Finding]) -> str:
    parts = [
        f"{study.record.name}, trial {trial.number}: {trial.state}, {score(trial, study.objective)}",
        f"  {params_line(trial.params)}",
    ]
    for one in findings:
        severity = f" ({one.severity})" if one.severity is not Severity.NONE else ""
        parts += ["", f"{one.label}{severity}", f"  seen    {one.evidence}"]
        parts += [f"  epochs  {one.epochs[0]} to {one.epochs[1]}"] if any(one.epochs) else []
        parts += [f"  advice  {one.advice}"]
    if missing := _not_reported(trial):
        parts += ["", f"not reported, so not looked at: {', '.join(missing)}"]
    return "\n".join(parts)


# A study ─────────────────────────────────────────────────────────────────────────────────────────


def _of_study(study: RecordedStudy, trials: Sequence[Trial], lines: int, worst: bool) -> Answer:
    found = consult(trials, study.objective)
    data = {
        "study": study.record.name,
        "labels": _labels(found),
        "best": list(found.best),
        "remarks": [_remark(one) for one in found.remarks],
        "trials": [_line_data(study, trial, found) for trial in trials],
    }
    return Answer(data, lambda: _study_text(study, _sorted(study, trials, found, worst), found, lines))


def _labels(found: Consultation) -> dict[str, int]:
    """How many trials have each label first, the commonest first."""
    return dict(Counter(str(findings[0].label) for findings in found.findings.values()).most_common())


def _remark(one: Remark) -> dict[str, Any]:
    return {
        "labels": [str(label) for label in one.labels],
        "advice": one.advice,
        "evidence": one.evidence,
        "trials": list(one.trials),
        "among": one.among,
        "best": one.best,
    }


def _line_data(study: RecordedStudy, trial: Trial, found: Consultation) -> dict[str, Any]:
    first, *rest = found.findings[trial.number]
    return {
        "trial": trial.number,
        "state": str(trial.state),
        "value": study.objective.value(trial),
        "label": str(first.label),
        "severity": str(first.severity),
        "evidence": first.evidence,
        "advice": first.advice,
        "also": [str(one.label) for one in rest],
    }


def _sorted(study: RecordedStudy, trials: Sequence[Trial], found: Consultation, worst: bool) -> list[Trial]:
    """The best value first; or the worst finding first, and of those alike the best value."""
    severities = list(Severity) if worst else []

    def place(trial: Trial) -> tuple[int, float]:
        severity = found.findings[trial.number][0].severity
        return (severities.index(severity) if worst else 0), study.objective.loss(trial)

    return sorted(trials, key=place)


def _study_text(study: RecordedStudy, trials: Sequence[Trial], found: Consultation, lines: int) -> str:
    counts = ", ".join(f"{count} {label}" for label, count in _labels(found).items())
    parts = [f"{study.record.name}: {len(trials)} trials{f' ({counts})' if counts else ''}"]
    for one in found.remarks:
        parts += ["", one.advice, f"  {one.evidence} ({named(one.trials)})"]
    if trials:
        rows = [_row(study, trial, found) for trial in trials[:lines]]
        parts += ["", columns([["trial", "value", "state", "finding", "seen"], *rows])]
    if len(trials) > lines:
        parts.append(f"{len(trials) - lines} more: --lines {len(trials)} shows all, --worst begins with the worst")
    return "\n".join(parts)


def _row(study: RecordedStudy, trial: Trial, found: Consultation) -> list[str]:
    first, *rest = found.findings[trial.number]
    value = study.objective.value(trial)
    label = f"{first.label}{f' (+{len(rest)})' if rest else ''}"
    return [str(trial.number), number(value) if value is not None else "", str(trial.state), label, first.evidence]
