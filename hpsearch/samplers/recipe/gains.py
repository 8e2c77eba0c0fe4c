"""What new and continued trials have gained so far, by which a recipe divides its budget."""

import math
from collections.abc import Callable, Sequence

from hpsearch.core.trial import Trial
from hpsearch.samplers.recipe.planned_rounds import PlannedRound

EVEN = 0.5
"""The share of new trials where no round has gained anything."""


def new_share(plans: Sequence[PlannedRound], trials: Sequence[Trial], loss: Callable[[Trial], float]) -> float:
    """The share of new trials in the gain per epoch of all rounds after the first, in [0, 1].

    A round gains by how much its best loss is below the best before it. The gain belongs to the trial that has this
    loss: to the new ones where it is of the trials that were started last, otherwise to the continued ones.
    """
    best, newest = math.inf, 0
    reached: dict[int, int] = {}
    gained, spent = {True: 0.0, False: 0.0}, {True: 0, False: 0}
    for plan in plans:
        newest = plan.first if plan.rung.new and plan.repeats is None else newest
        losses = {n: loss(trials[n].as_of(plan.rung.epochs)) for n in plan.trials if n < len(trials)}
        first = min(losses, key=losses.__getitem__, default=None)
        if plan.repeats is None and first is not None and math.isfinite(best):
            gained[first >= newest] += max(0.0, best - losses[first])
            for number in losses:
                spent[number >= newest] += max(0, plan.rung.epochs - reached.get(number, 0))
        reached |= dict.fromkeys(losses, plan.rung.epochs)
        best = min([best, *losses.values()])
    rates = {kind: gained[kind] / spent[kind] if spent[kind] else 0.0 for kind in gained}
    total = sum(rates.values())
    return rates[True] / total if total > 0 else EVEN
