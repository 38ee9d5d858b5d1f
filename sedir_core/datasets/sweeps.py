"""Bodies swept along a curve: handles, pipes, hooks."""

from __future__ import annotations

import numpy as np

from sedir_core.datasets.outlines import CHUNK, Outline
from sedir_core.datasets.solids import Primitive, Surface
from sedir_core.types import BoolArray, DoubleArray, IntArray


class Sweep(Primitive):
    """An outline swept along a (k, 3) path without twist, scaled by (k,) `taper`.

    The curve's radius must exceed the outline's width. Ends are flat.
    """

    def __init__(self, outline: DoubleArray | Outline, path: DoubleArray, taper: DoubleArray | float = 1.0) -> None:
        self.outline = outline if isinstance(outline, Outline) else Outline.of(outline)
        self.path, self.taper = path, np.broadcast_to(np.asarray(taper, dtype=np.float64), (len(path),)).copy()
        self.tangents, self.across, self.up = _frames(path)
        self._fine = _divided(self.outline)
        firsts, lasts = self._rings(self._fine.starts), self._rings(self._fine.ends)
        along = (firsts[1:] + lasts[1:] - firsts[:-1] - lasts[:-1]) / 2
        sideways = (lasts[1:] + lasts[:-1] - firsts[1:] - firsts[:-1]) / 2
        self._cells = np.linalg.norm(np.cross(along, sideways), axis=2)  # (k - 1, e)
        self._caps = self.outline.area * self.taper[[0, -1]] ** 2
        self.area = float(self._cells.sum() + self._caps.sum())
        self.bounds = np.stack([firsts.min(axis=(0, 1)), firsts.max(axis=(0, 1))])

    def draw(self, n: int, rng: np.random.Generator) -> Surface:
        sides, start, end = rng.multinomial(n, np.array([self._cells.sum(), *self._caps]) / self.area)
        caps = [self._draw_cap(0, int(start), rng), self._draw_cap(-1, int(end), rng)]
        pieces = [self._draw_sides(int(sides), rng), *caps]
        return np.concatenate([p for p, _ in pieces]), np.concatenate([normals for _, normals in pieces])

    def distance(self, points: DoubleArray) -> DoubleArray:
        local, scale, beyond = self._local(points)
        plane = self.outline.distance(local) * scale
        outside = np.hypot(np.maximum(plane, 0.0), np.maximum(beyond, 0.0))
        return np.asarray(outside + np.minimum(np.maximum(plane, beyond), 0.0))

    def _inside(self, points: DoubleArray) -> BoolArray:
        local, _, beyond = self._local(points)
        return self.outline.contains(local) & (beyond <= 0)

    def _rings(self, flat: DoubleArray) -> DoubleArray:
        offsets = flat[None, :, :1] * self.across[:, None] + flat[None, :, 1:] * self.up[:, None]
        return np.asarray(self.path[:, None] + self.taper[:, None, None] * offsets)

    def _draw_sides(self, n: int, rng: np.random.Generator) -> Surface:
        cell = rng.choice(self._cells.size, n, p=self._cells.ravel() / self._cells.sum())
        k, e = np.divmod(cell, self._cells.shape[1])
        s, t = rng.random((2, n, 1))
        f = self._fine
        flat = f.starts[e] + t * (f.ends[e] - f.starts[e])
        flat_normal = f.start_normals[e] + t * (f.end_normals[e] - f.start_normals[e])
        points = (1 - s) * self._place(k, flat) + s * self._place(k + 1, flat)
        tangent, across, up = (_between(v, k, s) for v in (self.tangents, self.across, self.up))
        step = np.linalg.norm(self.path[k + 1] - self.path[k], axis=1, keepdims=True)
        slope = (self.taper[k + 1] - self.taper[k])[:, None] / step * (flat * flat_normal).sum(axis=1, keepdims=True)
        normals = flat_normal[:, :1] * across + flat_normal[:, 1:] * up - slope * tangent
        return points, normals / np.linalg.norm(normals, axis=1, keepdims=True)

    def _draw_cap(self, end: int, n: int, rng: np.random.Generator) -> Surface:
        flat = self.outline.fill(n, rng)
        direction = self.tangents[end] * (1 if end else -1)
        return self._place(np.full(n, end), flat), np.tile(direction, (n, 1))

    def _place(self, k: IntArray, flat: DoubleArray) -> DoubleArray:
        offset = flat[:, :1] * self.across[k] + flat[:, 1:] * self.up[k]
        return np.asarray(self.path[k] + self.taper[k, None] * offset)

    def _local(self, points: DoubleArray) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
        """Position in the outline (n, 2), scale there (n,), distance beyond the nearer end (n,), negative inside."""
        k, t = self._nearest(points)
        s = t[:, None]
        rel = points - _between(self.path, k, s)
        scale = np.maximum((1 - t) * self.taper[k] + t * self.taper[k + 1], 1e-9)
        local = np.stack([(rel * _between(side, k, s)).sum(axis=1) for side in (self.across, self.up)], axis=1)
        start, end = -(points - self.path[0]) @ self.tangents[0], (points - self.path[-1]) @ self.tangents[-1]
        beyond = np.where(k == 0, start, np.where(k == len(self.path) - 2, end, -np.inf))
        return local / scale[:, None], scale, beyond

    def _nearest(self, points: DoubleArray) -> tuple[IntArray, DoubleArray]:
        along = np.diff(self.path, axis=0)
        length2 = (along**2).sum(axis=1)
        offset = (self.path[:-1] * along).sum(axis=1)
        best_k, best_t = np.empty(len(points), dtype=np.int64), np.empty(len(points))
        step = max(1, CHUNK // len(along))
        for i in range(0, len(points), step):
            part = points[i : i + step]
            t = np.clip((part @ along.T - offset) / length2, 0.0, 1.0)
            # |p - (a + t d)|^2 without |p|^2, which is the same for every segment
            cross = part @ self.path[:-1].T + t * (part @ along.T)
            own = (self.path[:-1] ** 2).sum(axis=1) + 2 * t * offset + t**2 * length2
            k = (own - 2 * cross).argmin(axis=1)
            best_k[i : i + step], best_t[i : i + step] = k, t[np.arange(len(part)), k]
        return best_k, best_t


def arc_path(radius: float, degrees: float, segments: int = 24) -> DoubleArray:
    """(segments + 1, 3) arc in the xz plane from the origin, leaving along +z and turning towards +x."""
    angle = np.radians(np.linspace(0, degrees, segments + 1))
    return np.stack([radius * (1 - np.cos(angle)), np.zeros_like(angle), radius * np.sin(angle)], axis=1)


def _frames(path: DoubleArray) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    tangents = np.gradient(path, axis=0, edge_order=2)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    across = np.empty_like(path)
    side = np.eye(3)[int(np.argmin(np.abs(tangents[0])))]
    for i, tangent in enumerate(tangents):
        side = side - (side @ tangent) * tangent
        side = side / np.linalg.norm(side)
        across[i] = side
    return tangents, across, np.cross(tangents, across)


def _divided(outline: Outline) -> Outline:
    """Split edges to at most a 24th of the perimeter, so that cells stay small in bends."""
    lengths = outline.lengths
    pieces = np.maximum(1, np.ceil(lengths * 24 / lengths.sum())).astype(np.int64)
    edge = np.repeat(np.arange(len(lengths)), pieces)
    place = np.concatenate([np.arange(count) for count in pieces])
    t, u = (place / pieces[edge])[:, None], ((place + 1) / pieces[edge])[:, None]
    o = outline
    along, turn = (o.ends - o.starts)[edge], (o.end_normals - o.start_normals)[edge]
    begin, start_normal = o.starts[edge], o.start_normals[edge]
    return Outline(begin + t * along, begin + u * along, start_normal + t * turn, start_normal + u * turn)


def _between(rows: DoubleArray, k: IntArray, s: DoubleArray) -> DoubleArray:
    return np.asarray((1 - s) * rows[k] + s * rows[k + 1])
