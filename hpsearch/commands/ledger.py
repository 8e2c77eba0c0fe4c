"""The loop's view of the journal while a study runs."""

from collections.abc import Callable, Iterable

from hpsearch.journal import Batch, Journal, Lease, PatientWriter, Spool
from hpsearch.study import Study
from hpsearch.trial import Decision, Report, Trial


class JournalLedger:
    """Writes under the lease, whether the database is there or not (`PatientWriter`). say: tells the user."""

    def __init__(self, journal: Journal, lease: Lease, study: Study, spool: Spool, say: Callable[[str], None]):
        writer = journal.writer(lease, study.objective)
        self._writer = PatientWriter(writer, spool, lease.token, study.journal.wait, say)
        self.spent_before = self._writer.spent

    def write(
        self, trials: Iterable[Trial], reports: Iterable[tuple[int, Report]], decisions: Iterable[Decision]
    ) -> None:
        self._writer.write(Batch(tuple(trials), tuple(reports), tuple(decisions)))

    def renew(self) -> None:
        self._writer.renew()

    def state(self, state: str) -> None:
        self._writer.write(Batch(study_state=state))

    @property
    def overdue(self) -> str:
        return self._writer.overdue

    @property
    def asked_to_stop(self) -> bool:
        return self._writer.asked_to_stop

    def close(self, at_once: bool = False) -> None:
        """JournalAway: the database has not got everything; see `PatientWriter.close`."""
        self._writer.close(at_once or bool(self.overdue))
