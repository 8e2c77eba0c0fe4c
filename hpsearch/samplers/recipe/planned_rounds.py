"""The rounds of a search: what each was planned to be, and what is known when it is over."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpsearch.core.history import History
from hpsearch.core.trial import Params, State, Trial
from hpsearch.samplers.recipe.search_ranges import SearchRange
from hpsearch.study.schedule import Progress, Size
from hpsearch.study.space import Space

LEADERS = 3
"""So many of the best trials say whether longer trainings pay."""

EARLY = 2 / 3
"""Of its epochs: a trial whose best lies before has nothing to gain from more of them."""


@dataclass(frozen=True)
class Plan:
    """One round. first: the number of its first new trial. repeats: what its new trials all have, if they do.

    space: that of its new trials, choices that have lost left out. notes: what was decided, and why.
    """

    number: int
    size: Size
    first: int
    windows: tuple[SearchRange, ...]
    space: Space
    continued: tuple[int, ...] = ()
    repeats: Params | None = None
    notes: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        return self.first + self.size.new

    @property
    def trials(self) -> tuple[int, ...]:
        """The numbers of all that are trained in it."""
        return (*self.continued, *range(self.first, self.end))

    def is_all_proposed(self, history: History) -> bool:
        return len(history) >= self.end and all(history[number].round >= self.number for number in self.continued)

    def is_over(self, history: History) -> bool:
        """All its trials have settled, or a later round has begun."""
        later = len(history) > self.end or any(trial.round > self.number for trial in history)
        return self.is_all_proposed(history) and (later or all(not trial.state.is_active for trial in history))


class Plans:
    """The rounds of the last history that was asked about: a round that was planned stays as it was.

    stage: which of the recipe's stages is at work.
    """

    def __init__(self) -> None:
        self.history: History | None = None
        self.plans: list[Plan] = []
        self.stage = 0

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return Plans, ()

    def look_at(self, history: History, first: Plan) -> None:
        if history is not self.history:
            self.history, self.plans, self.stage = history, [first], 0


class Found:
    """What is known when the last of these rounds is over: all trials as they were then."""

    def __init__(self, plans: Sequence[Plan], history: History):
        self._plans, self._history = plans, history
        self.trials = self._after(len(plans))
        self.ranked = _ranked(self.trials, history)
        self.epochs = sum(trial.epoch for trial in self.trials)

    def _after(self, rounds: int) -> list[Trial]:
        reached: dict[int, Plan] = {number: plan for plan in self._plans[:rounds] for number in plan.trials}
        return [_as_of(self._history[number], plan, rounds) for number, plan in sorted(reached.items())]

    @property
    def progress(self) -> Progress:
        last = self._plans[-1]
        return Progress(last.number, last.size.epochs, self.epochs)

    @property
    def latest(self) -> list[Trial]:
        """Those of the last round that searched."""
        numbers = next(plan.trials for plan in reversed(self._plans) if plan.repeats is None)
        return [trial for trial in self.trials if trial.number in numbers]

    @property
    def promising(self) -> list[Trial]:
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
        before = _ranked(self._after(len(self._plans) - 1), self._history)
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


def _as_of(trial: Trial, plan: Plan, rounds: int) -> Trial:
    """The trial as it was after so many rounds, the last of which it was in was `plan`; continued later, it PAUSED."""
    if trial.round <= rounds:
        return trial
    curve = tuple(report for report in trial.curve if report.step <= plan.size.epochs)
    return replace(trial, state=State.PAUSED, reason="", curve=curve)


def _ranked(trials: Sequence[Trial], history: History) -> list[Trial]:
    fit = (t for t in trials if t.state is not State.FAILED and math.isfinite(history.loss(t)))
    return sorted(fit, key=history.loss)
