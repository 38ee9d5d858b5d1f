"""How truly the network rebuilds the good surface: dents and lumps pressed into good scans, whose surface is known.

    python benchmarks/fidelity.py RUN DATASET [--each 2] [--seed 7] [--categories A,B]

Every good test scan is inspected as it is, and with so many dents and lumps, one at a time, with its category told. Two
figures for each kind of part, both medians over places:

- good parts: the distance of the network's reconstruction from the scan, in the scan's own noise (goal: at most 2). The
  noise is how far its points scatter about the plane of their neighbours.
- at defects: how many times nearer the reconstruction lies to the surface as it was before than the damaged scan does
  (goal: at least 3), over points displaced by half the depth or more.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedir_core.datasets.defects import bulge, sink
from sedir_core.datasets.index import open_dataset
from sedir_core.detectors.base import Detector, load_detector
from sedir_core.geometry.robust import SIGMA_PER_MEDIAN
from sedir_core.geometry.surface import normals_and_curvature
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, IntArray, Scan

NEIGHBOURS = 24
HALF = 0.5  # of the depth: what counts as damaged


@dataclass(frozen=True)
class Ground:
    """A scan's surface: points on the planes of their neighbours, with normals, both (n, 3), and the scan's noise."""

    points: DoubleArray
    normals: DoubleArray
    noise: float

    @staticmethod
    def of(scanned: DoubleArray) -> Ground:
        normals = normals_and_curvature(scanned, NEIGHBOURS)[0]
        middle = scanned[PointTree(scanned).nearest_k(scanned, NEIGHBOURS)[1]].mean(axis=1)
        off = ((scanned - middle) * normals).sum(axis=1)
        return Ground(scanned - off[:, None] * normals, normals, SIGMA_PER_MEDIAN * float(np.median(np.abs(off))))

    def distance(self, rebuilt: DoubleArray) -> tuple[DoubleArray, IntArray]:
        """Distance (m,) of each rebuilt point (m, 3) along the normal of the place nearest to it, and that place."""
        at = PointTree(self.points).nearest(rebuilt)[1]
        return np.abs(((rebuilt - self.points[at]) * self.normals[at]).sum(axis=1)), at


def nearer(detector: Detector, category: str, scan: Scan, ground: Ground, rng: np.random.Generator) -> float | None:
    """Of one dent or lump, how many times nearer to the good surface; None where the network says nothing there."""
    size = float(np.linalg.norm(np.ptp(scan.points, axis=0)))
    damage = sink if rng.random() < 0.5 else bulge
    damaged = damage(scan.points / size, ground.normals, rng).points * size
    depth = np.linalg.norm(damaged - scan.points, axis=1)
    hurt: BoolArray = depth > HALF * depth.max()
    rebuilt = detector.detect(Scan(damaged, scan.name), category).reconstruction
    off, at = ground.distance(rebuilt)
    there = hurt[at] & (off < depth.max())  # of a thin wall, the other face is rebuilt, too
    return float(np.median(depth[hurt]) / max(float(np.median(off[there])), 1e-12)) if there.any() else None


def measure(run: Path, data: Path, categories: Sequence[str] | None, each: int, seed: int) -> None:
    detector = load_detector(run, "cpu")
    print("| kind of part | distance from good scans, in their noise | times nearer at a defect, median (lowest) |")
    print("| --- | --- | --- |")
    all_off, all_times = [], []
    for category in (dataset := open_dataset(data, categories)).categories:
        offs, times = [], []
        for sample in (one for one in dataset.test(category) if one.anomalous is False):
            rng = np.random.default_rng([seed, zlib.crc32(sample.path.name.encode())])
            scan = sample.read()
            ground = Ground.of(scan.points)
            offs.append(np.median(ground.distance(detector.detect(scan, category).reconstruction)[0]) / ground.noise)
            times += [found for _ in range(each) if (found := nearer(detector, category, scan, ground, rng))]
        print(f"| {category} | {np.median(offs):.2f} | {np.median(times):.1f} ({min(times):.1f}) |", flush=True)
        all_off += offs
        all_times += times
    enough = np.mean(np.array(all_times) >= 3)
    print(f"| all | {np.median(all_off):.2f} | {np.median(all_times):.1f}; 3 or more of {100 * enough:.0f} % |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--categories", type=lambda text: text.split(","))
    parser.add_argument("--each", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    measure(asked.run, asked.dataset, asked.categories, asked.each, asked.seed)


if __name__ == "__main__":
    main()
