"""Basic solids: rounded boxes, revolved and extruded outlines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedir_core.datasets.outlines import Outline, circle, rectangle
from sedir_core.datasets.solids import Primitive, Surface
from sedir_core.types import BoolArray, DoubleArray

_FREE_AXES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]], dtype=np.bool_)


class RoundedBox(Primitive):
    """All points within `radius` of a box with the given core sizes, centred on the origin.

    A zero radius gives a sharp box, a zero core a sphere, a single core size a capsule.
    """

    def __init__(self, core: Sequence[float], radius: float = 0.0) -> None:
        self.half, self.radius = np.asarray(core, dtype=np.float64) / 2, radius
        corner, side = self.half + radius, 2 * self.half
        self.bounds = np.stack([-corner, corner])
        # corners (8 eighths of a sphere), edges along x, y, z (4 quarters of a tube each), faces xy, yz, zx (2 each)
        faces = [side[0] * side[1], side[1] * side[2], side[2] * side[0]]
        self._areas = np.array(
            [4 * np.pi * radius**2, *(2 * np.pi * radius * side), *(2 * face for face in faces)], dtype=np.float64
        )
        self.area = float(self._areas.sum())

    def draw(self, n: int, rng: np.random.Generator) -> Surface:
        free = _FREE_AXES[rng.choice(7, n, p=self._areas / self.area)]
        normals = np.where(free, 0.0, rng.normal(size=(n, 3)))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        base = np.where(free, rng.uniform(-1, 1, (n, 3)), np.sign(normals)) * self.half
        return base + self.radius * normals, normals

    def distance(self, points: DoubleArray) -> DoubleArray:
        over = np.abs(points) - self.half
        outside = np.linalg.norm(np.maximum(over, 0.0), axis=1)
        return np.asarray(outside + np.minimum(over.max(axis=1), 0.0) - self.radius)


class Revolution(Primitive):
    """A profile in (radius, z) revolved about the z axis; edges on the axis carry no surface."""

    def __init__(self, profile: DoubleArray | Outline) -> None:
        outline = profile if isinstance(profile, Outline) else Outline.of(profile)
        reach = outline.bounds[1, 0]
        on_axis = np.maximum(outline.starts[:, 0], outline.ends[:, 0]) < 1e-9 * reach
        if outline.bounds[0, 0] < -1e-9 * reach:
            raise ValueError("a profile must stay on one side of the axis")
        self.profile = outline.where(~on_axis)
        self._areas = np.pi * (self.profile.starts[:, 0] + self.profile.ends[:, 0]) * self.profile.lengths
        self.area = float(self._areas.sum())
        self.bounds = np.array([[-reach, -reach, outline.bounds[0, 1]], [reach, reach, outline.bounds[1, 1]]])

    def draw(self, n: int, rng: np.random.Generator) -> Surface:
        p = self.profile
        edge = rng.choice(len(p.starts), n, p=self._areas / self.area)
        first, last, u = p.starts[edge, 0], p.ends[edge, 0], rng.random(n)
        # inverse of the cumulative area along a frustum, which is wider at one end
        t = u * (first + last) / np.maximum(first + np.sqrt(first**2 + u * (last**2 - first**2)), 1e-300)
        flat = p.starts[edge] + t[:, None] * (p.ends[edge] - p.starts[edge])
        normal = p.start_normals[edge] + t[:, None] * (p.end_normals[edge] - p.start_normals[edge])
        angle = rng.uniform(0, 2 * np.pi, n)
        return _turned(flat, angle), _normalised(_turned(normal, angle))

    def distance(self, points: DoubleArray) -> DoubleArray:
        return self.profile.distance(_unturned(points))

    def _inside(self, points: DoubleArray) -> BoolArray:
        return self.profile.contains(_unturned(points))


class Extrusion(Primitive):
    """An outline in (x, y) with thickness: z runs from -height / 2 to height / 2."""

    def __init__(self, outline: DoubleArray | Outline, height: float) -> None:
        self.outline = outline if isinstance(outline, Outline) else Outline.of(outline)
        self.height = height
        self._cap, self._sides = self.outline.area, self.outline.lengths * height
        self.area = float(2 * self._cap + self._sides.sum())
        low, high = self.outline.bounds
        self.bounds = np.array([[*low, -height / 2], [*high, height / 2]])

    def draw(self, n: int, rng: np.random.Generator) -> Surface:
        on_caps = int(rng.binomial(n, 2 * self._cap / self.area))
        flat, flat_normals = edge_points(self.outline, self._sides, n - on_caps, rng)
        sides = np.column_stack([flat, rng.uniform(-0.5, 0.5, len(flat)) * self.height])
        side_normals = np.column_stack([flat_normals, np.zeros(len(flat))])
        up = np.sign(rng.random(on_caps) - 0.5)
        caps = np.column_stack([self.outline.fill(on_caps, rng), up * self.height / 2])
        cap_normals = np.column_stack([np.zeros((on_caps, 2)), up])
        return np.concatenate([sides, caps]), np.concatenate([side_normals, cap_normals])

    def distance(self, points: DoubleArray) -> DoubleArray:
        plane, axial = self.outline.distance(points[:, :2]), np.abs(points[:, 2]) - self.height / 2
        outside = np.hypot(np.maximum(plane, 0.0), np.maximum(axial, 0.0))
        return np.asarray(outside + np.minimum(np.maximum(plane, axial), 0.0))

    def _inside(self, points: DoubleArray) -> BoolArray:
        return self.outline.contains(points[:, :2]) & (np.abs(points[:, 2]) < self.height / 2)


def edge_points(outline: Outline, weights: DoubleArray, n: int, rng: np.random.Generator) -> Surface:
    """(n, 2) points on the edges, sampled by weight, and their (n, 2) normals."""
    edge = rng.choice(len(weights), n, p=weights / weights.sum())
    t = rng.random((n, 1))
    points = outline.starts[edge] + t * (outline.ends[edge] - outline.starts[edge])
    normals = outline.start_normals[edge] + t * (outline.end_normals[edge] - outline.start_normals[edge])
    return points, _normalised(normals)


def box(x: float, y: float, z: float, radius: float = 0.0) -> RoundedBox:
    """Outer sizes, edges rounded with `radius`."""
    return RoundedBox((x - 2 * radius, y - 2 * radius, z - 2 * radius), radius)


def sphere(radius: float) -> RoundedBox:
    """A ball, exact."""
    return RoundedBox((0, 0, 0), radius)


def capsule(radius: float, length: float) -> RoundedBox:
    """Along z; length is over all."""
    return RoundedBox((0, 0, length - 2 * radius), radius)


def cylinder(radius: float, height: float) -> Revolution:
    """Along z, centred."""
    return cone(radius, radius, height)


def cone(bottom: float, top: float, height: float) -> Revolution:
    """A frustum along z, centred; a zero radius makes a point."""
    h = height / 2
    return Revolution(np.array([[0, -h], [bottom, -h], [top, h], [0, h]], dtype=np.float64))


def torus(radius: float, tube: float) -> Revolution:
    """About z; `radius` is that of the tube's centre line."""
    return Revolution(circle(tube, 48, (radius, 0.0)))


def bar(width: float, height: float, length: float) -> Extrusion:
    """A sharp box, drawn along z."""
    return Extrusion(rectangle(width, height), length)


def _turned(flat: DoubleArray, angle: DoubleArray) -> DoubleArray:
    return np.stack([flat[:, 0] * np.cos(angle), flat[:, 0] * np.sin(angle), flat[:, 1]], axis=1)


def _unturned(points: DoubleArray) -> DoubleArray:
    return np.stack([np.hypot(points[:, 0], points[:, 1]), points[:, 2]], axis=1)


def _normalised(vectors: DoubleArray) -> DoubleArray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-300))
