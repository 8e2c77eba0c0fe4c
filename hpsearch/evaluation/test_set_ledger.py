"""The test-set ledger of a study: every opening is recorded before a model predicts the test set, then its result.

An opening without a result was interrupted. It counts, because somebody may have seen test values.
"""

import getpass
import platform
from contextlib import closing
from dataclasses import dataclass

from hpsearch.core.clock import now_ms
from hpsearch.core.decisions import Decision
from hpsearch.core.format import ordinal
from hpsearch.core.trial import Objective
from hpsearch.evaluation.evaluation_result import Evaluation
from hpsearch.journal import Batch, Journal, Lease

KIND = "open test"


def ledger(journal: Journal, study_id: int) -> list[Decision]:
    """The openings of the test set, the first one first."""
    return [one for one in journal.decisions(study_id) if one.kind == KIND]


def last_result(journal: Journal, study_id: int) -> Evaluation | None:
    """The result of the last opening; None if none is recorded, or if the test set was never opened."""
    document = journal.documents(study_id).get(_kind(len(ledger(journal, study_id))))
    return Evaluation.read(document) if document else None


@dataclass(frozen=True)
class Opening:
    """number: from 1. reason: who opened the test set, where and why. at: milliseconds since 1970."""

    number: int
    reason: str
    at: int


def open_test(journal: Journal, lease: Lease, objective: Objective, purpose: str) -> Opening:
    """Record an opening. The test set may be used from here on."""
    number, at = len(ledger(journal, lease.study_id)) + 1, now_ms()
    reason = f"{ordinal(number)} opening of the test set, by {_user()} on {platform.node()}: {purpose}"
    with closing(journal.writer(lease, objective)) as writer:
        writer.write(Batch(decisions=(Decision(KIND, reason, at=at),)))
    return Opening(number, reason, at)


def keep_result(journal: Journal, lease: Lease, number: int, result: Evaluation) -> None:
    journal.put_document(lease, _kind(number), result.document(), at=now_ms())


def _kind(number: int) -> str:
    return f"test_{number}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may have no name for its user
        return "an unnamed user"
