"""Adds the table of documents: the results of the preflight and of the learning-rate range test."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "hpsearch_probes",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", "kind"),
        sa.ForeignKeyConstraint(["study_id"], ["hpsearch_studies.id"]),
    )
