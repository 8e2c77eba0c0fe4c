"""What a study will run, worked out without running it."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.samplers.base import Sampler
from hpsearch.study import definition as sections
from hpsearch.study.definition import Study
from hpsearch.study.schedule import BudgetSchedule, FixedSchedule, Schedule, forecast

MOST = 5
"""So many proposals of a study are shown beforehand."""


@dataclass(frozen=True)
class Round:
    """So many proposals, each trained to epoch `epochs`; `continued` of them at most go on from an earlier round."""

    trials: int
    epochs: int
    continued: int = 0


def rounds(study: Study) -> list[Round]:
    """The rounds of the study, as far as limits.trials lets them come; a search without rounds is one."""
    return list(_limited(_asked_for(study), study.limits.trials))


def _asked_for(study: Study) -> list[Round]:
    epochs = study.trainer.epochs
    match study.search:
        case sections.Grid():
            return [Round(study.space.grid_size() or 0, epochs)]
        case sections.Random(trials=trials) | sections.Bayesian(trials=trials):
            return [Round(trials, epochs)]
        case sections.CoarseToFine(rounds=given, keep=keep):
            before = [0, *(one.trials for one in given)]
            kept = [min(math.ceil(keep * one.trials - 1e-9), most) for one, most in zip(given, before, strict=False)]
            return [Round(one.trials, one.epochs, most) for one, most in zip(given, kept, strict=True)]
        case sections.Recipe() as search:
            return [Round(one.trials, one.epochs, one.survivors) for one in forecast(stages(study, search)[-1])]
        case sections.FixedList(sets=sets, seeds=seeds):
            return [Round(len(sets) * seeds, max(one.epochs or epochs for one in sets))]


def stages(study: Study, search: sections.Recipe) -> list[Schedule]:
    """What sizes the rounds of a recipe: for each budget that it has had one."""
    if search.budget is None:
        return [FixedSchedule(search.rounds, search.keep)]
    return [BudgetSchedule(budget, study.trainer.epochs) for budget in (*search.budget.earlier, search.budget.epochs)]


def _limited(asked_for: Iterable[Round], most: int | None) -> Iterator[Round]:
    """Until `most` trials have been started; then none is continued either."""
    left = math.inf if most is None else most
    for one in asked_for:
        new = min(one.trials - one.continued, left)
        if left > 0:
            yield replace(one, trials=one.continued + int(new))
        left -= new


def proposals(study: Study) -> int:
    """How many trials are started or continued in all, if no other limit ends the study before."""
    return sum(one.trials for one in rounds(study))


def certain_proposals(study: Study) -> int | None:
    """As `proposals`; None where their number follows from what is found."""
    search = study.search
    return None if isinstance(search, sections.Recipe) and search.budget is not None else proposals(study)


def all_epochs(study: Study) -> int:
    """Epochs if nothing is pruned or stopped early; a continued trial trains only what it has not trained."""
    total, before = 0, 0
    for one in rounds(study):
        total += (one.trials - one.continued) * one.epochs + one.continued * (one.epochs - before)
        before = one.epochs
    if isinstance(study.search, sections.Recipe) and study.search.budget is not None:
        total = study.search.budget.epochs
    return total if study.limits.epochs is None else min(total, study.limits.epochs)


def first_proposals(study: Study, sampler: Sampler) -> list[New]:
    """What a new study proposes before anything is known, at most MOST."""
    history = History(study.objective)
    first: list[New] = []
    while len(first) < min(MOST, _blind(study)):
        proposal = sampler.ask(history)
        if not isinstance(proposal, New):
            break
        first.append(proposal)
        history.put(Trial(len(history), proposal.params, 0, proposal.until, State.RUNNING))
    return first


def _blind(study: Study) -> int:
    """So many proposals look at no result."""
    startup = study.search.startup_trials if isinstance(study.search, sections.Bayesian) else MOST
    return min(startup, proposals(study))


def changed_rounds(recorded: Mapping[str, Any], study: Study) -> list[str]:
    """Which rounds of a recorded study are not as they were, in words; others were drawn from what they found.

    Rounds that are added, and a last one with more trials, are a larger budget; one of epochs may not become smaller.
    """
    now = study.spec()["search"]
    before, after = recorded["search"].get("rounds", []), now.get("rounds", [])
    changed = list(_changed_budget(recorded["search"].get("budget"), now.get("budget")))
    for i, was in enumerate(before):
        given = after[i] if i < len(after) else {}
        is_larger = i == len(before) - 1 and given.get("epochs") == was["epochs"] and given["trials"] > was["trials"]
        if given != was and not is_larger:
            changed.append(f"search.rounds.{i}: was {was}, is {given or 'absent'}")
    return changed


def _changed_budget(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[str]:
    was, now = (budget and budget["epochs"] for budget in (before, after))
    if (was is None) != (now is None) or (was and now and now < was):
        yield f"search.budget.epochs: was {was or 'absent'}, is {now or 'absent'}"
