"""A fixed list of parameter sets, each trained with several seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from hpsearch.core.decisions import New, Resume
from hpsearch.core.history import History
from hpsearch.core.trial import Params, State, key_of


@dataclass(frozen=True)
class ParameterSet:
    """One set of parameters, and the epochs of its trials."""

    params: Params
    epochs: int


@dataclass(frozen=True)
class FixedList:
    """Trains every set with one seed before any set gets a second one. Recorded trials are found by their parameters,
    so sets, seeds and epochs can be added to a study that has ended, and no trial is trained twice.
    """

    slow: ClassVar[bool] = False

    sets: Sequence[ParameterSet]
    seeds: int

    def ask(self, history: History) -> New | Resume | None:
        trials = [[trial for trial in history if key_of(trial.params) == key_of(one.params)] for one in self.sets]
        for place, (one, own) in enumerate(zip(self.sets, trials, strict=True), 1):
            for trial in own:
                if trial.state is State.PAUSED and trial.epoch < one.epochs:
                    reason = f"parameter set {place}: continued to {history.objective.unit} {one.epochs}"
                    return Resume(trial.number, one.epochs, reason)
        fewest = min(map(len, trials), default=self.seeds)
        if fewest >= self.seeds:
            return None
        place = next(i for i, own in enumerate(trials) if len(own) == fewest)
        one = self.sets[place]
        reason = f"parameter set {place + 1} of {len(self.sets)}, seed {fewest + 1} of {self.seeds}"
        return New(one.params, one.epochs, reason)
