"""Who watches a study run."""

from collections.abc import Collection, Sequence

from hpsearch.core.decisions import Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Trial
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.study.definition import Study


class Observer:
    """Learns what was done when it is in the journal, on the thread of the loop, so it must return soon.

    A subclass has the callbacks that it needs; the others do nothing, so this one watches in silence.
    """

    def study_started(self, study: Study) -> None:
        """A run of it begins: its workers are started next."""

    def trial_started(self, trial: Trial, notes: Sequence[str]) -> None:
        """It is given to a worker. notes: what was decided with it about the search as a whole."""

    def reported(self, trial: Trial) -> None:
        """One epoch more is on its curve: the last one."""

    def judged(self, trial: Trial, verdict: Verdict) -> None:
        """What follows from its last report."""

    def ended(self, trial: Trial) -> None:
        """It is COMPLETE, PRUNED, FAILED or PAUSED."""

    def turn_ended(self, history: History, running: Collection[int]) -> None:
        """All that was decided is recorded and done; several times a second. running: trials that are on a worker."""

    def study_ended(self, result: RunResult) -> None:
        """The run is at its end, whatever ended it."""

    def say(self, text: str) -> None:
        """A line for the user that stays."""
