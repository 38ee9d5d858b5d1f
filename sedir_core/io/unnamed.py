"""Identifies the x, y and z columns of a table without names by its values.

Normals, colours, intensities and row numbers read as coordinates would silently misjudge every part, so whatever is
ambiguous is left to the user.
"""

from __future__ import annotations

import numpy as np

from sedir_core.io.columns import Axes
from sedir_core.types import DoubleArray

FEW_ROWS = 8  # fewer rows do not show what a column is
FEW_DOUBTFUL = 16  # fewer rows do not show that a column always rises or holds only whole numbers
ROUNDED = 2e-3  # normals are stored with three digits at least
_LEADING = 6  # columns that are looked at
_SOME_ROWS = 100  # fewer rows show no surface
_MOST_ROWS = 4_000  # enough to show one
_NEIGHBOURS = 12
_VOLUME = 0.06  # scatter from which points do not look like a surface; of 300 on a wavy one it is 0.03
_CLEARER = 0.5  # times that scatter, which other columns stay below
_FLAT = 1e-3  # least variance of columns that are not functions of each other, such as shades of grey
_ALIKE = 0.2  # spreads of a column, by which the next pixel differs at most


def unnamed_axes(leading: DoubleArray, n_columns: int) -> Axes:
    """x, y, z of a table without names: the first three columns, or those after a row number.

    leading: (n, up to 6) its first columns. Raises ValueError, with a text for users, if the values are ambiguous.
    """
    measured = np.isfinite(leading).all(axis=1)
    finite = leading if measured.all() else leading[measured]  # of ten million rows a copy is half a gigabyte
    if len(finite) < FEW_ROWS:
        return 0, 1, 2
    first = leading[np.isfinite(leading[:, 0]), 0]
    if not _numbers_the_rows(first, finite, n_columns):
        axes: Axes = (0, 1, 2)
    elif n_columns == 3:
        raise ValueError("has three columns, and the first only counts the rows")
    else:
        axes = (1, 2, 3)
    with np.errstate(over="ignore", invalid="ignore"):  # huge coordinates are rejected later
        doubt = _doubt(finite, axes) if n_columns > 3 else ""
    if doubt:
        raise ValueError(f"has {n_columns} columns without names, and {doubt}")
    return axes


def _numbers_the_rows(first: DoubleArray, finite: DoubleArray, n_columns: int) -> bool:
    """Whether the first column numbers the rows, in order or not, or says at what even times they were measured."""
    steps = np.diff(first)
    whole = bool((first == np.floor(first)).all())
    if _counts(first):
        return True
    if n_columns == 3:
        return False
    fractions = bool((finite[:, 1:4] != np.floor(finite[:, 1:4])).any(axis=0).all())
    even = steps[0] != 0 and np.allclose(steps, steps[0], rtol=1e-6, atol=0)
    return bool(even) or (whole and fractions and (bool((steps > 0).all()) or _are_numbers(first)))


def _counts(column: DoubleArray) -> bool:
    steps = np.diff(column)
    return bool((column == np.floor(column)).all() and abs(steps[0]) == 1 and (steps == steps[0]).all())


def _doubt(finite: DoubleArray, axes: Axes) -> str:
    """Why these columns may not be x, y, z, as a clause; "" if nothing says so."""
    x = axes[0]
    if (finite[:, x] == finite[0, x]).all() and x == 0:
        return f"{finite[0, x]:g} in every row of the first"
    if x == 0 and (doubt := _no_x(finite)):
        return f"the first {doubt}"
    if x == 1 and finite.shape[1] > 4 and _counts(finite[:, 1]):
        return "the first two count, as rows and columns do"
    if finite.shape[1] >= x + 5 and _numbers_a_grid(finite[:, x:]):
        two = "first two" if x == 0 else "second and third"
        return f"the {two} are of whole numbers, as of rows and columns"
    if _are_directions(finite[:, x : x + 3]) and not _has_normals(finite, x) and _are_fractions(finite[:, x + 3 :]):
        return f"columns {x + 1} to {x + 3} have length 1, as normals do"
    if _are_heights(finite):
        return "neighbouring ones hold nearly the same, as pixels of an image do"
    return _rather_another(finite, x)


