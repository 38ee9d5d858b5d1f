"""Serialises defects to plain arrays and back, for stored results.

Names of the arrays are prefixed by their list, such as `raw` or `shown`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from sedir_core.types import Defect, DefectKind, DoubleArray

Words = list[list[Any]]
"""Kind and place of each."""

_N_MEASURES, _N_SHAPE = 8, 14
_KINDS = (None, *get_args(DefectKind))


def arrays_of(name: str, defects: Sequence[Defect]) -> dict[str, NDArray[Any]]:
    """measures: a row of centroid, extent, peak, area each. members: concatenated, with lengths in counts.

    shapes: a row of depth, mean depth, size and axes each, NaN if unknown.
    """
    rows = [(*defect.centroid, *defect.extent, defect.peak, defect.area) for defect in defects]
    members = [np.zeros(0, np.int64), *(defect.members for defect in defects)]
    shapes = [(defect.depth, defect.depth_mean, *_known(defect.size, 3), *_known(defect.axes, 9)) for defect in defects]
    return {
        f"{name}_measures": np.array(rows, np.float64).reshape(-1, _N_MEASURES),
        f"{name}_shapes": np.array(shapes, np.float64).reshape(-1, _N_SHAPE),
        f"{name}_members": np.concatenate(members).astype(np.uint32),
        f"{name}_counts": np.array([len(defect.members) for defect in defects], np.int64),
    }


def words_of(defects: Sequence[Defect]) -> Words:
    """The text fields."""
    return [[defect.kind, defect.place] for defect in defects]


def defects_from(name: str, arrays: Mapping[str, NDArray[Any]], words: Words | None) -> tuple[Defect, ...]:
    """The inverse. words: None in older results without descriptions. Raises KeyError, ValueError."""
    measures, counts = arrays[f"{name}_measures"], arrays[f"{name}_counts"]
    members = np.split(arrays[f"{name}_members"].astype(np.int64), np.cumsum(counts)[:-1])
    found = [
        Defect(row[:3], row[3:6], float(row[6]), float(row[7]), own)
        for row, own in zip(measures, members if len(counts) else [], strict=True)
    ]
    if words is None:
        return tuple(found)
    shapes = arrays[f"{name}_shapes"]
    return tuple(_described(*each) for each in zip(found, shapes, words, strict=True))


def _described(defect: Defect, shape: DoubleArray, words: list[Any]) -> Defect:
    kind, place = words
    if kind not in _KINDS or not isinstance(place, str) or len(shape) != _N_SHAPE:
        raise ValueError(f"no description of a defect: {kind}, {place}")
    size, axes = shape[2:5], shape[5:].reshape(3, 3)
    return Defect(
        defect.centroid,
        defect.extent,
        defect.peak,
        defect.area,
        defect.members,
        cast("DefectKind | None", kind),
        float(shape[0]),
        float(shape[1]),
        None if np.isnan(size).any() else size,
        None if np.isnan(axes).any() else axes,
        place,
    )


def _known(values: DoubleArray | None, n: int) -> NDArray[np.float64]:
    return np.full(n, np.nan) if values is None else np.asarray(values, np.float64).reshape(n)
