"""From a folder to a checked dataset: which layout it has, what is in it, what is wrong with it."""

from __future__ import annotations

import os
import stat
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sedir_core.datasets import anomaly_shapenet, folder, real3d
from sedir_core.datasets.samples import Dataset, Sample, file_digest, folders, scans
from sedir_core.errors import BadDataset

__all__ = ["LAYOUTS", "Dataset", "Sample", "open_dataset"]


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
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "no such folder"
        raise BadDataset(path, what, "give the folder that holds the categories")
    layout, root, found = _recognise(path)
    wanted = _chosen(path, found, categories)
    listing = [sample for name in wanted for sample in LAYOUTS[layout].samples(found[name], name)]
    listing.sort(key=lambda sample: (sample.category, sample.split == "test", sample.path))
    samples, warnings = _checked(listing)
    _require_normal(samples, wanted)
    warnings += _thin(samples, wanted) + _duplicates(samples)
    return Dataset(root, layout, wanted, tuple(samples), tuple(warnings))


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


def _checked(listing: Sequence[Sample]) -> tuple[list[Sample], list[str]]:
    """The samples whose files can be opened; labels that are missing are taken off. And a warning for each."""
    kept, warnings = [], []
    for sample in listing:
        trouble = _trouble(sample.path)
        if trouble:
            warnings.append(f"{_short(sample.path)} {trouble}: left out")
            continue
        if sample.labels_path is not None and (missing := _trouble(sample.labels_path)):
            warnings.append(f"{_short(sample.path)} has no labels: {_short(sample.labels_path)} {missing}")
            sample = replace(sample, labels_path=None)
        kept.append(sample)
    return kept, warnings


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


def _require_normal(samples: Sequence[Sample], categories: Sequence[str]) -> None:
    having = {sample.category for sample in samples if sample.split == "train"}
    lacking = [name for name in categories if name not in having]
    if lacking:
        what = "no usable normal scan to learn from"
        raise BadDataset(", ".join(lacking), what, "add some, or choose the other categories: " + ", ".join(having))


def _thin(samples: Sequence[Sample], categories: Sequence[str]) -> list[str]:
    """What the categories lack for a fair evaluation."""
    count = Counter((sample.category, sample.anomalous) for sample in samples if sample.split == "test")
    warnings = []
    for name in categories:
        good, bad = count[name, False], count[name, True]
        if not good and not bad:
            warnings.append(f"{name} has no test scans: it cannot be evaluated")
        elif not good or not bad:
            warnings.append(f"{name} has no {'defective' if good else 'good'} test scans: no AUROC for it")
    return warnings


def _duplicates(samples: Sequence[Sample]) -> list[str]:
    """Files of equal content: they count twice, and across the splits they make the test easy."""
    by_size: dict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_size[sample.path.stat().st_size].append(sample)
    first: dict[bytes, Sample] = {}
    warnings = []
    for group in by_size.values():
        for sample in group if len(group) > 1 else ():
            earlier = first.setdefault(file_digest(sample.path), sample)
            if earlier is not sample:
                leak = " (one of them is a training scan)" if {earlier.split, sample.split} == {"train", "test"} else ""
                warnings.append(f"{_short(sample.path)} has the same content as {_short(earlier.path)}{leak}")
    return sorted(warnings)


def _short(path: Path) -> str:
    return "/".join(path.parts[-3:])
