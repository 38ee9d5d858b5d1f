"""From a folder to a checked dataset: layout, contents, problems."""

from __future__ import annotations

import os
import stat
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sedir_core.datasets.layouts import LAYOUTS, recognise
from sedir_core.datasets.naming import KINDS_OF_DEFECT, meaning, verdict
from sedir_core.datasets.samples import Dataset, Finding, Sample, file_digest, folders, scans, side_files
from sedir_core.errors import BadDataset
from sedir_core.io.columns import Columns
from sedir_core.io.finding import MOST_NAMED
from sedir_core.io.finding import listed as named
from sedir_core.io.scans import scan_name

__all__ = ["LAYOUTS", "Dataset", "Finding", "Sample", "duplicates", "list_dataset", "open_dataset"]

PICTURES = (".jpg", ".jpeg", ".png", ".mtl")  # textures of scans
NO_SCANS_IN = frozenset({"gt", "ground_truth", "groundtruth", "rgb", "infrared", "calibration"})
TRAINING = ("train", "training")
NOTHING_NORMAL = "no usable normal scan for training"


def open_dataset(path: Path, categories: Sequence[str] | None = None, columns: Columns = ()) -> Dataset:
    """Open a dataset, detecting its layout. `path` may also be its parent, or one category.

    categories: only these; all by default. columns: of text tables, see `read_scan`. Scans are not read, so broken ones
    are not noticed yet.
    Raises BadDataset: not a folder, no layout known, an unknown category, one without a usable normal scan.
    """
    listed = list_dataset(path, categories, columns)
    lacking = [finding.category for finding in listed.findings if finding.blocks]
    if lacking:
        having = ", ".join(sorted(set(listed.categories) - set(lacking)))
        hint = "add good scans" + (f", or choose the other categories: {having}" if having else "")
        raise BadDataset(", ".join(lacking), NOTHING_NORMAL, hint)
    by_size: dict[int, list[Sample]] = defaultdict(list)
    for sample in listed.samples:
        by_size[sample.path.stat().st_size].append(sample)
    alike = [sample for group in by_size.values() if len(group) > 1 for sample in group]
    found = duplicates([(sample, file_digest(sample.path)) for sample in alike])
    return replace(listed, findings=(*listed.findings, *found))


def list_dataset(path: Path, categories: Sequence[str] | None = None, columns: Columns = ()) -> Dataset:
    """The same from file names alone; problems are among the findings.

    Raises BadDataset: not a folder, no layout known, an unknown category.
    """
    found = recognise(path)
    wanted = _chosen(path, found.categories, categories)
    list_samples = LAYOUTS[found.layout].samples
    listing = [
        replace(sample, columns=columns) for name in wanted for sample in list_samples(found.categories[name], name)
    ]
    listing.sort(key=lambda sample: (sample.category, sample.split == "test", sample.path))
    samples, findings = _checked(listing)
    findings += _without_normal(samples, wanted) + _thin(samples, wanted)
    findings += _called_defective(path, samples) + _beside(found.root, samples, found.categories, wanted)
    findings += _unused(found.root, samples, found.categories, wanted)
    return Dataset(found.root, found.layout, wanted, tuple(samples), tuple(findings))


def refuse_called_defective(dataset: Dataset) -> None:
    """Raises BadDataset if training scans are named as defective: the user must first confirm that they are good."""
    if dataset.questions:
        first, more = dataset.questions[0], len(dataset.questions) - 1
        what = str(first) + (f", and {more} more such" if more else "")
        raise BadDataset(dataset.root, what, f"{first.hint}: --learn-defective")


def duplicates(digests: Sequence[tuple[Sample, bytes]]) -> list[Finding]:
    """Scans with equal content: they count twice, and across splits they leak into the test."""
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
    """The categories of a dataset, usable or not, sorted. Raises BadDataset if there are none."""
    return tuple(sorted(recognise(path).categories))


def _chosen(path: Path, found: Mapping[str, Path], categories: Sequence[str] | None) -> tuple[str, ...]:
    if categories is None:
        return tuple(sorted(found))
    unknown = sorted(set(categories) - found.keys())
    if unknown or not categories:
        what = "has no category " + ", ".join(unknown) if unknown else "no category was requested"
        raise BadDataset(path, what, "it has " + ", ".join(sorted(found)))
    return tuple(sorted(set(categories)))


