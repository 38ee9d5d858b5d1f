"""Synthetic defects on a sampled surface, with affected points labelled.

All lengths are relative to the part's diagonal, so input points have a unit diagonal. Sizes are drawn above sensor
noise and below the obvious; the caller checks that the defect is visible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from sedir_core.types import BoolArray, DoubleArray

_FACING = 0.2  # cosine: surface turned further away belongs to another side of the part
_DEPTH = 0.06  # distance from the tangent plane within which a surface belongs to the spot


@dataclass(frozen=True)
class Damaged:
    """points, normals: (m, 3) float64, m at most the input's. labels: (m,) bool, True on the defect.

    Normals are those before displacement, except for pieces rotated as a whole. depth: signed extreme distance from the
    intact surface, + outward; for missing pieces, how far they reached from the rest, negative.
    """

    points: DoubleArray
    normals: DoubleArray
    labels: BoolArray
    depth: float = 0.0


def bulge(points: DoubleArray, normals: DoubleArray, rng: np.random.Generator) -> Damaged:
    """An oval swelling."""
    return _dented(points, normals, rng, 1.0)


def sink(points: DoubleArray, normals: DoubleArray, rng: np.random.Generator) -> Damaged:
    """An oval dent."""
    return _dented(points, normals, rng, -1.0)


def hole(points: DoubleArray, normals: DoubleArray, rng: np.random.Generator) -> Damaged:
    """An irregular opening, through a thin wall or into the interior; its rim is labelled."""
    spot = _Spot(points, normals, rng)
    angle = np.arctan2(spot.v, spot.u)
    first, second = rng.uniform(0, 2 * np.pi, 2)
    edge = rng.uniform(0.035, 0.06) * (1 + 0.15 * np.cos(2 * angle + first) + 0.08 * np.cos(3 * angle + second))
    ratio = np.hypot(spot.u, spot.v) / edge
    drilled = np.abs(spot.height) < _DEPTH
    return _without(points, normals, drilled & (ratio < 1), drilled & (ratio < 1.4))


def crack(points: DoubleArray, normals: DoubleArray, rng: np.random.Generator) -> Damaged:
    """A jagged gap tapering at both ends with one slightly raised lip; edges and lips are labelled."""
    spot = _Spot(points, normals, rng)
    half = rng.uniform(0.08, 0.14)
    knots = np.linspace(-half, half, 8)
    course = np.interp(spot.u, knots, np.cumsum(rng.uniform(-0.012, 0.012, len(knots))))
    side = spot.v - course + course[spot.seed]
    along = np.clip(1 - (spot.u / half) ** 2, 0.0, None)
    width = rng.uniform(0.0055, 0.009) * np.sqrt(along)
    on = spot.mine & (along > 0)
    lip = on & (np.abs(side) < width + 0.012)
    raised = points + (rng.uniform(0.004, 0.008) * along * (lip & (side > 0)))[:, None] * spot.normal
    return _without(raised, normals, on & (np.abs(side) < width), lip)


def scratch(points: DoubleArray, normals: DoubleArray, rng: np.random.Generator) -> Damaged:
    """A long shallow groove along an arc, with a burr on both sides."""
    spot = _Spot(points, normals, rng)
    half, width, depth = rng.uniform(0.08, 0.15), rng.uniform(0.008, 0.012), rng.uniform(0.008, 0.014)
    side = np.abs(spot.v - rng.uniform(-2.5, 2.5) * spot.u**2) / width
    runs_out = np.clip((half - np.abs(spot.u)) / (0.25 * half), 0.0, 1.0)
    groove = -np.clip(1 - side, 0.0, None) + 0.3 * np.clip(1 - np.abs(side - 1.3) / 0.4, 0.0, None)
    shift = np.where(spot.mine, depth * runs_out * groove, 0.0)
    labels = spot.mine & (runs_out > 0.1) & (side < 1.5)
    return Damaged(points + shift[:, None] * normals, normals, labels, _largest(shift))


def broken(points: DoubleArray, normals: DoubleArray, rng: np.random.Generator) -> Damaged:
    """An end broken off along a rough plane; the surface next to the fracture is labelled."""
    rel = points - points.mean(axis=0)
    reach = np.linalg.norm(rel, axis=1)
    end = rel[rng.choice(np.flatnonzero(reach >= np.quantile(reach, 0.85)))]
    away = end / np.linalg.norm(end) + 0.3 * _direction(rng)
    rough = sum(np.sin(points @ (_direction(rng) * rng.uniform(20, 60)) + rng.uniform(0, 6)) for _ in range(3))
    level = points @ away + rng.uniform(0.002, 0.006) * rough
    cut = np.quantile(level, 1 - rng.uniform(0.03, 0.1))
    return _without(points, normals, level > cut, level > cut - 0.025)


def bend(points: DoubleArray, normals: DoubleArray, rng: np.random.Generator) -> Damaged:
    """One end of the longest axis bent aside over a short transition; the moved part is labelled."""
    axes = np.linalg.eigh(np.cov(points.T))[1]
    long, hinge = axes[:, 2] * rng.choice([-1, 1]), axes[:, int(rng.integers(2))]
    level = points @ long
    start = np.quantile(level, rng.uniform(0.8, 0.92))
    t = np.clip((level - start) / 0.08, 0.0, 1.0)
    angle = rng.choice([-1, 1]) * rng.uniform(0.22, 0.4) * t * t * (3 - 2 * t)
    pivot = points[np.abs(level - start) < 0.02].mean(axis=0)
    bent = pivot + _turned(points - pivot, hinge, angle)
    moved = np.linalg.norm(bent - points, axis=1)
    away = np.asarray(cKDTree(points).query(bent)[0])
    farthest = int(away.argmax())
    side = np.sign((bent - points)[farthest] @ normals[farthest])
    return Damaged(bent, _turned(normals, hinge, angle), np.asarray(moved > 0.005), float(side * away[farthest]))


Damage = Callable[[DoubleArray, DoubleArray, np.random.Generator], Damaged]
DEFECTS: Mapping[str, Damage] = {
    damage.__name__: damage for damage in (bulge, sink, hole, crack, broken, bend, scratch)
}


class _Spot:
    """A random place on the surface with local coordinates: u, v in the tangent plane, height above it."""

    def __init__(self, points: DoubleArray, normals: DoubleArray, rng: np.random.Generator) -> None:
        self.seed = int(rng.integers(len(points)))
        near = np.linalg.norm(points - points[self.seed], axis=1) < 0.04
        near &= normals @ normals[self.seed] > 0.5
        mean = normals[near].sum(axis=0)
        self.normal = mean / np.linalg.norm(mean)
        side = np.cross(self.normal, _direction(rng))
        side /= np.linalg.norm(side)
        rel = points - points[self.seed]
        self.u, self.v, self.height = rel @ side, rel @ np.cross(self.normal, side), rel @ self.normal
        self.mine = np.asarray((normals @ self.normal > _FACING) & (np.abs(self.height) < _DEPTH))


def _dented(points: DoubleArray, normals: DoubleArray, rng: np.random.Generator, sign: float) -> Damaged:
    spot = _Spot(points, normals, rng)
    long = rng.uniform(0.05, 0.1)
    ratio = np.hypot(spot.u / long, spot.v / (long * rng.uniform(0.6, 1.0)))
    fall = np.where(spot.mine, np.clip(1 - ratio**2, 0.0, None) ** 2, 0.0)
    shift = sign * rng.uniform(0.02, 0.04) * fall
    return Damaged(points + shift[:, None] * normals, normals, np.asarray(fall > 0.08), _largest(shift))


def _without(points: DoubleArray, normals: DoubleArray, gone: BoolArray, marked: BoolArray) -> Damaged:
    keep = ~np.asarray(gone)
    far = np.asarray(cKDTree(points[keep]).query(points[~keep])[0])
    return Damaged(points[keep], normals[keep], np.asarray(marked)[keep], -float(far.max(initial=0.0)))


def _largest(shift: DoubleArray) -> float:
    return float(shift[np.abs(shift).argmax()])


def _turned(vectors: DoubleArray, axis: DoubleArray, angle: DoubleArray) -> DoubleArray:
    """Rotate each row about `axis` by its own angle (Rodrigues)."""
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return np.asarray(vectors * cos + np.cross(axis, vectors) * sin + np.outer(vectors @ axis, axis) * (1 - cos))


def _direction(rng: np.random.Generator) -> DoubleArray:
    vector = rng.normal(size=3)
    return np.asarray(vector / np.linalg.norm(vector))
