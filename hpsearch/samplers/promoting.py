"""Wraps a sampler if the pruner promotes: paused trials that are now among the best continue before new ones start."""

from dataclasses import dataclass

from hpsearch.core.decisions import New, Proposal, Resume
from hpsearch.core.history import History
from hpsearch.pruners.promotion import Promotes
from hpsearch.samplers.base import Sampler


@dataclass(frozen=True)
class Promoting:
    """sampler: proposes the new trials. pruner: pauses and promotes them. epochs: maximum of one trial.

    The search is over when the sampler proposes no more trials, none is running, and none is promoted. Without
    checkpoints no trial is paused or promoted.
    """

    sampler: Sampler
    pruner: Promotes
    epochs: int

    @property
    def slow(self) -> bool:
        return self.sampler.slow

    def ask(self, history: History) -> Proposal | None:
        if (resumed := self.resume(history)) is not None:
            return resumed
        proposal = self.sampler.ask(history)
        return proposal if isinstance(proposal, New | Resume) else self.last(history, proposal)

    def resume(self, history: History) -> Resume | None:
        """The paused trial that continues before a new one starts. As fast as the pruner."""
        return self._resume(history, at_end=False)

    def last(self, history: History, proposal: Proposal | None) -> Proposal | None:
        """If the sampler proposes no trial and none is running: the best paused trial, so that one trial trains to the
        end. Else `proposal`, the answer of the sampler."""
        is_over = not any(trial.state.is_active for trial in history)
        return (self._resume(history, at_end=True) if is_over else None) or proposal

    def _resume(self, history: History, *, at_end: bool) -> Resume | None:
        found = None if history.restarts else self.pruner.promotion(history, at_end=at_end)
        return None if found is None else Resume(found.number, self.epochs, found.reason)
