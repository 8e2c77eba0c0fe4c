"""The journal as a tracker sees it. `hpsearch.journal.Journal` is one; trackers never import it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hpsearch.core.decisions import Decision
from hpsearch.core.trial import Report, Trial


class Study(Protocol):
    """A study as the journal keeps it.

    spec: the study file, checked and complete; no secret stands in it.
    identity: the part of it that makes it this study and never changes (space, trainer, seed).
    forked_from: the name of the study that this one learns from.
    created_at: milliseconds since 1970.
    """

    @property
    def id(self) -> int: ...
    @property
    def uid(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def spec(self) -> Mapping[str, Any]: ...
    @property
    def identity(self) -> Mapping[str, Any]: ...
    @property
    def forked_from(self) -> str | None: ...
    @property
    def created_at(self) -> int: ...


class Changes(Protocol):
    """What became different in a study after some revision, up to `revision`, in the order in which it was written.

    trials: those whose state changed, without their curves.
    reports: (trial number, report).
    """

    @property
    def revision(self) -> int: ...
    @property
    def trials(self) -> Sequence[Trial]: ...
    @property
    def reports(self) -> Sequence[tuple[int, Report]]: ...
    @property
    def decisions(self) -> Sequence[Decision]: ...
    @property
    def study_state(self) -> str: ...


class Best(Protocol):
    """The best trial so far."""

    @property
    def number(self) -> int: ...
    @property
    def value(self) -> float: ...
    @property
    def epoch(self) -> int: ...


class Summary(Protocol):
    @property
    def best(self) -> Best | None: ...


class Environment(Protocol):
    @property
    def document(self) -> Mapping[str, Any]: ...


class TrainingSegment(Protocol):
    """Some epochs of a trial. data: name -> SHA-256 of what they were trained on."""

    @property
    def environment(self) -> Environment: ...
    @property
    def data(self) -> Mapping[str, str]: ...


class Source(Protocol):
    """A reader of the journal for one thread. `target` names a place that changes are sent to."""

    def changes(self, study_id: int, since: int, limit_reports: int = 5000) -> Changes: ...
    def trial(self, study_id: int, number: int) -> Trial: ...
    def summary(self, study_id: int) -> Summary: ...
    def decisions(self, study_id: int) -> Sequence[Decision]: ...
    def documents(self, study_id: int) -> Mapping[str, Any]: ...
    def segments(self, study_id: int, number: int | None = None) -> Sequence[TrainingSegment]: ...
    def cursor(self, study_id: int, target: str) -> int: ...
    def set_cursor(self, study_id: int, target: str, revision: int) -> None: ...
    def close(self) -> None: ...
