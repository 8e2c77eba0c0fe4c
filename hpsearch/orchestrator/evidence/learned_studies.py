"""[search] learn_from: earlier studies on other data, read once when a study starts.

What was read is recorded with the study, so that a continued study proposes the same trials, whatever happened to the
earlier ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

from hpsearch.core.clock import now_ms
from hpsearch.core.errors import NotFound
from hpsearch.core.format import many, quoted, value_text
from hpsearch.core.history import History
from hpsearch.core.related import RelatedStudy, RelatedTrial
from hpsearch.core.trial import Params, State, Trial
from hpsearch.journal import Journal, Lease, StudyRecord
from hpsearch.orchestrator.held_study import HeldStudy
from hpsearch.records.evidence_record import LEARNED
from hpsearch.records.find import JournalStudy
from hpsearch.samplers.observations import observations
from hpsearch.study.cells import value_of
from hpsearch.study.definition import Study
from hpsearch.study.earlier_results import LeftOut, Unusable, Why, counted
from hpsearch.study.file.faults import did_you_mean
from hpsearch.study.space import Choice, Parameter, Space, offers

MOST = 200
"""The most trials of one earlier study that are recorded."""

FEWEST = 5
"""A study with fewer usable trials is left out: their ranks say too little."""


@dataclass(frozen=True)
class Learned:
    """An earlier study, as this one can use it. why_not: why nothing of it is used; "" where something is. missing:
    parameters that only this study searches; ignored: those that only the earlier one does."""

    study: RelatedStudy
    left_out: Sequence[LeftOut] = ()
    why_not: str = ""
    missing: Sequence[str] = ()
    ignored: Sequence[str] = ()

    def document(self) -> dict[str, Any]:
        left = [one.document() for one in self.left_out]
        about = {
            "left_out": left,
            "why_not": self.why_not,
            "missing": list(self.missing),
            "ignored": list(self.ignored),
        }
        return {**self.study.document(), **about}

    @property
    def note(self) -> str:
        name, used = self.study.name, len(self.study.trials)
        left = [f"  not used: {one.text}" for one in self.left_out]
        if self.why_not:
            return "\n".join([f'note: nothing of study "{name}" is used: {self.why_not}', *left])
        shared = quoted(self.study.parameters)
        head = f'note: the search learns from the ranks of {many(used, "trial")} of study "{name}": {shared}'
        lines = [head, *left]
        if self.missing:
            lines.append(f"  not searched there: {quoted(self.missing)}")
        if self.ignored:
            lines.append(f"  not searched here: {quoted(self.ignored)}")
        return "\n".join(lines)


def read(study: Study) -> list[Learned]:
    """What the earlier studies say. NotFound: one of them is not recorded."""
    names = study.search.learn_from or ()
    if not names:
        return []
    missing: list[str] = list(names)
    try:
        with Journal.open(study.journal_url, create=False) as journal:
            known = {one.name: one for one in journal.studies()}
            missing = [name for name in names if name not in known]
            if not missing:
                return [_learned(study.space, known[name], journal.trials(known[name].id)) for name in names]
            hint = did_you_mean(missing[0], known)
    except NotFound:
        hint = ""
    raise NotFound(f"search.learn_from: no study {quoted(missing)} is recorded in {study.journal_display}{hint}")


def unread(study: Study, held: HeldStudy | None) -> list[Learned]:
    """As `read`, for a study that has not recorded it yet: a new one, or one that was killed as it began."""
    known = held is not None and LEARNED in held.journal.documents(held.record.id)
    return [] if known else read(study)


def record(found: Sequence[Learned], journal: Journal, lease: Lease) -> None:
    if found:
        journal.put_document(lease, LEARNED, {"studies": [one.document() for one in found]}, at=now_ms())


def _learned(space: Space, record: StudyRecord, trials: Sequence[Trial]) -> Learned:
    earlier = JournalStudy(record)
    there = earlier.space
    names = dict.fromkeys(one.name for one in space.parameters)
    shared = tuple(name for name in names if any(one.name == _former(space, name) for one in there.parameters))
    missing = [name for name in names if name not in shared]
    former = {_former(space, name) for name in shared}
    ignored = list(dict.fromkeys(one.name for one in there.parameters if one.name not in former))
    nothing = Learned(RelatedStudy(record.name, (), ()), missing=missing, ignored=ignored)
    if not shared:
        return replace(nothing, why_not="the two studies search no common parameter")
    ended = [one for one in trials if not one.state.is_active and not one.superseded]
    reasons = [Unusable(Why.FAILED) for one in ended if one.state is State.FAILED]
    usable = [one for one in ended if one.state is not State.FAILED]
    history = History(replace(earlier.objective, others=()), [replace(one, number=i) for i, one in enumerate(usable)])
    # An observation has finite losses also where a trial diverged or was pruned.
    losses = _losses(history, there, usable)
    rows: list[tuple[int, Params, float]] = []
    for trial, loss in zip(usable, losses, strict=True):
        params = _shared_values(space, shared, trial.params)
        if isinstance(params, Unusable):
            reasons.append(params)
        elif loss is None:
            reasons.append(Unusable(Why.SHORTER))
        else:
            rows.append((trial.number, params, loss))
    left = counted(reasons)
    if len(rows) < FEWEST:
        why = f"it has {many(len(rows), 'usable trial')}, and {FEWEST} are needed for their ranks"
        return replace(nothing, why_not=why, left_out=left)
    return Learned(RelatedStudy(record.name, shared, tuple(_ranked(rows))), left, "", missing, ignored)


def _losses(history: History, space: Space, trials: Sequence[Trial]) -> list[float | None]:
    """The finite loss of each trial, in their order; None where it was trained shorter than the others."""
    by_params = {id(one.params): one.loss for one in observations(history, space)}
    return [by_params.get(id(trial.params)) for trial in trials]


def _former(space: Space, name: str) -> str:
    earlier = space.earlier.get(name)
    return earlier.renamed if earlier and earlier.renamed else name


def _shared_values(space: Space, shared: Sequence[str], given: Params) -> Params | Unusable:
    """The values of the shared parameters that the trial has. A number outside of the range stays as it is."""
    found: dict[str, Any] = {}
    for name in shared:
        if (former := _former(space, name)) not in given:
            continue
        own = [one for one in space.parameters if one.name == name]
        values = [value for one in own if (value := _value(one, given[former])) is not None]
        if not values:
            texts = [value_text(value) for one in own if isinstance(one, Choice) for value in one.values[:20]]
            return Unusable(Why.DROPPED, name, ", ".join(texts)) if texts else Unusable(Why.KIND, name, "a number")
        found[name] = values[0]
    return found


def _value(parameter: Parameter, cell: Any) -> Any:
    value = value_of(parameter, cell)
    if value is None or (isinstance(parameter, Choice) and not offers(parameter, value)):
        return None
    if not isinstance(parameter, Choice) and abs(parameter.to_unit(value)) == float("inf"):
        return None
    return value


def _ranked(rows: Sequence[tuple[int, Params, float]]) -> list[RelatedTrial]:
    """With the normal quantiles of their ranks; equal losses have the mean of theirs. Where there are more than MOST,
    the best half of MOST, and of the others every n-th."""
    ordered = sorted(rows, key=lambda row: (row[2], row[0]))
    losses = [row[2] for row in ordered]
    quantile, count = NormalDist().inv_cdf, len(ordered)
    scored = []
    for number, params, loss in ordered:
        first = losses.index(loss)
        rank = first + (losses.count(loss) - 1) / 2
        scored.append(RelatedTrial(number, params, quantile((rank + 0.5) / count)))
    if count <= MOST:
        return scored
    best, others = scored[: MOST // 2], scored[MOST // 2 :]
    return [*best, *others[:: -(-len(others) // (MOST - len(best)))]]
