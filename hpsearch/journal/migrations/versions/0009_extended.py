"""Which trials depend on the most epochs that they may train, and which replace a shorter one. None is known so far."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("hpsearch_trials", sa.Column("reads_epochs", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("hpsearch_trials", sa.Column("replaces", sa.Integer()))
