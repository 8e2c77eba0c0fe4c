"""What the journal answers with, besides the values of hpsearch.core.trial."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hpsearch.core.decisions import Decision
from hpsearch.core.trial import Cause, Numbers, Report, State, Trial


@dataclass(frozen=True)
class StudyRecord:
    """spec: the study file as it was last run. identity: what may not change without a new name.

    cause, cause_numbers: why it is COMPLETE or STOPPED; None while it is neither.
    """

    id: int
    uid: str
    name: str
    spec: Mapping[str, Any]
    identity: Mapping[str, Any]
    state: str
    forked_from: str | None
    created_at: int
    hpsearch_version: str
    cause: Cause | None = None
    cause_numbers: Numbers = field(default_factory=dict)


@dataclass(frozen=True)
class Best:
    """The trial with the best value among those that did not fail or diverge, the earlier of equals."""

    number: int
    value: float
    epoch: int


@dataclass(frozen=True)
class Summary:
    """Where a study stands.

    trials: how many are in each state, every state named. epochs: trained by all together, and busy: the seconds
    that took inside trainers. best: None while no trial has a value.
    """

    trials: Mapping[State, int]
    epochs: int
    busy: float
    best: Best | None


@dataclass(frozen=True)
class Environment:
    """What all trials of a worker have in common (`provenance.environment.of_worker`). digest: SHA-256 of its text."""

    document: Mapping[str, Any]

    @cached_property
    def text(self) -> str:
        return json.dumps(self.document, sort_keys=True)

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class TrainingSegment:
    """A trial was trained in this environment and on these data from the epoch after `after` on, until the next one.

    data: name -> SHA-256, as the trainer has said.
    """

    number: int
    after: int
    environment: Environment
    data: Mapping[str, str]


@dataclass(frozen=True)
class LastWrite:
    """The revision that a study is at, and the token of the lease under which it was written, 0 before the first."""

    revision: int
    token: int


@dataclass(frozen=True)
class Changes:
    """What was written after one revision and up to `revision`, which is where the next call goes on.

    trials: those that changed or reported within this span, without curves, as they stand now. That may be ahead of
    these reports; a trial that is ahead comes again with the last of its own.
    """

    revision: int
    trials: tuple[Trial, ...]
    reports: tuple[tuple[int, Report], ...]
    decisions: tuple[Decision, ...]
    study_state: str
