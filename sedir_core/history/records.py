"""Records of the history: inspections and overrides, as frozen values independent of the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sedir_core.types import Decision, Verdict

VerdictChoice = Literal["ok", "ng", "uncertain", "overridden"]


@dataclass(frozen=True)
class DefectNote:
    """One defect in numbers, in the scan's own unit; its points are in the stored result."""

    centroid: tuple[float, float, float]
    extent: tuple[float, float, float]
    peak: float
    area: float
    n_points: int


@dataclass(frozen=True)
class Inspection:
    """One finished inspection.

    key: 32 hex digits, assigned when the inspection ended, so that recording is idempotent. time: aware.
    content_hash: SHA-256 of the points as inspected. score, threshold: the same unit; both limits are those in force,
    already scaled by limit_share; a non-finite score is NaN, and its verdict is never OK.
    verdict: the detector's. review: the operator's latest, or None.
    station: the machine it ran on. kept_bytes: size of the stored result, 0 once deleted.
    """

    key: str
    time: datetime
    path: str
    content_hash: str
    n_points: int
    category: str
    category_confidence: float
    lot: str
    operator: str
    station: str
    method: str
    model: str
    model_hash: str
    score: float
    threshold: float
    point_threshold: float
    limit_share: float
    verdict: Verdict
    uncertain: bool
    reason: str
    seconds: float
    n_defects: int
    kept_bytes: int = 0
    review: Decision | None = None
    defects: tuple[DefectNote, ...] = ()

    @property
    def share(self) -> float | None:
        """The score as a share of the limit, or None if the limit is not positive."""
        return self.score / self.threshold if self.threshold > 0 else None

    @property
    def final(self) -> Verdict:
        """The effective verdict: the operator's, if there is one."""
        return self.review or self.verdict


@dataclass(frozen=True)
class Override:
    """One line of the log of overrides. verdict: None returns to the model's.

    model_verdict, limit_share: the detector's verdict at that time, and the limit in force.
    """

    inspection: str
    time: datetime
    operator: str
    station: str
    verdict: Decision | None
    comment: str
    model_verdict: Verdict
    limit_share: float


@dataclass(frozen=True)
class Filter:
    """Filter of inspections; empty fields match all. since: inclusive. until: exclusive. Both aware."""

    since: datetime | None = None
    until: datetime | None = None
    verdict: VerdictChoice | None = None
    category: str = ""
    model: str = ""
    lot: str = ""
    operator: str = ""
    text: str = ""


@dataclass(frozen=True)
class Choices:
    """Values that occur, sorted: the choices of a filter."""

    categories: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    lots: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChartPoint:
    """Chart data of one inspection.

    share: score over limit, None if undefined. verdict: the effective one, reviews included.
    """

    key: str
    time: datetime
    category: str
    lot: str
    share: float | None
    verdict: Verdict

    @property
    def over(self) -> bool:
        """Whether the score is over the limit, regardless of reviews."""
        return self.share is not None and self.share > 1


@dataclass(frozen=True)
class Tally:
    """Number of inspections, and of NG among them, in a lot or in the ten minutes from `time`."""

    time: datetime
    lot: str
    n: int
    n_ng: int


Order = Literal["time", "path", "final", "share", "category", "lot", "operator", "model", "n_defects"]
