"""Alignment measured by itself: how many scans of a data set lie where they belong, and how long that takes.

    python benchmarks/alignment.py RUN DATASET [--noise 0.001]

RUN was trained on the data set. Every test scan is placed with its category given. It counts as aligned where the
points that are no defect lie, in the mean, within twice the noise of the category's surface (along its normal, after
the smooth part-to-part difference is taken out). --noise: the sensor's, as a share of the part's diagonal.
Labels are used to judge alignment here, and for nothing else.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from sedir_core.datasets.index import Sample, open_dataset
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.evidence.category import Category
from sedir_core.evidence.identify import identify
from sedir_core.geometry.sampling import repeatable_order

N_POINTS = 20_000


def misplaced_by(sample: Sample, category: Category) -> tuple[float, float, bool]:
    """Mean distance of a scan's good points to the surface in diagonals of the part, seconds, whether it is a view."""
    scan = sample.read()
    some = repeatable_order(scan.points)[:N_POINTS]
    points = scan.points[some]
    labels = np.zeros(len(some), bool) if scan.labels is None else scan.labels[some]
    start = time.perf_counter()
    found = identify(points, {sample.category: category}, sample.category, lambda: False)
    seconds = time.perf_counter() - start
    surface = category.normal.surface
    places = category.normal.depart(found.placement.enter(points)).places
    nearest = surface.tree.nearest(places)[1]
    along = np.abs(np.einsum("ij,ij->i", surface.points[nearest] - places, surface.normals[nearest]))
    diagonal = float(np.linalg.norm(np.ptp(surface.points, axis=0)))
    return float(along[~labels].mean()) / diagonal, seconds, found.view is not None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--noise", type=float, default=0.001)
    options = parser.parse_args()
    detector = SedirDetector.load(options.run, "cpu")
    dataset = open_dataset(options.dataset)
    by_category: dict[str, list[bool]] = defaultdict(list)
    by_kind: dict[str, list[bool]] = defaultdict(list)
    seconds: list[float] = []
    views = 0
    for name in dataset.categories:
        for sample in dataset.test(name):
            residual, spent, from_one_side = misplaced_by(sample, detector.known[name])
            good = residual < 2 * options.noise
            by_category[name].append(good)
            by_kind[sample.defect or "good"].append(good)
            seconds.append(spent)
            views += from_one_side
            if not good:
                print(f"{sample.path}: {residual / options.noise:.1f} times the noise", flush=True)
    for title, table in (("category", by_category), ("defect", by_kind)):
        print(f"\n| {title} | aligned |\n| --- | --- |")
        for name, outcomes in sorted(table.items()):
            print(f"| {name} | {sum(outcomes)} of {len(outcomes)} |")
    every = [good for outcomes in by_category.values() for good in outcomes]
    print(f"\naligned: {sum(every)} of {len(every)}; {views} taken for views from one side")
    print(f"seconds a scan: {statistics.median(seconds):.2f} in the median, {max(seconds):.2f} at most")


if __name__ == "__main__":
    main()
