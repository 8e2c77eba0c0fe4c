"""Coarse to fine: rounds of fewer, longer trials, each in a range round the best of those before.

Bergstra and Bengio 2012 (JMLR 13) for the first round; the rest is what a careful engineer does by hand (Bengio 2012,
"Practical recommendations for gradient-based training of deep architectures", arXiv 1206.5533, section 3.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from hpsearch.core.decisions import New, Proposal, Resume
from hpsearch.core.format import many
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import State, Trial
from hpsearch.samplers.random import Cycle, draw
from hpsearch.samplers.recipe.planned_rounds import PlannedRound
from hpsearch.samplers.recipe.search_ranges import FEWEST, SearchRange, narrowed, next_ranges, whole
from hpsearch.study.schedule import GivenRound, Rung, part
from hpsearch.study.space import Space


@dataclass(frozen=True, slots=True)
class Span:
    """What a round has come to so far: its new trials are `first` to `end` - 1, and so many older ones go on in it."""

    first: int
    end: int
    survivors: int

    @property
    def proposals(self) -> int:
        return self.end - self.first + self.survivors


@dataclass(frozen=True)
class CoarseToFine:
    """Round 1 is random search. A later round begins when all before have ended: it continues the best PAUSED trials
    of the round before, then draws new ones from the ranges. Its proposals, of both kinds, are exactly `trials`.

    keep: the part of a round's trials that are older ones, in [0, 1].
    top: the part of all trials so far that the ranges are drawn round, in (0, 1].
    margin: see `next_ranges`.

    Which round a trial began in follows from the rounds' sizes, so a study may be extended by rounds at the end or by
    trials in the last one. A trial is judged by what it was at the end of the round before, whatever became of it
    since; so a round's ranges stay what they were. The evidence of a forked study is left aside: its losses are those
    of longer trainings.
    """

    slow: ClassVar[bool] = False

    space: Space
    seed: int
    rounds: Sequence[GivenRound]
    keep: float
    top: float
    margin: float
    _cycle: Cycle = field(default_factory=Cycle, init=False, repr=False, compare=False)

    def ask(self, history: History) -> Proposal | None:
        for index, (round_, span) in enumerate(zip(self.rounds, self.spans(history), strict=True)):
            if span.proposals < round_.trials:
                if span.proposals == 0 and any(trial.state.is_active for trial in history):
                    return None
                proposal = self._continue(index, span, history) or self._new(index, history)
                if span.proposals == 0:
                    return replace(proposal, notes=self._notes(index, self.ranges(history)[index]))
                return proposal
        return None

    def planned_rounds(self, history: History) -> tuple[Sequence[PlannedRound], None]:
        """Every round that has begun, as far as it has come; nothing is ever said about its end."""
        rounds = []
        for index, (span, ranges) in enumerate(zip(self.spans(history), self.ranges(history), strict=False)):
            older = tuple(number for number in range(span.first) if history[number].round > index)
            rung = Rung(self.rounds[index].epochs, len(older), span.end - span.first)
            notes = self._notes(index, ranges)
            rounds.append(PlannedRound(index + 1, rung, span.first, ranges, self.space, older, notes=notes))
        return rounds, None

    def _notes(self, index: int, ranges: Sequence[SearchRange]) -> tuple[str, ...]:
        """Why a round looks where it does."""
        round_ = self.rounds[index]
        note = f"round {index + 1}: {many(round_.trials, 'trial')} to epoch {round_.epochs}"
        return (note, *(one.reason for one in ranges))

    def spans(self, history: History) -> list[Span]:
        """One for each round, empty for those that have not begun."""
        spans: list[Span] = []
        first = 0
        for number, round_ in enumerate(self.rounds, start=1):
            survivors = sum(history[i].round >= number for i in range(first))
            end = min(len(history), first + max(round_.trials - survivors, 0))
            spans.append(Span(first, end, survivors))
            first = end
        return spans

    def ranges(self, history: History) -> tuple[tuple[SearchRange, ...], ...]:
        """The ranges of every round that has begun or could begin now; in each, one for every number of the space."""
        ranges = [whole(self.space)]
        spans, running = self.spans(history), any(trial.state.is_active for trial in history)
        for index, span in enumerate(spans[1:], start=1):
            if span.proposals == 0 and (running or spans[index - 1].proposals < self.rounds[index - 1].trials):
                break
            best = self._ranked(index, span, history)[: max(FEWEST, part(self.top, span.first))]
            ranges.append(next_ranges(self.space, ranges[-1], [t.params for t in best], span.first, self.margin))
        return tuple(ranges)

    def _ranked(self, index: int, span: Span, history: History) -> list[Trial]:
        """The trials before a round that came to something, best first, as they were when it began."""
        epochs, trials = self.rounds[index - 1].epochs, (history[number] for number in range(span.first))
        return history.objective.ranked(one.as_of(epochs) if one.round > index else one for one in trials)

    def _continue(self, index: int, span: Span, history: History) -> Resume | None:
        """The next of the best PAUSED trials of the round before, if this round wants more of them."""
        until = self.rounds[index].epochs
        wanted = part(self.keep, self.rounds[index].trials)
        if index == 0 or span.survivors >= wanted:
            return None
        ranked = self._ranked(index, span, history)
        paused = [(rank, t) for rank, t in enumerate(ranked, 1) if t.state is State.PAUSED and t.round >= index]
        for rank, trial in [one for one in paused if one[1].epoch < until][:wanted]:
            if history[trial.number].round == index:
                value = f"{history.objective.metric} {history.objective.value(trial):.4g}"
                reason = f"round {index + 1}: rank {rank} of {span.first} ({value}), trained on to epoch {until}"
                return Resume(trial.number, until, reason, index + 1)
        return None

    def _new(self, index: int, history: History) -> New:
        ranges = self.ranges(history)[index]
        generator = stream(self.seed, len(history))
        params = draw(narrowed(self.space, ranges), generator, self._cycle.keys(self.space, history))
        where = ", ".join(f"{one.name} {one.range}{' (moved)' if one.moved else ''}" for one in ranges)
        drawn = f"in windows round the best: {where}" if index and where else "anywhere in the space"
        return New(params, self.rounds[index].epochs, f"round {index + 1}: drawn {drawn}", index + 1)
