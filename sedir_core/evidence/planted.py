"""Defects planted into aligned samplings of good parts, for the judge to learn from. [O]

Lengths are in radii of the category's frame. Points are displaced, removed or added, and keep the scanner's noise,
density and gaps: only the shape changes. Sizes are drawn so that small ones are as likely as large ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sedir_core.evidence.training_numbers import PLANTED, Range
from sedir_core.geometry.neighbours import typical_spacing
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, IntArray

FINEST = 1e-4  # spacing, below which two scans lie on each other


@dataclass(frozen=True)
class Planted:
    """points: (m, 3). kept: (m,) index of each in the given points, -1 if added. damaged: (m,) points of a defect,
    good: (m,) points that surely are not."""

    points: DoubleArray
    kept: IntArray
    damaged: BoolArray
    good: BoolArray

    def share(self, n_first: int, random: np.random.Generator) -> IntArray:
        """Indices of the surviving first points, and of a corresponding number of added ones."""
        own = np.flatnonzero((self.kept >= 0) & (self.kept < n_first))
        added = np.flatnonzero(self.kept < 0)
        share = n_first / max(int(self.kept.max(initial=0)) + 1, 1)
        return random.permutation(np.concatenate([own, random.permutation(added)[: round(len(added) * share)]]))


@dataclass(frozen=True)
class _Spot:
    """A place: u, v (n,) along the surface, w above it, its axes (3, 3), and which points (n,) are on this side.

    spacing: of the scan; anything narrower is invisible.
    """

    u: DoubleArray
    v: DoubleArray
    w: DoubleArray
    axes: DoubleArray
    mine: BoolArray
    spacing: float

    @staticmethod
    def at(points: DoubleArray, normals: DoubleArray, index: int, spacing: float, random: np.random.Generator) -> _Spot:
        normal = normals[index]
        first = np.cross(normal, random.normal(size=3))
        first /= np.linalg.norm(first)
        axes = np.stack([first, np.cross(normal, first), normal])
        u, v, w = axes @ (points - points[index]).T
        return _Spot(u, v, w, axes, normals @ normal > PLANTED.facing, spacing)


@dataclass(frozen=True)
class _Change:
    """offsets: (n, 3). gone: (n,). added: (k, 3)."""

    offsets: DoubleArray
    gone: BoolArray
    added: DoubleArray


def plant(points: DoubleArray, normals: DoubleArray, n_defects: int, random: np.random.Generator) -> Planted:
    """Up to that many defects of random kinds at separate places. points: (n, 3), normals: (n, 3) outward."""
    offsets, gone = np.zeros_like(points), np.zeros(len(points), bool)
    spacing = max(typical_spacing(points), FINEST)
    added: list[DoubleArray] = []
    middles: list[DoubleArray] = []
    for _ in range(PLANTED.tries):
        if len(middles) == n_defects:
            break
        kind = KINDS[int(random.integers(len(KINDS)))]
        index = _edge(points, normals, random) if kind in AT_EDGES else int(random.integers(len(points)))
        if any(np.linalg.norm(points[index] - middle) < PLANTED.apart for middle in middles):
            continue
        middles.append(points[index])
        change = kind(_Spot.at(points, normals, index, spacing, random), points, random)
        offsets += change.offsets
        gone |= change.gone
        added.append(change.added)
    extra = np.concatenate([np.empty((0, 3)), *added])
    kept = np.concatenate([np.flatnonzero(~gone), np.full(len(extra), -1)])
    found = np.concatenate([(points + offsets)[~gone], extra])
    damaged = np.concatenate([np.linalg.norm(offsets, axis=1)[~gone] > PLANTED.moved, np.ones(len(extra), bool)])
    if gone.any():
        damaged |= PointTree(points[gone]).nearest(found)[0] < PLANTED.rim * spacing
    good = ~damaged
    if damaged.any():
        good &= PointTree(found[damaged]).nearest(found)[0] > PLANTED.beside * spacing
    return Planted(found, kept, damaged, good)


def _swelling(spot: _Spot, points: DoubleArray, random: np.random.Generator) -> _Change:
    """An oval bump or dent, from a cone to a plateau."""
    size, height = _between(PLANTED.swelling_size, random), _between(PLANTED.swelling_height, random) * _sign(random)
    away = np.hypot(spot.u, spot.v / random.uniform(0.5, 1.0)) / size
    fall = np.clip(1 - away**2, 0, None) ** _between((0.3, 2.5), random) * (spot.mine & (np.abs(spot.w) < size))
    return _along(spot, max(-0.6 * size, min(0.6 * size, height)) * fall)


def _step(spot: _Spot, points: DoubleArray, random: np.random.Generator) -> _Change:
    """A patch with sharp edges, higher or lower: a feature that is missing, or one too many."""
    long, height = _between(PLANTED.step_length, random), _between(PLANTED.step_height, random) * _sign(random)
    inside = (np.abs(spot.u) < long) & (np.abs(spot.v) < long * random.uniform(0.3, 1.0)) & (np.abs(spot.w) < long)
    return _along(spot, np.where(inside & spot.mine, height, 0.0))


def _line(spot: _Spot, points: DoubleArray, random: np.random.Generator) -> _Change:
    """A groove, occasionally a ridge, from a scratch to a crack."""
    half, width = _between(PLANTED.line_length, random), _between(PLANTED.line_width, random) * max(spot.spacing, 0.005)
    depth = min(_between(PLANTED.line_depth, random), 2.5 * width) * (1 if random.random() < 0.2 else -1)
    aside = np.abs(spot.v - _course(spot, half, random)) / width
    on = spot.mine & (np.abs(spot.u) < half) & (np.abs(spot.w) < 0.1)
    return _along(spot, depth * np.clip(1 - aside ** random.uniform(1, 3), 0, None) * on)


def _slit(spot: _Spot, points: DoubleArray, random: np.random.Generator) -> _Change:
    """A line without points; a lip may stand proud."""
    half, width = _between(PLANTED.slit_length, random), _between(PLANTED.slit_width, random) * max(spot.spacing, 0.006)
    aside = spot.v - _course(spot, half, random)
    on = spot.mine & (np.abs(spot.u) < half) & (np.abs(spot.w) < 0.1)
    lip = on & (aside > 0) & (aside < width + 0.02)
    lifted = _along(spot, random.choice([0.0, 0.01]) * random.random() * lip)
    return _Change(lifted.offsets, on & (np.abs(aside) < width), lifted.added)


def _pits(spot: _Spot, points: DoubleArray, random: np.random.Generator) -> _Change:
    """A cluster of small round holes with or without a visible bottom."""
    around, depth = _between(PLANTED.pits_around, random), np.zeros(len(points))
    for _ in range(int(random.integers(2, 9))):
        size = _between(PLANTED.pit_size, random)
        u, v = random.normal(scale=around / 2, size=2)
        fall = np.clip(1 - (np.hypot(spot.u - u, spot.v - v) / size) ** 2, 0, None)
        depth = np.maximum(depth, size * random.uniform(0.5, 1.5) * np.sqrt(fall))
    depth *= spot.mine & (np.abs(spot.w) < 0.1)
    change = _along(spot, -depth)
    unseen = (depth > PLANTED.moved) & (random.random(len(points)) < random.uniform(0, 0.9))
    return _Change(change.offsets, change.gone | unseen, change.added)


def _hole(spot: _Spot, points: DoubleArray, random: np.random.Generator) -> _Change:
    """An opening without points, or with a visible wall."""
    size = _between(PLANTED.hole_size, random)
    gone = (np.hypot(spot.u, spot.v) < size) & spot.mine & (np.abs(spot.w) < 0.12)
    count = int(gone.sum() * random.choice([0.0, 1.0]))
    angle = random.uniform(0, 2 * np.pi, count)
    wall = np.stack([size * np.cos(angle), size * np.sin(angle), -random.uniform(0, 1.5 * size, count)], axis=1)
    return _Change(np.zeros_like(points), gone, wall @ spot.axes + _origin(spot, points))


def _chip(spot: _Spot, points: DoubleArray, random: np.random.Generator) -> _Change:
    """What protrudes from a plane is broken off; the fracture is visible if there were enough points."""
    size = _between(PLANTED.chip_size, random)
    near = np.sqrt(spot.u**2 + spot.v**2 + spot.w**2) < size
    away = spot.axes[2] + 0.6 * random.normal(size=3)
    away /= np.linalg.norm(away)
    level = points @ away
    over = np.where(near, level - np.quantile(level[near], random.uniform(0.4, 0.85)), 0.0)
    return _Change(-np.clip(over, 0, None)[:, None] * away, np.zeros(len(points), bool), np.empty((0, 3)))


def _broken(spot: _Spot, points: DoubleArray, random: np.random.Generator) -> _Change:
    """A missing end."""
    away = spot.axes[2] + 0.5 * random.normal(size=3)
    level = points @ away
    gone = level > np.quantile(level, 1 - _between(PLANTED.broken_share, random))
    return _Change(np.zeros_like(points), gone, np.empty((0, 3)))


def _burr(spot: _Spot, points: DoubleArray, random: np.random.Generator) -> _Change:
    """A thin wall along a path, like flash along an edge or a thread of glue."""
    half, height = _between(PLANTED.burr_length, random), _between(PLANTED.burr_height, random)
    aside = np.abs(spot.v - _course(spot, half, random))
    foot = np.flatnonzero(spot.mine & (np.abs(spot.u) < half) & (aside < 0.012) & (np.abs(spot.w) < 0.1))
    if len(foot) == 0:
        return _Change(np.zeros_like(points), np.zeros(len(points), bool), np.empty((0, 3)))
    picked = random.choice(foot, max(20, int(len(foot) * height / 0.01)))
    ends = np.clip(1 - (np.abs(spot.u[picked]) / half) ** 4, 0, 1)
    leaning = spot.axes[2] + random.uniform(-0.5, 0.5) * spot.axes[1]
    added = points[picked] + (random.uniform(0, height, len(picked)) * ends)[:, None] * leaning
    return _Change(np.zeros_like(points), np.zeros(len(points), bool), added)


def _beside(spot: _Spot, points: DoubleArray, random: np.random.Generator) -> _Change:
    """A lump attached to the part."""
    count = int(random.integers(20, 200))
    middle = _origin(spot, points) + _between(PLANTED.lump_away, random) * spot.axes[2]
    added = middle + _between(PLANTED.lump_size, random) * random.normal(size=(count, 3))
    return _Change(np.zeros_like(points), np.zeros(len(points), bool), added)


def _rough(spot: _Spot, points: DoubleArray, random: np.random.Generator) -> _Change:
    """A rough patch."""
    size, height = _between(PLANTED.rough_size, random), _between(PLANTED.rough_height, random)
    waves = random.normal(size=(8, 3))
    waves *= 2 * np.pi / (_between(PLANTED.rough_wave, random) * np.linalg.norm(waves, axis=1, keepdims=True))
    shape = np.sin(points @ waves.T + random.uniform(0, 2 * np.pi, 8)).mean(axis=1) * 2
    inside = spot.mine & (np.hypot(spot.u, spot.v) < size) & (np.abs(spot.w) < size)
    return _along(spot, height * shape * inside)


def _bend(spot: _Spot, points: DoubleArray, random: np.random.Generator) -> _Change:
    """What lies beyond a line is bent progressively; a small share of the part, so that the rest fixes its pose."""
    direction = random.normal(size=3)
    direction /= np.linalg.norm(direction)
    level = points @ direction
    start = np.quantile(level, random.uniform(0.8, 0.95))
    rise = np.clip((level - start) / max(float(level.max()) - start, 0.05), 0, 1)
    aside = np.cross(direction, random.normal(size=3))
    offsets = (_between(PLANTED.bend, random) * rise**1.5)[:, None] * aside / np.linalg.norm(aside)
    return _Change(offsets, np.zeros(len(points), bool), np.empty((0, 3)))


Kind = Callable[[_Spot, DoubleArray, np.random.Generator], _Change]
KINDS: tuple[Kind, ...] = (
    _swelling,
    _swelling,
    _step,
    _step,
    _line,
    _line,
    _slit,
    _pits,
    _pits,
    _hole,
    _hole,
    _broken,
    _chip,
    _burr,
    _burr,
    _beside,
    _rough,
    _bend,
)
AT_EDGES: tuple[Kind, ...] = (_chip, _burr)


def _along(spot: _Spot, heights: DoubleArray) -> _Change:
    """Displaced along the spot's normal by heights (n,)."""
    gone = np.zeros(len(heights), bool)
    return _Change(heights[:, None] * spot.axes[2], gone, np.empty((0, 3)))


