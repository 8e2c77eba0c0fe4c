"""No pruning, as an object."""

from dataclasses import dataclass

from hpsearch.core.decisions import Continue, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Trial


@dataclass(frozen=True)
class NeverPrune:
    """Every trial goes on."""

    def judge(self, trial: Trial, history: History) -> Verdict:  # noqa: ARG002
        return Continue()
