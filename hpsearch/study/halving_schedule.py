"""The rounds of a recipe that promotes trials as successive halving does (Li et al. 2018, arXiv 1810.05934).

A round either starts new trials, which train to the first rung, or continues the best paused trials of one rung to the
next. One in ETA of the trials at a rung continues, as in successive halving with promotion. The recipe decides from
which ranges new trials are drawn.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

from hpsearch.core.decisions import Over
from hpsearch.core.format import many
from hpsearch.core.trial import EPOCH, Cause
from hpsearch.study.schedule import MIN_TRIALS, Progress, Resource, Rung, first_rung

ETA = 3
"""One in ETA trials of a rung continues to the next rung, which is ETA times as long."""

FIRST_SHARE, SHARE = 0.3, 0.15
"""The share of the budget for the new trials of the first round, and of each later round, with their promotions."""

LAST_SHARE, MAX_SEEDS = 0.1, 2
"""Where epochs are divided by gains: the share of the budget that is reserved for training the best parameters to the
end with other seeds, and the largest number of these."""

BY_SHARE = {2 / 3: 4, 1 / 3: ETA, 0.0: 2}
"""One in so many trials of a rung continues, where new trials brought at least this share of the gain per epoch."""

SHORTEST_STEP = 1.25
"""The last rung is at least this many times as long as the rung before it."""


@dataclass(frozen=True)
class HalvingSchedule:
    """budget: the epochs of all trials together. longest: epochs of the last rung.

    by_gain: new and continued trials share the epochs by what each brought, the last epochs train the best trials to
    the end, and the best parameters with other seeds. False: one in ETA continues until the budget is spent.
    """

    budget: int
    longest: int
    unit: str = EPOCH
    by_gain: bool = False

    @property
    def resources(self) -> tuple[int, ...]:
        """The rungs, ascending: 1, 3, 9, … and `longest`; for training steps the first is `first_rung`."""
        found = [first_rung(self.longest, self.unit, ETA)]
        while found[-1] * ETA * SHORTEST_STEP <= self.longest:
            found.append(found[-1] * ETA)
        return tuple(dict.fromkeys([*found, self.longest]))

    @property
    def min_budget(self) -> int:
        """The minimum budget in epochs: for the first round."""
        return MIN_TRIALS * self.resources[0]

    @property
    def last_seeds(self) -> int:
        """With so many other seeds the best parameters are trained to the end, when all other epochs are spent."""
        return min(MAX_SEEDS, int(LAST_SHARE * self.budget / self.longest)) if self.by_gain else 0

    def first(self) -> Rung:
        return Rung(self.resources[0], 0, self._new(FIRST_SHARE, self.budget))

    def next(self, now: Progress, _resource: Resource, /) -> Rung | Over:
        """Continues trials from the highest rung that allows it; else starts new trials."""
        left = self.left(now.trained)
        if self.by_gain and left < self.longest and (last := self.last(now)):
            return last
        eta = self.eta(now)
        for low, high in reversed(list(pairwise(self.resources))):
            costs = [high if now.restarts else high - at for at in now.paused if low <= at < high]
            allowed = sum(at >= low for at in now.reached) // eta - sum(at >= high for at in now.reached)
            count = min(allowed, len(costs), left // max(costs, default=1))
            if count > 0:
                return Rung(high, count, 0)
        if (new := self._new(SHARE, max(0, left))) > 0:
            return Rung(self.resources[0], 0, new)
        rest = self.budget - now.trained
        numbers = {"budget": self.budget, "left": rest}
        return Over(f"the budget of {many(self.budget, self.unit)} is spent ({rest} left)", Cause.LIMIT, numbers)

    def eta(self, now: Progress) -> int:
        """One in so many trials of a rung continues."""
        return next(one for share, one in BY_SHARE.items() if now.new_share >= share) if self.by_gain else ETA

    def last(self, now: Progress) -> Rung | None:
        """The best paused trials, trained to the end, as many as the epochs that are left allow."""
        left = self.left(now.trained)
        costs = [self.longest if now.restarts else self.longest - at for at in now.paused if at < self.longest]
        count = sum(total <= left for total in accumulate(one for one in costs if one <= left))
        return Rung(self.longest, count, 0, at_end=True) if count else None

    def left(self, trained: int) -> int:
        """Epochs, without those that are reserved for other seeds."""
        return self.budget - trained - self.last_seeds * self.longest

    def lowest(self, rung: Rung, now: Progress) -> int:
        """The fewest epochs of a paused trial that continues in this round."""
        if rung.at_end:
            return 0 if now.restarts else self.longest - self.left(now.trained)
        return self.rung_below(rung.epochs)

    def rung_below(self, epochs: int) -> int:
        """The rung from which trials continue to the rung of these epochs; 0 below the first."""
        return max((one for one in self.resources if one < epochs), default=0)

    def may_repeat_rung(self, now: Progress, /) -> bool:
        """Only where enough epochs remain to train one trial to the end."""
        return self.budget - now.trained >= self.longest

    def repeats(self, _now: Progress, /) -> int:
        """Always 0: seeds are compared by `hpsearch evaluate`."""
        return 0

    def forecast(self, restarts: bool = False) -> Iterator[Rung]:
        """As `schedule.forecast`."""
        rung: Rung | Over = self.first()
        reached, trained, rounds = list[int](), 0, 0
        while isinstance(rung, Rung):
            yield rung
            rounds += 1
            low = self.rung_below(rung.epochs)
            waiting = [place for place, at in enumerate(reached) if low <= at < rung.epochs][: rung.survivors]
            trained += sum(rung.epochs if restarts else rung.epochs - reached[place] for place in waiting)
            trained += rung.new * rung.epochs
            for place in waiting:
                reached[place] = rung.epochs
            reached += [rung.epochs] * rung.new
            paused = [at for at in reached if at < self.longest]
            rung = self.next(Progress(rounds, rung.epochs, trained, paused, restarts, reached), Resource.MORE)
        if (seeds := min(self.last_seeds, (self.budget - trained) // self.longest)) > 0:
            yield Rung(self.longest, 0, seeds)

    def _new(self, share: float, left: int) -> int:
        """The number of new trials for this share of the budget. left: remaining epochs, which limit it."""
        rungs = self.resources
        later = sum((high - low) / ETA**place for place, (low, high) in enumerate(pairwise(rungs), start=1))
        return min(max(MIN_TRIALS, int(share * self.budget / (rungs[0] + later))), left // rungs[0])
