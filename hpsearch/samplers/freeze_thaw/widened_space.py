"""The space of a search with `expand = true`: a range is widened if the slope of all trials leads out of it.

The rule is the same as in searches in rounds (`next_round`), but a range is widened, not moved, since the model also
uses the trials so far.
"""

from dataclasses import dataclass, field, replace

from hpsearch.core.history import History
from hpsearch.core.trial import Params, Trial
from hpsearch.samplers.freeze_thaw.fits import fitted_at
from hpsearch.samplers.freeze_thaw.seen_curves import Curve, before
from hpsearch.samplers.recipe.search_ranges import SearchRange, full_ranges, narrowed, numbers
from hpsearch.samplers.recipe.slopes import NextRound, RoundEvidence, next_round
from hpsearch.study.space import Space

BEST = 3
"""The number of best trials that `next_round` gets."""


@dataclass
class WidenedSpace:
    """A cache of the space of one history. The space depends on the reports up to the time when the number of trials
    had last grown by `GROWTH`, so a resumed search has the same space.

    first: the number of trials after which ranges are first widened. epoch: the epoch at which trials are compared.
    """

    space: Space
    first: int
    epoch: int
    _history: History | None = field(default=None, repr=False)
    _found: dict[int, NextRound] = field(default_factory=dict, repr=False)

    def __reduce__(self) -> tuple[type, tuple[Space, int, int]]:
        return WidenedSpace, (self.space, self.first, self.epoch)

    def of(self, history: History) -> tuple[Space, Params | None]:
        """The space, and the estimated optimum as the next new trial, once after each update of the space."""
        if not any(one.expand for one in numbers(self.space)):
            return self.space, None
        if history is not self._history:
            self._history, self._found = history, {0: NextRound(full_ranges(self.space))}
        count = fitted_at(len(history), self.first)
        found = self._after(history, count)
        is_same = found.ranges == self._found[0].ranges
        space = self.space if is_same else narrowed(self.space, found.ranges)
        return space, found.estimate if len(history) == count else None

    def _after(self, history: History, count: int) -> NextRound:
        """The ranges and the estimate after `count` trials."""
        if count not in self._found:
            past = self._after(history, fitted_at(count - 1, self.first)).ranges
            trials = [one for one in before(history, history[count - 1].proposed_at) if one.curve]
            self._found[count] = self._judged(past, trials, history) if trials else NextRound(past)
        return self._found[count]

    def _judged(self, past: tuple[SearchRange, ...], trials: list[Trial], history: History) -> NextRound:
        losses = {one.number: Curve.of(one, history.objective).at(self.epoch) for one in trials}
        best = sorted(trials, key=lambda one: losses[one.number])[:BEST]
        seen = RoundEvidence([past], best, trials, lambda one: losses[one.number], len(trials))
        found = next_round(narrowed(self.space, past), seen, 0.0)
        wider = [
            replace(new, low=min(old.low, new.low), high=max(old.high, new.high)) if new.name in found.beyond else old
            for old, new in zip(past, found.ranges, strict=True)
        ]
        return NextRound(tuple(wider), (), found.estimate)
