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
    from `stream(study seed, number)`. An instance may cache values that it computes from the history, but has no other
    state. There is no `tell`, and nothing is saved: after a restart a new instance makes the same proposals
    (docs/decisions/0001).

    slow: an ask takes longer than a few milliseconds. The loop then runs it on a thread, one trial ahead.
    """

    @property
    def slow(self) -> bool: ...

    def ask(self, history: History) -> Proposal | None:
        """The next proposal. None: there is none now; if no trial is running either, the search is over.

        A `New` has a value for every active parameter, including the fixed ones: a plain str, int, float or bool
        within the space. Its `until` is in [1, trainer.epochs]. A `Resume` names a PAUSED trial, and its `until` is
        larger than the epoch of this trial. Every proposal has a reason.
        """
        ...


@runtime_checkable
class LeavesTrialsBehind(Protocol):
    """A sampler that never resumes some PAUSED trials. Any other sampler may resume every PAUSED trial."""

    def is_left_behind(self, trial: Trial, history: History) -> bool:
        """Whether a PAUSED trial is never resumed, even if the study is extended."""
        ...


@runtime_checkable
class SearchesInRounds(Protocol):
    """A sampler that searches in rounds."""

    @property
    def space(self) -> Space: ...

    def planned_rounds(self, history: History) -> tuple[Sequence[PlannedRound], Over | None]:
        """All rounds that have started or could start now, and the reason why no round follows; None if one may."""
        ...
