"""The scans of the list, as they are from file to verdict, and what a limit is held against.

Entries are frozen and replaced as a whole, so whoever holds one can read it without asking whether it changed.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from app.views.camera import Triple
from app.views.shapes import Shape
from sedir_core.errors import UserError
from sedir_core.evaluation.zone_file import PartTolerance
from sedir_core.evidence.limits import Calibration
from sedir_core.types import Decision, Detection, Scan, Verdict

LimitKey = tuple[str, bool]
"""A category, and whether its scans are seen from one side: each has a limit of its own."""


class State(Enum):
    """Where a scan is on its way from file to verdict."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class Beside(Enum):
    """What is shown beside a scan; the value is its title."""

    EXPECTED = "Expected surface"
    RECONSTRUCTION = "Reconstruction"
    SCAN = "Another scan"


@dataclass(frozen=True)
class Failure:
    """Why a scan has no verdict: one clause, a way out, and everything for a bug report. kind: as in UserError."""

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
    """What the window needs to know of a loaded detector. calibration: what its limits rest on, where it keeps that."""

    run_dir: Path
    method: str
    categories: tuple[str, ...]
    needs_category: bool
    calibration: Calibration | None = None


@dataclass(frozen=True)
class Past:
    """What an entry reopened from the history says of itself. limit: the share that counted then, and for ever."""

    limit: float
    said: str


@dataclass(frozen=True)
class Entry:
    """One scan of the list. What is drawn may be absent after a while, see SCAN_BUDGET_BYTES of the session.

    shape: the scan, ready to be drawn. surfaces: what of the result is shown beside it, as far as it is ready.
    plain: the detection as the model gave it. raw: the same under the tolerances by region of `tolerated`, which are
    those of its kind of part, if there are any. detection: the same under the limit of now.
    defects_at: the limit, as a share of the calibrated one, that the defects in `detection` were found with.
    record: key of this inspection in the history. repeats: that of last time, before the window was opened again;
    the same result again is not recorded twice. model: what it was inspected with. past: reopened from the history.
    front: from where its strongest defect is seen; None means the usual view.
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
    reviewer: str = ""  # who reviewed it; empty where nobody said
    thumbnail: bytes = b""  # PNG
    record: str = ""
    repeats: str = ""
    model: ModelInfo | None = None
    past: Past | None = None
    front: Triple | None = None

    @property
    def verdict(self) -> Verdict | None:
        """What counts: the operator's word if there is one, else the detector's."""
        return self.review or (self.detection.verdict if self.detection else None)

    @property
    def scan_known(self) -> bool:
        """Whether it could be read, or can be again."""
        return self.scan is not None or self.raw is not None

    @property
    def surface(self) -> Shape | None:
        """What a normal part would be: the expected surface, or of a model that has none its reconstruction."""
        return self.surfaces.get(self.shown_as(Beside.EXPECTED))

    def shown_as(self, wanted: Beside) -> Beside:
        """The reconstruction stands in where the model expects no surface."""
        missing = wanted is Beside.EXPECTED and self.raw is not None and self.raw.expected is None
        return Beside.RECONSTRUCTION if missing else wanted

    @property
    def memory(self) -> int:
        """Bytes of what `without_points` gives up."""
        parts = (self.scan.points if self.scan else None, self.shape, *self.surfaces.values())
        return sum(part.nbytes for part in parts if part is not None)

    def without_points(self) -> Entry:
        """The result without what can be made again from the file."""
        return replace(self, scan=None, shape=None, surfaces={})


@dataclass(frozen=True)
class Selection:
    """What is pointed at in the current scan: a defect by its index, or nothing."""

    defect: int | None = None


def limit_key(raw: Detection) -> LimitKey:
    """Which limit a detection is held against."""
    return raw.category, raw.from_one_side


def under_limit(raw: Detection, share: float, found: Detection) -> Detection:
    """The raw detection with both its limits moved, and the defects and reason of `found`."""
    return replace(
        raw,
        threshold=raw.threshold * share,
        point_threshold=raw.point_threshold * share,
        defects=found.defects,
        reason=found.reason,
    )
