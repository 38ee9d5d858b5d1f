"""Random solids with edges, holes, walls and free-form surfaces, for pretraining a local encoder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sedir_core.datasets.mesh_solid import Superquadric
from sedir_core.datasets.outlines import Outline, circle, gear_outline, regular_polygon, rounded, smooth, walled
from sedir_core.datasets.primitives import Extrusion, Revolution, box, capsule, cone, cylinder, sphere, torus
from sedir_core.datasets.solids import Difference, Solid, Union, random_rotation, unit
from sedir_core.datasets.sweeps import Sweep
from sedir_core.types import DoubleArray

_MIN_SHARE = 0.15  # share of the first body's surface that must survive each cut


def random_shape(rng: np.random.Generator) -> Solid:
    """One to five random bodies, united and subtracted; about unit diagonal, random orientation, never empty."""
    body = _random_body(rng)
    others = int(rng.integers(0, 5))
    shape = body
    points, _ = body.scatter(400 / body.area, rng)
    for _ in range(others):
        extra = _placed(_random_body(rng), shape, rng)
        joined = Difference(shape, extra) if rng.random() < 0.5 else Union(shape, extra)
        left, _ = joined.scatter(400 / body.area, rng)
        if len(left) >= 400 * _MIN_SHARE:  # skip a cut that removes nearly everything
            shape, points = joined, left
    low, high = points.min(axis=0), points.max(axis=0)  # the bounds of rotated and cut bodies are too wide
    scale = 1 / float(np.linalg.norm(high - low))
    return shape.moved(-(low + high) / 2).moved(rotation=random_rotation(rng), scale=scale)


def _random_body(rng: np.random.Generator) -> Solid:
    makers: tuple[Callable[[np.random.Generator], Solid], ...] = (
        _block, _round_bar, _ball, _ring, _superquadric, _turned, _vessel, _plate, _prism, _bent_bar
    )  # fmt: skip
    return unit(makers[int(rng.integers(len(makers)))](rng))


def _placed(body: Solid, on: Solid, rng: np.random.Generator) -> Solid:
    """Scaled down, rotated, and centred on a point of the other body's surface."""
    spot, _ = on.sample(1, rng)
    return body.moved(spot[0], random_rotation(rng), float(rng.uniform(0.25, 0.7)))


def _block(rng: np.random.Generator) -> Solid:
    x, y, z = rng.uniform(0.1, 1.0, 3)
    return box(x, y, z, float(rng.choice([0.0, rng.uniform(0.02, 0.45)]) * min(x, y, z)))


def _round_bar(rng: np.random.Generator) -> Solid:
    bottom, top, height = rng.uniform(0.1, 0.6), rng.uniform(0.0, 0.6), rng.uniform(0.1, 1.5)
    kind = rng.integers(3)
    if kind == 0:
        return capsule(bottom, height + 2 * bottom)
    return cylinder(bottom, height) if kind == 1 else cone(bottom, top, height)


def _ball(rng: np.random.Generator) -> Solid:
    if rng.random() < 0.6:
        return sphere(1.0)
    return Difference(sphere(1.0), sphere(rng.uniform(0.7, 0.95)), box(3, 3, 2).moved((0, 0, 1.3)))


def _ring(rng: np.random.Generator) -> Solid:
    return torus(1.0, rng.uniform(0.1, 0.6))


def _superquadric(rng: np.random.Generator) -> Solid:
    a, b, c = rng.uniform(0.3, 1.0, 3)
    return Superquadric(a, b, c, *rng.uniform(0.25, 1.7, 2))


