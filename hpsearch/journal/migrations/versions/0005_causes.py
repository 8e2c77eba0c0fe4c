"""Adds causes of trials and studies, and the number of headlines of a round.

For recorded trials and studies they are derived from the sentences.
"""

import json

import sqlalchemy as sa
from alembic import op

from hpsearch.journal.sentences_of_0004 import cause_of_study, cause_of_trial, exception_of, headlines_of

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for table in ("hpsearch_trials", "hpsearch_studies"):
        op.add_column(table, sa.Column("cause", sa.Text()))
        op.add_column(table, sa.Column("cause_numbers", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("hpsearch_trials", sa.Column("exception", sa.Text()))
    connection = op.get_bind()
    for id_, state, spec in connection.execute(sa.text("SELECT id, state, spec FROM hpsearch_studies")).all():
        _trials(connection, id_)
        _study(connection, id_, state, spec)
        _rounds(connection, id_)


def _trials(connection: sa.Connection, study: int) -> None:
    query = sa.text("SELECT number, state, reason, attempts, epoch FROM hpsearch_trials WHERE study_id = :study")
    fill = sa.text(
        "UPDATE hpsearch_trials SET cause = :cause, cause_numbers = :numbers, exception = :exception "
        "WHERE study_id = :study AND number = :number"
    )
    for number, state, reason, attempts, epoch in connection.execute(query, {"study": study}).all():
        cause, numbers = cause_of_trial(state, reason)
        if cause in ("worker_lost", "stalled"):
            numbers.setdefault("workers", attempts - 1)
        if cause in ("worker_lost", "stalled", "out_of_memory", "trainer_raised") and state == "FAILED":
            numbers["epoch"] = epoch
        found = {"cause": cause, "numbers": json.dumps(numbers), "exception": exception_of(state, reason)}
        connection.execute(fill, {"study": study, "number": number, **found})


def _study(connection: sa.Connection, study: int, state: str, spec: str) -> None:
    own = {"study": study}
    counts = sa.text(
        "SELECT count(*) AS trials, coalesce(sum(epoch), 0) AS epochs, "
        "coalesce(sum(CASE state WHEN 'FAILED' THEN 1 ELSE 0 END), 0) AS failed FROM hpsearch_trials "
        "WHERE study_id = :study"
    )
    used = {name: int(count) for name, count in connection.execute(counts, own).mappings().one().items()}
    decisions = sa.text(
        "SELECT kind, reason FROM hpsearch_decisions WHERE study_id = :study AND (number IS NOT NULL OR kind = 'over') "
        "ORDER BY revision DESC, place DESC LIMIT 1"
    )
    kind, reason = connection.execute(decisions, own).one_or_none() or ("", "")
    cause, numbers = cause_of_study(state, (kind, reason), json.loads(spec).get("limits", {}), used)
    fill = sa.text("UPDATE hpsearch_studies SET cause = :cause, cause_numbers = :numbers WHERE id = :study")
    connection.execute(fill, {**own, "cause": cause, "numbers": json.dumps(numbers)})


def _rounds(connection: sa.Connection, study: int) -> None:
    where = "WHERE study_id = :study AND kind = 'rounds'"
    for (text,) in connection.execute(sa.text(f"SELECT document FROM hpsearch_probes {where}"), {"study": study}).all():
        document = json.loads(text)
        for one in document["rounds"]:
            one["headlines"] = headlines_of(one["notes"])
        fill = sa.text(f"UPDATE hpsearch_probes SET document = :document {where}")
        connection.execute(fill, {"study": study, "document": json.dumps(document)})
