"""What the loop writes to, and the journal as that."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from hpsearch.core.decisions import Decision
from hpsearch.core.messages import Provenance
from hpsearch.core.trial import Cause, Numbers, Report, Trial
from hpsearch.journal import Batch, Environment, SpoolingWriter, TrainingSegment
from hpsearch.orchestrator.held_study import HeldStudy


class Recorder(Protocol):
    """Where everything is written before it is acted on: the journal, or a list in a test."""

    def write(
        self,
        trials: Iterable[Trial],
        reports: Iterable[tuple[int, Report]],
        decisions: Iterable[Decision],
        provenance: Iterable[tuple[int, Provenance]],
    ) -> None:
        """All of it or nothing. Reports and provenance are with the number of their trial."""
        ...

    def renew(self) -> None:
        """Show a sign of life of this driver; called at least once a second."""
        ...

    @property
    def stop_requested(self) -> str:
        """Why the run should end in good order; "" while it should go on."""
        ...


class JournalRecorder:
    """Writes under the lease, whether the database is there or not (`SpoolingWriter`).

    code: of the trainer, see `provenance.environment.code`. note: takes what the user should know.
    """

    def __init__(self, held: HeldStudy, code: Mapping[str, Any], note: Callable[[str], None]):
        writer = held.journal.writer(held.lease, held.study.objective)
        self._writer = SpoolingWriter(writer, held.spool, held.lease.token, held.study.journal.wait, note)
        self._code = code
        self._environments: dict[str, Environment] = {}
        self.spent_before = writer.spent
        self.renew = self._writer.renew

    def write(
        self,
        trials: Iterable[Trial],
        reports: Iterable[tuple[int, Report]],
        decisions: Iterable[Decision],
        provenance: Iterable[tuple[int, Provenance]] = (),
    ) -> None:
        segments = tuple(self._segment(number, came) for number, came in provenance)
        self._writer.write(Batch(tuple(trials), tuple(reports), tuple(decisions), segments=segments))

    def state(self, state: str, cause: Cause | None = None, numbers: Numbers | None = None) -> None:
        """cause: why it is COMPLETE or STOPPED; None while it is RUNNING."""
        self._writer.write(Batch(study_state=state, study_cause=cause, study_cause_numbers=numbers or {}))

    @property
    def stop_requested(self) -> str:
        return self._writer.overdue or ("`hpsearch stop` was called" if self._writer.asked_to_stop else "")

    def close(self, at_once: bool = False) -> None:
        """JournalUnavailable: the database has not got everything; see `SpoolingWriter.close`."""
        self._writer.close(at_once or bool(self._writer.overdue))

    def _segment(self, number: int, came: Provenance) -> TrainingSegment:
        """Workers of one kind have the same environment: it is put together with the code, and hashed, once."""
        key = json.dumps(came.environment, sort_keys=True)
        if key not in self._environments:
            self._environments[key] = Environment({"environment": came.environment, "code": self._code})
        return TrainingSegment(number, came.after, self._environments[key], came.data)
