"""A verdict of its own for what is uncertain: what was called OK with a doubt beside it is not OK."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # SQLite does not enforce lengths, and cannot change a column without copying its table.
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("inspections", "verdict", type_=sa.String(9))
        op.alter_column("overrides", "model_verdict", type_=sa.String(9))
    op.execute("UPDATE inspections SET verdict = 'uncertain' WHERE verdict = 'ok' AND (uncertain OR score IS NULL)")
