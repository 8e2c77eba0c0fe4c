"""[search] learn_from: earlier studies on other data, read once when a study starts.

They are recorded with the study, so that a continued study proposes the same trials even if the earlier studies have
changed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

from hpsearch.core.clock import now_ms
from hpsearch.core.errors import NotFound
from hpsearch.core.format import many, quoted, value_text
from hpsearch.core.history import History
from hpsearch.core.related import RelatedStudy, RelatedTrial
from hpsearch.core.trial import Objective, Params, State, Trial
from hpsearch.journal import Journal, Lease, StudyRecord
from hpsearch.orchestrator.held_study import HeldStudy
from hpsearch.records.evidence_record import LEARNED, related_of
from hpsearch.records.find import JournalStudy
from hpsearch.samplers.observations import comparable, observations
from hpsearch.study.cells import value_of
from hpsearch.study.definition import Study
from hpsearch.study.earlier_results import LeftOut, Unusable, Why, counted
from hpsearch.study.file.faults import did_you_mean
from hpsearch.study.file.search_base import SearchSection
from hpsearch.study.space import Choice, Parameter, Space, offers

MAX_TRIALS = 200
"""The most trials of one earlier study that are recorded."""

MIN_TRIALS = 5
"""A study with fewer usable trials is left out: ranks of so few trials are not informative."""


@dataclass(frozen=True)
class Learned:
    """An earlier study, in the space of this one. why_not: why it is not used; "" if it is used. missing: parameters
    that only this study searches. ignored: parameters that only the earlier study searches."""

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

    def note(self, search: SearchSection) -> str:
        name, used = self.study.name, len(self.study.trials)
        left = [f"  not used: {one.text}" for one in self.left_out]
        if self.why_not:
            return "\n".join([f'note: study "{name}" is not used: {self.why_not}', *left])
        best = "the first trials have the best parameters"
        does = "the search learns from the ranks" if search.traits.models_related else best
        lines = [f'note: {does} of {many(used, "trial")} of study "{name}": {quoted(self.study.parameters)}', *left]
        if self.missing:
            lines.append(f"  not searched there: {quoted(self.missing)}")
        if self.ignored:
            lines.append(f"  not searched here: {quoted(self.ignored)}")
        return "\n".join(lines)


def read(study: Study, origin: str | None = None) -> list[Learned]:
    """The earlier studies. NotFound: one of them is not recorded.

    origin: the name of the study that this one is forked from. If an earlier study was deleted, the origin's record of
    it is used.
    """
    names = study.search.learn_from or ()
    if not names:
        return []
    missing: list[str] = list(names)
    try:
        with Journal.open(study.journal_url, create=False) as journal:
            known = {one.name: one for one in journal.studies()}
            recorded = _recorded_by(journal, known.get(origin or ""))
            missing = [name for name in names if name not in known and name not in recorded]
            if not missing:
                return [
                    _learned(study, known[name], journal.trials(known[name].id))
                    if name in known
                    else _learned_again(study.space, recorded[name])
                    for name in names
                ]
            names_known: Sequence[str] = list(known)
    except NotFound:
        names_known = ()
    raise NotFound(f"search.learn_from: {_missing_text(study, missing, names_known)}")


def not_recorded(study: Study) -> str:
    """Which of the earlier studies the journal does not have; "" if it has all."""
    try:
        with Journal.open(study.journal_url, create=False) as journal:
            known = [one.name for one in journal.studies()]
    except NotFound:
        known = []
    missing = [name for name in study.search.learn_from or () if name not in known]
    return _missing_text(study, missing, known) if missing else ""


def _missing_text(study: Study, missing: Sequence[str], known: Sequence[str]) -> str:
    hints = "".join(dict.fromkeys(did_you_mean(name, known) for name in missing))
    return f"no study {quoted(missing)} is recorded in {study.journal_display}{hints}"


def _recorded_by(journal: Journal, origin: StudyRecord | None) -> dict[str, RelatedStudy]:
    documents = journal.documents(origin.id) if origin else {}
    return {one.name: one for one in related_of(documents)}


def unread(study: Study, held: HeldStudy | None, origin: str | None) -> list[Learned]:
    """As `read`, for a study that has not recorded them yet: it is new, or was killed at its start."""
    known = held is not None and LEARNED in held.journal.documents(held.record.id)
    return [] if known else read(study, origin)


def record(found: Sequence[Learned], journal: Journal, lease: Lease) -> None:
    if found:
        journal.put_document(lease, LEARNED, {"studies": [one.document() for one in found]}, at=now_ms())


def _learned(study: Study, record: StudyRecord, trials: Sequence[Trial]) -> Learned:
    earlier = JournalStudy(record)
    names = [one.name for one in earlier.space.parameters]
    ended = [one for one in trials if not one.state.is_active and not one.superseded]
    usable = [one for one in ended if one.state is not State.FAILED]
    objective = _compared(earlier.objective, study.objective)
    history = History(objective, [replace(one, number=i) for i, one in enumerate(usable)])
    losses = _losses(history, earlier.space, usable)
    rows = [(one.number, one.params, loss) for one, loss in zip(usable, losses, strict=True)]
    failed = [Unusable(Why.FAILED)] * (len(ended) - len(usable))
    found = _fitted(study.space, record.name, names, rows, failed)
    return replace(found, study=replace(found.study, trials=tuple(ranked(found.study.trials))))


def _learned_again(space: Space, recorded: RelatedStudy) -> Learned:
    """From another study's record of it, which lacks the parameters that the other study did not search."""
    rows = [(one.number, one.params, one.score) for one in recorded.trials]
    return _fitted(space, recorded.name, recorded.parameters, rows)


