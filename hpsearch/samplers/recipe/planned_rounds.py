"""The rounds of a search: the plan of each, and its results when it is over."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpsearch.core.history import History
from hpsearch.core.trial import Params, State, Trial, key_of
from hpsearch.samplers.recipe.search_ranges import SearchRange
from hpsearch.study.schedule import Progress, Rung
from hpsearch.study.space import Space

TOP_TRIALS = 3
"""The number of best trials that decide whether longer trainings may help."""

EARLY = 2 / 3
"""A trial with its best epoch before this fraction of its epochs is not expected to improve with more epochs."""


@dataclass(frozen=True)
class PlannedRound:
    """One round. first: the number of its first new trial. survivors: the trials of earlier rounds that it continues.
    repeats: the parameters of all its new trials, if they only differ in their seed.

    space: for its new trials, without dropped values of choices. estimate: the parameters of its first new trial (see
    `NextRound`). wide: one in so many new trials is drawn from the full space; 0: none. notes: the decisions and their
    reasons; the first `headlines` of them are about the whole round.
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
    estimate: Params | None = None
    wide: int = 0

    @property
    def end(self) -> int:
        return self.first + self.rung.new

    @property
    def trials(self) -> tuple[int, ...]:
        """The numbers of all trials of the round, continued ones first."""
        return (*self.survivors, *range(self.first, self.end))

    def is_over(self, history: History) -> bool:
        """Whether all its trials have ended, or a later round has started."""
        if len(history) < self.end or any(history[number].round < self.number for number in self.survivors):
            return False
        later = len(history) > self.end or any(trial.round > self.number for trial in history)
        return later or all(not trial.state.is_active for trial in history)


class PlannedRounds:
    """A cache of the rounds that were planned for one history; a planned round never changes.

    schedule: the index of the recipe's present schedule.
    """

    def __init__(self) -> None:
        self.history: History | None = None
        self.plans: list[PlannedRound] = []
        self.schedule = 0

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return PlannedRounds, ()

    def reset_for(self, history: History, first: PlannedRound) -> None:
        if history is not self.history:
            self.history, self.plans, self.schedule = history, [first], 0


def unextended(trial: Trial, until: int) -> Trial:
    """A trial without what it trained after the end of its round, such as by `hpsearch extend`. Its state stays."""
    return replace(trial, curve=trial.as_of(until).curve) if trial.epoch > until else trial


class RoundResults:
    """The results at the end of the last of these rounds: all trials in their state at that time."""

    def __init__(self, plans: Sequence[PlannedRound], history: History):
        self._plans, self._history, self.number_of = plans, history, history.number_of
        self.trials = self._after(len(plans))
        self.ranked = history.objective.succeeded(self.trials)
        self.epochs = sum(trial.epoch for trial in self.trials) + self._retrained()

    def _retrained(self) -> int:
        """The epochs that continued trials without checkpoints trained again."""
        reached: dict[int, int] = {}
        total = 0
        for plan in self._plans if self._history.restarts else ():
            total += sum(reached.get(number, 0) for number in plan.survivors)
            reached |= dict.fromkeys(plan.trials, plan.rung.epochs)
        return total

    def _after(self, rounds: int) -> list[Trial]:
        reached: dict[int, PlannedRound] = {number: plan for plan in self._plans[:rounds] for number in plan.trials}
        trials = ((self._history[number], plan.rung.epochs) for number, plan in sorted(reached.items()))
        return [trial.as_of(until) if trial.round > rounds else unextended(trial, until) for trial, until in trials]

    @property
    def progress(self) -> Progress:
        last = self._plans[-1]
        return Progress(last.number, last.rung.epochs, self.epochs, restarts=self._history.restarts)

    @property
    def latest(self) -> list[Trial]:
        """The trials of the last round that did not repeat parameters."""
        numbers = next(plan.trials for plan in reversed(self._plans) if plan.repeats is None)
        return [trial for trial in self.trials if trial.number in numbers]

    @property
    def started(self) -> list[Trial]:
        """The new trials of the last round that had any, in their state at the last epoch of that round."""
        plan = next(plan for plan in reversed(self._plans) if plan.repeats is None and plan.rung.new)
        new = [trial for trial in self.trials if plan.first <= trial.number < plan.end]
        return [trial.as_of(plan.rung.epochs) if trial.epoch > plan.rung.epochs else trial for trial in new]

    @property
    def paused(self) -> list[Trial]:
        """The PAUSED trials, the best first."""
        return [trial for trial in self.ranked if trial.state is State.PAUSED]

    @property
    def survivors(self) -> list[Trial]:
        """The PAUSED trials in the better half of all trials, the best first. They may be continued."""
        better = self.ranked[: max(TOP_TRIALS, (len(self.ranked) + 1) // 2)]
        return [trial for trial in better if trial.state is State.PAUSED]

    @property
    def best_is_early(self) -> bool:
        """Whether most of the best trials had their best epoch early (see EARLY)."""
        best = self.ranked[:TOP_TRIALS]
        judged = [(self._history.objective.judged(trial), trial.epoch) for trial in best]
        return 2 * sum(report is not None and report.step < EARLY * last for report, last in judged) > len(best)

    @property
    def noise(self) -> float | None:
        """The standard deviation over the seeds of the repeated parameters; None before a repeat."""
        for plan in self._plans:
            if plan.repeats is not None:
                same = [t for t in self.trials if t.number < plan.end and key_of(t.params) == key_of(plan.repeats)]
                losses = [loss for trial in same if math.isfinite(loss := self._history.loss(trial))]
                return float(np.std(losses, ddof=1)) if len(losses) > 1 else 0.0
        return None

    @property
    def gain(self) -> float:
        """The improvement of the last round's best over the best before it; negative if it is worse."""
        before = self._history.objective.succeeded(self._after(len(self._plans) - 1))
        old = self._history.loss(before[0]) if before else math.inf
        new = [self._history.loss(t) for t in self.ranked if t.number in self._plans[-1].trials]
        return old - min(new, default=math.inf)

    @property
    def outcome(self) -> str:
        """The result of the last round, as text."""
        objective, best = self._history.objective, self.ranked[0]
        value = f"{objective.metric} {objective.value(best):.4g} (trial {self.number_of(best.number)})"
        number = self._plans[-1].number
        if number == 1:
            return f"round 1 result: best {value}"
        if self.gain > 0:
            return f"round {number} result: improved by {self.gain:.3g}, best {value}"
        return f"round {number} result: no improvement, best still {value}"
