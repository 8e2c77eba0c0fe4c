"""The status of recorded studies, as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.cli.text import front
from hpsearch.cli.text.layout import table, wrapped
from hpsearch.core.decisions import Decision
from hpsearch.core.format import first_line, many, number, size, span
from hpsearch.core.trial import EPOCH
from hpsearch.records.evidence_record import LEARNED
from hpsearch.records.study_status import StudyStatus
from hpsearch.study.file.search_base import AutoChoice
from hpsearch.study.space import Space


def text(
    studies: Sequence[StudyStatus], latest: Sequence[Decision] = (), used: int = 0, space: Space | None = None
) -> str:
    """A line for each study. For one study also its preflight, the process that runs it, its latest decisions, and the
    size of its checkpoints on the disk (used, in bytes). space: its space, which has the names of choices."""
    if not studies:
        return "no study is recorded here"
    in_epochs = all(one.unit == EPOCH for one in studies)
    rows = [["study", "state", "trials", "epochs" if in_epochs else "trained", "best"]]
    for one in studies:
        trained = str(one.epochs_trained) if in_epochs else many(one.epochs_trained, one.unit)
        rows.append([one.study, one.state, *_row(one, trained)])
    head = table(rows, narrow=(0, 2, 4), lines=None)
    lines = []
    if len(studies) == 1:
        (one,) = studies
        lines += [str(AutoChoice.model_validate(one.auto))] if one.auto else []
        lines += [f"preflight: {one.preflight}"] if one.preflight else []
        lines += [one.lr_range] if one.lr_range else []
        lines += evidence(one.evidence)
        lines += [f"run by {one.holder}"] if one.holder else []
        lines += [f"{span(one.seconds_left)} left"] if one.seconds_left else []
        lines += infeasible(one.trials.get("infeasible", 0), one.replaceable)
        lines += [f"{many(one.unmet, 'trial')} {'does' if one.unmet == 1 else 'do'} not meet study.require"] * bool(
            one.unmet
        )
        lines += [f"checkpoints: {size(used)} on the disk"] if used else []
    if any(one.state == "INTERRUPTED" for one in studies):
        lines.append(
            "INTERRUPTED: the process that ran the study has ended; `hpsearch run` with the same file resumes it"
        )
    parts = [head, *([wrapped("\n".join(lines))] if lines else [])]
    if len(studies) == 1 and studies[0].front is not None:
        parts += ["", *front.lines(studies[0].front, studies[0].unit, space)]
    if latest:
        rows = [
            ["" if one.number is None else f"trial {one.number}", *decision(one, studies[0].unit)] for one in latest
        ]
        parts += ["", "last decisions", table(rows, narrow=(3,))]
    return "\n".join(parts)


def evidence(sources: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each source of earlier results."""
    lines = []
    for one in sources:
        left = sum(some["trials"] for some in one["left_out"])
        usable = (
            f"{one['trials']} of the {many(one['trials'] + left, 'trial')}" if left else many(one["trials"], "trial")
        )
        if one.get("why_not"):
            lines.append(f"earlier results: none of {one['source']}: {one['why_not']}")
            continue
        own = "their ranks, by learn_from" if one.get("kind") == LEARNED else "not trials of this study"
        use = own if one["learns"] else "this search method does not use them"
        lines.append(f"earlier results: {usable} of {one['source']} ({use})")
    return lines


def infeasible(count: int, replaceable: int) -> list[str]:
    """Whether infeasible trials are replaced by other trials. replaceable: the most that are."""
    if not count:
        return []
    replaced = min(count, replaceable)
    if replaced == count:
        return [f"{many(count, 'infeasible trial')}: replaced by other trials"]
    some = f"{replaced} replaced by other trials, {count - replaced}" if replaced else "not replaced,"
    return [f"{many(count, 'infeasible trial')}: {some} counted in the number of trials of this search"]


def _row(one: StudyStatus, trained: str) -> list[str]:
    """The cells from `trials` on."""
    trials = ", ".join(f"{count} {state}" for state, count in one.trials.items() if count)
    if one.front is not None and one.best is not None:
        return [trials, trained, f"front of {many(len(one.front), 'trial')}"]
    best = one.best and f"{number(one.best.value)} (trial {one.best.trial}, {one.unit} {one.best.epoch}{one.best.mark})"
    no_best = "none meets study.require" if one.unmet else "none yet"
    return [trials or "none", trained, best or no_best]


def decision(one: Decision, unit: str) -> list[str]:
    """The cells of a decision: epoch or step, kind, reason."""
    return [f"{unit} {one.step}" if one.step else "", one.kind, first_line(one.reason)]
