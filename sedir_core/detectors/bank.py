"""A memory bank: a coreset of good parts' features, and nearest-neighbour distances to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from sedir_core.errors import Cancelled
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray, FloatArray, IntArray, Stop, never_stop

FEW_DIMENSIONS = 8  # up to this width a search tree is faster than brute force
DISTANCES_AT_ONCE = 2**23  # distances per block: 32 MiB
STOP_EVERY = 64  # entries chosen


@dataclass(frozen=True)
class MemoryBank:
    """entries: (m, d) features. owners: (m,) the training part that each comes from.

    gains: (d,) factors applied to features before comparison with the entries; None for none.
    """

    entries: FloatArray
    owners: IntArray
    gains: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.entries)

    def without(self, part: int) -> MemoryBank:
        """The bank without that part's entries; the whole bank if there are no others."""
        others = self.owners != part
        return MemoryBank(self.entries[others], self.owners[others], self.gains) if others.any() else self

    def nearest(self, features: FloatArray, device: torch.device | str = "cpu") -> tuple[DoubleArray, IntArray]:
        """Distance to the nearest entry and its index, both (n,), of features (n, d)."""
        if self.gains is not None:
            features = features * self.gains
        if self.entries.shape[1] <= FEW_DIMENSIONS:
            return PointTree(self.entries).nearest(features)
        entries = torch.from_numpy(self.entries).to(device)
        halves = entries.square().sum(1) / 2
        chosen = [
            (halves - torch.from_numpy(rows).to(device) @ entries.T).argmin(1).cpu().numpy()
            for rows in np.array_split(features, max(1, len(features) * len(self) // DISTANCES_AT_ONCE))
        ]
        index = np.concatenate(chosen)
        # Recomputed, since the difference of two large squares loses precision for small distances.
        found = [
            np.linalg.norm(rows - self.entries[nearest], axis=1)
            for rows, nearest in zip(np.array_split(features, len(chosen)), chosen, strict=True)
        ]
        return np.concatenate(found).astype(np.float64), index

    def neighbours(self, entry: int, count: int) -> IntArray:
        """(count,) the entries nearest to one, or all others if there are fewer."""
        distances = np.linalg.norm(self.entries - self.entries[entry], axis=1)
        distances[entry] = np.inf
        return np.argsort(distances, kind="stable")[: min(count, len(self) - 1)]


def choose_entries(
    features: FloatArray,
    owners: IntArray,
    count: int,
    projection: int,
    random: np.random.Generator,
    stop: Stop = never_stop,
) -> MemoryBank:
    """At most `count` of the features (n, d) of parts `owners` (n,), spread out over all of them.

    projection: wider features are compared after a random projection to this width. Raises Cancelled.
    Source: PatchCore (Roth et al. 2022), its greedy coreset.
    """
    if len(features) > count:
        seen = features
        if features.shape[1] > projection:
            matrix = random.standard_normal((features.shape[1], projection)) / np.sqrt(projection)
            seen = features @ matrix.astype(np.float32)
        chosen = greedy_k_centre(seen, count, int(random.integers(len(seen))), stop)
        features, owners = features[chosen], owners[chosen]
    return MemoryBank(np.ascontiguousarray(features, dtype=np.float32), owners)


def greedy_k_centre(features: FloatArray, count: int, start: int, stop: Stop = never_stop) -> IntArray:
    """Indices of `count` features, each the farthest from all previously chosen ones, beginning with `start`.

    features: (n, d). Fewer are returned if all others coincide with chosen ones. Raises Cancelled.
    Source: Gonzalez 1985; Sener & Savarese 2018, algorithm 1.
    """
    cloud = torch.from_numpy(np.ascontiguousarray(features, dtype=np.float32))
    cloud = cloud - cloud.mean(0)  # centred, for numerical precision
    squares = cloud.square().sum(1)
    nothing = 1e-6 * float(squares.max())
    distances = torch.full((len(cloud),), torch.inf)
    chosen = [start]
    while len(chosen) < count:
        if len(chosen) % STOP_EVERY == 0 and stop():
            raise Cancelled
        last = chosen[-1]
        distances = torch.minimum(distances, torch.addmv(squares, cloud, cloud[last], alpha=-2.0) + squares[last])
        distances[last] = 0.0
        farthest = int(distances.argmax())
        if float(distances[farthest]) <= nothing:
            break
        chosen.append(farthest)
    return np.array(chosen, dtype=np.int64)
