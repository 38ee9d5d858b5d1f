"""A stream of patches of procedural shapes, as seen by a scanner, with the underlying clean surface.

For pretraining the local encoder: every patch is an uneven, noisy sampling; its targets come from another, clean
sampling of the same surface, so that tokens learn the surface rather than the sampling.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from sedir_core.datasets.random_shapes import random_shape
from sedir_core.geometry.sampling import farthest_points
from sedir_core.runtime import generator
from sedir_core.types import DoubleArray, FloatArray

_POOL, _BATCHES_PER_NEW_SHAPE = 24, 2  # pool of shapes, reused because sampling them is the most expensive step
_MIN_POINTS = 2_000
_SHARE = (0.0015, 0.012)  # share of a scan's points in one group, from dense to sparse scans
_NOISE = (0.0004, 0.006)  # deviation, in units of the longest radius
_N_TARGETS, _N_QUERIES = 48, 16
_QUERY_SPREAD = 0.25  # deviation of the queries from the surface, in patch radii


@dataclass(frozen=True)
class PatchBatch:
    """S shapes, N groups each, all of K points; float32.

    groups (S, N, K, 3) sorted by distance, minus their centre; centers (S, N, 3), longest radius about 1.
    targets (S, N, T, 3): the clean surface within the patch; queries (S, N, Q, 3) near it and their unsigned
    distances (S, N, Q) to it. These three are in units of the patch's radius, relative to its centre.
    """

    groups: Tensor
    centers: Tensor
    targets: Tensor
    queries: Tensor
    distances: Tensor

    def to(self, device: torch.device) -> PatchBatch:
        """The same on another device."""
        parts = (self.groups, self.centers, self.targets, self.queries, self.distances)
        return PatchBatch(*(part.to(device) for part in parts))


class PatchStream:
    """Batches determined by the seed and their index."""

    def __init__(self, group_sizes: tuple[int, ...], shapes: int, groups: int, max_points: int, seed: int) -> None:
        self._sizes, self._shapes, self._groups, self._max_points = group_sizes, shapes, groups, max_points
        self._seed, self._drawn = seed, 0
        self._pool: list[tuple[DoubleArray, DoubleArray]] = []

    def draw(self) -> PatchBatch:
        """The next batch: one group size, shapes from the pool."""
        rng = generator("patches", self._seed, self._drawn)
        self._drawn += 1
        while len(self._pool) < self._shapes:
            self._pool.append(_surface(2 * self._max_points, rng))
        if self._drawn % _BATCHES_PER_NEW_SHAPE == 0:
            self._pool.append(_surface(2 * self._max_points, rng))
            self._pool = self._pool[-max(_POOL, self._shapes) :]
        size = int(rng.choice(self._sizes))
        chosen = rng.choice(len(self._pool), self._shapes, replace=False)
        parts = [_patches(self._pool[i], size, self._groups, self._max_points, rng) for i in chosen]
        return PatchBatch(*(torch.from_numpy(np.stack(part)) for part in zip(*parts, strict=True)))


@contextmanager
def prefetched(stream: PatchStream) -> Iterator[Iterator[PatchBatch]]:
    """The stream's batches, prefetched by a thread that ends with the block."""
    with ThreadPoolExecutor(1, thread_name_prefix="patches") as worker:
        waiting = [worker.submit(stream.draw) for _ in range(2)]

        def batches() -> Iterator[PatchBatch]:
            while True:
                batch = waiting.pop(0).result()
                waiting.append(worker.submit(stream.draw))
                yield batch

        try:
            yield batches()
        finally:
            for future in waiting:
                future.cancel()


def _surface(n_points: int, rng: np.random.Generator) -> tuple[DoubleArray, DoubleArray]:
    """Points and normals of a new shape, centred, longest radius 1."""
    points, normals = random_shape(rng).sample(n_points, rng)
    points = points - points.mean(axis=0)
    return points / np.linalg.norm(points, axis=1).max(), normals


def _patches(
    surface: tuple[DoubleArray, DoubleArray], size: int, n_groups: int, max_points: int, rng: np.random.Generator
) -> tuple[FloatArray, ...]:
    """One shape's part of a `PatchBatch`."""
    points, normals = surface
    n = int(np.clip(size / np.exp(rng.uniform(*np.log(_SHARE))), max(_MIN_POINTS, 4 * size), max_points))
    order = rng.permutation(len(points))
    scale = rng.uniform(0.85, 1.15)  # a template's scale need not match the scan exactly
    clean, clean_normals = scale * points[order[:n]], normals[order[:n]]
    scan = _scanned(scale * points[order[n : 2 * n]], max(2 * size, n_groups), rng)
    centers = scan[farthest_points(scan.astype(np.float32), n_groups, int(rng.integers(len(scan))))]
    distance, neighbours = (np.asarray(part) for part in cKDTree(scan).query(centers, size))
    radius = distance[:, -1]
    groups = scan[neighbours] - centers[:, None]
    targets, target_normals = _clean_patch(clean, clean_normals, centers, radius, size, rng)
    targets = (targets - centers[:, None]) / radius[:, None, None]
    queries, distances = _queries(targets, target_normals, rng)
    return tuple(array.astype(np.float32) for array in (groups, centers, targets, queries, distances))


def _scanned(points: DoubleArray, at_least: int, rng: np.random.Generator) -> DoubleArray:
    """Simulated scan: denser on one side in half of the cases, noisy in three of four."""
    if rng.random() < 0.5:
        side = points @ _direction(rng)
        keep = rng.random(len(points)) < np.interp(side, (side.min(), side.max()), (rng.uniform(0.2, 1.0), 1.0))
        points = points[keep] if keep.sum() >= at_least else points
    noise = np.exp(rng.uniform(*np.log(_NOISE))) if rng.random() < 0.75 else 0.0
    return points + noise * rng.standard_normal(points.shape)


def _clean_patch(
    clean: DoubleArray,
    normals: DoubleArray,
    centers: DoubleArray,
    radius: DoubleArray,
    size: int,
    rng: np.random.Generator,
) -> tuple[DoubleArray, DoubleArray]:
    """T clean points (with repeats) and their normals within each patch; the nearest one where none is."""
    distance, near = (np.asarray(part) for part in cKDTree(clean).query(centers, min(2 * size, len(clean))))
    inside = np.maximum((distance <= radius[:, None]).sum(axis=1), 1)
    pick = (rng.random((len(centers), _N_TARGETS)) * inside[:, None]).astype(np.int64)
    chosen = np.take_along_axis(near, pick, axis=1)
    return clean[chosen], normals[chosen]


def _queries(targets: DoubleArray, normals: DoubleArray, rng: np.random.Generator) -> tuple[DoubleArray, DoubleArray]:
    """Points off the surface along normals; their distance is the offset, unless another sheet is nearer."""
    offset = _QUERY_SPREAD * rng.standard_normal((*targets.shape[:1], _N_QUERIES))
    queries = targets[:, :_N_QUERIES] + offset[..., None] * normals[:, :_N_QUERIES]
    apart = queries[:, :, None] - targets[:, None]
    to_sample = np.sqrt(np.einsum("nqtx,nqtx->nqt", apart, apart).min(axis=-1))
    return queries, np.minimum(np.abs(offset), to_sample)


def _direction(rng: np.random.Generator) -> DoubleArray:
    vector = rng.standard_normal(3)
    return np.asarray(vector / np.linalg.norm(vector))
