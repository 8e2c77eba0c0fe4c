"""The recipe of the lectures as a search: coarse, refined, longer, and round again until it no longer pays.

Every round is planned when all trials before it have ended, from what they were then: how long it trains and how many
trials (`study.schedule`), where it looks (`search_ranges`, and `doctor_advice` for what the curves say), and which
trials go on. All of it follows from the history, so a search that was killed plans the same again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from hpsearch.core.decisions import New, Over, Proposal, Resume
from hpsearch.core.format import many
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Params
from hpsearch.doctor.study_diagnosis import diagnose_study
from hpsearch.samplers.random import Cycle, draw, key
from hpsearch.samplers.recipe.choices import without_losers
from hpsearch.samplers.recipe.doctor_advice import Advice, advise
from hpsearch.samplers.recipe.planned_rounds import PlannedRound, PlannedRounds, Results
from hpsearch.samplers.recipe.search_ranges import FEWEST, SearchRange, is_beyond, narrowed, next_ranges, numbers, whole
from hpsearch.study.schedule import Resource, Rung, Schedule, part
from hpsearch.study.space import Space


@dataclass(frozen=True)
class Recipe:
    """schedules: what sizes the rounds; where there are several, the next goes on where one has no more.

    top: the part of a round's trials whose box is the next range. margin: see `next_ranges`.
    """

    slow: ClassVar[bool] = False

    space: Space
    seed: int
    schedules: Sequence[Schedule]
    top: float
    margin: float
    _cycle: Cycle = field(default_factory=Cycle, init=False, repr=False, compare=False)
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
                why = f"round {plan.number}: rank {rank} of the {len(plan.survivors)} that go on"
                return Resume(number, plan.rung.epochs, f"{why}, to epoch {plan.rung.epochs}", plan.number, notes)
        return self._new(plan, history, notes) if len(history) < plan.end else None

    def planned_rounds(self, history: History) -> tuple[Sequence[PlannedRound], Over | None]:
        """Every round that has begun or could begin now, and why there will be no other, None while there may be."""
        known = self._plans
        known.look_at(history, self._coarse())
        fresh = False
        while known.plans[-1].is_over(history):
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

    # One round after the other ──────────────────────────────────────────────────────────────────

    def _coarse(self) -> PlannedRound:
        rung = self.schedules[0].first()
        note = (
            f"round 1, coarse: {many(rung.new, 'trial')} of {many(rung.epochs, 'epoch')}, spread over the whole space"
        )
        return PlannedRound(1, rung, 0, whole(self.space), self.space, notes=(note,))

    def _next(
        self, plans: Sequence[PlannedRound], history: History, schedule: Schedule, fresh: bool
    ) -> PlannedRound | Over:
        """fresh: a larger budget was given, so that noise is no reason to end."""
        last = plans[-1]
        found = Results(plans, history)
        if not found.ranked:
            trials = many(len(found.trials), "trial")
            reason = f"none of {trials} came to anything: look at the preflight, or at `hpsearch show`"
            return Over(reason, numbers={"trials": len(found.trials)})
        if last.rung.epochs == schedule.longest:
            if found.noise is None and (count := schedule.repeats(found.progress)):
                return self._repeat(last, found, count)
            if not fresh and (noise := _noise_searched(last, found)) is not None:
                return noise
        return self._refine(plans, found, history, schedule)

    def _repeat(self, last: PlannedRound, found: Results, count: int) -> PlannedRound:
        best = found.ranked[0]
        number = last.number + 1
        note = f"round {number}, noise: the parameters of trial {best.number}, the best, with {count} other seeds"
        rung = Rung(last.rung.epochs, 0, count)
        notes = (found.gained, note)
        return PlannedRound(number, rung, last.end, last.ranges, last.space, (), best.params, notes, headlines=2)

    def _refine(
        self, plans: Sequence[PlannedRound], found: Results, history: History, schedule: Schedule
    ) -> PlannedRound | Over:
        last, number, best = plans[-1], plans[-1].number + 1, found.ranked[0]
        searched = next(plan for plan in reversed(plans) if plan.repeats is None)
        advice = advise(diagnose_study(found.latest, history.objective).remarks, self.space, last.ranges, best.params)
        ranges, beyond = self._ranges(plans, found, advice)
        beyond = beyond if schedule.may_look_again(found.progress) else ()
        resource, why = _resource(searched.rung.epochs == schedule.longest, found, advice, beyond)
        paused = [] if beyond else found.survivors
        now = replace(found.progress, epochs=searched.rung.epochs, paused=[trial.epoch for trial in paused])
        rung = schedule.next(now, resource)
        if isinstance(rung, Over):
            return replace(rung, reason=f"{found.gained}; {rung.reason}")
        survivors = tuple([trial.number for trial in paused if trial.epoch < rung.epochs][: rung.survivors])
        headline = (found.gained, f"{_headline(number, rung)}: {why}")
        if rung.new == 0:
            return PlannedRound(number, rung, last.end, last.ranges, last.space, survivors, None, headline, headlines=2)
        space, dropped = without_losers(searched.space, found.latest, history.loss, best.params)
        notes = (*headline, *(one.reason for one in ranges), *dropped, *advice.notes)
        return PlannedRound(number, rung, last.end, ranges, space, survivors, notes=notes, headlines=2)

    def _ranges(
        self, plans: Sequence[PlannedRound], found: Results, advice: Advice
    ) -> tuple[tuple[SearchRange, ...], tuple[str, ...]]:
        """Those of the next round, and which of them look where none did before; then the others stay."""
        last = plans[-1].ranges
        best = found.ranked[: max(FEWEST, part(self.top, len(found.latest)))]
        drawn = next_ranges(self.space, last, [trial.params for trial in best], len(found.trials), self.margin)
        ranges = advice.applied(self.space, last, drawn)
        before = zip(*(plan.ranges for plan in plans), strict=True)
        pairs = zip(numbers(self.space), ranges, before, strict=True)
        beyond = tuple(one.name for one, new, old in pairs if is_beyond(one, new, old))
        if not beyond:
            return ranges, ()
        kept = (replace(old, moved=False, reason=f"{old.name}: window stays {old.range}") for old in last)
        return tuple(new if new.name in beyond else old for new, old in zip(ranges, kept, strict=True)), beyond

    # One trial ──────────────────────────────────────────────────────────────────────────────────

    def _new(self, plan: PlannedRound, history: History, notes: tuple[str, ...]) -> New:
        if plan.repeats is not None:
            reason = f"round {plan.number}: the best parameters with another seed"
            return New(plan.repeats, plan.rung.epochs, reason, plan.number, notes)
        where = ", ".join(f"{one.name} {one.range}{' (moved)' if one.moved else ''}" for one in plan.ranges)
        place = f"in windows round the best: {where}" if plan.number > 1 and where else "over the whole space"
        params = self._spread(plan, history)
        return New(params, plan.rung.epochs, f"round {plan.number}: spread {place}", plan.number, notes)

    def _spread(self, plan: PlannedRound, history: History) -> Params:
        """The next point of a scrambled Sobol sequence (Owen 1998); a random one where a discrete space has had it."""
        from scipy.stats import qmc

        space, taken = narrowed(plan.space, plan.ranges), self._cycle.keys(self.space, history)
        if space.dimensions:
            sequence = qmc.Sobol(space.dimensions, rng=np.random.default_rng([self.seed, plan.number]))
            points = sequence.random_base2(max(1, math.ceil(math.log2(plan.rung.new))))
            params = space.from_unit(points[len(history) - plan.first].tolist())
            if self.space.size() is None or key(self.space, params) not in taken:
                return params
        return draw(space, stream(self.seed, len(history)), taken)


def _resource(is_longest: bool, found: Results, advice: Advice, beyond: Sequence[str]) -> tuple[Resource, str]:
    """How long the round after one trains, and why. is_longest: that one trained as long as any may."""
    if beyond:
        return Resource.SAME, f"as long as the last, since {', '.join(beyond)} may be better where no trial was yet"
    if is_longest:
        longer = f"; {advice.improving}: a larger trainer.epochs may pay" if advice.improving else ""
        return Resource.LESS, f"round again in smaller windows{longer}"
    if advice.long_enough and not advice.improving and found.best_lies_early:
        return Resource.SAME, f"no longer than the last, since more epochs would gain nothing ({advice.long_enough})"
    return Resource.MORE, f"longer than the last{f', since {advice.improving}' if advice.improving else ''}"


def _noise_searched(last: PlannedRound, found: Results) -> Over | None:
    """Why another round would not pay, by what the last one gained; None where it may."""
    if found.noise is None or last.repeats is not None or found.gain > found.noise:
        return None
    return Over(
        f"{found.gained}; another seed alone makes {found.noise:.3g} of difference to the best parameters, so "
        "that a further round would search noise",
        numbers={"noise": found.noise, "round": last.number},
    )


def _headline(number: int, rung: Rung) -> str:
    older = f"{rung.survivors} go on" if rung.survivors else ""
    newer = f"{rung.new} new" if rung.new else ""
    return f"round {number}: {' and '.join(filter(None, (older, newer)))}, to epoch {rung.epochs}"
