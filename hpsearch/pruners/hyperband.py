"""Hyperband (Li et al. 2016, arXiv 1603.06560), its brackets run by asynchronous successive halving."""

from dataclasses import dataclass
from functools import cached_property

from hpsearch.core.decisions import Continue, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Trial
from hpsearch.pruners.halving import is_rung, judged_at_rung
from hpsearch.pruners.ranks import is_where_asked

_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Hyperband:
    """Hedges against curves that cross: bracket b first judges at min_epochs x eta^b, the last one (almost) never.

    A trial's bracket follows from its number alone, and it is compared with the trials of its bracket only.
    min_epochs >= 1, eta >= 2, max_epochs: the most that a trial may train.
    """

    min_epochs: int
    eta: int
    max_epochs: int

    def judge(self, trial: Trial, history: History) -> Verdict:
        own = self.bracket(trial.number)
        if is_where_asked(trial) or not is_rung(trial.epoch, self.first_rung(own), self.eta, self.max_epochs):
            return Continue()
        losses = {n: loss for n, loss in history.losses_at(trial.epoch).items() if self.bracket(n) == own}
        return judged_at_rung(f"hyperband, bracket {own}", trial, losses, self.eta, history)

    def first_rung(self, bracket: int) -> int:
        """The epoch at which the bracket's trials are first judged."""
        rung: int = self.min_epochs * self.eta**bracket
        return rung

    @cached_property
    def shares(self) -> tuple[float, ...]:
        """The part of all trials that goes into each bracket, by the sizes of Algorithm 1: (B / s) x eta^s."""
        brackets = 1
        while self.first_rung(brackets) <= self.max_epochs:
            brackets += 1
        sizes = [-(-brackets * self.eta**s // (s + 1)) for s in reversed(range(brackets))]
        return tuple(size / sum(sizes) for size in sizes)

    def bracket(self, number: int) -> int:
        """Fibonacci hashing (Knuth, TAOCP 3, section 6.4): any run of numbers is shared out almost exactly."""
        place = (number + 1) * _GOLDEN % 1.0
        for bracket, share in enumerate(self.shares):
            place -= share
            if place < 0:
                return bracket
        return len(self.shares) - 1
