"""Several pruners as one."""

from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.core.decisions import Continue, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Trial
from hpsearch.pruners.base import Pruner


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
