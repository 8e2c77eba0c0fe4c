"""Early stopping: a trial that no longer improves is done, with its best epoch (Prechelt 1998, "Early Stopping,
but when?", in Neural Networks: Tricks of the Trade).
"""

from dataclasses import dataclass

from hpsearch.core.decisions import Continue, Finish, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Trial
from hpsearch.pruners.patience import standstill


@dataclass(frozen=True)
class EarlyStopping:
    """Finishes a trial (COMPLETE) that has not improved for `patience` epochs (>= 1) by more than `min_delta`."""

    patience: int
    min_delta: float = 0.0

    def judge(self, trial: Trial, history: History) -> Verdict:
        stalled, numbers = standstill(trial, history.objective, self.patience, self.min_delta)
        return Finish(f"early stop: {stalled}", Cause.PATIENCE, numbers) if stalled else Continue()
