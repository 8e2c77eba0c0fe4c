"""Coarse to fine: rounds of fewer, longer trials, each in search ranges around the best trials so far.

The first round is random search (Bergstra and Bengio 2012, JMLR 13). Later rounds follow the recommendations for manual
search of Bengio 2012, "Practical recommendations for gradient-based training of deep architectures" (arXiv 1206.5533,
section 3.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

from hpsearch.core.decisions import New, Proposal, Resume
from hpsearch.core.format import many
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Params, State, Trial
from hpsearch.samplers.believed import trust_of_draws
from hpsearch.samplers.first_trials import known_point, related_point
from hpsearch.samplers.random import KnownPoints, at_most, draw, draw_with_priors, exhausted, has_unknown_points, key
from hpsearch.samplers.recipe.planned_rounds import PlannedRound, unextended
from hpsearch.samplers.recipe.search_ranges import (
    MIN_TRIALS,
    SearchRange,
    full_ranges,
    narrowed,
    next_ranges,
)
from hpsearch.samplers.recipe.slopes import NextRound, RoundEvidence, next_round
from hpsearch.study.schedule import GivenRound, Rung, ceil_share
from hpsearch.study.space import Space


@dataclass(frozen=True, slots=True)
class RoundProgress:
    """The trials of one round so far: new ones with the numbers `first` to `end` - 1, and `survivors` continued
    ones."""

    first: int
    end: int
    survivors: int

    @property
    def proposals(self) -> int:
        return self.end - self.first + self.survivors


@dataclass(frozen=True)
class CoarseToFine:
    """Round 1 is random search. A later round starts when all earlier trials have ended: it continues the best PAUSED
    trials of the previous round, then draws new trials from its search ranges, `trials` in total.

    keep: the fraction of a round's trials that are continued ones, in [0, 1].
    top: the fraction of all trials so far whose bounding box is the next range, in (0, 1].
    margin: see `next_ranges`.
    by_slope: ranges follow from all trials of a round (`next_round`); False: as in studies of earlier versions.

    The round in which a trial started follows from the rounds' sizes, so a study can be extended by rounds at the end
    or by trials in the last one. A trial is ranked by its state at the end of the previous round, also if it was
    continued later, so the ranges of a round never change. Trials of the study that this one was forked from are not
    used: their losses are from longer trainings.
    """

    slow: ClassVar[bool] = False

    space: Space
    seed: int
    rounds: Sequence[GivenRound]
    keep: float
    top: float
    margin: float
    known: Sequence[Params] = ()
    by_slope: bool = True
    _known: KnownPoints = field(default_factory=KnownPoints, init=False, repr=False, compare=False)

    def ask(self, history: History) -> Proposal | None:
        is_short = False
        for index, (round_, span) in enumerate(zip(self.rounds, self.progress(history), strict=True)):
            if span.proposals < round_.trials:
                if span.proposals == 0 and any(trial.state.is_active for trial in history):
                    return None
                proposal = self._proposal(index, span, history)
                if proposal is None:
                    is_short = True
                elif span.proposals == 0:
                    return replace(
                        proposal, notes=self._notes(index, self.ranges(history)[index], history.objective.unit)
                    )
                else:
                    return proposal
        return exhausted(self.space, history) if is_short else None

    def _proposal(self, index: int, span: RoundProgress, history: History) -> New | Resume | None:
        """The next trial of a round: one of the best to continue, else a new one. If no new point is left in the
        round's
        ranges: another trial to continue, else a new one from the full space. None: no point is left."""
        round_ = self.rounds[index]
        return (
            self._continue(index, span, history, ceil_share(self.keep, round_.trials))
            or self._new(index, history, self._next_rounds(history)[index])
            or self._continue(index, span, history, round_.trials)
            or self._new(index, history, NextRound(full_ranges(self.space)))
        )

    def planned_rounds(self, history: History) -> tuple[Sequence[PlannedRound], None]:
        """All rounds that have started, with their trials so far. The second value is always None."""
        rounds = []
        for index, (span, ranges) in enumerate(zip(self.progress(history), self.ranges(history), strict=False)):
            continued = tuple(number for number in range(span.first) if history[number].round > index)
            rung = Rung(self.rounds[index].epochs, len(continued), span.end - span.first)
            notes = self._notes(index, ranges, history.objective.unit)
            rounds.append(PlannedRound(index + 1, rung, span.first, ranges, self.space, continued, notes=notes))
        return rounds, None

    def is_left_behind(self, trial: Trial, history: History) -> bool:
        """A round only continues trials of the previous round, so trials of earlier rounds are never resumed."""
        return trial.round < max(one.round for one in history) - 1

    def _notes(self, index: int, ranges: Sequence[SearchRange], unit: str) -> tuple[str, ...]:
        """The trials and epochs of a round, and the reasons for its search ranges."""
        round_ = self.rounds[index]
        trials = many(at_most(round_.trials, self.space), "trial")
        note = f"round {index + 1}: {trials}, trained to {unit} {round_.epochs}"
        return (note, *(one.reason for one in ranges))

    def progress(self, history: History) -> list[RoundProgress]:
        """The progress of each round; rounds that have not started have no trials."""
        progress: list[RoundProgress] = []
        first = 0
        for number, round_ in enumerate(self.rounds, start=1):
            survivors = sum(history[i].round >= number for i in range(first))
            end = min(len(history), first + max(round_.trials - survivors, 0))
            progress.append(RoundProgress(first, end, survivors))
            first = end
        return progress

    def ranges(self, history: History) -> tuple[tuple[SearchRange, ...], ...]:
        """The search ranges of all rounds that have started or can start now, one for each numeric parameter."""
        return tuple(one.ranges for one in self._next_rounds(history))

    def _next_rounds(self, history: History) -> list[NextRound]:
        """The ranges and the first new trial of all rounds that have started or can start now."""
        rounds = [NextRound(full_ranges(self.space))]
        progress, running = self.progress(history), any(trial.state.is_active for trial in history)
        grows = has_unknown_points(self.space, self._known.keys(self.space, history))
        for index, span in enumerate(progress[1:], start=1):
            may_grow = grows and progress[index - 1].proposals < self.rounds[index - 1].trials
            if span.proposals == 0 and (running or may_grow):
                break
            best = self._ranked(index, span, history)[: max(MIN_TRIALS, ceil_share(self.top, span.first))]
            past = [one.ranges for one in rounds]
            if self.by_slope and best:
                latest = self._latest(index, progress, history)
                seen = RoundEvidence(past, best, latest, history.loss, span.first)
                rounds.append(next_round(self.space, seen, self.margin))
            else:
                params = [trial.params for trial in best]
                rounds.append(NextRound(next_ranges(self.space, past[-1], params, span.first, self.margin)))
        return rounds

    def _ranked(self, index: int, span: RoundProgress, history: History) -> list[Trial]:
        """The trials with a value before a round, best first, in their state at its start: without the epochs of later
        rounds and of `hpsearch extend`."""
        return history.objective.succeeded(self._before(index, history[number]) for number in range(span.first))

    def _before(self, index: int, trial: Trial) -> Trial:
        """A trial in its state at the start of a round."""
        if trial.round > index:
            return trial.as_of(self.rounds[index - 1].epochs)
        return unextended(trial, self.rounds[trial.round - 1].epochs)

    def _latest(self, index: int, progress: Sequence[RoundProgress], history: History) -> list[Trial]:
        """The trials of the previous round, all trained equally long, in their state at its end."""
        before = progress[index - 1]
        numbers = (n for n in range(before.end) if n >= before.first or history[n].round >= index)
        return [self._before(index, history[number]) for number in numbers]

    def _continue(self, index: int, span: RoundProgress, history: History, wanted: int) -> Resume | None:
        """The next of the best PAUSED trials of the previous round, while this round continues fewer than `wanted`."""
        until = self.rounds[index].epochs
        if index == 0 or span.survivors >= wanted:
            return None
        ranked = self._ranked(index, span, history)
        paused = [(rank, t) for rank, t in enumerate(ranked, 1) if t.state is State.PAUSED and t.round >= index]
        for rank, trial in [one for one in paused if one[1].epoch < until][:wanted]:
            if history[trial.number].round == index:
                value = f"{history.objective.metric} {history.objective.value(trial):.4g}"
                longer = f"continued to {history.objective.unit} {until}"
                reason = f"round {index + 1}: rank {rank} of {span.first} ({value}), {longer}"
                return Resume(trial.number, until, reason, index + 1)
        return None

    def _new(self, index: int, history: History, round_: NextRound) -> New | None:
        """A new trial of this round; None if each point of its ranges has a trial."""
        until = self.rounds[index].epochs
        if (known := known_point(self.known, history, until, index + 1)) is not None:
            return known
        space, taken = narrowed(self.space, round_.ranges), self._known.keys(self.space, history)
        if not has_unknown_points(space, taken, self.space):
            return None
        where = ", ".join(f"{one.name} {one.range}{' (moved)' if one.moved else ''}" for one in round_.ranges)
        source = f"the search ranges {where}" if index and where else "the full space"
        is_first = len(history) == self.progress(history)[index].first
        if is_first and round_.estimate is not None and key(self.space, round_.estimate) not in taken:
            reason = f"round {index + 1}: the optimum of parabolas through the results, within {source}"
            return New(round_.estimate, until, reason, index + 1)
        number = len(history) + history.drawn_before
        generator, by = stream(self.seed, number), ""
        if index == 0:
            drawn, most = partial(draw, space, stream(self.seed, number), taken), self.rounds[0].trials
            related = related_point(self.space, history, len(self.known), taken, drawn, until, most)
            if related is not None:
                return related
            params, by = draw_with_priors(space, generator, taken, number, trust_of_draws(space, history))
        else:
            params = draw(space, generator, taken, self.space)
        return New(params, until, f"round {index + 1}: drawn from {source}{by}", index + 1)
