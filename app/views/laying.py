"""Lays the scan at the right as the one at the left lies, so that one camera shows the same side of both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.state.entries import Entry
from app.state.shapes import Shape
from sedir_core.types import Detection


class Laying:
    """Remembers what it laid last: a view keeps what it has built for a shape."""

    def __init__(self) -> None:
        self._last: tuple[Shape, Detection, Detection, Shape] | None = None

    def laid(self, shape: Shape, other: Entry | None, current: Entry | None) -> Shape:
        """The other scan's shape in the current one's coordinates; as it is if the two are not of one kind of part."""
        from sedir_core.evaluation.between import alike

        if other is None or current is None or current.shape is None or other.raw is None or current.raw is None:
            return shape
        asked = (shape, other.raw, current.raw)
        if self._last is None or any(old is not new for old, new in zip(self._last, asked, strict=False)):
            if other.model != current.model or not alike(current.raw, other.raw):
                return shape
            self._last = (*asked, _laid(shape, current.shape, current.raw, other.raw))
        return self._last[3]


def _laid(shape: Shape, onto: Shape, found: Detection, other: Detection) -> Shape:
    from sedir_core.evaluation.between import laid_like

    turn, shift = laid_like(found, other)
    scale = float(np.cbrt(np.linalg.det(turn)))
    spin, about = turn.T.astype(np.float32), (turn @ shape.origin + shift - onto.origin).astype(np.float32)
    return replace(
        shape, points=shape.points @ spin + about, level=shape.level @ spin + about,
        normals=shape.normals @ (spin / np.float32(scale)), origin=onto.origin, radius=scale * shape.radius,
        spacing=scale * shape.spacing,
    )  # fmt: skip
