"""The trials of a study so far, for samplers and pruners. Only the loop writes to it."""

import heapq
import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hpsearch.core.related import RelatedStudy
from hpsearch.core.requirements import Unmet
from hpsearch.core.trial import Objective, Params, Report, State, Trial, key_of

_NOTHING: Mapping[int, float] = {}


class History:
    """All trials of a study by number, with indices that make decisions fast in a long search.

    A sampler or pruner is a pure function of the history, so it makes the same decisions after a restart.
    epochs: trained by all trials (the sum of their last steps, plus epochs that were trained again).
    busy: seconds of training of all trials.
    restarts: the trials have no checkpoints, so a continued trial trains again from its first epoch.
    ended: how many times a trial has ended or paused (a paused trial that is resumed ends again).
    uncounted: the most INFEASIBLE trials that `counted` leaves out (limits.infeasible).
    evidence: earlier results in the study's space, such as trials of the study that this one was forked from. Samplers
        use them but never resume them.
    known: the part of the evidence that was trained with the same code and as long, so it need not be trained again.
    drawn_before: how many points of the sequence of random numbers other studies have used. A fork continues the
        sequence of the study that it was forked from.
    related: earlier studies on other data, from [search] learn_from.
    current: the history that pruners see, with trials numbered from 0. It lacks trials of an earlier version of the
        trainer's code (superseded). A trial that replaces another one has its place.
    before_rounds: the number of trials of other methods that ended before a search in rounds began.
    of_search: the history that samplers see: `current` without the trials before the rounds, which are `known` there.
    """

    def __init__(
        self,
        objective: Objective,
        trials: Iterable[Trial] = (),
        evidence: Sequence[Trial] = (),
        *,
        uncounted: int = 0,
        restarts: bool = False,
        numbers: Sequence[int] | None = None,
        known: Sequence[Trial] = (),
        drawn_before: int = 0,
        related: Sequence[RelatedStudy] = (),
        before_rounds: int = 0,
    ):
        self.objective = objective
        self.uncounted, self._numbers = uncounted, numbers
        self.known, self.drawn_before, self.related = tuple(known), drawn_before, tuple(related)
        self._restarts = restarts
        self.evidence = tuple(evidence)
        self._trials: list[Trial] = []
        self._losses: dict[int, dict[int, float]] = {}
        self._judged: dict[int, tuple[float, Report]] = {}  # trial number -> its loss so far, and the report with it
        self._sparse: dict[int, list[tuple[int, float]]] = {}  # trials that do not report the metric at every epoch
        self._infeasible: set[int] = set()
        self._repeats, self._with_known_key = Counter[str](), 0
        self.ended = 0
        self.epochs = 0
        self.busy = 0.0
        self.before_rounds = before_rounds
        self.current = self.of_search = self
        self._parts: list[_Part] = []
        trials = list(trials)
        for trial in trials:
            self._put(trial)
        if any(trial.superseded or trial.replaces is not None for trial in trials):
            self.current = self.of_search = self._part(trials)
        if before_rounds:
            self.of_search = self._part(trials, before_rounds)

    def _part(self, trials: Sequence[Trial], first: int = 0) -> "History":
        """first: the number of its first trial. Those before are known points, of the same sequence of draws."""
        numbers = _numbers_in_current(trials, first)
        places = {number: place for place, number in enumerate(numbers)}
        before = [trials[number] for number in _numbers_in_current(trials) if number not in places]
        seen = [replace(trials[number], number=place, replaces=None) for number, place in places.items()]
        part = _Part(self._copy(seen, numbers, before), numbers, places)
        self._parts.append(part)
        return part.history

    def put(self, trial: Trial) -> None:
        """Add the next trial, or replace the one with its number."""
        for part in self._parts:
            if trial.number == len(self._trials):
                part.places[trial.number] = len(part.numbers)
                part.numbers.append(trial.number)
            if trial.number in part.places:
                part.history.put(part.renumbered(trial))
        self._put(trial)

    def _put(self, trial: Trial) -> None:
        if trial.number > len(self._trials):
            raise ValueError(f"trial {trial.number} put before trial {len(self._trials)}")
        if trial.number == len(self._trials):
            self._trials.append(replace(trial, curve=(), busy=0.0, retrained=0))
        before, self._trials[trial.number] = self._trials[trial.number], trial
        self.epochs += trial.epoch - before.epoch + trial.retrained - before.retrained
        self.busy += trial.busy - before.busy
        self.ended = max(self.ended, trial.ended)
        for place in range(len(before.curve), len(trial.curve)):
            self._add(trial, place)
        if trial.state is State.INFEASIBLE and trial.number not in self._infeasible:
            self._infeasible.add(trial.number)
            self._sparse.pop(trial.number, None)
            for losses in self._losses.values():
                losses.pop(trial.number, None)

    def renumbered(self, trial: Trial) -> Trial:
        """The trial with its number in `current`."""
        return trial if self.current is self else self._parts[0].renumbered(trial)

    def number_of(self, place: int) -> int:
        """The recorded number of the trial at this place; in `current`, trials have other numbers."""
        return place if self._numbers is None else self._numbers[place]

    @property
    def restarts(self) -> bool:
        return self._restarts

    @restarts.setter
    def restarts(self, value: bool) -> None:
        self._restarts = value
        for part in self._parts:
            part.history.restarts = value

    @property
    def counted(self) -> int:
        """The number of trials that count towards a budget of trials: all except superseded trials and the first
        `uncounted` INFEASIBLE trials."""
        if self.current is not self:
            return self.current.counted
        return len(self._trials) - min(len(self._infeasible), self.uncounted)

    def repeats(self, params: Params) -> int:
        """The number of trials with these parameters."""
        for trial in self._trials[self._with_known_key :]:
            self._repeats[key_of(trial.params)] += 1
        self._with_known_key = len(self._trials)
        return self._repeats[key_of(params)]

    def _add(self, trial: Trial, place: int) -> None:
        """Index the report at index `place` of the trial's curve."""
        number, report = trial.number, trial.curve[place]
        if report.step == 0:
            return
        before = place - (trial.curve[0].step == 0)  # the number of earlier reports with steps >= 1
        has_metric = self.objective.is_in(report)
        if number not in self._sparse and not (has_metric and report.step == before + 1):
            known = ((step, self._losses[step].pop(number)) for step in range(1, before + 1))
            self._sparse[number] = list(known)
        if not has_metric:
            return
        loss, so_far = self.objective.loss_at(trial.curve, place), self._judged.get(number) if before else None
        if so_far is None or loss < so_far[0] or self.objective.at != "best":
            so_far = self._judged[number] = loss, report
        best = so_far[0] if self._is_met(trial, place, so_far[1]) else math.inf
        sparse = self._sparse.get(number)
        if sparse is None:
            self._losses.setdefault(report.step, {})[number] = best
        else:
            sparse.append((report.step, best))

    def _is_met(self, trial: Trial, place: int, judged: Report) -> bool:
        """Whether a trial meets `require` at the report with index `place`. Metrics not yet reported do not count."""
        objective = self.objective
        if not objective.require:
            return True
        return not any(one.is_known for one in objective.unmet_at(trial.curve[: place + 1], judged))

    def __len__(self) -> int:
        return len(self._trials)

    def __getitem__(self, number: int) -> Trial:
        return self._trials[number]

    def __iter__(self) -> Iterator[Trial]:
        return iter(self._trials)

    def losses_at(self, step: int) -> Mapping[int, float]:
        """Trial number -> its loss up to this epoch: the best, the last, or the mean of the last ones, by study.at.

        Smaller is better; +inf if `require` is not met. It contains all trials, except INFEASIBLE ones, that have
        trained to this epoch and reported the metric by then.
        """
        regular = self._losses.get(step, _NOTHING)
        if not self._sparse:
            return regular
        up_to = {number: bisect_right(own, (step, math.inf)) for number, own in self._sparse.items()}
        own = {
            number: self._sparse[number][place - 1][1]
            for number, place in up_to.items()
            if place and self._trials[number].epoch >= step
        }
        return {**regular, **own}

    def losses_from(self, step: int) -> Mapping[int, float]:
        """As `losses_at`, but at each trial's first report of the metric at or after this epoch.

        The rungs of successive halving use it. It differs from `losses_at` only for trials that do not report the
        metric at every epoch.
        """
        regular = self._losses.get(step, _NOTHING)
        if not self._sparse:
            return regular
        since = {number: bisect_left(own, (step, -math.inf)) for number, own in self._sparse.items()}
        own = {n: self._sparse[n][place][1] for n, place in since.items() if place < len(self._sparse[n])}
        return {**regular, **own}

    def loss(self, trial: Trial) -> float:
        return self.objective.loss(trial)

    def best(self) -> Trial | None:
        """The trial with the best value; of equal values the earliest.

        Diverged and infeasible trials have no value, and with `failed = "drop"` FAILED trials have none either.
        """
        return self.objective.best(self._trials)

    def as_of(self, ended: int) -> "History":
        """A copy of the history at the time when `ended` trials had ended. All other trials are RUNNING, without a
        curve.

        A failed trial that is tried again is RUNNING until it ends again. A slow sampler reads the copy on a thread
        while the loop continues.
        """
        seen = (
            trial
            if 0 < trial.ended <= ended and not trial.state.is_active
            else replace(trial, state=State.RUNNING, curve=(), ended=0)
            for trial in list(self._trials)
        )
        return self._copy(seen, self._numbers)

    def _copy(self, trials: Iterable[Trial], numbers: Sequence[int] | None, before: Sequence[Trial] = ()) -> "History":
        """before: trials that the copy leaves out, and does not start again."""
        return History(
            self.objective,
            trials,
            self.evidence,
            uncounted=self.uncounted,
            restarts=self.restarts,
            numbers=numbers,
            known=(*self.known, *before),
            drawn_before=self.drawn_before + len(before),
            related=self.related,
        )


