"""Adds to leases: the wall clock of all runs, the token of the last write, and requests to stop.

The table is created again, so that its SQL on SQLite is that of a new journal.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_OLD = "study_id, token, revision, holder, pid, host, boot, space, started, ttl, beat_wall, beat_boot"  # all it had


def upgrade() -> None:
    op.execute(f"CREATE TABLE hpsearch_leases_0001 AS SELECT {_OLD} FROM hpsearch_leases")
    op.drop_table("hpsearch_leases")
    op.create_table(
        "hpsearch_leases",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(32)),
        sa.Column("pid", sa.BigInteger()),
        sa.Column("host", sa.Text()),
        sa.Column("boot", sa.Text()),
        sa.Column("space", sa.Text()),
        sa.Column("started", sa.Text()),
        sa.Column("ttl", sa.Double()),
        sa.Column("beat_wall", sa.Double()),
        sa.Column("beat_boot", sa.Double()),
        sa.Column("wrote", sa.BigInteger()),
        sa.Column("spent", sa.Double(), nullable=False),
        sa.Column("stop", sa.BigInteger()),
        sa.PrimaryKeyConstraint("study_id"),
        sa.ForeignKeyConstraint(["study_id"], ["hpsearch_studies.id"]),
    )
    op.execute(f"INSERT INTO hpsearch_leases ({_OLD}, spent) SELECT {_OLD}, 0 FROM hpsearch_leases_0001")
    op.drop_table("hpsearch_leases_0001")
