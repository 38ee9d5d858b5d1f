"""SQLAlchemy models of the tables; the migrations create them, and a test compares both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Dialect, Double, ForeignKey, Index, String, Text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for an invalid time: SQLite accepts anything, and one odd row must not hide the others."""


class _AnyTime(sqlite.DATETIME):
    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[Any], datetime | None]:
        strict: Any = super().result_processor(dialect, coltype)

        def process(value: Any) -> datetime | None:
            try:
                return strict(value)  # type: ignore[no-any-return]
            except (ValueError, TypeError):
                return UNKNOWN_TIME.replace(tzinfo=None)

        return process


class UtcTime(TypeDecorator[datetime]):
    """Aware datetimes; SQLite has no time zone, so they are stored in UTC."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        times = _AnyTime() if dialect.name == "sqlite" else DateTime()  # type: ignore[no-untyped-call]  # the library's
        return dialect.type_descriptor(times)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Base of every table."""

    type_annotation_map: ClassVar = {float: Double}


class InspectionRow(Base):
    """See records.Inspection. A non-finite score is NULL. review repeats the log's last line."""

    __tablename__ = "inspections"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    time: Mapped[datetime] = mapped_column(UtcTime)
    path: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(String(64))
    n_points: Mapped[int]
    category: Mapped[str] = mapped_column(Text)
    category_confidence: Mapped[float]
    lot: Mapped[str] = mapped_column(Text)
    operator: Mapped[str] = mapped_column(Text)
    station: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    model: Mapped[str] = mapped_column(Text)
    model_hash: Mapped[str] = mapped_column(String(64))
    score: Mapped[float | None]
    threshold: Mapped[float]
    point_threshold: Mapped[float]
    limit_share: Mapped[float]
    verdict: Mapped[str] = mapped_column(String(9))
    uncertain: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    seconds: Mapped[float]
    n_defects: Mapped[int]
    kept_bytes: Mapped[int]
    review: Mapped[str | None] = mapped_column(String(2))

    defects: Mapped[list[DefectRow]] = relationship(order_by="DefectRow.rank", cascade="all, delete-orphan")

    __table_args__ = (
        Index("ix_inspections_time", "time"),
        Index("ix_inspections_category", "category", "time"),
        Index("ix_inspections_lot", "lot"),
    )


class DefectRow(Base):
    """See records.DefectNote. rank: 1 is the strongest."""

    __tablename__ = "defects"

    inspection_id: Mapped[int] = mapped_column(ForeignKey("inspections.id"), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True)
    x: Mapped[float]
    y: Mapped[float]
    z: Mapped[float]
    dx: Mapped[float]
    dy: Mapped[float]
    dz: Mapped[float]
    peak: Mapped[float]
    area: Mapped[float]
    n_points: Mapped[int]


class OverrideRow(Base):
    """See records.Override. Database triggers prevent changing or deleting a line."""

    __tablename__ = "overrides"

    id: Mapped[int] = mapped_column(primary_key=True)
    inspection: Mapped[str] = mapped_column(ForeignKey("inspections.key"), index=True)
    time: Mapped[datetime] = mapped_column(UtcTime)
    operator: Mapped[str] = mapped_column(Text)
    station: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str | None] = mapped_column(String(2))
    comment: Mapped[str] = mapped_column(Text)
    model_verdict: Mapped[str] = mapped_column(String(9))
    limit_share: Mapped[float]