def _course(spot: _Spot, half: float, random: np.random.Generator) -> DoubleArray:
    """(n,) course of a line at u: it wobbles, and passes through the spot."""
    knots = np.linspace(-half, half, 7)
    heights = np.cumsum(random.uniform(-0.012, 0.012, len(knots)))
    return np.asarray(np.interp(spot.u, knots, heights - heights[len(knots) // 2]))


def _origin(spot: _Spot, points: DoubleArray) -> DoubleArray:
    return np.asarray(points[int(np.argmin(spot.u**2 + spot.v**2 + spot.w**2))])


def _edge(points: DoubleArray, normals: DoubleArray, random: np.random.Generator) -> int:
    """The sharpest of several places: where nearby normals differ most."""
    some = random.choice(len(points), min(len(points), 4_000), replace=False)
    tree = PointTree(points[some])
    tried = random.choice(len(points), PLANTED.edges)
    around = tree.nearest_k(points[tried], 16)[1]
    return int(tried[np.linalg.norm(normals[some][around].mean(axis=1), axis=1).argmin()])


def _between(ends: Range, random: np.random.Generator) -> float:
    low, high = ends
    return float(low * (high / low) ** random.random())


def _sign(random: np.random.Generator) -> float:
    return 1.0 if random.random() < 0.5 else -1.0