def _fitted(
    space: Space,
    name: str,
    there: Sequence[str],
    rows: Sequence[tuple[int, Params, float | None]],
    reasons: Sequence[Unusable] = (),
) -> Learned:
    """there: the parameters that the earlier study searches. rows: number, parameters and loss of each of its trials;
    None if it was trained for fewer epochs than the others. The scores of the returned trials are these losses."""
    shared = tuple(dict.fromkeys(one.name for one in space.parameters if _name_in(there, space, one.name) in there))
    missing = [one for one in dict.fromkeys(one.name for one in space.parameters) if one not in shared]
    former = {_name_in(there, space, one) for one in shared}
    ignored = list(dict.fromkeys(one for one in there if one not in former))
    nothing = Learned(RelatedStudy(name, (), ()), missing=missing, ignored=ignored)
    if not shared:
        return replace(nothing, why_not="the two studies search no common parameter")
    left, used = [*reasons], list[RelatedTrial]()
    for number, given, loss in rows:
        params = _shared_values(space, shared, given)
        if isinstance(params, Unusable):
            left.append(params)
        elif loss is None:
            left.append(Unusable(Why.SHORTER))
        else:
            used.append(RelatedTrial(number, params, loss))
    if len(used) < MIN_TRIALS:
        why = f"it has {many(len(used), 'usable trial')}; at least {MIN_TRIALS} are needed"
        return replace(nothing, why_not=why, left_out=counted(left))
    return Learned(RelatedStudy(name, shared, tuple(used)), counted(left), "", missing, ignored)


def _compared(earlier: Objective, own: Objective) -> Objective:
    """The objective that ranks the trials of the earlier study: its goals if both studies have several, else its goal
    with this study's metric, else its first goal."""
    if not earlier.others or own.others:
        return earlier
    goal = next((one for one in earlier.goals if one.metric == own.metric), earlier.goals[0])
    return replace(earlier, metric=goal.metric, goal=goal.goal, others=())


def _losses(history: History, space: Space, trials: Sequence[Trial]) -> list[float | None]:
    """A finite loss for each trial, in their order, also if it diverged or was pruned; None if it was trained for fewer
    epochs than the others."""
    found = observations(history, space)
    by_params = {id(one.params): loss for one, loss in zip(found, comparable(found), strict=True)}
    return [by_params.get(id(trial.params)) for trial in trials]


def _name_in(there: Collection[str], space: Space, name: str) -> str:
    """The name that a parameter has in an earlier study: its present one, or a former one."""
    earlier = space.earlier.get(name)
    return earlier.renamed if earlier and earlier.renamed and name not in there else name


def _shared_values(space: Space, shared: Sequence[str], given: Params) -> Params | Unusable:
    """The trial's values of the shared parameters. A number outside of the range is kept."""
    found: dict[str, Any] = {}
    for name in shared:
        if (former := _name_in(given, space, name)) not in given:
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


def ranked(trials: Sequence[RelatedTrial]) -> list[RelatedTrial]:
    """The trials with the normal quantiles of the ranks of their scores; equal scores have their mean rank. Of more
    than MAX_TRIALS, the best half of that number, and of the others every n-th."""
    ordered = sorted(trials, key=lambda one: (one.score, one.number))
    losses = [one.score for one in ordered]
    quantile, count = NormalDist().inv_cdf, len(ordered)
    scored = []
    for one in ordered:
        rank = losses.index(one.score) + (losses.count(one.score) - 1) / 2
        scored.append(replace(one, score=quantile((rank + 0.5) / count)))
    if count <= MAX_TRIALS:
        return scored
    best, others = scored[: MAX_TRIALS // 2], scored[MAX_TRIALS // 2 :]
    return [*best, *others[:: -(-len(others) // (MAX_TRIALS - len(best)))]]
