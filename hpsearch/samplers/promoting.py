"""A search whose pruner promotes: paused trials that have become one of the best continue before new ones start."""

from dataclasses import dataclass

from hpsearch.core.decisions import New, Proposal, Resume
from hpsearch.core.history import History
from hpsearch.pruners.promotion import Promotes
from hpsearch.samplers.base import Sampler


@dataclass(frozen=True)
class Promoting:
    """sampler: proposes the new trials. pruner: pauses and promotes them. epochs: the most that a trial may train.

    The search is over when the sampler proposes no more, no trial is running, and none is promoted. Where trials have
    no checkpoints, none is paused, and so none is promoted.
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
        """The paused trial that continues before a new one starts. Takes no longer than a pruner."""
        return self._resume(history, at_end=False)

    def last(self, history: History, proposal: Proposal | None) -> Proposal | None:
        """In place of the sampler's answer that it proposes nothing: the best paused trial, once no trial is running,
        so that one of them trains to the end."""
        is_over = not any(trial.state.is_active for trial in history)
        return (self._resume(history, at_end=True) if is_over else None) or proposal

    def _resume(self, history: History, *, at_end: bool) -> Resume | None:
        found = None if history.restarts else self.pruner.promotion(history, at_end=at_end)
        return None if found is None else Resume(found.number, self.epochs, found.reason)
