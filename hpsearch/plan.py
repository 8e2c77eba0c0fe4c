"""What a study will run, worked out without running it."""

import math
from dataclasses import dataclass

from hpsearch import study as sections
from hpsearch.history import History
from hpsearch.samplers.base import Sampler
from hpsearch.study import Study
from hpsearch.trial import New, State, Trial


@dataclass(frozen=True)
class Round:
    """So many proposals, each trained to epoch `epochs`; `continued` of them at most go on from an earlier round."""

    trials: int
    epochs: int
    continued: int = 0


def rounds(study: Study) -> list[Round]:
    """The rounds of the study; a search without rounds is one."""
    epochs = study.trainer.epochs
    match study.search:
        case sections.Grid():
            return [Round(study.space.grid_size() or 0, epochs)]
        case sections.Random(trials=trials) | sections.Bayesian(trials=trials):
            return [Round(trials, epochs)]
        case sections.CoarseToFine(rounds=given, keep=keep):
            kept = [0, *(math.ceil(keep * one.trials) for one in given[1:])]
            return [Round(one.trials, one.epochs, most) for one, most in zip(given, kept, strict=True)]


def proposals(study: Study) -> int:
    """How many trials are started or continued in all, if no limit ends the study before."""
    total = sum(one.trials for one in rounds(study))
    return total if study.limits.trials is None else min(total, study.limits.trials)


def most_epochs(study: Study) -> int:
    """Epochs if nothing is pruned or stopped early; a continued trial trains only what it has not trained."""
    total, before = 0, 0
    for one in rounds(study):
        total += (one.trials - one.continued) * one.epochs + one.continued * (one.epochs - before)
        before = one.epochs
    return total


def first_proposals(study: Study, sampler: Sampler, count: int = 5) -> list[New]:
    """What a new study proposes before anything is known."""
    history = History(study.objective)
    first: list[New] = []
    while len(first) < count:
        proposal = sampler.ask(history)
        if not isinstance(proposal, New):
            break
        first.append(proposal)
        history.put(Trial(len(history), proposal.params, 0, proposal.until, State.RUNNING))
    return first