def _checked(listing: Sequence[Sample]) -> tuple[list[Sample], list[Finding]]:
    """The samples whose files can be opened, without missing labels, and a finding for each problem."""
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
            hint = "add the label file; without it points cannot be evaluated"
            findings.append(Finding(sample.category, sample.path, what, hint))
            sample = replace(sample, labels_path=None)
        kept.append(sample)
    return kept, findings


def _trouble(path: Path) -> str | None:
    """Why a file cannot be used, judged by its directory entry."""
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
    hint = "add good scans, name their folder OK, or leave the category out"
    return [Finding(name, None, f"has {NOTHING_NORMAL}", hint, True) for name in categories if name not in having]


def _thin(samples: Sequence[Sample], categories: Sequence[str]) -> list[Finding]:
    """What is missing for a fair evaluation."""
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


def _called_defective(path: Path, samples: Sequence[Sample]) -> list[Finding]:
    """Training scans whose folder or file name says defective."""
    above = [place for place in (path.resolve(), path.resolve().parent) if verdict(place.name) == "bad"]
    findings = []
    suspects: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for sample in samples:
        if sample.split == "train" and (name := _bad_name(sample, path, above)):
            suspects[sample.category, name].append(sample.path)
    for (category, name), paths in suspects.items():
        scans = "scan that is" if len(paths) == 1 else "scans that are"
        what = f"would learn as good {len(paths):,} {scans} called {name!r}"
        hint = "move them to a folder NG, or say that they are good"
        findings.append(Finding(category, paths[0] if len(paths) == 1 else None, what, hint, asks=True))
    return findings


def _bad_name(sample: Sample, path: Path, above: Sequence[Path]) -> str | None:
    """The name by which a training scan appears to be defective."""
    inner = sample.path.relative_to(path).parts if sample.path.is_relative_to(path) else sample.path.parts[-2:]
    if meaning(scan_name(sample.path)) == "bad":
        return scan_name(sample.path)
    within = inner.index(sample.category) if sample.category in inner[:-1] else 0
    for name in reversed(inner[within:-1]):  # the nearest folder says most: `defect detection/lid/good`
        if meaning(name) == "bad" or name.lower() in KINDS_OF_DEFECT:
            return name
        if meaning(name) == "good":
            return None
    if any(name.lower() in TRAINING for name in inner[within:-1]):
        return None
    # Above its kind of part a folder may be called after what the data are for: `Anomaly-ShapeNet-v2`.
    outer = [name for name in reversed(inner[:within]) if verdict(name) == "bad"]
    return next(iter([*outer, *(place.name for place in above)]), None)


def _beside(
    root: Path, samples: Sequence[Sample], found: Mapping[str, Path], categories: Sequence[str]
) -> list[Finding]:
    """Files of a category that are not scans, one finding per category."""
    findings = []
    homes: dict[str, set[Path]] = {name: {found[name]} for name in categories}
    for sample in samples:
        homes[sample.category].add(sample.path.parent)
    for name in categories:
        places = sorted(home for home in homes[name] if home.is_dir() and home.is_relative_to(root))
        others = [one for home in places for one in side_files(home) if one.path.suffix not in PICTURES]
        if others:
            files = "file that is not a scan" if len(others) == 1 else "files that are not scans"
            what = f"has {len(others):,} {files}: {named(others)}: left out"
            findings.append(Finding(name, None, what, "no action needed"))
    return findings


def _unused(
    root: Path, samples: Sequence[Sample], found: Mapping[str, Path], categories: Sequence[str]
) -> list[Finding]:
    """Unused folders of scans, one finding per category."""
    findings = []
    used = {parent for sample in samples for parent in (sample.path.parent, *sample.path.parent.parents)}
    for name in categories:
        if not found[name].is_dir():
            continue
        left = [place for place in _places(found[name]) if place not in used and scans(place)]
        if left:
            named_places = ", ".join(place.relative_to(found[name]).as_posix() + "/" for place in left[:MOST_NAMED])
            more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
            what = f"has scans that are not used: {named_places}{more}"
            findings.append(Finding(name, None, what, "move them if they should be"))
    return findings


def _places(folder: Path, levels: int = 2) -> list[Path]:
    """The subfolders of a category, without those of ground truth and pictures."""
    inside = [child for name, child in folders(folder).items() if name.lower() not in NO_SCANS_IN]
    return inside + [place for child in inside if levels > 1 for place in _places(child, levels - 1)]


def _short(path: Path) -> str:
    return "/".join(path.parts[-3:])
