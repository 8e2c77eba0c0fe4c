"""The ledger of a study's test set: every opening is written down before anything is looked at, and what came of it.

An opening without a result was broken off. Its process may have shown something of it, so it counts as one.
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


def openings(journal: Journal, study_id: int) -> list[Decision]:
    """The first one first."""
    return [one for one in journal.decisions(study_id) if one.kind == KIND]


def last_result(journal: Journal, study_id: int) -> Evaluation | None:
    """What came of the last opening; None where that is not on record, or there was none."""
    document = journal.documents(study_id).get(_kind(len(openings(journal, study_id))))
    return Evaluation.read(document) if document else None


@dataclass(frozen=True)
class Opening:
    """number: from 1. reason: who opened, where, what for. at: milliseconds since 1970."""

    number: int
    reason: str
    at: int


def open_test(journal: Journal, lease: Lease, objective: Objective, purpose: str) -> Opening:
    """Put an opening on record. The test set may be looked at from here on."""
    number, at = len(openings(journal, lease.study_id)) + 1, now_ms()
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
    except (OSError, KeyError):  # a container may know no name for its user
        return "an unnamed user"
