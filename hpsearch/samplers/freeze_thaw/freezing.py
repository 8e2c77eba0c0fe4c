"""The sampler of a freeze-thaw search.

Successive halving with promotion (`rung_counts`) decides when a paused trial continues and when a new one starts. A
Gaussian process over all curves (`curve_process`) decides which trial. Every second promotion goes to the best value so
far, so that a wrong model costs at most half of the promotions. One in four new trials is a random draw, and random
draws have promotions of their own, if the training depends on the number of epochs: then short trainings may look best
where long ones do not improve, and a model of trials that were chosen by short trainings cannot see it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from hpsearch.core.decisions import New, Proposal, Resume
from hpsearch.core.format import many
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Params, State, Trial
from hpsearch.samplers.believed import Preference, prior_preference, together, trust, trust_of_draws
from hpsearch.samplers.first_trials import known_point
from hpsearch.samplers.freeze_thaw.blas_threads import one_blas_thread
from hpsearch.samplers.freeze_thaw.curve_kernel import Array, Points
from hpsearch.samplers.freeze_thaw.curve_process import CurveProcess, rank_correlation
from hpsearch.samplers.freeze_thaw.fits import Fits
from hpsearch.samplers.freeze_thaw.new_points import candidates, sobol
from hpsearch.samplers.freeze_thaw.rung_counts import Vacancy, first_look, rungs, vacancies
from hpsearch.samplers.freeze_thaw.seen_curves import Curve, Curves, Seen, seen, tau
from hpsearch.samplers.freeze_thaw.table_points import TablePoints
from hpsearch.samplers.freeze_thaw.unit_points import UnitPoints
from hpsearch.samplers.freeze_thaw.widened_space import WidenedSpace
from hpsearch.samplers.observations import usable_evidence
from hpsearch.samplers.random import KnownPoints, draw, draw_with_priors, exhausted, has_unknown_points, key
from hpsearch.samplers.transfer import first_points, of_related, transfer
from hpsearch.study import feasible
from hpsearch.study.space import Space

MIN_CURVES = 3
"""The fewest curves that the model is fitted to."""

MAX_POINTS = 200
"""The most points of the model. The time of a proposal grows with the cube of their number."""

GROUP = 3
"""The number of successive new trials that are taken from one set of random candidates, so that they differ."""

AIM = 5
"""New configurations are judged by their expected value at the longest rung that this number of trials has reached."""

BEST = 5
"""The number of best trials around which new configurations are searched."""

TRUSTED = 0.3
"""The model is trusted from this rank correlation on. Below it, every second new trial is a random draw, and all
promotions go to the best value."""

PLATEAU = 0.02
"""If the best five trials differ by less than this fraction of the spread of the first trials, they are on a plateau,
which a model of the curves so far cannot leave. Every second new trial is then a random draw."""

EXPLORING = 4
"""One in this number of new trials is a random draw, for trainers with a schedule over all epochs. Short trainings of
other trainers rank trials well enough, and the search is faster without."""

LAST_SHARE = 0.25
"""The largest share of `limits.epochs` that is kept for training the best paused trials to the end."""

CANDIDATES, CHOICE = 2**40, 2**41
"""The first numbers of further random streams; trials have smaller numbers."""


@dataclass(frozen=True)
class FreezeThaw:
    """startup_trials: the number of random trials before the model is used. trials: the total number of new trials.
    epochs: the maximum of each. budget: the epochs of all trials together, if the study limits them.

    Without checkpoints no trial is paused: every trial trains to the end, and the model only proposes new ones.
    """

    slow: ClassVar[bool] = False

    space: Space
    seed: int
    trials: int
    epochs: int
    startup_trials: int = 10
    known: Sequence[Params] = ()
    budget: int | None = None
    _taken: KnownPoints = field(default_factory=KnownPoints, init=False, repr=False, compare=False)
    _curves: Curves = field(default_factory=Curves, init=False, repr=False, compare=False)
    _fits: Fits = field(init=False, repr=False, compare=False)
    _table: TablePoints = field(init=False, repr=False, compare=False)
    _widened: WidenedSpace = field(init=False, repr=False, compare=False)
    _wider: "list[FreezeThaw]" = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        fits = Fits(self.seed, self.epochs, self.startup_trials, UnitPoints(self.space))
        object.__setattr__(self, "_fits", fits)
        object.__setattr__(self, "_table", TablePoints(self.space))
        widened = WidenedSpace(self.space, self.startup_trials, first_look(self.epochs, 0, has_schedule=False))
        object.__setattr__(self, "_widened", widened)

    @property
    def _unit(self) -> UnitPoints:
        return self._fits.unit

    def ask(self, history: History) -> Proposal | None:
        with one_blas_thread():
            space, estimate = self._widened.of(history)
            return (self if space is self.space else self._in(space))._ask(history, estimate)

    def _in(self, space: Space) -> "FreezeThaw":
        """The same search in a wider space. The last such search is kept, with its caches."""
        if not self._wider or self._wider[0].space != space:
            self._wider[:] = [replace(self, space=space)]
        return self._wider[0]

    def _ask(self, history: History, estimate: Params | None) -> Proposal | None:
        """estimate: the parameters of the next new trial, in place of a proposal of the model."""
        now = _Now(self, history, self._curves.of(history))
        if (finishing := now.finishing()) is not None:
            return finishing
        taken = self._taken.keys(self.space, history)
        is_open = history.counted < self.trials and has_unknown_points(self.space, taken)
        if is_open and (known := known_point(self.known, history, now.rungs[0])) is not None:
            return known
        if is_open and len(history) < self._starts(now):
            return self._first(now)
        if (resumed := now.promotion()) is not None:
            return resumed
        if is_open and estimate is not None and key(self.space, estimate) not in taken:
            reason = f"the optimum of parabolas through the results of {len(history)} trials, {now.look}"
            return New(estimate, now.rungs[0], reason)
        if is_open:
            return self._later(now)
        if any(trial.state.is_active for trial in history):
            return None
        if (resumed := now.last()) is not None:
            return resumed
        return exhausted(self.space, history) if history.counted < self.trials else None

    def _starts(self, now: "_Now") -> int:
        """The number of trials before the model is used."""
        starts = self.startup_trials - len(now.evidence)
        if now.history.related:
            starts = min(starts, len(self.known) + len(now.related))
        return max(starts, MIN_CURVES, len(self.known))

    def _first(self, now: "_Now") -> New:
        history = now.history
        number, place = len(history) + history.drawn_before, max(0, len(history) - len(self.known))
        taken = self._taken.keys(self.space, history)
        if place < len(now.related) and key(self.space, now.related[place][0]) not in taken:
            params, origin = now.related[place]
            return New(params, now.rungs[0], f"{of_related(origin)}, {now.look}")
        trusted = trust_of_draws(self.space, history)
        params, by = draw_with_priors(self.space, stream(self.seed, number), taken, number, trusted)
        if not by:
            point = self.space.from_unit(sobol(self.space, self.seed, number))
            params = feasible.nearest(self.space, point, stream(self.seed, number))
        if key(self.space, params) in taken:
            params = draw(self.space, stream(self.seed, number), taken)
        return New(params, now.rungs[0], f"startup trial {len(history) + 1} of {self.startup_trials}{by}, {now.look}")

    def _later(self, now: "_Now") -> Proposal:
        """A new configuration, or a trial that was paused below the present first rung, if it is more promising."""
        history = now.history
        generator, taken = stream(self.seed, len(history) + history.drawn_before), self._taken.keys(self.space, history)
        if now.model is None:
            reason = f"random draw: too few trials with a value for the model, {now.look}"
            return New(draw(self.space, generator, taken), now.rungs[0], reason)
        if now.has_schedule and now.is_drawn(len(history)):
            reason = f"random draw, as one in {EXPLORING} new trials; {now.look}"
            return New(draw(self.space, generator, taken), now.rungs[0], reason)
        if len(history) % 2 and (why := now.why_random()):
            return New(draw(self.space, generator, taken), now.rungs[0], f"random draw: {why}; {now.look}")
        cube = now.proposed()
        if (short := now.short(cube)) is not None:
            return short
        best = min(zip(now.curves, history, strict=True), key=lambda pair: pair[0].last)[1].params
        params = feasible.nearest(self.space, self.space.from_unit(cube.tolist()), generator, [best])
        if key(self.space, params) in taken:
            reason = f"random draw: the model proposed an earlier point again; {now.look}"
            return New(draw(self.space, generator, taken), now.rungs[0], reason)
        reason = f"highest expected improvement at {now.unit} {now.aim} of {len(now.curves)} curves; {now.look}"
        return New(params, now.rungs[0], reason)


@dataclass(frozen=True)
class _Now:
    """Values that are computed from a history. The numbers of trials are their places in `curves`."""

    search: FreezeThaw
    history: History
    curves: Sequence[Curve]

    @property
    def unit(self) -> str:
        return self.history.objective.unit

    @cached_property
    def can_pause(self) -> bool:
        return not self.history.restarts

    @cached_property
    def rungs(self) -> list[int]:
        epochs = self.search.epochs
        if not self.can_pause:
            return [epochs]
        return rungs(first_look(epochs, sum(curve.epoch for curve in self.curves), self.has_schedule), epochs)

    @cached_property
    def has_schedule(self) -> bool:
        """Whether the training depends on the total number of epochs."""
        return any(trial.reads_epochs for trial in self.history)

    @cached_property
    def look(self) -> str:
        return f"trained to {self.unit} {self.rungs[0]}{' at first' * (len(self.rungs) > 1)}"

    @cached_property
    def evidence(self) -> list[Trial]:
        """Trials with a value of the study that this one was forked from, with numbers below 0."""
        trials = usable_evidence(self.history, self.search.space)
        counting = (trial for trial in trials if self.history.objective.counts(trial))
        return [replace(trial, number=-place) for place, trial in enumerate(counting, start=1)]

    @cached_property
    def related(self) -> list[tuple[Params, str]]:
        """The best parameters of the studies in learn_from."""
        space, number = self.search.space, len(self.history) + self.history.drawn_before
        return first_points(space, self.history, draw(space, stream(self.search.seed, number), set()))

    @cached_property
    def _preference(self) -> Preference | None:
        """The preference from the user's priors and the studies in learn_from."""
        space, ended = self.search.space, [one for one in self.history if self.curves[one.number].steps]
        tried, last = [one.params for one in ended], [self.curves[one.number].last for one in ended]
        found = transfer(space, self.history, tried, last)
        prior = prior_preference(space, len(self.history), trust(space, tried, last))
        return together(prior, found.preference if found else None)

    @cached_property
    def paused(self) -> list[int]:
        """The trials that can continue."""
        return [one.number for one in self.history if one.state is State.PAUSED and self.curves[one.number].steps]

    # The model ─────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def seen(self) -> Seen | None:
        search, trials = self.search, [*self.history, *self.evidence]
        curves = [*self.curves, *(Curve.of(trial, self.history.objective) for trial in self.evidence)]
        if sum(bool(curve.steps) for curve in curves) < MIN_CURVES:
            return None
        found = seen(trials, curves, search._unit, search.epochs, search.startup_trials)
        return found.chosen(MAX_POINTS, stream(search.seed, CHOICE + len(self.history))) if found else None

    @cached_property
    def model(self) -> CurveProcess | None:
        """The posterior given all reports."""
        if self.seen is None:
            return None
        kernel = self.search._fits.kernel(self.history, self.evidence)
        try:
            return CurveProcess(kernel, self.seen.points, self.seen.z)
        except np.linalg.LinAlgError:
            return None

    @cached_property
    def is_trusted(self) -> bool:
        """Whether the model predicts the ranks of curves that are left out of it."""
        if self.model is None:
            return False
        return rank_correlation(*self.model.without_own_curve()) >= TRUSTED

    def _points(self, numbers: Sequence[int], epoch: Array | int) -> Points:
        """The points of trials at an epoch."""
        x = np.array([self.search._unit.of(self.history[number]) for number in numbers])
        return Points(x, np.broadcast_to(tau(epoch, self.search.epochs), (len(numbers),)), np.array(numbers))

    def is_drawn(self, number: int) -> bool:
        """Whether a trial is a startup trial or one of the random draws, if the trainer has a schedule."""
        return number < self.search._starts(self) or number % EXPLORING == EXPLORING - 1

    # What continues ────────────────────────────────────────────────────────────────────────────

    def promotion(self) -> Resume | None:
        """The next trial that is promoted to a higher rung."""
        epochs = [curve.epoch for curve in self.curves]
        targets = [trial.until if trial.state.is_active else 0 for trial in self.history]
        drawn = [number for number in range(len(self.curves)) if self.has_schedule and self.is_drawn(number)]
        for vacancy in vacancies(self.rungs, epochs, targets, self.paused, drawn) if self.can_pause else ():
            return self._promoted(vacancy)
        return None

    def _promoted(self, vacancy: Vacancy) -> Resume:
        among = "random trials" if vacancy.is_drawn else "trials"
        count = f"{vacancy.gone + 1} of {vacancy.reached} {among} may train to {self.unit} {vacancy.to}"
        if vacancy.gone % 2 and not vacancy.is_drawn and self.is_trusted and self.model is not None:
            assert self.seen is not None
            points = self._points(vacancy.waiting, self.search.epochs)
            value = self.model.log_expected_improvement(points, float(self.seen.scale(self.seen.scale.low)))
            number = vacancy.waiting[int(np.argmax(value))]
            most = f"the highest expected improvement at the last {self.unit}"
            reason = f"{count}: of {len(vacancy.waiting)} paused, {most}"
            return Resume(number, vacancy.to, reason)
        number = min(vacancy.waiting, key=lambda number: self.curves[number].last)
        return Resume(number, vacancy.to, f"{count}: of {len(vacancy.waiting)} paused, the best value")

    def finishing(self) -> Resume | None:
        """The best paused trial, if the epochs that are left suffice for little more than one full training on each
        worker."""
        search, running = self.search, sum(trial.state.is_active for trial in self.history)
        if search.budget is None or not self.can_pause or not self.paused:
            return None
        left = search.budget - self.history.epochs
        if left > min((running + 1) * search.epochs, LAST_SHARE * search.budget):
            return None
        number = min(self.paused, key=lambda number: self.curves[number].last)
        reason = f"the best value of {len(self.paused)} paused, trained to the end: {many(left, self.unit)} left"
        return Resume(number, search.epochs, reason)

    def last(self) -> Resume | None:
        """When no new trial is left: the best one is trained to the end, if no trial has been."""
        if not self.can_pause or any(curve.epoch >= self.search.epochs for curve in self.curves):
            return None
        number = min(self.paused, key=lambda number: self.curves[number].last, default=None)
        if number is None:
            return None
        return Resume(number, self.search.epochs, "the best value of all trials: trained to the end, as the only one")

    # What starts ───────────────────────────────────────────────────────────────────────────────

    @cached_property
    def aim(self) -> int:
        """The longest rung that enough trials have reached."""
        enough = min(self.search.space.dimensions, AIM)
        return max((r for r in self.rungs if sum(c.epoch >= r for c in self.curves) >= enough), default=self.rungs[0])

    @cached_property
    def _aim_bound(self) -> float:
        assert self.seen is not None
        there = [curve.at(self.aim) for curve in self.curves if curve.epoch >= self.aim]
        return float(self.seen.scale(min(there, default=self.seen.scale.low)))

    def why_random(self) -> str:
        """Why every second new trial is a random draw; "" if none is."""
        if not self.is_trusted:
            return "the model does not predict the ranks of left-out curves"
        assert self.seen is not None
        best = sorted(curve.last for curve in self.curves)[:BEST]
        is_flat = len(best) == BEST and best[-1] - best[0] < PLATEAU * self.seen.scale.unit
        return f"the best {BEST} trials are equally good" if is_flat else ""

    def _improvement_of_cube(self, cube: Array) -> Array:
        assert self.model is not None
        x = self.search._unit.of_cube(cube)
        at = np.full(len(x), float(tau(self.aim, self.search.epochs)))
        new = np.full(len(x), len(self.curves))
        return self.model.log_expected_improvement(Points(x, at, new), self._aim_bound)

    def _value_of_cube(self, cube: Array) -> Array:
        """The log of the expected improvement, with the preference."""
        value = self._improvement_of_cube(cube)
        return value if self._preference is None else value + self._preference(cube)

    def proposed(self) -> Array:
        """A point of the unit cube. In a table the model judges all rows without a trial: the nearest row to another
        point may be far from it."""
        space, number = self.search.space, len(self.history)
        if len(free := self.search._table.without(self.search._taken.keys(space, self.history))):
            best_first = np.argsort(-self._value_of_cube(free), kind="stable")
            row: Array = free[best_first[min(number % GROUP, len(free) - 1)]]
            return row
        order = sorted(range(number), key=lambda number: (self.curves[number].last, number))[:BEST]
        units = [[0.5 if u is None else u for u in space.to_unit(self.history[one].params)] for one in order]
        generator = stream(self.search.seed, CANDIDATES + number // GROUP)
        best: Array = candidates(np.clip(np.array(units), 0, 1), self._value_of_cube, generator)[number % GROUP]
        return best

    def short(self, cube: Array) -> Resume | None:
        """A trial that was paused below the present first rung, if it is more promising than the new point `cube`."""
        short = (
            [number for number in self.paused if self.curves[number].epoch < self.rungs[0]] if self.can_pause else []
        )
        if not short or self.model is None:
            return None
        values = self.model.log_expected_improvement(self._points(short, self.aim), self._aim_bound)
        if np.max(values) < self._improvement_of_cube(cube[None])[0]:
            return None
        reason = f"higher expected improvement than a new trial, which would also train to {self.unit} {self.rungs[0]}"
        return Resume(short[int(np.argmax(values))], self.rungs[0], reason)
