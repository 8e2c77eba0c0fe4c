"""The evidence of a study: results that its sampler learns from and that are not its trials.

They are the trials of the study that it was forked from, and imported results. Their parameters are converted to the
space of the study. Results that cannot be used are counted, with the reason.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hpsearch.core.clock import now_ms
from hpsearch.core.format import many, quoted
from hpsearch.core.trial import Objective, State, Trial
from hpsearch.journal import Journal, Lease, StudyRecord, recorded_imports
from hpsearch.orchestrator.changes.fork import FORK
from hpsearch.records.evidence_record import EVIDENCE
from hpsearch.study.definition import Study
from hpsearch.study.earlier_results import LeftOut, Unusable, Why, counted, fitted, ignored
from hpsearch.study.file.search_base import SearchSection
from hpsearch.study.space import Space

MAX_TRIALS = 500
"""The most earlier trials that a sampler gets. With 1,000 of them, a proposal of TPE takes 1 s and a proposal of a
Gaussian process 30 s on a busy machine."""


@dataclass(frozen=True)
class Source:
    """The results that a study uses of another study, or of an import.

    trials: the usable ones, with parameters of the study's space. ignored: parameters that the space does not have;
    their values are left out. other_fixed: parameters that had another fixed value there, as text. about: the
    journal's record of an import; empty for a study.
    """

    name: str
    trials: Sequence[Trial]
    left_out: Sequence[LeftOut] = ()
    ignored: Sequence[str] = ()
    other_fixed: Sequence[str] = ()
    about: Mapping[str, Any] = field(default_factory=dict)

    def document(self, search: SearchSection) -> dict[str, Any]:
        return {
            "source": self.name,
            "learns": search.learns,
            "trials": len(self.trials),
            "left_out": [one.document() for one in self.left_out],
            "ignored": list(self.ignored),
            **self.about,
        }

    def note(self, search: SearchSection) -> str:
        """Lines for the user: how many trials are used, and why others are not."""
        used, left = len(self.trials), sum(one.trials for one in self.left_out)
        whole = f"{many(used + left, 'trial')} of {self.name}"
        if not search.learns:
            return f"note: {search.label} search does not learn from earlier results: {whole} are not used"
        some = "" if not left else "none of the " if not used else f"{used} of the "
        lines = [f"note: the search learns from {some}{whole}"]
        lines += [f"  not used: {one.text}" for one in self.left_out]
        if self.ignored:
            lines.append(f"  not in [space], so the values are ignored: {quoted(self.ignored)}")
        lines += [f"  another fixed value: {one}" for one in self.other_fixed]
        return "\n".join(lines)


def of_study(study: Study, origin: StudyRecord, trials: Iterable[Trial], adopted: Collection[int]) -> Source:
    """The ended trials of the study that this one was forked from. adopted: copied trials, which are left out."""
    own = [one for one in trials if not (one.state.is_active or one.superseded or one.number in adopted)]
    then = origin.spec["space"]
    searched = [name for name, entry in then.items() if isinstance(entry, dict | list)]
    fixed = {name: entry for name, entry in then.items() if not isinstance(entry, dict | list)}
    found = of_trials(study, own, f'study "{origin.name}"', searched)
    return replace(found, other_fixed=[*_other_fixed(study.space, fixed, searched)])


def of_trials(study: Study, trials: Sequence[Trial], name: str, searched: Collection[str] | None = None) -> Source:
    """searched: see `fitted`."""
    used, reasons, extra = list[Trial](), list[Unusable](), dict[str, None]()
    for trial in trials:
        params = _why_no_result(trial, study.objective) or fitted(study.space, trial.params, searched)
        if isinstance(params, Unusable):
            reasons.append(params)
        else:
            used.append(replace(trial, params=params))
            extra |= dict.fromkeys(ignored(study.space, trial.params))
    return Source(name, used, counted(reasons), list(extra))


def _why_no_result(trial: Trial, objective: Objective) -> Unusable | None:
    """None for a trial with a result. A diverged or infeasible trial has one: it is worse than all others."""
    if trial.state is State.FAILED:
        return Unusable(Why.FAILED)
    if trial.diverged or trial.state is State.INFEASIBLE:
        return None
    reported = {name for report in trial.curve if report.step > 0 for name in report.metrics}
    required = sorted(name for one in objective.require for name in one.names_in(reported))
    needed = [*(goal.metric for goal in objective.goals), *required]
    return next((Unusable(Why.NO_VALUE, name) for name in needed if name not in reported), None)


def _other_fixed(space: Space, fixed: Mapping[str, Any], searched: Collection[str]) -> Iterator[str]:
    """Fixed values that differ from those of the earlier study."""
    for name, value in space.fixed.items():
        if name in fixed and fixed[name] != value:
            yield f"`{name}` was {fixed[name]}, is {value}"
        elif name not in fixed and name not in searched:
            yield f"`{name}` = {value} is new"


def sources(study: Study, journal: Journal, record: StudyRecord) -> list[Source]:
    """The origin of a fork, without copied trials; imports into the origin; imports into this study."""
    origin = journal.find(record.forked_from) if record.forked_from else None
    adopted = journal.documents(record.id).get(FORK, {}).get("adopted", ()) if origin else ()
    found = [of_study(study, origin, journal.trials(origin.id), adopted)] if origin else []
    for name in [*([origin.name] if origin else []), record.name]:
        found += [_of_import(study, one) for one in recorded_imports.of_study(journal, name)]
    return [one for one in found if one.trials or one.left_out]


def imported(study: Study, imports: Sequence[recorded_imports.Import]) -> list[Source]:
    """Imports into a study that has not started."""
    return [found for one in imports if (found := _of_import(study, one)).trials or found.left_out]


def for_sampler(found: Sequence[Source], objective: Objective) -> list[Trial]:
    """Their trials. Of more than `MAX_TRIALS`, the best half of that number, and of the others every n-th by rank."""
    trials = [trial for source in found for trial in source.trials]
    if len(trials) <= MAX_TRIALS:
        return trials
    order = sorted(range(len(trials)), key=lambda place: (objective.loss(trials[place]), place))
    best, others = order[: MAX_TRIALS // 2], order[MAX_TRIALS // 2 :]
    step = math.ceil(len(others) / (MAX_TRIALS - len(best)))
    return [trials[place] for place in sorted([*best, *others[::step]])]


def notes(found: Sequence[Source], study: Study) -> list[str]:
    """For the first run of a study."""
    lines = [source.note(study.search) for source in found]
    count, used = sum(len(source.trials) for source in found), len(for_sampler(found, study.objective))
    if study.search.learns and used < count:
        lines.append(
            f"note: the sampler uses {used} of these {many(count, 'trial')}, the best and every n-th of the others: "
            "with more, a proposal takes too long"
        )
    return lines


def record(found: Sequence[Source], study: Study, journal: Journal, own: StudyRecord, lease: Lease) -> None:
    """Record the evidence of the study, if there is any."""
    if found or EVIDENCE in journal.documents(own.id):
        journal.put_document(lease, EVIDENCE, document(found, study.search), at=now_ms())


def _of_import(study: Study, one: recorded_imports.Import) -> Source:
    name = one.source if one.study == study.study.name else f'{one.source}, imported into study "{one.study}"'
    said = {"same_trainer": one.document["same_trainer"]}
    return replace(of_trials(study, one.trials, name), about={"kind": one.kind, "at": one.at, **said})


def document(found: Sequence[Source], search: SearchSection) -> dict[str, Any]:
    """For the journal: see `EVIDENCE`."""
    return {"sources": [one.document(search) for one in found]}
