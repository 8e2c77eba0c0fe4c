"""The interface of pruners, a pruner that never prunes, and a combination of several pruners."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hpsearch.core.decisions import Continue, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Trial


class Pruner(Protocol):
    """Judges one trial, given all trials. `hpsearch.testing.PrunerContract` tests every rule of this contract.

    `judge` is a pure function: it reads no clock, draws no random numbers and keeps no state. It is called after each
    report, and the history contains that report. The loop ends a trial whose metric is NaN or infinite before it calls
    a pruner, but the curves of other trials may contain such values.
    """

    def judge(self, trial: Trial, history: History) -> Verdict:
        """Continue, Stop (the trial is PRUNED), Pause (its checkpoint is kept) or Finish (the trial is COMPLETE).

        Stop, Pause and Finish have a reason, a cause and the numbers of the reason, all finite. Continue has a reason
        only if the trial was compared with others.
        """
        ...


@dataclass(frozen=True)
class NeverPrune:
    """Every trial continues."""

    def judge(self, trial: Trial, history: History) -> Verdict:  # noqa: ARG002
        return Continue()


@dataclass(frozen=True)
class Several:
    """The first verdict other than Continue counts. If all verdicts are Continue, the first reason is kept."""

    pruners: Sequence[Pruner]

    def judge(self, trial: Trial, history: History) -> Verdict:
        continues: Verdict = Continue()
        for pruner in self.pruners:
            verdict = pruner.judge(trial, history)
            if not isinstance(verdict, Continue):
                return verdict
            continues = verdict if not continues.reason else continues
        return continues
