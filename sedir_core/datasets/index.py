"""From a folder to a checked dataset: which layout it has, what is in it, what is wrong with it."""

from __future__ import annotations

import os
import stat
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sedir_core.datasets import anomaly_shapenet, folder, real3d
from sedir_core.datasets.samples import Dataset, Finding, Sample, file_digest, folders, scans
from sedir_core.errors import BadDataset

__all__ = ["LAYOUTS", "Dataset", "Finding", "Sample", "duplicates", "list_dataset", "open_dataset"]

NOTHING_NORMAL = "no usable normal scan to learn from"


@dataclass(frozen=True)
class Layout:
    """How a kind of dataset lies on disk. shape: in a user's words."""

    shape: str
    is_category: Callable[[Path], bool]
    samples: Callable[[Path, str], list[Sample]]


# In this order: the folder layout takes anything that holds a scan.
LAYOUTS: Mapping[str, Layout] = {
    module.NAME: Layout(module.SHAPE, module.is_category, module.samples)
    for module in (anomaly_shapenet, real3d, folder)
}
_BENCHMARKS = (anomaly_shapenet.NAME, real3d.NAME)


def open_dataset(path: Path, categories: Sequence[str] | None = None) -> Dataset:
    """The dataset in a folder, its layout found out. `path` may also be its parent, or one category.

    categories: only these; all by default. No scan is read, so a broken one shows when it is.
    Raises BadDataset: not a folder, no layout known, an unknown category, one without a usable normal scan.
    """
    listed = list_dataset(path, categories)
    lacking = [finding.category for finding in listed.findings if finding.blocks]
    if lacking:
        having = ", ".join(sorted(set(listed.categories) - set(lacking)))
        hint = "add some, or choose the other categories: " + having
        raise BadDataset(", ".join(lacking), NOTHING_NORMAL, hint)
    by_size: dict[int, list[Sample]] = defaultdict(list)
    for sample in listed.samples:
        by_size[sample.path.stat().st_size].append(sample)
    alike = [sample for group in by_size.values() if len(group) > 1 for sample in group]
    found = duplicates([(sample, file_digest(sample.path)) for sample in alike])
    return replace(listed, findings=(*listed.findings, *found))


def list_dataset(path: Path, categories: Sequence[str] | None = None) -> Dataset:
    """The same from the names of the files alone, however many: what lacks is among the findings.

    Raises BadDataset: not a folder, no layout known, an unknown category.
    """
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "no such folder"
        raise BadDataset(path, what, "give the folder that holds the categories")
    layout, root, found = _recognise(path)
    wanted = _chosen(path, found, categories)
    listing = [sample for name in wanted for sample in LAYOUTS[layout].samples(found[name], name)]
    listing.sort(key=lambda sample: (sample.category, sample.split == "test", sample.path))
    samples, findings = _checked(listing)
    findings += _without_normal(samples, wanted) + _thin(samples, wanted)
    return Dataset(root, layout, wanted, tuple(samples), tuple(findings))


def duplicates(digests: Sequence[tuple[Sample, bytes]]) -> list[Finding]:
    """Scans of equal content: they count twice, and across the splits they make the test easy."""
    first: dict[bytes, Sample] = {}
    findings = []
    for sample, digest in digests:
        earlier = first.setdefault(digest, sample)
        if earlier is not sample:
            leak = " (one of them is a training scan)" if {earlier.split, sample.split} == {"train", "test"} else ""
            what = f"has the same content as {_short(earlier.path)}{leak}"
            findings.append(Finding(sample.category, sample.path, what, "remove one of the two"))
    return sorted(findings, key=str)


def category_names(path: Path) -> tuple[str, ...]:
    """The categories of a dataset, usable or not, sorted. Raises BadDataset where there is none."""
    if not path.is_dir():
        raise BadDataset(path, "no such folder", "give the folder that holds the categories")
    return tuple(sorted(_recognise(path)[2]))


