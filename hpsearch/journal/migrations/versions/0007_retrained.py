"""Adds the number of epochs of a trial that were trained again; 0 for recorded trials."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("hpsearch_trials", sa.Column("retrained", sa.Integer(), nullable=False, server_default="0"))
