"""Adds whether a trial was trained with an earlier version of the trainer's code; 0 for recorded trials."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("hpsearch_trials", sa.Column("superseded", sa.Integer(), nullable=False, server_default="0"))
