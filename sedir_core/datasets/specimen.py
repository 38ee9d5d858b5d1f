"""A synthetic scan: sampled, deformed like real parts, optionally defective, with sensor noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from sedir_core.datasets.defects import DEFECTS, Damaged
from sedir_core.datasets.solids import Solid, random_rotation
from sedir_core.errors import Cancelled
from sedir_core.geometry.scan_numbers import VISIBILITY
from sedir_core.geometry.visibility import visible_from
from sedir_core.types import BoolArray, DoubleArray, IntArray, Stop, never_stop

DEFORMATION = 0.004  # RMS, relative to the diagonal
NOISE = 0.001
LABELLED = (0.003, 0.25)  # allowed share of points labelled by a defect
_TRIES = 60
_LATTICE = 4


@dataclass(frozen=True)
class Specimen:
    """points: (n, 3) float64 in the solid's unit, in a random pose. labels: (n,) bool.

    depth: of the defect, see `Damaged`, in the same unit; 0 without a defect.
    """

    points: DoubleArray
    labels: BoolArray
    depth: float = 0.0


class NoVisibleDefect(Exception):
    """No attempt labelled a sensible share of the points: the part is too small, thin or closed for this kind."""


def make_specimen(
    solid: Solid,
    defect: str | None,
    n_points: int,
    rng: np.random.Generator,
    one_sided: bool = False,
    stop: Stop = never_stop,
) -> Specimen:
    """Make a scan of the solid, with one of DEFECTS or none.

    n_points: drawn over the whole surface; fewer are returned if a defect removes some, or if only those visible from
    one side are kept (`one_sided`; the defect is always on that side). Raises NoVisibleDefect, Cancelled.
    """
    for _ in range(_TRIES):
        if stop():
            raise Cancelled
        points, normals = solid.sample(n_points, rng)
        low, high = points.min(axis=0), points.max(axis=0)
        diagonal = float(np.linalg.norm(high - low))
        part = deformed((points - (low + high) / 2) / diagonal, rng)
        made = Damaged(part, normals, np.zeros(len(part), dtype=np.bool_))
        if defect is not None:
            made = DEFECTS[defect](part, normals, rng)
        seen = _seen_from_a_side(made, rng) if one_sided else np.arange(len(made.points))
        if defect is None or LABELLED[0] < made.labels[seen].mean() < LABELLED[1]:
            noisy = made.points[seen] + rng.normal(scale=NOISE, size=(len(seen), 3))
            placed = noisy @ random_rotation(rng).T + rng.normal(scale=0.1, size=3)
            return Specimen(placed * diagonal, made.labels[seen], made.depth * diagonal)
    raise NoVisibleDefect(defect)


def deformed(points: DoubleArray, rng: np.random.Generator, amplitude: float = DEFORMATION) -> DoubleArray:
    """(n, 3) points moved by a random smooth free-form deformation; `amplitude` is its RMS.

    A cubic spline over a coarse lattice of random displacements. Source: Sederberg and Parry 1986.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    place = (points - low) / np.maximum(high - low, 1e-12) * (_LATTICE - 1)
    lattice = rng.normal(size=(3, _LATTICE, _LATTICE, _LATTICE))
    shift = np.stack([map_coordinates(axis, place.T, order=3, mode="nearest") for axis in lattice], axis=1)
    return np.asarray(points + shift * (amplitude / np.sqrt((shift**2).sum(axis=1).mean())))


def _seen_from_a_side(made: Damaged, rng: np.random.Generator) -> IntArray:
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    if made.labels.any():
        facing = made.normals[made.labels].mean(axis=0)
        direction = facing / (np.linalg.norm(facing) + 1e-9) + 0.6 * direction
        direction /= np.linalg.norm(direction)
    facing_us = made.normals @ direction > VISIBILITY.grazing
    return np.flatnonzero(facing_us & visible_from(made.points, direction))
