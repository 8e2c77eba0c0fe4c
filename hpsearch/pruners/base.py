"""What a pruner is."""

from typing import Protocol

from hpsearch.core.decisions import Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Trial


class Pruner(Protocol):
    """Reads one trial among all.

    A pure function: no clock, no random numbers, nothing remembered. The trial's last report is the one in question,
    and it is in the history already. A report whose metric is NaN or infinite never comes here: the loop ends such a
    trial as diverged before it asks; but the other trials' curves may hold them.
    """

    def judge(self, trial: Trial, history: History) -> Verdict:
        """Continue, Stop (pruned), Pause (its checkpoint stays) or Finish (done by its curve), each with its reason.

        All but Continue have a cause and the numbers of the reason as well.
        """
        ...