def _turned(rng: np.random.Generator) -> Solid:
    """A lathe part: steps, tapers and grooves, corners sharp or round."""
    steps = int(rng.integers(2, 7))
    radii, heights = rng.uniform(0.15, 0.6, steps), np.cumsum(rng.uniform(0.05, 0.4, steps))
    side: list[tuple[float, float]] = []
    for i, (r, z) in enumerate(zip(radii, heights, strict=True)):
        below = heights[i - 1] if i else 0.0
        lean = r * rng.uniform(0.7, 1.0) if rng.random() < 0.3 else r
        side += [(float(r), float(below)), (float(lean), float(z))]
    bore = float(rng.uniform(0.3, 0.7) * np.min(side, axis=0)[0]) if rng.random() < 0.4 else 0.0
    profile = [(bore, 0.0), *side, (bore, float(heights[-1]))]
    radius = 0.0 if rng.random() < 0.4 else float(rng.uniform(0.01, 0.08))
    return Revolution(rounded(_distinct(profile), radius) if bore else _distinct(profile))


def _vessel(rng: np.random.Generator) -> Solid:
    """A vessel: a smooth outside and a wall."""
    knots = int(rng.integers(4, 7))
    radii = rng.uniform(0.25, 0.6, knots)
    side = smooth(np.stack([radii, np.linspace(0, rng.uniform(0.7, 1.5), knots)], axis=1), 40)
    side[:, 0] = np.maximum(side[:, 0], 0.15)
    curve = np.concatenate([np.stack([np.linspace(0, 0.9, 6) * side[0, 0], np.full(6, side[0, 1])], axis=1), side])
    return Revolution(walled(curve, rng.uniform(0.015, 0.05)))


def _plate(rng: np.random.Generator) -> Solid:
    """A rounded star-shaped plate with some holes."""
    corners = int(rng.integers(3, 9))
    angle = 2 * np.pi * (np.arange(corners) + rng.uniform(-0.25, 0.25, corners)) / corners
    loop = rng.uniform(0.5, 1.0, (corners, 1)) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    hole = circle(rng.uniform(0.05, 0.13), 28)
    spread = 2 * np.pi * rng.random() + np.array([0, 2.1, 4.2])[: int(rng.integers(0, 4))]
    holes = [hole + 0.16 * np.array([np.cos(a), np.sin(a)]) for a in spread]
    outer = rounded(loop, rng.uniform(0.0, 0.2))
    return Extrusion(Outline.of(outer, *holes), rng.uniform(0.04, 0.4))


def _prism(rng: np.random.Generator) -> Solid:
    if rng.random() < 0.5:
        return Extrusion(regular_polygon(int(rng.integers(3, 9)), 1.0), rng.uniform(0.2, 1.5))
    teeth = int(rng.integers(12, 30))
    toothed = Outline.of(gear_outline(teeth, 1.0 / teeth), circle(rng.uniform(0.1, 0.3)))
    return Extrusion(toothed, rng.uniform(0.05, 0.4))


def _bent_bar(rng: np.random.Generator) -> Solid:
    """A bar or pipe along a gentle space curve, perhaps tapered."""
    angle = np.cumsum(rng.uniform(-0.7, 0.7, (4, 2)), axis=0)
    steps = np.stack([np.cos(angle[:, 0]) * np.cos(angle[:, 1]), np.sin(angle[:, 0]), np.sin(angle[:, 1])], axis=1)
    path = smooth(np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)]), 40)
    taper = np.linspace(1.0, rng.uniform(0.5, 1.0), 40)
    width = rng.uniform(0.1, 0.35)
    if rng.random() < 0.4:
        return Sweep(Outline.of(circle(width, 40), circle(width * rng.uniform(0.6, 0.9), 40)), path, taper)
    section = rounded(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * rng.uniform(0.3, 1.0, 2) * width, 0.2 * width)
    return Sweep(section, path, taper)


def _distinct(points: list[tuple[float, float]]) -> DoubleArray:
    """Drop repeated consecutive points, which have no direction."""
    kept = [points[0]]
    for point in points[1:]:
        if np.hypot(point[0] - kept[-1][0], point[1] - kept[-1][1]) > 1e-6:
            kept.append(point)
    return np.array(kept)
