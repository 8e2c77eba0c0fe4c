"""What a run came to."""

import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hpsearch.core.history import History
from hpsearch.core.trial import Params, State
from hpsearch.orchestrator.rules import End, Totals
from hpsearch.study.definition import Study
from hpsearch.tracking.base import Sync


@dataclass(frozen=True)
class BestTrial:
    """epoch: the one at which it is judged, with this value of the study's metric."""

    trial: int
    value: float
    epoch: int
    params: Params

    @classmethod
    def of(cls, history: History) -> "BestTrial | None":
        best = history.best()
        report = history.objective.judged(best) if best is not None else None
        if best is None or report is None:
            return None
        return cls(best.number, report.metrics[history.objective.metric], report.step, dict(best.params))


@dataclass(frozen=True)
class RunResult:
    """totals, end, seconds and signal are of this run, the rest is of the study.

    is_fork: the study has another name than in its file. counts: how many trials are in each state that has any.
    best: None where no trial has a value.
    signal: what asked it to end, if any did.
    """

    study: Study
    is_fork: bool
    history: History
    counts: Mapping[State, int]
    best: BestTrial | None
    totals: Totals
    end: End
    sync: Sync
    seconds: float
    signal: signal.Signals | None

    @property
    def exit_code(self) -> int:
        if self.signal is not None:
            return 128 + self.signal
        return 3 if self.best is None else 0

    def document(self) -> dict[str, Any]:
        return {
            "study": self.study.study.name,
            "state": self.end.state,
            "reason": self.end.stopped or self.end.over,
            "trials": {state.lower(): self.counts.get(state, 0) for state in State if state is not State.RUNNING},
            "best": self.best and asdict(self.best),
            "epochs_trained": self.history.epochs,
            "wall_seconds": round(self.seconds, 3),
            "busy_fraction": round(self.totals.busy_fraction, 4),
            "journal": self.study.journal_display,
            "tracking_uri": self.study.tracking_display,
        }
