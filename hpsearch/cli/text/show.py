"""What was decided about a search, and one trial with its curve, in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hpsearch.cli.text import status
from hpsearch.core.format import columns, number, params_line, score
from hpsearch.core.trial import Report, State
from hpsearch.journal import TrainingSegment
from hpsearch.provenance import environment
from hpsearch.records.standing import StudyDetails, TrialDetails
from hpsearch.samplers.recipe.history_of_rounds import outline


def study(search: StudyDetails) -> str:
    parts = [status.text([search.standing])]
    if search.rounds is not None:
        parts += ["", _rounds(search.rounds)]
    others = [one for one in search.decisions if search.rounds is None or one.kind not in ("round", "over")]
    if others:
        parts += ["", "decisions", columns([status.decision(one) for one in others])]
    return "\n".join(parts)


def _rounds(document: Mapping[str, Any]) -> str:
    """A line for each round, then why each looks where it does."""
    rows = [["round", "trials", "to epoch", f"best {document['metric']}", "gained"]]
    rows += [_round(one) for one in document["rounds"]]
    notes = [line for one in document["rounds"] for line in ("", *outline(one))]
    return "\n".join([columns(rows), *notes, *(["", f"over: {document['over']}"] if document["over"] else [])])


def _round(one: Mapping[str, Any]) -> list[str]:
    older = sum(trial["continued"] for trial in one["trials"])
    count = f"{len(one['trials'])}" + (f", {older} of them continued" if older else "")
    best = f"{number(one['best']['value'])} (trial {one['best']['trial']})" if one["best"] else "none"
    gained = "" if one["gained"] is None else number(one["gained"]) if one["gained"] else "nothing"
    return [str(one["number"]), count, str(one["epochs"]), best, gained]


def trial(details: TrialDetails) -> str:
    record, trial = details.study.record, details.trial
    before = [f"preflight: {details.preflight}"] if details.preflight else []
    before += [details.lr_range] if details.lr_range else []
    parts = [
        f"{record.name}, trial {trial.number}: {trial.state}, {score(trial, details.study.objective)}",
        f"  {params_line(trial.params)}",
        f"  round {trial.round}, seed {trial.seed}, {trial.epoch} epochs in {trial.busy:.1f} s",
        f"  why these parameters: {trial.origin}",
        *(f"  {line}" for line in [*before, *_where(details.segments)]),
        f"  why {trial.state}: {trial.reason or 'it is under way'}",
    ]
    if trial.attempts > 1:
        parts.append(f"  {trial.attempts} attempts: its worker was lost {trial.attempts - 1} times")
    if trial.curve:
        parts += ["", _curve(trial.curve)]
    if details.decisions:
        parts += ["", "decisions", columns([status.decision(one) for one in details.decisions])]
    if trial.state is State.FAILED and trial.error:
        parts += ["", trial.error]
    return "\n".join(parts)


def _where(segments: Sequence[TrainingSegment]) -> Iterator[str]:
    """Where it was trained and on what; again only where that became different."""
    last: tuple[object, object] | None = None
    for segment in segments:
        if (segment.environment, segment.data) != last:
            since = f" from epoch {segment.after + 1} on" if last is not None else ""
            yield f"trained{since}: {environment.summary(segment.environment.document)}"
            yield from (f"data: {name} {digest[:12]}" for name, digest in segment.data.items())
        last = (segment.environment, segment.data)


def _curve(curve: Sequence[Report]) -> str:
    names = list(dict.fromkeys(name for report in curve for name in report.metrics))
    cells = ([number(one.metrics[name]) if name in one.metrics else "" for name in names] for one in curve)
    rows = [[str(one.step), *values] for one, values in zip(curve, cells, strict=True)]
    return columns([["epoch", *names], *rows])
