"""The result of a run."""

import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hpsearch.core.format import outline, score
from hpsearch.core.front import FrontTrial, front
from hpsearch.core.history import BestTrial, History
from hpsearch.core.trial import State
from hpsearch.orchestrator.rules import End, Totals
from hpsearch.study.definition import Study
from hpsearch.tracking.base import Sync


@dataclass(frozen=True, repr=False)
class RunResult:
    """The result of a run: of the study as a whole, and of this run.

    Of the study:
    study: as it was run. is_fork: its name differs from the name in its file. history: its trials by number.
    counts: the number of trials in each state that has any. best: None if no trial has a value.
    spent: seconds of wall clock of all its runs.

    Of this run:
    end: why it ended. totals: epochs, seconds, workers and failures. sync: what was sent to MLflow, and what was not.
    seconds: wall clock. signal: that stopped it, or None. trained_nothing: the study was over before this run.
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
    spent: float
    signal: signal.Signals | None
    trained_nothing: bool = False

    @property
    def name(self) -> str:
        """The study's name, by which `hpsearch.load` finds it."""
        return self.study.study.name

    @property
    def state(self) -> str:
        """The study's state: COMPLETE, FAILED (every trial failed), or STOPPED before its search was over."""
        return self.end.state

    @property
    def reason(self) -> str:
        """Why the run ended, in words; "" if the search ran to its end without a special reason."""
        return self.end.stopped or self.end.over

    @property
    def outline(self) -> str:
        """The result in one line."""
        counts = {str(state): self.counts[state] for state in State if state in self.counts}
        best = self.history.best()
        said = f"trial {best.number}, {score(best, self.history.objective)}" if best is not None else ""
        why = f" ({self.end.stopped})" if self.end.stopped else ""
        return outline(self.name, f"{self.state}{why}", counts, said)

    def __repr__(self) -> str:
        return f"<RunResult {self.outline}>"

    @property
    def front(self) -> list[FrontTrial]:
        """The Pareto front of a study with several goals, best by the first goal first; empty for one goal."""
        return front(self.history, self.history.objective)

    @property
    def exit_code(self) -> int:
        """The exit code of `hpsearch run`."""
        if self.signal is not None:
            return 128 + self.signal
        return 3 if self.best is None or self.end.all_failed or self.end.is_max_failures else 0

    def document(self) -> dict[str, Any]:
        """The object that `hpsearch run --json` prints."""
        return {
            "study": self.name,
            "state": self.state,
            "reason": self.reason,
            "cause": str(self.end.cause),
            "cause_numbers": dict(self.end.numbers),
            "trials": {state.lower(): self.counts.get(state, 0) for state in State if state is not State.RUNNING},
            "best": self.best and asdict(self.best),
            **({"front": [asdict(one) for one in self.front]} if self.history.objective.others else {}),
            "epochs_trained": self.history.epochs,
            "unit": self.history.objective.unit,
            "wall_seconds": round(self.seconds, 3),
            "busy_fraction": round(self.totals.busy_fraction, 4),
            "journal": self.study.journal_display,
            "tracking_uri": self.study.tracking_display,
        }
