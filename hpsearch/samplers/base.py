"""The interface of samplers."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from hpsearch.core.decisions import Over, Proposal
from hpsearch.core.history import History
from hpsearch.core.trial import Trial
from hpsearch.samplers.recipe.planned_rounds import PlannedRound
from hpsearch.study.space import Space


class Sampler(Protocol):
    """Proposes the next trial. `hpsearch.testing.SamplerContract` tests every clause of this contract.

    `ask` is a pure function of the history. The next trial has the number `len(history)`, and its random numbers come
    from `stream(study seed, number)`. An instance may cache what it computes from the history; it keeps no other state.
    It has no `tell` and nothing is saved: after a restart a new instance makes the same proposals
    (docs/decisions/0001).

    slow: one ask takes longer than a few milliseconds. The loop then runs it on a thread, one trial ahead.
    """

    @property
    def slow(self) -> bool: ...

    def ask(self, history: History) -> Proposal | None:
        """The next proposal. None: nothing now; where no trial is running either, the search is over.

        A `New` has a value for every parameter that is active, the fixed ones included, each a plain str, int, float
        or bool within the space. `until` is in [1, trainer.epochs]. A `Resume` names a PAUSED trial, and its `until` is
        greater than the epoch that this trial has reached. Every proposal has a reason.
        """
        ...


@runtime_checkable
class LeavesTrialsBehind(Protocol):
    """A sampler that never resumes some PAUSED trials. Any other sampler may resume every PAUSED trial."""

    def is_left_behind(self, trial: Trial, history: History) -> bool:
        """Whether a PAUSED trial is never resumed, even where the study is extended."""
        ...


@runtime_checkable
class SearchesInRounds(Protocol):
    """A sampler that searches in rounds."""

    @property
    def space(self) -> Space: ...

    def planned_rounds(self, history: History) -> tuple[Sequence[PlannedRound], Over | None]:
        """Every round that has begun or could begin now, and why no other round follows; None while one may follow."""
        ...