def _no_x(finite: DoubleArray) -> str:
    """What else the first column may be (labels, colours, times); "" for a coordinate.

    It is all whole or always rising, beside three columns of fractions that could be x, y, z.
    """
    if len(finite) < FEW_DOUBTFUL or _has_normals(finite, 0):
        return ""
    whole = (finite[:, 0] == np.floor(finite[:, 0])).all()
    fractions = (finite[:, 1:4] != np.floor(finite[:, 1:4])).any(axis=0)
    if finite.shape[1] == 6 and whole and not fractions[:2].any():
        colours, after = finite[:, :3], finite[:, 3:]
        if colours.min() >= 0 and colours.max() <= 255 and (after != np.floor(after)).any(axis=0).all():
            return "three hold whole numbers up to 255, as colours do"
    if not fractions.all():
        return ""
    if whole:
        return "holds whole numbers only, as labels or numbers of lines do"
    return "rises from row to row, as times do" if (np.diff(finite[:, 0]) > 0).all() else ""


def _has_normals(finite: DoubleArray, x: int) -> bool:
    """Whether unit normals follow x, y, z, which begin with column `x`."""
    return finite.shape[1] >= x + 6 and _are_directions(finite[:, x + 3 : x + 6])


def _are_directions(vectors: DoubleArray) -> bool:
    """Whether all (n, 3) have length 1, or 0 as where there is no normal."""
    lengths = np.linalg.norm(vectors, axis=1)
    return bool((lengths > 0).any() and ((np.abs(lengths - 1) < ROUNDED) | (lengths == 0)).all())


def _are_fractions(columns: DoubleArray) -> bool:
    """Whether these are three columns or more, none of which holds whole numbers only."""
    return columns.shape[1] >= 3 and bool((columns != np.floor(columns)).any(axis=0).all())


def _are_numbers(first: DoubleArray) -> bool:
    """Whether whole numbers are row numbers, in any order and perhaps with gaps."""
    return len(np.unique(first)) == len(first) and float(np.ptp(first)) < 1.2 * len(first)


def _are_heights(finite: DoubleArray) -> bool:
    """Whether six columns are pixels beside each other: each hardly differs from the next."""
    if finite.shape[1] < _LEADING or len(finite) < _SOME_ROWS:
        return False
    spreads = finite.std(axis=0)
    steps = np.abs(np.diff(finite, axis=1)).mean(axis=0)
    return bool((spreads > 0).all() and (steps < _ALIKE * spreads[:-1]).all())


def _rather_another(finite: DoubleArray, x: int) -> str:
    """Where three other columns lie on a surface, and these do not: intensities or colours stand before x, y, z."""
    if len(finite) < _SOME_ROWS or _has_normals(finite, x):
        return ""
    some = finite[:: max(1, len(finite) // _MOST_ROWS)]
    own = _scatter(some[:, x : x + 3])
    if not own > _VOLUME:
        return ""
    for start in range(x + 1, finite.shape[1] - 2):
        other = some[:, start : start + 3]
        if _are_fractions(other) and _scatter(other) < _CLEARER * own:
            return f"columns {start + 1} to {start + 3} look more like a part than columns {x + 1} to {x + 3}"
    return ""


def _scatter(points: DoubleArray) -> float:
    """How far points (n, 3) are from lying on a surface: 0 is flat, 1/3 is fully scattered; in units of each column's
    spread, whatever that is. NaN where a column is constant, or two are the same."""
    spreads = points.std(axis=0)
    if not ((spreads > 0) & np.isfinite(spreads)).all():
        return float("nan")
    from sedir_core.geometry.tree import PointTree  # late: the window opens without scipy

    near = (points - points.mean(axis=0)) / spreads
    if np.linalg.eigvalsh(np.cov(near.T))[0] < _FLAT:
        return float("nan")
    local = near[PointTree(near).around(_NEIGHBOURS)]
    local = local - local.mean(axis=1)[:, None]
    values = np.linalg.eigvalsh(np.einsum("nki,nkj->nij", local, local))
    return float(np.median(values[:, 0] / np.maximum(values.sum(axis=1), 1e-300)))


def _numbers_a_grid(finite: DoubleArray) -> bool:
    second, after = finite[:, 1], finite[:, 2:5]
    if not (second == np.floor(second)).all() or not (after != np.floor(after)).any(axis=0).all():
        return False
    return not (np.abs(finite[:, 3:5]) <= 1.0).all()  # x y z and a normal
