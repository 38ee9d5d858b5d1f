"""Inspections, their defects, and the log of overrides, which can only be appended to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

SQLITE_GUARD = """
CREATE TRIGGER overrides_{verb} BEFORE {verb} ON overrides
BEGIN SELECT RAISE(ABORT, 'the log of overrides is append-only'); END
"""
POSTGRES_GUARD = """
CREATE FUNCTION overrides_are_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the log of overrides is append-only'; END $$
"""
POSTGRES_TRIGGER = """
CREATE TRIGGER overrides_guard BEFORE UPDATE OR DELETE ON overrides
FOR EACH ROW EXECUTE FUNCTION overrides_are_final()
"""


def upgrade() -> None:
    op.create_table(
        "inspections",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(32), nullable=False, unique=True),
        sa.Column("time", sa.DateTime, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("n_points", sa.Integer, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("category_confidence", sa.Double, nullable=False),
        sa.Column("lot", sa.Text, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("station", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("model_hash", sa.String(64), nullable=False),
        sa.Column("score", sa.Double),
        sa.Column("threshold", sa.Double, nullable=False),
        sa.Column("point_threshold", sa.Double, nullable=False),
        sa.Column("limit_share", sa.Double, nullable=False),
        sa.Column("verdict", sa.String(2), nullable=False),
        sa.Column("uncertain", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("n_defects", sa.Integer, nullable=False),
        sa.Column("kept_bytes", sa.Integer, nullable=False),
        sa.Column("review", sa.String(2)),
    )
    op.create_index("ix_inspections_time", "inspections", ["time"])
    op.create_index("ix_inspections_category", "inspections", ["category", "time"])
    op.create_index("ix_inspections_lot", "inspections", ["lot"])
    op.create_table(
        "defects",
        sa.Column("inspection_id", sa.Integer, sa.ForeignKey("inspections.id"), primary_key=True),
        sa.Column("rank", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Double, nullable=False) for name in ("x", "y", "z", "dx", "dy", "dz", "peak", "area")),
        sa.Column("n_points", sa.Integer, nullable=False),
    )
    op.create_table(
        "overrides",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("inspection", sa.String(32), sa.ForeignKey("inspections.key"), nullable=False),
        sa.Column("time", sa.DateTime, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("station", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(2)),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("model_verdict", sa.String(2), nullable=False),
        sa.Column("limit_share", sa.Double, nullable=False),
    )
    op.create_index("ix_overrides_inspection", "overrides", ["inspection"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRES_GUARD)
        op.execute(POSTGRES_TRIGGER)
    else:
        for verb in ("UPDATE", "DELETE"):
            op.execute(SQLITE_GUARD.format(verb=verb))
