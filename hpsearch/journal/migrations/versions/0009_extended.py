"""Adds whether a trial's trainer reads the number of epochs, and the trial that a trial replaces; 0 and NULL for
recorded trials."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("hpsearch_trials", sa.Column("reads_epochs", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("hpsearch_trials", sa.Column("replaces", sa.Integer()))
