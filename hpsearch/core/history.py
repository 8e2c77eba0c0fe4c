"""The trials of a study so far, for samplers and pruners. Only the loop writes to it."""

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hpsearch.core.trial import Objective, Params, Report, State, Trial

_NOTHING: Mapping[int, float] = {}


class History:
    """All trials of a study by number, with the two indices that keep a decision cheap in a long search.

    A sampler or pruner is a pure function of it: the same history gives the same answer, after a restart too.
    epochs, busy: trained by all trials together, and the seconds that took.
    ended: how many times a trial has ended or paused (a paused one that is resumed ends again).
    evidence: trials of the study that this one was forked from, to learn from and never to continue.
    """

    def __init__(self, objective: Objective, trials: Iterable[Trial] = (), evidence: Sequence[Trial] = ()):
        self.objective = objective
        self.evidence = tuple(evidence)
        self._trials: list[Trial] = []
        self._losses: dict[int, dict[int, float]] = {}
        self.ended = 0
        self.epochs = 0
        self.busy = 0.0
        for trial in trials:
            self.put(trial)

    def put(self, trial: Trial) -> None:
        """Add the next trial, or replace the one with its number."""
        if trial.number > len(self._trials):
            raise ValueError(f"trial {trial.number} put before trial {len(self._trials)}")
        if trial.number == len(self._trials):
            self._trials.append(replace(trial, curve=(), busy=0.0))
        before, self._trials[trial.number] = self._trials[trial.number], trial
        known = len(before.curve)
        self.epochs += len(trial.curve) - known
        self.busy += trial.busy - before.busy
        self.ended = max(self.ended, trial.ended)
        best = self.losses_at(trial.curve[known - 1].step).get(trial.number, math.inf) if known else math.inf
        for report in trial.curve[known:]:
            loss = self.objective.loss_of(report)
            best = min(best, loss) if self.objective.at == "best" else loss
            self._losses.setdefault(report.step, {})[trial.number] = best

    def __len__(self) -> int:
        return len(self._trials)

    def __getitem__(self, number: int) -> Trial:
        return self._trials[number]

    def __iter__(self) -> Iterator[Trial]:
        return iter(self._trials)

    def losses_at(self, step: int) -> Mapping[int, float]:
        """Trial number -> its loss up to this epoch: the best so far, or that epoch's with at = "last".

        Smaller is better. Every trial is in it that reported this epoch, whatever became of it later.
        """
        return self._losses.get(step, _NOTHING)

    def loss(self, trial: Trial) -> float:
        return self.objective.loss(trial)

    def best(self) -> Trial | None:
        """The trial with the best value among those that did not fail or diverge; the earlier of equals."""
        return next(iter(self.objective.ranked(self._trials)), None)

    def as_of(self, ended: int) -> "History":
        """What was known when `ended` trials had ended: later ones are running, with no curve yet.

        So is a trial that had failed and is tried again: what it reports until it ends once more changes nothing here.
        It is a copy: a slow sampler may read it on a thread while the loop continues.
        """
        seen = (
            trial
            if 0 < trial.ended <= ended and not trial.state.is_active
            else replace(trial, state=State.RUNNING, curve=(), ended=0)
            for trial in list(self._trials)
        )
        return History(self.objective, seen, self.evidence)


@dataclass(frozen=True)
class BestTrial:
    """The trial with the best value among those that did not fail or diverge; the earlier of equals.

    trial: its number. value: of the study's metric, at the epoch by which the trial is judged. epoch: that one, from 1.
    """

    trial: int
    value: float
    epoch: int
    params: Params

    @classmethod
    def of(cls, history: History) -> "BestTrial | None":
        """None where no trial has a value."""
        best = history.best()
        report = history.objective.judged(best) if best is not None else None
        if best is None or report is None:
            return None
        return cls(best.number, report.metrics[history.objective.metric], report.step, dict(best.params))


def by_arrival(trials: Iterable[Trial]) -> Iterator[tuple[int, Report]]:
    """Each trial's number and report, of all curves together, in the order in which the driver received them."""
    curves = ([(report.at, trial.number, report) for report in trial.curve] for trial in trials)
    return ((number, report) for _, number, report in heapq.merge(*curves, key=lambda one: one[:2]))