@dataclass(frozen=True)
class _Part:
    """A part of a history that renumbers its trials. numbers: the recorded numbers. places: the reverse mapping."""

    history: History
    numbers: list[int]
    places: dict[int, int]

    def renumbered(self, trial: Trial) -> Trial:
        return replace(trial, number=self.places[trial.number], replaces=None)


def _numbers_in_current(trials: Sequence[Trial], first: int = 0) -> list[int]:
    """The numbers of the trials that samplers and pruners see.

    A trial that replaces another one, directly or through others, has the place of the first trial replaced.
    first: earlier trials, and trials that replace them, are left out.
    """
    numbers: list[int] = []
    places: dict[int, int] = {}
    left_out: set[int] = set()
    for trial in trials:
        if trial.superseded:
            continue
        if trial.number < first or trial.replaces in left_out:
            left_out.add(trial.number)
            continue
        if trial.replaces in places:
            places[trial.number] = places[trial.replaces]
            numbers[places[trial.number]] = trial.number
        else:
            places[trial.number] = len(numbers)
            numbers.append(trial.number)
    return numbers


@dataclass(frozen=True)
class Nearest:
    """If no trial meets the requirements: the trial nearest to them, by the sum of the relative excesses.

    value, epoch: as in `BestTrial`. unmet: the requirements that it does not meet.
    """

    trial: int
    value: float
    epoch: int
    unmet: tuple[Unmet, ...]

    @classmethod
    def of(cls, trials: Iterable[Trial], objective: Objective) -> "Nearest | None":
        """None if a trial meets the requirements, if there are none, or if no trial has a value."""
        found = []
        for trial in trials if objective.require else ():
            judged, value = objective.judged(trial), objective.value(trial)
            if judged is None or value is None or trial.superseded:
                continue
            if not (unmet := objective.unmet(trial, judged)):
                return None
            found.append((sum(one.excess for one in unmet), cls(trial.number, value, judged.step, unmet)))
        return min(found, key=lambda one: one[0])[1] if found else None

    def text(self, objective: Objective) -> str:
        unmet = "; ".join(one.text for one in self.unmet)
        return f"trial {self.trial}, {objective.label} {self.value:.4g} at {objective.unit} {self.epoch}: {unmet}"


@dataclass(frozen=True)
class BestTrial:
    """The trial with the best value, see `History.best`.

    trial: its number. epoch: the epoch by which the trial is judged, from 1. value: the study's metric at that epoch.
    failed: whether the trial FAILED after that epoch.
    """

    trial: int
    value: float
    epoch: int
    params: Params
    failed: bool = False

    @classmethod
    def of(cls, history: History) -> "BestTrial | None":
        """None if no trial has a value."""
        best = history.best()
        report = history.objective.judged(best) if best is not None else None
        if best is None or report is None:
            return None
        value, failed = report.metrics[history.objective.metric], best.state is State.FAILED
        return cls(best.number, value, report.step, dict(best.params), failed)

    @property
    def mark(self) -> str:
        """Shown after the value: ", FAILED" if the trial failed later, else ""."""
        return f", {State.FAILED}" if self.failed else ""


def by_arrival(trials: Iterable[Trial]) -> Iterator[tuple[int, Report]]:
    """Trial number and report, for all reports of all trials, in the order in which the driver received them."""
    curves = ([(report.at, trial.number, report) for report in trial.curve] for trial in trials)
    return ((number, report) for _, number, report in heapq.merge(*curves, key=lambda one: one[:2]))
