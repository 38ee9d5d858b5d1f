"""Plane figures to revolve, extrude or sweep into solids.

A figure is a closed polygon with optional holes; curves are approximated by fine polygons, and corners flatter than
CREASE_DEGREES get smooth normals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from sedir_core.types import BoolArray, DoubleArray

CREASE_DEGREES = 35.0
CHUNK = 250_000  # point-edge pairs at a time, so that temporaries stay in the CPU cache


@dataclass(frozen=True)
class Outline:
    """The edges of a figure, each with its outward normal at both ends.

    starts, ends, start_normals, end_normals: (e, 2) float64. The outside is to the right of every edge.
    """

    starts: DoubleArray
    ends: DoubleArray
    start_normals: DoubleArray
    end_normals: DoubleArray

    @classmethod
    def of(cls, outer: DoubleArray, *holes: DoubleArray) -> Outline:
        """From (m, 2) vertex loops in either direction; the last vertex joins the first."""
        loops = [_turned(outer, 1.0)] + [_turned(hole, -1.0) for hole in holes]
        ends = [np.roll(loop, -1, axis=0) for loop in loops]
        normals = [_end_normals(loop) for loop in loops]
        first, last = (np.concatenate(side) for side in zip(*normals, strict=True))
        return cls(np.concatenate(loops), np.concatenate(ends), first, last)

    def where(self, keep: BoolArray) -> Outline:
        """A subset of the edges."""
        return Outline(self.starts[keep], self.ends[keep], self.start_normals[keep], self.end_normals[keep])

    @property
    def lengths(self) -> DoubleArray:
        """(e,) of the edges."""
        return np.asarray(np.linalg.norm(self.ends - self.starts, axis=1))

    @property
    def area(self) -> float:
        """Enclosed area; negative if the outline runs clockwise."""
        return float(np.sum(_cross(self.starts, self.ends)) / 2)

    @property
    def bounds(self) -> DoubleArray:
        """(2, 2): lowest and highest corner."""
        return np.stack([self.starts.min(axis=0), self.starts.max(axis=0)])

    def contains(self, points: DoubleArray) -> BoolArray:
        """(n,) bool for (n, 2) points, by ray casting."""
        rising = self.ends[:, 1] - self.starts[:, 1]
        slope = (self.ends[:, 0] - self.starts[:, 0]) / np.where(rising == 0, 1.0, rising)
        offset = self.starts[:, 0] - slope * self.starts[:, 1]
        inside = np.zeros(len(points), dtype=np.bool_)
        for part in _chunks(len(points), len(self.starts)):
            x, y = points[part, :1], points[part, 1:]
            crosses = (self.starts[:, 1] > y) != (self.ends[:, 1] > y)
            inside[part] = (crosses & (x < offset + slope * y)).sum(axis=1) % 2 == 1
        return inside

    def distance(self, points: DoubleArray) -> DoubleArray:
        """(n,) signed distance of (n, 2) points to the edges, negative inside."""
        along = self.ends - self.starts
        scale = 1.0 / np.maximum((along**2).sum(axis=1), 1e-300)
        squared = np.empty(len(points))
        for part in _chunks(len(points), len(self.starts)):
            x, y = points[part, :1] - self.starts[:, 0], points[part, 1:] - self.starts[:, 1]
            t = np.clip((x * along[:, 0] + y * along[:, 1]) * scale, 0.0, 1.0)
            squared[part] = ((x - t * along[:, 0]) ** 2 + (y - t * along[:, 1]) ** 2).min(axis=1)
        return np.asarray(np.where(self.contains(points), -1.0, 1.0) * np.sqrt(squared))

    def fill(self, n: int, rng: np.random.Generator) -> DoubleArray:
        """(n, 2) points uniform over the figure."""
        low, high = self.bounds
        share = self.area / float(np.prod(high - low))
        found = np.empty((0, 2))
        while len(found) < n:
            tries = rng.uniform(low, high, (int((n - len(found)) / share * 1.1) + 16, 2))
            found = np.concatenate([found, tries[self.contains(tries)]])
        return found[:n]


def circle(radius: float, segments: int = 48, center: tuple[float, float] = (0.0, 0.0)) -> DoubleArray:
    """(segments, 2) loop."""
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    return np.asarray(np.asarray(center) + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1))


def regular_polygon(sides: int, across_flats: float) -> DoubleArray:
    """(sides, 2) loop with a flat side facing +x."""
    return circle(across_flats / 2 / np.cos(np.pi / sides), sides) @ _turn(np.pi / sides).T


def rectangle(width: float, height: float, center: tuple[float, float] = (0.0, 0.0)) -> DoubleArray:
    """(4, 2) loop, counter-clockwise from its lowest corner."""
    x, y = width / 2, height / 2
    return np.asarray(np.array([[-x, -y], [x, -y], [x, y], [-x, y]]) + np.asarray(center))


def rounded(loop: DoubleArray | Sequence[tuple[float, float]], radius: float | Sequence[float]) -> DoubleArray:
    """The loop with rounded corners; one radius per corner, limited by the adjacent sides."""
    corners = np.asarray(loop, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(corners),))
    pieces = []
    for i, corner in enumerate(corners):
        back, on = corners[i - 1] - corner, corners[(i + 1) % len(corners)] - corner
        room = 0.49 * float(min(np.linalg.norm(back), np.linalg.norm(on)))
        pieces.append(_arc(corner, back / np.linalg.norm(back), on / np.linalg.norm(on), float(radii[i]), room))
    return np.concatenate(pieces)


def smooth(knots: Sequence[tuple[float, ...]] | DoubleArray, samples: int = 40) -> DoubleArray:
    """(samples, d) points of the open natural spline through (k, d) knots, k >= 2."""
    points = np.asarray(knots, dtype=np.float64)
    steps = np.maximum(np.linalg.norm(np.diff(points, axis=0), axis=1), 1e-9)
    place = np.concatenate([[0.0], np.cumsum(steps)])
    curve = CubicSpline(place, points, bc_type="natural")
    return np.asarray(curve(np.linspace(0.0, place[-1], samples)))


def walled(curve: DoubleArray, wall: float) -> DoubleArray:
    """A shell's profile: an outer (k, 2) curve (r, z) starting on the axis, and back along its inside.

    The inner curve is offset by `wall` and ends on the axis.
    """
    tangent = np.gradient(curve, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    inner = curve + wall * np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    inner = inner[inner[:, 0] > 1e-6]
    foot = np.array([[0.0, inner[0, 1]]])
    return np.concatenate([curve, inner[::-1], foot])


def gear_outline(teeth: int, module: float, pressure_degrees: float = 20.0) -> DoubleArray:
    """Spur gear: involute flanks between root and tip circle; pitch diameter is teeth * module."""
    pitch = teeth * module / 2
    base, tip, root = pitch * np.cos(np.radians(pressure_degrees)), pitch + module, pitch - 1.25 * module
    radii = np.linspace(max(base, root), tip, 7)
    roll = np.sqrt(np.maximum((radii / base) ** 2 - 1, 0.0))
    at_pitch = np.tan(np.radians(pressure_degrees)) - np.radians(pressure_degrees)
    half = np.pi / (2 * teeth) + at_pitch - (roll - np.arctan(roll))  # half the tooth's angle at each radius
    radii, half = np.append(root, radii), np.append(half[0] + 0.15 * np.pi / teeth, half)
    flank = np.concatenate([np.stack([radii, -half], axis=1), np.stack([radii[::-1], half[::-1]], axis=1)])
    middles = 2 * np.pi * np.arange(teeth) / teeth
    r, angle = np.tile(flank[:, 0], teeth), (middles[:, None] + flank[:, 1]).ravel()
    return np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1)


def _turned(loop: DoubleArray, direction: float) -> DoubleArray:
    points = np.asarray(loop, dtype=np.float64)
    return points if np.sum(_cross(points, np.roll(points, -1, axis=0))) * direction > 0 else points[::-1]


def _end_normals(loop: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    along = np.roll(loop, -1, axis=0) - loop
    own = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.maximum(np.linalg.norm(along, axis=1)[:, None], 1e-300)
    before, after = np.roll(own, 1, axis=0), np.roll(own, -1, axis=0)
    return _blended(own, before), _blended(own, after)


def _blended(own: DoubleArray, other: DoubleArray) -> DoubleArray:
    flat = (own * other).sum(axis=1, keepdims=True) > np.cos(np.radians(CREASE_DEGREES))
    both = own + other
    return np.where(flat, both / np.maximum(np.linalg.norm(both, axis=1, keepdims=True), 1e-9), own)


def _arc(corner: DoubleArray, back: DoubleArray, on: DoubleArray, radius: float, room: float) -> DoubleArray:
    half = np.arccos(np.clip(back @ on, -1, 1)) / 2
    if radius <= 0 or half > np.pi / 2 - 0.02:
        return corner[None]
    reach = min(float(radius / np.tan(half)), room)
    middle = corner + (back + on) / np.linalg.norm(back + on) * reach / np.cos(half)
    first, last = corner + back * reach - middle, corner + on * reach - middle
    blend = np.linspace(0, 1, 9)[:, None]
    sweep = np.pi - 2 * half
    return np.asarray(middle + (np.sin((1 - blend) * sweep) * first + np.sin(blend * sweep) * last) / np.sin(sweep))


def _turn(angle: float) -> DoubleArray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _cross(a: DoubleArray, b: DoubleArray) -> DoubleArray:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def _chunks(n: int, width: int) -> list[slice]:
    step = max(1, CHUNK // max(width, 1))
    return [slice(i, i + step) for i in range(0, n, step)]
