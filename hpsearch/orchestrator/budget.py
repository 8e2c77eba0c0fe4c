"""Shares limits.epochs out among the trials that run at once, so that all together never train more."""

import math

from hpsearch.core.history import History
from hpsearch.core.trial import Trial


class EpochBudget:
    """limit: the most epochs of all trials together, None for no limit.

    A trial that starts is granted a share of what is left, at most what it wants. With one worker that is all it
    wants; near the end, workers get smaller shares, and their trials go on with another as long as there is one.
    """

    def __init__(self, limit: int | None):
        self._limit = limit
        self._granted: dict[int, int] = {}

    def has_more(self, history: History) -> bool:
        return self._left(history) > 0

    def grant(self, trial: Trial, history: History, workers: int) -> int:
        """The epoch that a trial may train to now. workers: how many are free, this one included."""
        share = max(1.0, self._left(history) / workers)
        until = self._granted[trial.number] = math.floor(min(trial.until, trial.epoch + share))
        return until

    def is_spent_by(self, trial: Trial) -> bool:
        """Whether it has trained its share, and wants more."""
        return trial.epoch >= self._granted[trial.number]

    def give_back(self, number: int) -> None:
        """What it was granted and has not trained is for others."""
        self._granted.pop(number, None)

    def _left(self, history: History) -> float:
        """Epochs that are neither trained nor granted."""
        if self._limit is None:
            return math.inf
        granted = sum(until - history[number].epoch for number, until in self._granted.items())
        return self._limit - history.epochs - granted
