"""The loop's view of the journal while a study runs."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hpsearch.core.decisions import Decision
from hpsearch.core.messages import Event, Order, Provenance, Reported
from hpsearch.core.trial import Cause, Numbers, Report, Trial
from hpsearch.journal import Batch, Environment, Journal, Lease, PatientWriter, Spool, TrainingSegment
from hpsearch.study.definition import Study
from hpsearch.workers.pools.base import Pool


class JournalLedger:
    """Writes under the lease, whether the database is there or not (`PatientWriter`). say: tells the user."""

    def __init__(self, journal: Journal, lease: Lease, study: Study, spool: Spool, say: Callable[[str], None]):
        writer = journal.writer(lease, study.objective)
        self._writer = PatientWriter(writer, spool, lease.token, study.journal.wait, say)
        self._stretches: list[TrainingSegment] = []
        self.spent_before = self._writer.spent

    def write(
        self, trials: Iterable[Trial], reports: Iterable[tuple[int, Report]], decisions: Iterable[Decision]
    ) -> None:
        """With it goes what was `trained` since the last: what it does not take is kept, to be tried again."""
        segments = tuple(self._stretches)
        self._writer.write(Batch(tuple(trials), tuple(reports), tuple(decisions), segments=segments))
        self._stretches = []

    def trained(self, segment: TrainingSegment) -> None:
        """To be written with what the loop makes of the report that it came with."""
        self._stretches.append(segment)

    def renew(self) -> None:
        self._writer.renew()

    def state(self, state: str, cause: Cause | None = None, numbers: Numbers | None = None) -> None:
        """cause: why it is COMPLETE or STOPPED; None while it is RUNNING."""
        self._writer.write(Batch(study_state=state, study_cause=cause, study_cause_numbers=numbers or {}))

    @property
    def overdue(self) -> str:
        return self._writer.overdue

    @property
    def asked_to_stop(self) -> bool:
        return self._writer.asked_to_stop

    def close(self, at_once: bool = False) -> None:
        """JournalAway: the database has not got everything; see `PatientWriter.close`."""
        self._writer.close(at_once or bool(self.overdue))


class Recording:
    """A pool of which is recorded where its trials are trained. code: see `provenance.environment.code`."""

    def __init__(self, pool: Pool, ledger: JournalLedger, code: Mapping[str, Any]):
        self._pool, self._ledger, self._code = pool, ledger, code
        self._environments: dict[str, Environment] = {}

    @property
    def room(self) -> int:
        return self._pool.room

    def do(self, order: Order) -> None:
        self._pool.do(order)

    def events(self, timeout: float) -> Sequence[Event]:
        events = self._pool.events(timeout)
        for event in events:
            if isinstance(event, Reported) and event.provenance is not None:
                self._ledger.trained(self._stretch(event.number, event.provenance))
        return events

    def close(self) -> None:
        self._pool.close()

    def _stretch(self, number: int, came: Provenance) -> TrainingSegment:
        """Workers of one kind say the same: it is put together with the code, and hashed, once."""
        said = json.dumps(came.environment, sort_keys=True)
        if said not in self._environments:
            self._environments[said] = Environment({"environment": came.environment, "code": self._code})
        return TrainingSegment(number, came.after, self._environments[said], came.data)
