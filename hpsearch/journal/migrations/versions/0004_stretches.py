"""Adds the environments and training segments of trials."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "hpsearch_environments",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", "digest"),
        sa.ForeignKeyConstraint(["study_id"], ["hpsearch_studies.id"]),
    )
    op.create_table(
        "hpsearch_stretches",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("after", sa.Integer(), nullable=False),
        sa.Column("environment", sa.String(64), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", "number", "after"),
        sa.ForeignKeyConstraint(["study_id", "number"], ["hpsearch_trials.study_id", "hpsearch_trials.number"]),
        sa.ForeignKeyConstraint(
            ["study_id", "environment"], ["hpsearch_environments.study_id", "hpsearch_environments.digest"]
        ),
        sqlite_with_rowid=False,
    )
