"""The plan of a study: its rounds, proposals and epochs, computed without running it."""

import math
from dataclasses import replace

from hpsearch.core.time_left import Workload
from hpsearch.core.trial import ASK_AND_TELL
from hpsearch.study.definition import Study
from hpsearch.study.file.prune_sections import HalvingPrune, HyperbandPrune, NeverPrune, OwnPrune
from hpsearch.study.file.search_sections import Bayesian, Own, Random, Recipe
from hpsearch.study.schedule import Rung


def rounds(study: Study, restarts: bool = False) -> list[Rung]:
    """The rounds of the study, until limits.trials trials have been started; after that no trial is continued either.
    A search without rounds has one round. Empty if the number of trials depends on the sampler.

    restarts: without checkpoints, a continued trial trains again from epoch 1.
    """
    found: list[Rung] = []
    left = math.inf if study.limits.trials is None else study.limits.trials
    rungs = study.search.rungs(study.space, study.trainer.epochs, study.trainer.word)
    if restarts and isinstance(study.search, Recipe):
        rungs = study.search.forecast(study.space, study.trainer.epochs, study.trainer.word, restarts=restarts)
    for one in rungs:
        if left > 0:
            found.append(replace(one, new=int(min(one.new, left))))
        left -= one.new
    if not found and study.limits.trials is not None:
        found.append(Rung(study.trainer.epochs, 0, study.limits.trials))
    return found


def proposals(study: Study) -> int:
    """How many trials are started or continued in total, if no other limit ends the study first."""
    return sum(one.trials for one in rounds(study))


def blind_proposals(study: Study) -> float:
    """The maximum number of proposals that do not depend on results.

    With priors these are the points of `first` and one more: the others depend on how far the trials agree with them.
    """
    search = study.search
    if search.traits.uses_priors and any(one.prior is not None for one in study.space.parameters):
        return min(search.blind_proposals, len(search.first or ()) + 1)
    return search.blind_proposals


def trials(study: Study) -> int | None:
    """The total number of new trials; None if the sampler decides it."""
    return sum(one.new for one in rounds(study)) or None


def ends_by_epochs(study: Study) -> bool:
    """Whether limits.epochs ends the study before all its trials have started, since each trains at least one epoch.
    This is so with `method = "auto"`, unless it chooses a grid."""
    return study.limits.epochs is not None and (trials(study) or 0) >= study.limits.epochs


def certain_proposals(study: Study) -> int | None:
    """Like `proposals`; None if their number depends on the results or on the sampler."""
    is_open = study.search.epoch_budget is not None or promotes(study) or study.search.traits.freezes
    return None if is_open else proposals(study) or None


def promotes(study: Study) -> bool:
    """Whether halving pauses trials with checkpoints and continues them later. Never with ask and tell, since the
    caller would get the same trial twice."""
    halving = isinstance(study.prune, HalvingPrune | HyperbandPrune) and study.prune.promote
    return halving and study.search.traits.can_promote and study.trainer.use != ASK_AND_TELL


def may_resume(study: Study) -> bool:
    """Whether trials may be resumed within one run: in a later round, after a lost worker, with another share of
    limits.epochs, by promotion, by a freeze-thaw search, or by the user's own sampler or pruner."""
    own = isinstance(study.search, Own) or isinstance(study.prune, OwnPrune) or study.search.traits.freezes
    continued = any(one.survivors for one in rounds(study)) or study.limits.epochs is not None
    return own or continued or promotes(study) or study.resources.address != "none"


def replaceable(study: Study) -> int:
    """The maximum number of INFEASIBLE trials that the search replaces with others."""
    return study.limits.infeasible if isinstance(study.search, Random | Bayesian | Own) else 0


def workload(study: Study, restarts: bool = False) -> Workload:
    """The planned epochs, to estimate the remaining time."""
    budgets = [one for one in (study.search.epoch_budget, study.limits.epochs) if one is not None]
    prunes = study.is_paired or study.search.traits.freezes or not isinstance(study.prune, NeverPrune | None)
    epochs = (planned_epochs(study, restarts) or None) if study.search.epoch_budget is None else None
    return Workload(epochs, min(budgets, default=None), prunes or study.early_stopping is not None)


def trials_without_limit(study: Study) -> int:
    """How many trials the search would start without limits.trials; 0 if it depends on the sampler."""
    return sum(one.new for one in study.search.rungs(study.space, study.trainer.epochs, study.trainer.word))


def limited_epochs(study: Study, restarts: bool = False) -> int:
    """The smaller of `planned_epochs` and limits.epochs."""
    total = planned_epochs(study, restarts)
    return total if study.limits.epochs is None else min(total, study.limits.epochs)


def planned_epochs(study: Study, restarts: bool = False) -> int:
    """Epochs of the study if nothing is pruned or stopped early. A continued trial trains only its remaining epochs, or
    all of them with `restarts`."""
    total, before = 0, 0
    for one in rounds(study, restarts):
        total += one.new * one.epochs + one.survivors * (one.epochs - (0 if restarts else before))
        before = one.epochs
    return study.search.epoch_budget or total
