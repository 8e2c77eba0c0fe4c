"""Who watches a study run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpsearch.core.decisions import Verdict
from hpsearch.core.trial import Report, Trial
from hpsearch.study.definition import Study

if TYPE_CHECKING:
    from hpsearch.orchestrator.loop import Loop
    from hpsearch.orchestrator.run_result import RunResult


class Observer:
    """Learns what was done when it is in the journal, on the thread of the loop, so it must return soon.

    A subclass has the callbacks that it needs; the others do nothing, so this one watches in silence.
    """

    def study_started(self, study: Study) -> None:
        """A run of it begins: its workers are started next."""

    def trial_started(self, trial: Trial, notes: Sequence[str]) -> None:
        """It is given to a worker. notes: what was decided with it about the search as a whole."""

    def reported(self, trial: Trial, report: Report) -> None:
        """One epoch more is on its curve."""

    def judged(self, trial: Trial, verdict: Verdict) -> None:
        """What follows from its last report."""

    def ended(self, trial: Trial) -> None:
        """It is COMPLETE, PRUNED, FAILED or PAUSED."""

    def turn_ended(self, loop: "Loop") -> None:
        """All that was decided is recorded and done; several times a second. Here it may call `loop.stop`."""

    def study_ended(self, result: "RunResult") -> None:
        """The run is at its end, whatever ended it."""

    def say(self, text: str) -> None:
        """A line for the user that stays."""
