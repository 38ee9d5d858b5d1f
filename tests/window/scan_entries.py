"""Results without a detector, for lists that hold many."""

from __future__ import annotations

import numpy as np

from app.state.entries import Beside, Failure, State
from app.state.session import Session
from app.state.shapes import Shape
from app.views.preparing import prepare
from app.views.thumbnail import png
from sedir_core.types import Detection

SHAPE: Shape = prepare(np.random.default_rng(0).normal(size=(64, 3)))
GREY = (200, 200, 200, 255)
PICTURE = png(np.full((8, 8, 4), GREY, np.uint8))


def found(share: float, category: str = "ball", uncertain: bool = False) -> Detection:
    """A detection with a score of that share of the limit."""
    return Detection(
        np.ones(64, np.float32), share, 1.0, 1.0, category, 0.9, uncertain, "because", SHAPE.points.astype(np.float64),
        np.ones(4, np.float32), seconds={"total": 0.1},
    )  # fmt: skip


def judge(session: Session, entry_id: int, share: float, category: str = "ball", uncertain: bool = False) -> None:
    """The scan is inspected."""
    raw = found(share, category, uncertain)
    session.set_result(entry_id, raw, {Beside.EXPECTED: SHAPE}, PICTURE)


def fail(session: Session, entry_id: int, what: str = "is empty") -> None:
    session.update(entry_id, state=State.FAILED, failure=Failure(what, "export it again", "details"))
