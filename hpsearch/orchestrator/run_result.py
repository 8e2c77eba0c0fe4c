"""What a run came to."""

import signal
from dataclasses import dataclass
from typing import Any

from hpsearch.core.history import History
from hpsearch.core.trial import State
from hpsearch.orchestrator.rules import Totals
from hpsearch.study.definition import Study
from hpsearch.tracking.base import Sync


@dataclass(frozen=True)
class RunResult:
    """totals, ending, seconds and signal are of this run, the rest is of the study.

    is_fork: the study has another name than in its file.
    ending: why the run stopped before the search was over, "" if it did not. signal: what asked it to, if any did.
    over: why the search had nothing more to propose, where it says so.
    """

    study: Study
    is_fork: bool
    history: History
    totals: Totals
    ending: str
    sync: Sync
    seconds: float
    signal: signal.Signals | None
    over: str = ""

    @property
    def exit_code(self) -> int:
        if self.signal is not None:
            return 128 + self.signal
        return 0 if self.history.best() is not None else 3

    def count(self, state: State) -> int:
        return sum(trial.state is state for trial in self.history)

    def document(self) -> dict[str, Any]:
        return {
            "study": self.study.study.name,
            "state": "STOPPED" if self.ending else "COMPLETE",
            "reason": self.ending or self.over,
            "trials": {state.lower(): self.count(state) for state in State if state is not State.RUNNING},
            "best": best_document(self.history),
            "epochs_trained": self.history.epochs,
            "wall_seconds": round(self.seconds, 3),
            "busy_fraction": round(self.totals.busy_fraction, 4),
            "journal": self.study.journal_display,
            "tracking_uri": self.study.tracking_display,
        }


def best_document(history: History) -> dict[str, Any] | None:
    best = history.best()
    report = history.objective.judged(best) if best is not None else None
    if best is None or report is None:
        return None
    value = report.metrics[history.objective.metric]
    return {"trial": best.number, "value": value, "epoch": report.step, "params": dict(best.params)}
