"""What a pruner is, no pruning as an object, and several pruners as one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hpsearch.core.decisions import Continue, Verdict
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


@dataclass(frozen=True)
class NeverPrune:
    """Every trial goes on."""

    def judge(self, trial: Trial, history: History) -> Verdict:  # noqa: ARG002
        return Continue()


@dataclass(frozen=True)
class Several:
    """The first that does not let a trial go on decides; where all do, the first reason is given."""

    pruners: Sequence[Pruner]

    def judge(self, trial: Trial, history: History) -> Verdict:
        on: Verdict = Continue()
        for pruner in self.pruners:
            verdict = pruner.judge(trial, history)
            if not isinstance(verdict, Continue):
                return verdict
            on = verdict if not on.reason else on
        return on
