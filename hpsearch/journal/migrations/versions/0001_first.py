"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _studies()
    _trials()
    _reports()
    _decisions()
    _leases()
    _cursors()


def _studies() -> None:
    op.create_table(
        "hpsearch_studies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("forked_from", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("hpsearch_version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )


def _trials() -> None:
    op.create_table(
        "hpsearch_trials",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("settled_before", sa.Integer(), nullable=False),
        sa.Column("busy", sa.Double(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double()),
        sa.Column("loss", sa.Double()),
        sa.Column("best_epoch", sa.Integer()),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", "number"),
        sa.ForeignKeyConstraint(["study_id"], ["hpsearch_studies.id"]),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_hpsearch_trials_study_id_revision", "hpsearch_trials", ["study_id", "revision"])


def _reports() -> None:
    op.create_table(
        "hpsearch_reports",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", "number", "step"),
        sa.ForeignKeyConstraint(["study_id", "number"], ["hpsearch_trials.study_id", "hpsearch_trials.number"]),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_hpsearch_reports_study_id_revision", "hpsearch_reports", ["study_id", "revision"])


def _decisions() -> None:
    op.create_table(
        "hpsearch_decisions",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer()),
        sa.Column("step", sa.Integer()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", "revision", "place"),
        sa.ForeignKeyConstraint(["study_id"], ["hpsearch_studies.id"]),
        sqlite_with_rowid=False,
    )


def _leases() -> None:
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
        sa.PrimaryKeyConstraint("study_id"),
        sa.ForeignKeyConstraint(["study_id"], ["hpsearch_studies.id"]),
    )


def _cursors() -> None:
    op.create_table(
        "hpsearch_cursors",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", "target"),
        sa.ForeignKeyConstraint(["study_id"], ["hpsearch_studies.id"]),
    )
