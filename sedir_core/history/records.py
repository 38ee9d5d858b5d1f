"""What the history holds: inspections and the operators' overrides, as frozen values that know no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sedir_core.types import Decision, Verdict

VerdictChoice = Literal["ok", "ng", "uncertain", "overridden"]


@dataclass(frozen=True)
class DefectNote:
    """One defect in numbers, in the scan's own units; its points are in the kept result."""

    centroid: tuple[float, float, float]
    extent: tuple[float, float, float]
    peak: float
    area: float
    n_points: int


@dataclass(frozen=True)
class Inspection:
    """One finished inspection.

    key: 32 hex digits, given when the inspection ended: recording it twice records it once. time: aware.
    content_hash: SHA-256 of the points as inspected. score, threshold: the same unit; both limits are those that
    counted, already moved by limit_share; a score that is no finite number is NaN, and its verdict is never OK.
    verdict: the detector's. review: the operator's last word, or None.
    station: the machine it ran on. kept_bytes: size of the kept result, 0 where it is no longer kept.
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
        """The score as a share of the limit, or None where the limit is no positive number."""
        return self.score / self.threshold if self.threshold > 0 else None

    @property
    def final(self) -> Verdict:
        """What counts: the operator's word if there is one."""
        return self.review or self.verdict


@dataclass(frozen=True)
class Override:
    """One line of the log of overrides. verdict: None goes back to the model's.

    model_verdict, limit_share: what the detector said at that moment, under the limit of that moment.
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
    """Which inspections; what is empty does not narrow. since: from then on. until: before then. Both aware."""

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
    """What occurs, sorted: what a filter can be set to."""

    categories: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    lots: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChartPoint:
    """What the charts need of one inspection.

    share: score over limit, None where there is no such number. verdict: what counts, the operator's word included.
    """

    key: str
    time: datetime
    category: str
    lot: str
    share: float | None
    verdict: Verdict

    @property
    def over(self) -> bool:
        """Whether the score is over the limit, whatever the operator made of it."""
        return self.share is not None and self.share > 1


@dataclass(frozen=True)
class Tally:
    """How many inspections of a lot, or of ten minutes that begin at `time`, and how many of them NG."""

    time: datetime
    lot: str
    n: int
    n_ng: int


Order = Literal["time", "path", "final", "share", "category", "lot", "operator", "model", "n_defects"]
