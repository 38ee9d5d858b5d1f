"""The scans of the list, from file to verdict, and the keys of their limits.

Entries are frozen and replaced as a whole, so a reference never changes under its reader.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from app.state.shapes import Shape, Triple
from sedir_core.errors import UserError
from sedir_core.evaluation.zone_file import PartTolerance
from sedir_core.evidence.limits import Calibration
from sedir_core.names import printable
from sedir_core.types import Decision, Detection, Scan, Verdict

LimitKey = tuple[str, bool]
"""Category, and whether it is a single view: each combination has its own limit."""


class State(Enum):
    """Processing state of a scan."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class Beside(Enum):
    """What the right view shows; the value is its title."""

    EXPECTED = "Expected surface"
    RECONSTRUCTION = "Reconstruction"
    SCAN = "Another scan"


@dataclass(frozen=True)
class Failure:
    """Why a scan has no verdict: one clause, a hint, and details for a bug report. kind: as in UserError."""

    what: str
    hint: str
    details: str
    kind: str = ""

    @staticmethod
    def of(error: BaseException) -> Failure:
        if isinstance(error, UserError):
            return Failure(error.what, error.hint, f"{error.kind}\n{error}", error.kind)
        details = "".join(traceback.format_exception(error))
        if isinstance(error, MemoryError):
            return Failure("not enough memory", "close other programs, or use a smaller scan", details)
        if isinstance(error, OSError):
            hint = "check that the folder is still there and can be written to"
            return Failure(error.strerror or str(error), hint, details)
        return Failure(f"unexpected error: {error or type(error).__name__}", "copy the details and report it", details)


@dataclass(frozen=True)
class ModelInfo:
    """What the window needs to know about a loaded detector. calibration: the data behind its limits, if it has any."""

    run_dir: Path
    method: str
    categories: tuple[str, ...]
    needs_category: bool
    calibration: Calibration | None = None


@dataclass(frozen=True)
class Past:
    """Extra data of an entry reopened from the history. limit: the share in force at the time, which stays fixed."""

    limit: float
    said: str


@dataclass(frozen=True)
class Entry:
    """One scan of the list. What is drawn may be evicted, see SCAN_BUDGET_BYTES in the session.

    shape: the scan, prepared for drawing. surfaces: the prepared surfaces of the result.
    plain: the detector's own result. raw: the same under `tolerated`, the tolerances by region of its category, if
    any. detection: the same under the current limit.
    defects_at: the limit, as a share of the calibrated one, at which the defects in `detection` were found.
    record: key of this inspection in the history. repeats: key of the same inspection in the restored session; an
    unchanged result is not recorded twice. model: what it was inspected with. past: reopened from the history.
    front: direction from which its strongest defect is visible; None means the default view.
    """

    id: int
    path: Path
    state: State = State.WAITING
    scan: Scan | None = None
    shape: Shape | None = None
    surfaces: Mapping[Beside, Shape] = field(default_factory=dict)
    plain: Detection | None = None
    tolerated: PartTolerance | None = None
    raw: Detection | None = None
    detection: Detection | None = None
    defects_at: float = 1.0
    failure: Failure | None = None
    review: Decision | None = None
    review_comment: str = ""
    reviewer: str = ""  # who reviewed it; empty if unknown
    thumbnail: bytes = b""  # PNG
    record: str = ""
    repeats: str = ""
    model: ModelInfo | None = None
    past: Past | None = None
    front: Triple | None = None

    @property
    def name(self) -> str:
        """The file's name, for display."""
        return printable(self.path.name)

    @property
    def stem(self) -> str:
        """The same without its suffix."""
        return printable(self.path.stem)

    @property
    def verdict(self) -> Verdict | None:
        """The effective verdict: the operator's review if there is one, otherwise the detector's."""
        return self.review or (self.detection.verdict if self.detection else None)

    @property
    def scan_known(self) -> bool:
        """Whether it has been read, or can be read again."""
        return self.scan is not None or self.raw is not None

    @property
    def surface(self) -> Shape | None:
        """What a normal part would look like: the expected surface, or the reconstruction if the model has none."""
        return self.surfaces.get(self.shown_as(Beside.EXPECTED))

    def shown_as(self, wanted: Beside) -> Beside:
        """Falls back to the reconstruction if the model has no expected surface."""
        missing = wanted is Beside.EXPECTED and self.raw is not None and self.raw.expected is None
        return Beside.RECONSTRUCTION if missing else wanted

    @property
    def memory(self) -> int:
        """Bytes freed by `without_points`."""
        parts = (self.scan.points if self.scan else None, self.shape, *self.surfaces.values())
        return sum(part.nbytes for part in parts if part is not None)

    def without_points(self) -> Entry:
        """The result without what can be recomputed from the file."""
        return replace(self, scan=None, shape=None, surfaces={})


@dataclass(frozen=True)
class Selection:
    """The selection in the current scan: a defect by its index, or nothing."""

    defect: int | None = None


def limit_key(raw: Detection) -> LimitKey:
    """The key of the limit that applies to a detection."""
    return raw.category, raw.from_one_side


def under_limit(raw: Detection, share: float, found: Detection) -> Detection:
    """The raw detection with both limits scaled, and the defects and reason of `found`."""
    return replace(
        raw,
        threshold=raw.threshold * share,
        point_threshold=raw.point_threshold * share,
        defects=found.defects,
        reason=found.reason,
    )
