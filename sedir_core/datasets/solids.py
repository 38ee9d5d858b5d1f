"""Solids that can be sampled: the protocol, and boolean operations.

Boolean operations work on points: each part's surface is sampled evenly and filtered by the others, so no mesh boolean
can fail.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from sedir_core.types import BoolArray, DoubleArray

Surface = tuple[DoubleArray, DoubleArray]
"""Points (n, 3) and outward unit normals (n, 3), float64."""
Vector = Sequence[float] | DoubleArray

_MAX_ROUNDS = 50


class Solid(ABC):
    """A body with a surface. Lengths are in any one unit.

    bounds: (2, 3) float64, a bounding box. area: of the surface; for combined bodies an upper bound.
    """

    bounds: DoubleArray
    area: float

    @abstractmethod
    def scatter(self, density: float, rng: np.random.Generator) -> Surface:
        """About `density` points per unit of area, evenly over the whole surface, in no useful order."""

    @abstractmethod
    def distance(self, points: DoubleArray) -> DoubleArray:
        """(n,) float64 for (n, 3) points: distance to the surface, negative inside.

        Exact in sign; in magnitude exact for boxes, extrusions and revolutions, otherwise a bound or an estimate.
        """

    def contains(self, points: DoubleArray) -> BoolArray:
        """(n,) bool for (n, 3) points. Only points within the bounds are tested."""
        near = np.asarray(((points >= self.bounds[0]) & (points <= self.bounds[1])).all(axis=1))
        near[near] = self._inside(points[near])
        return near

    def sample(self, n: int, rng: np.random.Generator) -> Surface:
        """n points uniform by area, and their normals. Raises ValueError if the body has no surface."""
        pieces: list[Surface] = []
        have, tried = 0, 0.0
        for _ in range(_MAX_ROUNDS):
            visible = have / tried if have else 1.0
            aim = (n - have) * 1.05 + 3 * np.sqrt(n) + 16 if have else min(n, 1000)
            density = float(aim / (visible * self.area))
            pieces.append(self.scatter(density, rng))
            have, tried = have + len(pieces[-1][0]), tried + density * self.area
            if have >= n:
                points, normals = (np.concatenate(side) for side in zip(*pieces, strict=True))
                pick = rng.permutation(have)[:n]  # samples are ordered by part, so truncating would be uneven
                return points[pick], normals[pick]
        raise ValueError("the solid has almost no surface")

    def moved(self, offset: Vector = (0, 0, 0), rotation: DoubleArray | None = None, scale: float = 1.0) -> Solid:
        """Scaled, then rotated by a (3, 3) matrix, then shifted."""
        return MovedSolid(
            self, np.asarray(offset, dtype=np.float64), np.eye(3) if rotation is None else rotation, scale
        )

    def __or__(self, other: Solid) -> Solid:
        return Union(self, other)

    def __and__(self, other: Solid) -> Solid:
        return Intersection(self, other)

    def __sub__(self, other: Solid) -> Solid:
        return Difference(self, other)

    def _inside(self, points: DoubleArray) -> BoolArray:
        return np.asarray(self.distance(points) < 0)


class Primitive(Solid):
    """A body of known area, from which an exact number of points can be drawn."""

    @abstractmethod
    def draw(self, n: int, rng: np.random.Generator) -> Surface:
        """n points uniform by area, and their normals."""

    def scatter(self, density: float, rng: np.random.Generator) -> Surface:
        """See `Solid.scatter`."""
        return self.draw(int(np.floor(self.area * density + rng.random())), rng)

    def sample(self, n: int, rng: np.random.Generator) -> Surface:
        """See `Solid.sample`."""
        return self.draw(n, rng)


class MovedSolid(Solid):
    """A transformed body: x -> rotation @ (scale * x) + offset."""

    def __init__(self, body: Solid, offset: DoubleArray, rotation: DoubleArray, scale: float) -> None:
        self.body, self.offset, self.rotation, self.scale = body, offset, rotation, scale
        self.area = body.area * scale**2
        low, high = body.bounds
        middle, half = (low + high) / 2, (high - low) / 2
        center, reach = rotation @ (middle * scale) + offset, np.abs(rotation) @ (half * scale)
        self.bounds = np.stack([center - reach, center + reach])

    def scatter(self, density: float, rng: np.random.Generator) -> Surface:
        points, normals = self.body.scatter(density * self.scale**2, rng)
        return points @ (self.scale * self.rotation.T) + self.offset, normals @ self.rotation.T

    def distance(self, points: DoubleArray) -> DoubleArray:
        return self.body.distance(self._back(points)) * self.scale

    def _inside(self, points: DoubleArray) -> BoolArray:
        return self.body.contains(self._back(points))

    def _back(self, points: DoubleArray) -> DoubleArray:
        return np.asarray((points - self.offset) @ (self.rotation / self.scale))


class Union(Solid):
    """Union of several bodies; surface inside another one is removed."""

    def __init__(self, *bodies: Solid) -> None:
        self.bodies = bodies
        self.area = sum(body.area for body in bodies)
        self.bounds = np.stack(
            [np.min([body.bounds[0] for body in bodies], axis=0), np.max([body.bounds[1] for body in bodies], axis=0)]
        )

    def scatter(self, density: float, rng: np.random.Generator) -> Surface:
        pieces = []
        for body in self.bodies:
            surface = body.scatter(density, rng)
            for other in self.bodies:
                if other is not body:
                    surface = _kept(surface, ~other.contains(surface[0]))
            pieces.append(surface)
        return _joined(pieces)

    def distance(self, points: DoubleArray) -> DoubleArray:
        return np.asarray(np.min([body.distance(points) for body in self.bodies], axis=0))

    def _inside(self, points: DoubleArray) -> BoolArray:
        return np.asarray(np.any([body.contains(points) for body in self.bodies], axis=0))


class Intersection(Solid):
    """Intersection of two bodies."""

    def __init__(self, first: Solid, second: Solid) -> None:
        self.first, self.second = first, second
        self.area = first.area + second.area
        low, high = np.maximum(first.bounds[0], second.bounds[0]), np.minimum(first.bounds[1], second.bounds[1])
        self.bounds = np.stack([low, np.maximum(low, high)])

    def scatter(self, density: float, rng: np.random.Generator) -> Surface:
        one, two = self.first.scatter(density, rng), self.second.scatter(density, rng)
        return _joined([_kept(one, self.second.contains(one[0])), _kept(two, self.first.contains(two[0]))])

    def distance(self, points: DoubleArray) -> DoubleArray:
        return np.asarray(np.maximum(self.first.distance(points), self.second.distance(points)))

    def _inside(self, points: DoubleArray) -> BoolArray:
        return self.first.contains(points) & self.second.contains(points)


class Difference(Solid):
    """A body minus others."""

    def __init__(self, body: Solid, *cuts: Solid) -> None:
        self.body, self.cuts = body, cuts
        self.area = body.area + sum(cut.area for cut in cuts)
        self.bounds = body.bounds

    def scatter(self, density: float, rng: np.random.Generator) -> Surface:
        surface = self.body.scatter(density, rng)
        for cut in self.cuts:
            surface = _kept(surface, ~cut.contains(surface[0]))
        return _joined([surface] + [self._wall(cut, density, rng) for cut in self.cuts])

    def distance(self, points: DoubleArray) -> DoubleArray:
        parts = [self.body.distance(points)] + [-cut.distance(points) for cut in self.cuts]
        return np.asarray(np.max(parts, axis=0))

    def _inside(self, points: DoubleArray) -> BoolArray:
        inside = self.body.contains(points)
        for cut in self.cuts:
            inside[inside] = ~cut.contains(points[inside])
        return inside

    def _wall(self, cut: Solid, density: float, rng: np.random.Generator) -> Surface:
        points, normals = cut.scatter(density, rng)
        wall = _kept((points, -normals), self.body.contains(points))
        for other in self.cuts:
            if other is not cut:
                wall = _kept(wall, ~other.contains(wall[0]))
        return wall


def unit(solid: Solid) -> Solid:
    """The solid centred on the origin, with a bounding box of unit diagonal."""
    low, high = solid.bounds
    scale = 1.0 / float(np.linalg.norm(high - low))
    return solid.moved(-(low + high) / 2 * scale, scale=scale)


def rotation(angle_degrees: float, axis: int | Vector = 2) -> DoubleArray:
    """(3, 3) rotation about a coordinate axis or a direction (Rodrigues).

    Not scipy's, which differs in the last bit: faces of a union can be coplanar, so with different rounding different
    points would be drawn, and seeds would no longer reproduce their parts.
    """
    u = np.eye(3)[axis] if isinstance(axis, int) else np.asarray(axis, dtype=np.float64)
    x, y, z = u / np.linalg.norm(u)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(angle_degrees)
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def random_rotation(rng: np.random.Generator) -> DoubleArray:
    """(3, 3), uniform over all rotations."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return np.asarray(q if np.linalg.det(q) > 0 else -q)


def _kept(surface: Surface, keep: BoolArray) -> Surface:
    return surface[0][keep], surface[1][keep]


def _joined(pieces: Sequence[Surface]) -> Surface:
    return np.concatenate([piece[0] for piece in pieces]), np.concatenate([piece[1] for piece in pieces])
