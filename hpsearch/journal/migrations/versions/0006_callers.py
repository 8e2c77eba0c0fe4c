"""Adds the callers of a study, and the caller of a trial."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "hpsearch_callers",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("started", sa.Text(), nullable=False),
        sa.Column("ttl", sa.Double(), nullable=False),
        sa.Column("beat_wall", sa.Double(), nullable=False),
        sa.Column("beat_boot", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", "uid"),
        sa.ForeignKeyConstraint(["study_id"], ["hpsearch_studies.id"]),
    )
    op.add_column("hpsearch_trials", sa.Column("caller", sa.String(32)))
