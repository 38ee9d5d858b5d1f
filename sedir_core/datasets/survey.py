"""A dataset looked through before a training: how many scans of each kind, how dense, which cannot be read.

No scan's points are kept but a few hundred of the first one, for a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedir_core.datasets.index import Dataset, Sample, open_dataset
from sedir_core.errors import Cancelled, UserError
from sedir_core.types import DoubleArray, Report, Stop, never_stop, no_report

PICTURE_POINTS = 1_500


@dataclass(frozen=True)
class CategorySurvey:
    """n_train, n_good, n_bad, n_unlabelled: scans to learn from, good and defective test scans, those of unknown truth.

    points: fewest and most in a training scan; (0, 0) if none could be read. unreadable: training scans that cannot
    be read, and why. picture: (m, 3) some points of the first training scan that can be read, m up to 1,500.
    """

    name: str
    n_train: int
    n_good: int
    n_bad: int
    n_unlabelled: int
    points: tuple[int, int]
    unreadable: tuple[UserError, ...]
    picture: DoubleArray

    @property
    def usable(self) -> bool:
        """Every training scan can be read: a training stops at the first that cannot."""
        return self.n_train > 0 and not self.unreadable


@dataclass(frozen=True)
class Survey:
    """layout: as in `index.LAYOUTS`. warnings: what `open_dataset` noticed, such as duplicates."""

    root: Path
    layout: str
    categories: tuple[CategorySurvey, ...]
    warnings: tuple[str, ...]


def survey(path: Path, report: Report = no_report, stop: Stop = never_stop) -> Survey:
    """Read every training scan once. Raises BadDataset, Cancelled."""
    dataset = open_dataset(path)
    found = []
    for done, name in enumerate(dataset.categories):
        report(done / len(dataset.categories), f"looking at {name}")
        found.append(_category(dataset, name, stop))
    report(1.0, "done")
    return Survey(dataset.root, dataset.layout, tuple(found), tuple(dataset.warnings))


def _category(dataset: Dataset, name: str, stop: Stop) -> CategorySurvey:
    train, test = dataset.train(name), dataset.test(name)
    counts: list[int] = []
    unreadable: list[UserError] = []
    picture = np.zeros((0, 3))
    for sample in train:
        if stop():
            raise Cancelled
        try:
            scan = sample.read()
        except UserError as error:
            unreadable.append(error)
            continue
        points = scan.points[scan.finite]
        counts.append(len(points))
        if not len(picture):
            picture = points[:: max(1, len(points) // PICTURE_POINTS)][:PICTURE_POINTS].copy()
    return CategorySurvey(
        name=name,
        n_train=len(train),
        n_good=_count(test, False),
        n_bad=_count(test, True),
        n_unlabelled=_count(test, None),
        points=(min(counts), max(counts)) if counts else (0, 0),
        unreadable=tuple(unreadable),
        picture=picture,
    )


def _count(samples: Sequence[Sample], anomalous: bool | None) -> int:
    return sum(sample.anomalous is anomalous for sample in samples)
