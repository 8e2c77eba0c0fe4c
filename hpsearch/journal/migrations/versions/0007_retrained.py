"""How many epochs of a trial were trained again. Trials that were recorded before have none on record."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("hpsearch_trials", sa.Column("retrained", sa.Integer(), nullable=False, server_default="0"))
