"""Coordinates as text of any suffix (XYZ, TXT, CSV, PTS, ASC ...): one point per line.

The layout is detected in text_layout.py, the columns in columns.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from sedir_core.errors import UnknownColumns
from sedir_core.io.columns import HOW_TO_SAY
from sedir_core.io.guard import COPY_AGAIN, MAX_POINTS, THIN_OUT, Source, parse_count
from sedir_core.io.lines import Lines, Rows, joined
from sedir_core.io.mesh import Geometry
from sedir_core.io.no_points import refuse_directions, refuse_indices
from sedir_core.io.text_layout import TextLayout, find_layout
from sedir_core.io.unnamed import unnamed_axes
from sedir_core.types import BoolArray, DoubleArray

_LEADING = 6  # leading columns used to detect row numbers


def read_text(source: Source) -> Geometry:
    """All points, in order; columns other than x, y, z are ignored.

    Raises UnreadableScan; UnknownColumns where x, y, z cannot be identified, NoCoordinates for a list of triangles.
    """
    layout = find_layout(source)
    if layout.axes is not None:
        return Geometry(_read_columns(source, layout, layout.axes))
    leading = _read_columns(source, layout, range(min(max(layout.n_numbers, 3), layout.n_columns, _LEADING)))
    refuse_indices(source, leading)
    try:
        axes = unnamed_axes(leading, layout.n_columns)
    except ValueError as unclear:
        raise UnknownColumns(source.path, str(unclear), HOW_TO_SAY) from unclear
    points = leading if leading.shape[1] == 3 else np.ascontiguousarray(leading[:, axes])
    if layout.n_columns == 3:
        refuse_directions(source, points)
        if len(points) > 1 and points[0].tolist() == [len(points) - 1, 0.0, 0.0]:
            raise source.fail("begins with the number of its points as if it were one", "delete its first line")
    return Geometry(points)


def read_labelled_text(source: Source) -> tuple[DoubleArray, BoolArray]:
    """Points (n, 3) and labels (n,) of ground truth in rows of x y z label; any label but 0 is a defect.

    Raises UnreadableScan unless there are four columns, the last of non-negative whole numbers.
    """
    layout = find_layout(source)
    if layout.n_columns != 4:
        raise source.fail(f"has {layout.n_columns} columns, not x y z label", "choose a ground-truth file")
    table = _read_columns(source, layout, (0, 1, 2, 3))
    labels = table[:, 3]
    if not ((labels >= 0) & (labels == np.floor(labels)) & np.isfinite(labels)).all():
        raise source.fail("its fourth column holds other values than labels", "labels are 0 (good) or 1 (defect)")
    return np.ascontiguousarray(table[:, :3]), labels > 0


def read_listed_text(source: Source) -> DoubleArray | None:
    """(n, 3) points of ground truth that lists only defective ones; None if a fourth column labels them.

    Raises UnreadableScan.
    """
    layout = find_layout(source)
    return _read_columns(source, layout, (0, 1, 2)) if layout.n_columns == 3 else None


def _read_columns(source: Source, layout: TextLayout, wanted: Sequence[int]) -> DoubleArray:
    return joined(_column_pieces(source, layout, wanted), len(wanted))


def _column_pieces(source: Source, layout: TextLayout, wanted: Sequence[int]) -> Iterator[DoubleArray]:
    lines = Lines(replace(source, size=layout.end), layout.offset, layout.prepare)
    n_rows, announced = 0, layout.announced
    for rows in lines.rest():
        if announced is not None:  # a file of several scans announces the count of each
            rows, counts = _without_counts(source, rows)
            announced += counts
        values = rows.columns(wanted, layout.n_columns)
        yield values if layout.factor == 1.0 else values * layout.factor
        n_rows += len(rows)
        if n_rows > MAX_POINTS:
            raise source.fail(f"has more than {MAX_POINTS:,} points", THIN_OUT)
    if announced not in (None, n_rows):
        raise source.fail(f"announces {announced:,} points and holds {n_rows:,}", COPY_AGAIN)


def _without_counts(source: Source, rows: Rows) -> tuple[Rows, int]:
    """The rows without lines of a single number (counts), and the sum of these."""
    if (rows.lengths != 1).all():
        return rows, 0
    lines = [line for line in rows.text.split(b"\n") if line.strip()]
    single = [line.strip() for line in lines if len(line.split()) == 1]
    total = sum(parse_count(source, line, "a number of points") for line in single)
    kept = b"\n".join(line for line in lines if len(line.split()) != 1)
    return Rows.of(source, kept, rows.first), total
