"""Survey of a dataset before a training: numbers of scans, density, problems and what to do about them.

In two steps, because reading thousands of scans takes minutes: file names first, then one category after the other.
No points are kept except some of each category's first scan, for a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sedir_core.datasets.index import Dataset, Finding, Sample, duplicates, list_dataset
from sedir_core.datasets.kinds import distance_quantiles, two_kinds
from sedir_core.datasets.samples import file_digest
from sedir_core.errors import Cancelled, UserError
from sedir_core.types import DoubleArray, Report, Stop, never_stop, no_report

PICTURE_POINTS = 4_000
SPARSE = 0.25  # share of the median number of points: sparser scans teach little
OTHER_SIZE = 3.0  # multiple of the median diagonal: most likely a different unit


@dataclass(frozen=True)
class Checked:
    """Result of reading a category's scans. points: minimum, median and maximum per scan; zeros if none was readable.

    picture: (m, 3) some points of the first readable training scan, m up to 4,000.
    digests: of the content of each scan.
    """

    points: tuple[int, int, int]
    picture: DoubleArray
    digests: tuple[tuple[Sample, bytes], ...]


@dataclass(frozen=True)
class CategorySurvey:
    """n_train, n_good, n_bad, n_unlabelled: training scans, good and defective test scans, those without a label.

    checked: None until the scans have been read.
    """

    name: str
    n_train: int
    n_good: int
    n_bad: int
    n_unlabelled: int
    findings: tuple[Finding, ...]
    checked: Checked | None = None

    @property
    def usable(self) -> bool:
        """It has training scans and all are readable: a training stops at the first that is not."""
        return not any(finding.blocks for finding in self.findings)


@dataclass(frozen=True)
class Survey:
    """layout: as in `index.LAYOUTS`. duplicates: known once all categories have been checked."""

    dataset: Dataset
    categories: tuple[CategorySurvey, ...]
    duplicates: tuple[Finding, ...] = ()

    @property
    def root(self) -> Path:
        return self.dataset.root

    @property
    def layout(self) -> str:
        return self.dataset.layout

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, blocking ones first."""
        found = [finding for one in self.categories for finding in one.findings] + list(self.duplicates)
        return tuple(sorted(found, key=lambda finding: not finding.blocks))

    @property
    def complete(self) -> bool:
        """Whether every category has been checked."""
        return all(one.checked is not None for one in self.categories)

    def with_category(self, checked: CategorySurvey) -> Survey:
        """The same with one more category checked; after the last one duplicates are determined."""
        found = replace(self, categories=tuple(checked if c.name == checked.name else c for c in self.categories))
        if not found.complete:
            return found
        pairs = [pair for one in found.categories if one.checked is not None for pair in one.checked.digests]
        return replace(found, duplicates=tuple(duplicates(pairs)))


def list_categories(path: Path) -> Survey:
    """First step: file names only. Raises BadDataset."""
    dataset = list_dataset(path)
    return Survey(dataset, tuple(_counted(dataset, name) for name in dataset.categories))


def check_category(dataset: Dataset, name: str, report: Report = no_report, stop: Stop = never_stop) -> CategorySurvey:
    """Read every scan of a category once. Raises Cancelled."""
    counted = _counted(dataset, name)
    samples = [*dataset.train(name), *dataset.test(name)]
    findings = list(counted.findings)
    digests: list[tuple[Sample, bytes]] = []
    sizes: list[tuple[Sample, int, float]] = []
    signed: list[tuple[Sample, DoubleArray]] = []
    picture = np.zeros((0, 3))
    for done, sample in enumerate(samples):
        if stop():
            raise Cancelled
        report(done / len(samples), f"reading {name}, scan {done + 1} of {len(samples)}")
        try:
            scan = sample.read()
            digests.append((sample, file_digest(sample.path)))
        except UserError as error:
            learns = sample.split == "train"
            hint = error.hint or "export it again"
            hint += "; or move it out of the folder"
            findings.append(Finding(name, sample.path, error.what, hint, learns, kind=error.kind))
            continue
        points = scan.points[scan.finite]
        if not len(points):
            findings.append(
                Finding(name, sample.path, "has no finite point", "export it again", sample.split == "train")
            )
            continue
        sizes.append((sample, len(points), float(np.linalg.norm(np.ptp(points, axis=0)))))
        if sample.split == "train":
            signed.append((sample, distance_quantiles(points)))
        if not len(picture) and sample.split == "train":
            picture = points[:: max(1, len(points) // PICTURE_POINTS)][:PICTURE_POINTS].copy()
    findings += _odd_ones(name, sizes) + two_kinds(name, signed)
    counts = sorted(count for sample, count, _ in sizes if sample.split == "train")
    points_of = (counts[0], counts[len(counts) // 2], counts[-1]) if counts else (0, 0, 0)
    return replace(counted, findings=tuple(findings), checked=Checked(points_of, picture, tuple(digests)))


def survey(path: Path, report: Report = no_report, stop: Stop = never_stop) -> Survey:
    """Both steps in one. Raises BadDataset, Cancelled."""
    found = list_categories(path)
    total = len(found.categories)
    for done, one in enumerate(found.categories):

        def report_part(fraction: float, stage: str, done: int = done) -> None:
            report((done + fraction) / total, stage)

        found = found.with_category(check_category(found.dataset, one.name, report_part, stop))
    report(1.0, "done")
    return found


def _counted(dataset: Dataset, name: str) -> CategorySurvey:
    test = dataset.test(name)
    findings = tuple(finding for finding in dataset.findings if finding.category == name)
    n_train = len(dataset.train(name))
    if n_train == 1:
        what = "has a single training scan: the variation of good parts is unknown"
        findings += (Finding(name, None, what, "add a few more good scans"),)
    return CategorySurvey(name, n_train, _count(test, False), _count(test, True), _count(test, None), findings)


def _odd_ones(name: str, sizes: Sequence[tuple[Sample, int, float]]) -> list[Finding]:
    """Scans that differ from the others of their category in density or size."""
    if len(sizes) < 3:
        return []
    typical_points = float(np.median([count for _, count, _ in sizes]))
    typical_size = float(np.median([size for *_, size in sizes]))
    findings = []
    for sample, count, size in sizes:
        if count < SPARSE * typical_points:
            what = f"has only {count:,} points, the others about {typical_points:,.0f}"
            findings.append(Finding(name, sample.path, what, "scan it more densely, or remove it"))
        ratio = size / typical_size if typical_size > 0 else 1.0
        if not 1 / OTHER_SIZE <= ratio <= OTHER_SIZE:
            many = f"{ratio:,.3g} times as large" if ratio > 1 else f"{1 / max(ratio, 1e-12):,.3g} times smaller"
            what = f"is {many} than the others" if ratio < 1 else f"is {many} as the others"
            findings.append(Finding(name, sample.path, what, "check whether it has another unit or is another part"))
    return findings


def _count(samples: Sequence[Sample], anomalous: bool | None) -> int:
    return sum(sample.anomalous is anomalous for sample in samples)
