"""The rounds of a search: what each was planned to be, and what is known when it is over."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import History
from hpsearch.core.trial import Params, State, Trial
from hpsearch.samplers.recipe.search_ranges import SearchRange
from hpsearch.study.schedule import Progress, Rung
from hpsearch.study.space import Space

LEADERS = 3
"""So many of the best trials say whether longer trainings pay."""

EARLY = 2 / 3
"""Of its epochs: a trial whose best lies before has nothing to gain from more of them."""


@dataclass(frozen=True)
class PlannedRound:
    """One round. first: the number of its first new trial. survivors: those of earlier rounds that it trains on.
    repeats: what its new trials all have, if they do.

    space: that of its new trials, choices that have lost left out. notes: what was decided, and why; the first
    `headlines` of them are about the round as a whole.
    """

    number: int
    rung: Rung
    first: int
    ranges: tuple[SearchRange, ...]
    space: Space
    survivors: tuple[int, ...] = ()
    repeats: Params | None = None
    notes: tuple[str, ...] = ()
    headlines: int = 1

    @property
    def end(self) -> int:
        return self.first + self.rung.new

    @property
    def trials(self) -> tuple[int, ...]:
        """The numbers of all that are trained in it."""
        return (*self.survivors, *range(self.first, self.end))

    def is_over(self, history: History) -> bool:
        """All its trials have ended, or a later round has begun."""
        if len(history) < self.end or any(history[number].round < self.number for number in self.survivors):
            return False
        later = len(history) > self.end or any(trial.round > self.number for trial in history)
        return later or all(not trial.state.is_active for trial in history)


class PlannedRounds:
    """The rounds of the last history that was asked about: a round that was planned stays as it was.

    schedule: which of the recipe's schedules is at work.
    """

    def __init__(self) -> None:
        self.history: History | None = None
        self.plans: list[PlannedRound] = []
        self.schedule = 0

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return PlannedRounds, ()

    def look_at(self, history: History, first: PlannedRound) -> None:
        if history is not self.history:
            self.history, self.plans, self.schedule = history, [first], 0


class Results:
    """What is known when the last of these rounds is over: all trials as they were then."""

    def __init__(self, plans: Sequence[PlannedRound], history: History):
        self._plans, self._history = plans, history
        self.trials = self._after(len(plans))
        self.ranked = history.objective.ranked(self.trials)
        self.epochs = sum(trial.epoch for trial in self.trials)

    def _after(self, rounds: int) -> list[Trial]:
        reached: dict[int, PlannedRound] = {number: plan for plan in self._plans[:rounds] for number in plan.trials}
        trials = ((self._history[number], plan) for number, plan in sorted(reached.items()))
        return [trial.as_of(plan.rung.epochs) if trial.round > rounds else trial for trial, plan in trials]

    @property
    def progress(self) -> Progress:
        last = self._plans[-1]
        return Progress(last.number, last.rung.epochs, self.epochs)

    @property
    def latest(self) -> list[Trial]:
        """Those of the last round that searched."""
        numbers = next(plan.trials for plan in reversed(self._plans) if plan.repeats is None)
        return [trial for trial in self.trials if trial.number in numbers]

    @property
    def survivors(self) -> list[Trial]:
        """Those that pause and may go on, the best first: of the better half of all."""
        better = self.ranked[: max(LEADERS, (len(self.ranked) + 1) // 2)]
        return [trial for trial in better if trial.state is State.PAUSED]

    @property
    def best_lies_early(self) -> bool:
        """Whether the best epochs of most of the best trials are long past."""
        best = self.ranked[:LEADERS]
        judged = [(self._history.objective.judged(trial), trial.epoch) for trial in best]
        return 2 * sum(report is not None and report.step < EARLY * last for report, last in judged) > len(best)

    @property
    def noise(self) -> float | None:
        """The standard deviation over seeds of the parameters that were repeated; None before they were."""
        for plan in self._plans:
            if plan.repeats is not None:
                same = [t for t in self.trials if t.number < plan.end and dict(t.params) == dict(plan.repeats)]
                losses = [loss for trial in same if math.isfinite(loss := self._history.loss(trial))]
                return float(np.std(losses, ddof=1)) if len(losses) > 1 else 0.0
        return None

    @property
    def gain(self) -> float:
        """By how much the last round's best is better than the best before; negative where it is worse."""
        before = self._history.objective.ranked(self._after(len(self._plans) - 1))
        old = self._history.loss(before[0]) if before else math.inf
        new = [self._history.loss(t) for t in self.ranked if t.number in self._plans[-1].trials]
        return old - min(new, default=math.inf)

    @property
    def gained(self) -> str:
        """What the last round came to, in words."""
        objective, best = self._history.objective, self.ranked[0]
        value = f"{objective.metric} {objective.value(best):.4g} (trial {best.number})"
        number = self._plans[-1].number
        if number == 1:
            return f"round 1 found {value}"
        if self.gain > 0:
            return f"round {number} gained {self.gain:.3g}: {value}"
        return f"round {number} gained nothing: the best is still {value}"
