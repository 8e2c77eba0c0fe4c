"""The recorder of the loop: a protocol, and its implementation with the journal."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol

from hpsearch.core.decisions import Decision
from hpsearch.core.messages import Provenance
from hpsearch.core.trial import Cause, Numbers, Report, Trial
from hpsearch.journal import Batch, Environment, Owner, SpoolingWriter, TrainingSegment, Writer
from hpsearch.orchestrator.held_study import HeldStudy


class Recorder(Protocol):
    """Decisions are written here before they are carried out: in a run to the journal, in tests to a list."""

    def write(
        self,
        trials: Iterable[Trial],
        reports: Iterable[tuple[int, Report]],
        decisions: Iterable[Decision],
        provenance: Iterable[tuple[int, Provenance]],
    ) -> None:
        """Write all or nothing. Reports and provenance have the number of their trial."""
        ...

    def renew(self) -> None:
        """Renew the lease of this process; called at least once a second."""
        ...

    @property
    def stop_requested(self) -> str:
        """Why the run should stop; "" if it should continue."""
        ...


class CallerWriter:
    """Used for one turn, so it does not renew the lease. It raises if the database does not accept a batch."""

    overdue = ""

    def __init__(self, writer: Writer, caller: Owner, held: HeldStudy):
        self._writer, self._caller, self._held = writer, caller, held

    @property
    def asked_to_stop(self) -> bool:
        return self._writer.asked_to_stop

    def write(self, batch: Batch) -> None:
        """Without the decision that the search is over if another caller has recorded it."""
        decisions = [one for one in batch.decisions if one.kind != "over" or not self._held.is_over]
        self._writer.write(replace(batch, decisions=decisions, caller=self._caller.uid))

    def renew(self) -> None: ...

    def close(self, at_once: bool = False) -> None:  # noqa: ARG002
        self._writer.close()


class JournalRecorder:
    """Writes under the lease; while the database is unreachable, to a file (`SpoolingWriter`).

    code: of the trainer, see `provenance.environment.code`. note: shows a line to the user.
    caller: this program, if several train together; an unreachable database then raises.
    data: the hash of each data set that was equal in all trials of earlier runs, by its name.
    """

    def __init__(
        self,
        held: HeldStudy,
        code: Mapping[str, Any],
        note: Callable[[str], None],
        caller: Owner | None = None,
        data: Mapping[str, str] = MappingProxyType({}),
    ):
        writer = held.journal.writer(held.lease, held.study.objective)
        self._writer: SpoolingWriter | CallerWriter
        if caller is None:
            self._writer = SpoolingWriter(writer, held.spool, held.lease.token, held.study.journal.wait, note)
        else:
            self._writer = CallerWriter(writer, caller, held)
        self._code, self._note, self._data = code, note, dict(data)
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
        """Record the study's state. cause: why it is COMPLETE or STOPPED; None for RUNNING."""
        self._writer.write(Batch(study_state=state, study_cause=cause, study_cause_numbers=numbers or {}))

    @property
    def stop_requested(self) -> str:
        return self._writer.overdue or ("`hpsearch stop` was called" if self._writer.asked_to_stop else "")

    def close(self, at_once: bool = False) -> None:
        """JournalUnavailable: the database has not received everything; see `SpoolingWriter.close`."""
        self._writer.close(at_once or bool(self._writer.overdue))

    def _segment(self, number: int, came: Provenance) -> TrainingSegment:
        """Workers of one kind have the same environment, which is combined with the code and hashed only once."""
        for name, digest in came.data.items():
            if self._data.pop(name, digest) != digest:
                self._note(
                    f'warning: the data set "{name}" has changed since earlier trials of this study: their results '
                    f"and the result of trial {number} cannot be compared"
                )
        key = json.dumps(came.environment, sort_keys=True)
        if key not in self._environments:
            self._environments[key] = Environment({"environment": came.environment, "code": self._code})
        return TrainingSegment(number, came.after, self._environments[key], came.data)
