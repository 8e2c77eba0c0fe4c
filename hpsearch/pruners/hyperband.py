"""Hyperband (Li et al. 2016, arXiv 1603.06560), with asynchronous successive halving in each bracket."""

from dataclasses import dataclass
from functools import cached_property

from hpsearch.core.decisions import Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Trial
from hpsearch.pruners.halving import verdict_of
from hpsearch.pruners.promotion import Ladder, Promotion, best_promotion

_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Hyperband:
    """Several brackets of successive halving, for trials that learn slowly at first and are better later.

    The first rung of bracket b is epoch min_epochs x eta^b; the last bracket prunes (almost) nothing. The bracket of a
    trial depends only on its number, and a trial is compared only with the trials of its bracket.
    promote: as in `Halving`.
    min_epochs: >= 1. eta: >= 2. max_epochs: the most epochs that a trial may train.
    """

    min_epochs: int
    eta: int
    max_epochs: int
    promote: bool = False

    def judge(self, trial: Trial, history: History) -> Verdict:
        return verdict_of(self._ladder(self.bracket(trial.number)), trial, history, self.promote)

    def promotion(self, history: History, *, at_end: bool = False) -> Promotion | None:
        """The paused trial that should continue now, see `best_promotion`."""
        return best_promotion([self._ladder(one) for one in range(len(self.shares))], history, at_end)

    def _ladder(self, bracket: int) -> Ladder:
        first, has = self.first_rung(bracket), lambda number: self.bracket(number) == bracket
        return Ladder(f"hyperband, bracket {bracket}", first, self.eta, self.max_epochs, has)

    def first_rung(self, bracket: int) -> int:
        """The epoch of the bracket's first rung."""
        rung: int = self.min_epochs * self.eta**bracket
        return rung

    @cached_property
    def shares(self) -> tuple[float, ...]:
        """The fraction of all trials in each bracket, by the sizes of Algorithm 1: (B / s) x eta^s."""
        brackets = 1
        while self.first_rung(brackets) <= self.max_epochs:
            brackets += 1
        sizes = [-(-brackets * self.eta**s // (s + 1)) for s in reversed(range(brackets))]
        return tuple(size / sum(sizes) for size in sizes)

    def bracket(self, number: int) -> int:
        """The bracket of a trial, by Fibonacci hashing (Knuth, TAOCP 3, section 6.4).

        The fractions of consecutive numbers in the brackets are almost exactly `shares`.
        """
        place = (number + 1) * _GOLDEN % 1.0
        for bracket, share in enumerate(self.shares):
            place -= share
            if place < 0:
                return bracket
        return len(self.shares) - 1