def _recognise(path: Path) -> tuple[str, Path, dict[str, Path]]:
    """The layout, the folder of the categories, and these by name."""
    below = list(folders(path).values())
    for layouts in (_BENCHMARKS, (folder.NAME,)):
        for places, find in (([path], _itself), ([path], _inside), (below, _inside)):
            hits = [(name, place, found) for place in places for name in layouts if (found := find(place, name))]
            if len(hits) > 1:
                what = "holds several datasets: " + ", ".join(f"{place.name} ({name})" for name, place, _ in hits)
                raise BadDataset(path, what, "give the folder of one of them")
            if hits:
                return hits[0]
    known = "; ".join(f"{name}: {layout.shape}" for name, layout in LAYOUTS.items())
    what = f"is no dataset: it holds {len(below)} folders and {len(scans(path))} scans, in no layout known here"
    raise BadDataset(path, what, f"known are {known}")


def _inside(root: Path, layout: str) -> dict[str, Path]:
    """The categories among the folders of a folder."""
    return {name: child for name, child in folders(root).items() if LAYOUTS[layout].is_category(child)}


def _itself(root: Path, layout: str) -> dict[str, Path]:
    """The folder, if it is a category. Loose scans beside folders of scans do not make it one."""
    if not LAYOUTS[layout].is_category(root):
        return {}
    inside = _inside(root, layout)
    return {root.resolve().name: root} if not inside or inside.keys() & {"ok", "ng"} else {}


def _chosen(path: Path, found: Mapping[str, Path], categories: Sequence[str] | None) -> tuple[str, ...]:
    if categories is None:
        return tuple(sorted(found))
    unknown = sorted(set(categories) - found.keys())
    if unknown or not categories:
        what = "has no category " + ", ".join(unknown) if unknown else "no category was asked for"
        raise BadDataset(path, what, "it has " + ", ".join(sorted(found)))
    return tuple(sorted(set(categories)))


def _checked(listing: Sequence[Sample]) -> tuple[list[Sample], list[Finding]]:
    """The samples whose files can be opened; labels that are missing are taken off. And a finding for each."""
    kept: list[Sample] = []
    findings: list[Finding] = []
    for sample in listing:
        trouble = _trouble(sample.path)
        if trouble:
            hint = "put the file back or remove it"
            findings.append(Finding(sample.category, sample.path, f"{trouble}: left out", hint))
            continue
        if sample.labels_path is not None and (missing := _trouble(sample.labels_path)):
            what = f"has no labels: {_short(sample.labels_path)} {missing}"
            hint = "add the label file; without it no point can be rated"
            findings.append(Finding(sample.category, sample.path, what, hint))
            sample = replace(sample, labels_path=None)
        kept.append(sample)
    return kept, findings


def _trouble(path: Path) -> str | None:
    """Why a file cannot be used, as far as its directory entry tells."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return "does not exist"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not stat.S_ISREG(status.st_mode):
        return "is not a regular file"
    if status.st_size == 0:
        return "is empty"
    return None if os.access(path, os.R_OK) else "may not be read"


def _without_normal(samples: Sequence[Sample], categories: Sequence[str]) -> list[Finding]:
    having = {sample.category for sample in samples if sample.split == "train"}
    hint = "add good scans, or leave the category out"
    return [Finding(name, None, f"has {NOTHING_NORMAL}", hint, True) for name in categories if name not in having]


def _thin(samples: Sequence[Sample], categories: Sequence[str]) -> list[Finding]:
    """What the categories lack for a fair evaluation."""
    count = Counter((sample.category, sample.anomalous) for sample in samples if sample.split == "test")
    findings = []
    for name in categories:
        good, bad = count[name, False], count[name, True]
        if not good and not bad:
            what, hint = "has no test scans: it cannot be evaluated", "none are needed to train and inspect"
            findings.append(Finding(name, None, what, hint))
        elif not good or not bad:
            lacking = "defective" if good else "good"
            what, hint = f"has no {lacking} test scans: no AUROC for it", f"add a few {lacking} ones to evaluate"
            findings.append(Finding(name, None, what, hint))
    return findings


def _short(path: Path) -> str:
    return "/".join(path.parts[-3:])
