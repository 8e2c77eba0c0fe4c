"""Which trials were trained with an earlier version of the trainer's code. Of the trials so far, none are on record."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("hpsearch_trials", sa.Column("superseded", sa.Integer(), nullable=False, server_default="0"))
