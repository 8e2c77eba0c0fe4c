"""The recipe: rounds of trials, first coarse, then in narrower ranges with longer trainings, until the gain is noise.

A round is planned when all earlier trials have ended, from their state at that time: the epochs and the number of
trials (`study.schedule`), the search ranges (`search_ranges`, and `doctor_advice` for the learning curves), and the
trials to continue. The plan is a function of the history, so a search that was killed plans the same rounds again.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

import numpy as np

from hpsearch.core.decisions import New, Over, Proposal, Resume
from hpsearch.core.format import many
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Cause, Params, State, Trial
from hpsearch.doctor.study_diagnosis import diagnose_study
from hpsearch.samplers.believed import trust_of_draws
from hpsearch.samplers.first_trials import known_point, related_point
from hpsearch.samplers.random import KnownPoints, at_most, draw, draw_with_priors, exhausted, has_unknown_points, key
from hpsearch.samplers.recipe.choices import without_worse_values
from hpsearch.samplers.recipe.doctor_advice import Advice, advise
from hpsearch.samplers.recipe.gains import EVEN, new_share
from hpsearch.samplers.recipe.planned_rounds import PlannedRound, PlannedRounds, RoundResults
from hpsearch.samplers.recipe.search_ranges import MIN_TRIALS, SearchRange, full_ranges, narrowed
from hpsearch.samplers.recipe.slopes import NextRound, RoundEvidence, next_round
from hpsearch.study.halving_schedule import HalvingSchedule
from hpsearch.study.schedule import Progress, Resource, Rung, Schedule, ceil_share
from hpsearch.study.space import Space

WIDE = 4
"""One in so many new trials of a later round is drawn from the full space, where epochs are divided by gains: the best
region may be outside of the narrower ranges."""


@dataclass(frozen=True)
class Recipe:
    """schedules: the sizes of the rounds; after the last round of one schedule, the next schedule is used.

    top: the fraction of a round's trials whose bounding box is the next range. margin: see `next_ranges`.
    metrics: the section [metrics] of the study file, for the diagnosis of curves.
    by_slope: ranges follow from all trials of a round (`next_round`); False: as in studies of earlier versions.
    """

    slow: ClassVar[bool] = False

    space: Space
    seed: int
    schedules: Sequence[Schedule]
    top: float
    margin: float
    metrics: Mapping[str, str] = field(default_factory=dict)
    known: Sequence[Params] = ()
    by_slope: bool = True
    _known: KnownPoints = field(default_factory=KnownPoints, init=False, repr=False, compare=False)
    _plans: PlannedRounds = field(default_factory=PlannedRounds, init=False, repr=False, compare=False)

    def ask(self, history: History) -> Proposal | None:
        plans, over = self.planned_rounds(history)
        if over is not None:
            return over
        plan = plans[-1]
        begun = len(history) > plan.first or any(history[number].round >= plan.number for number in plan.survivors)
        notes = () if begun else plan.notes
        for rank, number in enumerate(plan.survivors, start=1):
            if history[number].round < plan.number:
                reason = (
                    f"round {plan.number}: rank {rank} of {len(plan.survivors)} continued trials, "
                    f"trained to {history.objective.unit} {plan.rung.epochs}"
                )
                return Resume(number, plan.rung.epochs, reason, plan.number, notes)
        return self._new(plan, history, notes) if len(history) < plan.end else None

    def planned_rounds(self, history: History) -> tuple[Sequence[PlannedRound], Over | None]:
        """All rounds that have started or can start now, and the reason why no round follows; None if one may."""
        known = self._plans
        known.reset_for(history, self._coarse())
        fresh = False
        while self._shortened(known.plans, history).is_over(history):
            planned = self._next(known.plans, history, self.schedules[known.schedule], fresh)
            if isinstance(planned, PlannedRound):
                known.plans.append(planned)
                fresh = False
            elif known.schedule + 1 < len(self.schedules):
                known.schedule += 1
                fresh = True
            else:
                return known.plans, planned
        return known.plans, None

    # Planning rounds ────────────────────────────────────────────────────────────────────────────

    def _shortened(self, plans: list[PlannedRound], history: History) -> PlannedRound:
        """The last of these rounds, with fewer new trials if each point of the space has a trial."""
        plans[-1] = replace(plans[-1], rung=self._possible(plans[-1].rung, plans[-1], plans[-1].first, history))
        return plans[-1]

    def _possible(self, rung: Rung, plan: PlannedRound | None, first: int, history: History) -> Rung:
        """The rung, without new trials for which the space has no points. first: the number of its first new trial."""
        end = self._known.exhausted_at(self.space, history)
        if end is None or (plan is not None and plan.repeats is not None):
            return rung
        return replace(rung, new=min(rung.new, max(0, end - first)))

    def _coarse(self) -> PlannedRound:
        rung = self.schedules[0].first()
        each = many(rung.epochs, self.schedules[0].unit)
        new = many(at_most(rung.new, self.space), "new trial")
        note = f"round 1: {new} of {each} each, over the full space"
        return PlannedRound(1, rung, 0, full_ranges(self.space), self.space, notes=(note,))

    def _next(
        self, plans: Sequence[PlannedRound], history: History, schedule: Schedule, fresh: bool
    ) -> PlannedRound | Over:
        """fresh: the user has raised the budget, so the search does not end because of noise."""
        last = plans[-1]
        found = RoundResults(plans, history)
        if not found.ranked:
            trials = many(len(found.trials), "trial")
            reason = (
                f"no result in {trials}: all failed, diverged or are infeasible; see `hpsearch preflight` and "
                "`hpsearch show`"
            )
            return Over(reason, numbers={"trials": len(found.trials)})
        if last.rung.epochs == schedule.longest:
            if found.noise is None and (count := schedule.repeats(found.progress)):
                return self._repeat(last, found, count)
            ends = not fresh and not isinstance(schedule, HalvingSchedule)
            if ends and (noise := _gain_is_noise(last, found)) is not None:
                return noise
        return self._refine(plans, found, history, schedule)

    def _repeat(self, last: PlannedRound, found: RoundResults, count: int) -> PlannedRound:
        best = found.ranked[0]
        number, trial = last.number + 1, found.number_of(best.number)
        seeds = many(count, "other seed")
        note = f"round {number}: the best parameters (trial {trial}) with {seeds}, to measure the noise"
        rung = Rung(last.rung.epochs, 0, count)
        notes = (found.outcome, note)
        return PlannedRound(number, rung, last.end, last.ranges, last.space, (), best.params, notes, headlines=2)

    def _refine(
        self, plans: Sequence[PlannedRound], found: RoundResults, history: History, schedule: Schedule
    ) -> PlannedRound | Over:
        last, number, best = plans[-1], plans[-1].number + 1, found.ranked[0]
        promotes = isinstance(schedule, HalvingSchedule)
        searched = next(plan for plan in reversed(plans) if plan.repeats is None and (plan.rung.new or not promotes))
        latest = found.started if promotes else found.latest
        judged = [trial for trial in found.trials if trial.number >= searched.first] if promotes else found.latest
        advice = self._advice(found, judged, last, history)
        following = self._following(plans, found, latest, advice, history)
        ranges, beyond = following.ranges, following.beyond
        beyond = beyond if schedule.may_repeat_rung(found.progress) else ()
        is_longest = searched.rung.epochs == schedule.longest
        resource, why = _resource(is_longest, found, advice, ranges, beyond, schedule.unit)
        paused = [] if beyond else found.paused if promotes else found.survivors
        by_gain = isinstance(schedule, HalvingSchedule) and schedule.by_gain
        share = new_share(plans, found.trials, history.loss) if by_gain else EVEN
        epochs, reached = [trial.epoch for trial in paused], [trial.epoch for trial in found.trials]
        now = replace(found.progress, epochs=searched.rung.epochs, paused=epochs, reached=reached, new_share=share)
        rung = self._affordable(schedule.next(now, resource), schedule, now, last.end, history)
        if isinstance(rung, Over):
            if isinstance(schedule, HalvingSchedule) and (final := self._final(last, found, schedule)) is not None:
                return final
            return replace(rung, reason=f"{found.outcome}; {rung.reason}")
        if isinstance(schedule, HalvingSchedule):
            why = why if beyond else _why_promoted(schedule, rung, ranges, now)
            paused = [trial for trial in paused if trial.epoch >= schedule.lowest(rung, now)]
        survivors = tuple([trial.number for trial in paused if trial.epoch < rung.epochs][: rung.survivors])
        headline = (
            found.outcome,
            _headline(number, rung, schedule.unit, why if rung.new or resource is not Resource.LESS else ""),
        )
        if rung.new == 0:
            return PlannedRound(number, rung, last.end, last.ranges, last.space, survivors, None, headline, headlines=2)
        space, dropped = without_worse_values(searched.space, latest, history.loss, best.params)
        notes = (*headline, *(one.reason for one in ranges), *dropped, *advice.notes)
        planned = PlannedRound(number, rung, last.end, ranges, space, survivors, notes=notes, headlines=2)
        return replace(planned, estimate=following.estimate, wide=WIDE if by_gain else 0)

    def _affordable(
        self, rung: Rung | Over, schedule: Schedule, now: Progress, first: int, history: History
    ) -> Rung | Over:
        """The next round, with as many new trials as the space has points for. first: the number of the first."""
        if not isinstance(rung, Over):
            possible = self._possible(rung, None, first, history)
            if possible.trials:
                return possible
            final = schedule.last(now) if isinstance(schedule, HalvingSchedule) else None
            return final or exhausted(self.space, history) or possible
        if rung.cause is Cause.DONE and self._known.exhausted_at(self.space, history) is not None:
            return exhausted(self.space, history) or rung
        return rung

    def _final(self, last: PlannedRound, found: RoundResults, schedule: HalvingSchedule) -> PlannedRound | None:
        """When all other epochs are spent: the best trial to the end, then its parameters with other seeds."""
        best, left = found.ranked[0], schedule.budget - found.epochs
        if not schedule.last_seeds or last.repeats is not None:
            return None
        rest = schedule.longest - (0 if found.progress.restarts else best.epoch)
        if best.state is State.PAUSED and best.epoch < schedule.longest and rest <= left:
            number, trial = last.number + 1, found.number_of(best.number)
            note = f"round {number}: the best trial ({trial}) continued to {schedule.unit} {schedule.longest}"
            rung, notes = Rung(schedule.longest, 1, 0, at_end=True), (found.outcome, note)
            return PlannedRound(number, rung, last.end, last.ranges, last.space, (best.number,), None, notes, 2)
        count = min(schedule.last_seeds, left // best.epoch)
        return self._repeat(replace(last, rung=replace(last.rung, epochs=best.epoch)), found, count) if count else None

    def _advice(self, found: RoundResults, judged: Sequence[Trial], last: PlannedRound, history: History) -> Advice:
        diagnosis = diagnose_study(judged, history.objective, self.metrics)
        return advise(diagnosis.remarks, self.space, last.ranges, found.ranked[0].params)

    def _following(
        self,
        plans: Sequence[PlannedRound],
        found: RoundResults,
        latest: Sequence[Trial],
        advice: Advice,
        history: History,
    ) -> NextRound:
        """latest: trials that trained equally long."""
        best = found.ranked[: max(MIN_TRIALS, ceil_share(self.top, len(latest)))]
        past = [plan.ranges for plan in plans]
        seen = RoundEvidence(past, best, latest, history.loss, len(found.trials))
        advised = partial(advice.applied, self.space, past[-1])
        return next_round(self.space, seen, self.margin, by_slope=self.by_slope, advised=advised)

    # One trial ──────────────────────────────────────────────────────────────────────────────────

    def _new(self, plan: PlannedRound, history: History, notes: tuple[str, ...]) -> New:
        if plan.repeats is not None:
            reason = f"round {plan.number}: the best parameters, with another seed"
            return New(plan.repeats, plan.rung.epochs, reason, plan.number, notes)
        if (known := known_point(self.known, history, plan.rung.epochs, plan.number)) is not None:
            return replace(known, notes=notes)
        where = ", ".join(f"{one.name} {one.range}{' (moved)' if one.moved else ''}" for one in plan.ranges)
        is_narrow = plan.number > 1 and where and not self._is_wide(plan, history)
        source = f"the search ranges {where}" if is_narrow else "the full space"
        if len(history) == plan.first and (estimate := self._estimate(plan, history)) is not None:
            reason = f"round {plan.number}: the optimum of parabolas through the results, within {source}"
            return New(estimate, plan.rung.epochs, reason, plan.number, notes)
        number, taken = len(history) + history.drawn_before, self._known.keys(self.space, history)
        if plan.number == 1:
            drawn, until = partial(draw, self.space, stream(self.seed, number), taken), plan.rung.epochs
            related = related_point(self.space, history, len(self.known), taken, drawn, until, plan.rung.new)
            if related is not None:
                return replace(related, notes=notes)
        trusted = trust_of_draws(self.space, history)
        params, by = draw_with_priors(self.space, stream(self.seed, number), taken, number, trusted)
        if plan.number > 1 or not by:
            params, by = self._spread(plan, history), ""
        return New(params, plan.rung.epochs, f"round {plan.number}: drawn from {source}{by}", plan.number, notes)

    def _estimate(self, plan: PlannedRound, history: History) -> Params | None:
        is_known = plan.estimate is None or key(self.space, plan.estimate) in self._known.keys(self.space, history)
        return None if is_known else plan.estimate

    def _is_wide(self, plan: PlannedRound, history: History) -> bool:
        """Whether the next new trial is drawn from the full space."""
        return plan.wide > 0 and (len(history) - plan.first) % plan.wide == plan.wide - 1

    def _spread(self, plan: PlannedRound, history: History) -> Params:
        """The next point of a scrambled Sobol sequence (Owen 1998); a random point if that has a trial already, or
        breaks a constraint."""
        from scipy.stats import qmc

        space, taken = narrowed(plan.space, plan.ranges), self._known.keys(self.space, history)
        if self._is_wide(plan, history):
            space = self.space
        if space.dimensions:
            sequence = qmc.Sobol(space.dimensions, rng=np.random.default_rng([self.seed, plan.number]))
            place = len(history) - plan.first + history.drawn_before
            points = sequence.random_base2(max(1, math.ceil(math.log2(place + 1))))
            params = space.from_unit(points[place].tolist())
            is_new = self.space.size() is None or key(self.space, params) not in taken
            if is_new and space.allows(params):
                return params
        space = space if has_unknown_points(space, taken, self.space) else self.space
        return draw(space, stream(self.seed, len(history) + history.drawn_before), taken, self.space)


def _resource(
    is_longest: bool,
    found: RoundResults,
    advice: Advice,
    ranges: Sequence[SearchRange],
    beyond: Sequence[str],
    unit: str,
) -> tuple[Resource, str]:
    """Whether the next round trains longer, and why. is_longest: the last one already trained to trainer.epochs."""
    if beyond:
        noun = "range" if len(beyond) == 1 else "ranges"
        return Resource.SAME, f"same length, because a part of the new {noun} of {', '.join(beyond)} was never searched"
    if is_longest:
        longer = f" (more {unit}s may help; {advice.improving})" if advice.improving else ""
        return Resource.LESS, f"{'new' if any(one.moved for one in ranges) else 'narrower'} ranges{longer}"
    if advice.long_enough and not advice.improving and found.best_is_early:
        return Resource.SAME, f"same length, because longer training is not expected to help ({advice.long_enough})"
    return Resource.MORE, f"longer training{f' ({advice.improving})' if advice.improving else ''}"


def _why_promoted(schedule: HalvingSchedule, rung: Rung, ranges: Sequence[SearchRange], now: Progress) -> str:
    if rung.new:
        wide = f", one in {WIDE} from the full space" if schedule.by_gain else ""
        return f"{'new' if any(one.moved for one in ranges) else 'narrower'} ranges{wide}"
    if rung.at_end:
        return "the last epochs of the budget train the best trials to the end"
    low, eta = schedule.rung_below(rung.epochs), schedule.eta(now)
    gained = f"; new trials have {now.new_share:.0%} of the gain per epoch so far" if now.new_share != EVEN else ""
    return f"one in {eta} of the trials that have trained to {schedule.unit} {low}{gained}"


def _gain_is_noise(last: PlannedRound, found: RoundResults) -> Over | None:
    """The end of the search if the last improvement is within the noise; else None."""
    if found.noise is None or last.repeats is not None or found.gain > found.noise:
        return None
    return Over(
        f"{found.outcome}; the best parameters vary by {found.noise:.3g} (standard deviation over seeds), so a further "
        "round would only fit noise",
        numbers={"noise": found.noise, "round": last.number},
    )


def _headline(number: int, rung: Rung, unit: str, why: str) -> str:
    continued = f"{many(rung.survivors, 'trial')} continued, " if rung.survivors else ""
    new = f"{rung.new} new, " if continued else f"{many(rung.new, 'new trial')}, "
    return f"round {number}: {continued}{new if rung.new else ''}trained to {unit} {rung.epochs}{why and f': {why}'}"
