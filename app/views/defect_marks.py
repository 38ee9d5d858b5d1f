"""The callouts of an entry's defects: their boxes, and the points that they may point at."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.state.entries import Entry
from app.views.marks import Mark
from sedir_core.types import Defect, Detection, DoubleArray

MOST_NUMBERED = 5
"""Defects drawn with a box; more would hide the part. The others are dots."""
MOST_ANCHORS = 16
"""Candidate points of a defect for its callout to point at."""
ROOM = 0.012  # share of the part's radius around a box


def defect_marks(entry: Entry | None, chosen: int | None, words: Callable[[Defect, Detection], str]) -> list[Mark]:
    """One mark per defect, the strongest first. words: text of a callout after its number."""
    found = None if entry is None else entry.detection
    if entry is None or found is None:
        return []
    margin = ROOM * (1.0 if entry.shape is None else entry.shape.radius)
    marks = []
    for index, defect in enumerate(found.defects):
        axes = np.eye(3) if defect.axes is None else defect.axes
        low, high = bounds(entry, defect, axes)
        label = str(index + 1) if index == chosen or index < MOST_NUMBERED else None
        anchors = _anchors(entry, found, defect, (low + high) / 2 @ axes)
        marks.append(Mark(low - margin, high + margin, label, index == chosen, words(defect, found), anchors, axes))
    return marks


def bounds(entry: Entry | None, defect: Defect, axes: DoubleArray | None = None) -> tuple[DoubleArray, DoubleArray]:
    """Low and high corner (3,) of a defect, around the shape's origin, along these axes (3, 3) or the scan's."""
    origin, half = _origin(entry), defect.extent / 2
    along = np.eye(3) if axes is None else axes
    if entry is None or entry.scan is None or not len(defect.members):
        if axes is not None and defect.size is not None:
            half = defect.size / 2
        middle = along @ (defect.centroid - origin)
        return middle - half, middle + half
    members = (entry.scan.points[defect.members] - origin) @ along.T
    return members.min(axis=0), members.max(axis=0)


def _anchors(entry: Entry, found: Detection, defect: Defect, otherwise: DoubleArray) -> DoubleArray:
    """(k, 3) points of the defect, highest score first, that its callout may point at."""
    if entry.scan is None or not len(defect.members):
        return otherwise[None]
    order = np.argsort(-np.nan_to_num(found.point_scores[defect.members]), kind="stable")
    rows = defect.members[order][:: -(-len(order) // MOST_ANCHORS)]
    return np.asarray(entry.scan.points[rows] - _origin(entry))


def _origin(entry: Entry | None) -> DoubleArray:
    return np.zeros(3) if entry is None or entry.shape is None else entry.shape.origin
