"""A dataset as a list of samples: scans with their metadata."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from sedir_core.errors import BadDataset
from sedir_core.io.columns import Columns
from sedir_core.io.finding import SkippedFile, offered
from sedir_core.io.folder_notes import notes_for
from sedir_core.io.scans import read_labelled, read_listed, read_scan, scan_name
from sedir_core.types import BoolArray, DoubleArray, Scan

Split = Literal["train", "test"]
# Varying parts of the names of one-scan folders: numbers, dates, identifiers.
_NUMBERS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[\d\W_]+", re.IGNORECASE)


@dataclass(frozen=True)
class Sample:
    """A scan on disk.

    anomalous: None if unknown; training scans are normal (False). defect: its kind, if the name gives it.
    labels_path: text rows x y z label of a defective test scan. columns: see `read_scan`.
    """

    path: Path
    category: str
    split: Split
    anomalous: bool | None
    defect: str | None = None
    labels_path: Path | None = None
    columns: Columns = ()

    def read(self) -> Scan:
        """Read the scan; a test scan with its labels, if known.

        With a label file the points also come from there, as in the benchmarks: in the published sets the rows of the
        two files differ. A file that lists only defective points labels those of the scan. A good test scan is False
        everywhere. Raises UnreadableScan, TooFewPoints.
        """
        listed = None if self.labels_path is None else read_listed(self.labels_path)
        if self.labels_path is not None and listed is None:
            return replace(read_labelled(self.labels_path), name=self.path.stem, path=self.path)
        scan = read_scan(self.path, columns=self.columns)
        if listed is not None:
            return replace(scan, labels=_marked(scan, listed))
        if self.split == "test" and self.anomalous is False:
            return replace(scan, labels=np.zeros(len(scan), dtype=np.bool_))
        return scan


@dataclass(frozen=True)
class Finding:
    """A problem of a dataset. path: the file, None for the category as a whole.

    blocks: the category cannot be used for training until fixed. asks: until the user has confirmed that it is right.
    kind: of the read error, see UserError; empty for other findings.
    """

    category: str
    path: Path | None
    what: str
    hint: str
    blocks: bool = False
    asks: bool = False
    kind: str = ""

    def __str__(self) -> str:
        where = self.category if self.path is None else "/".join(self.path.parts[-3:])
        return f"{where} {self.what}"


@dataclass(frozen=True)
class Dataset:
    """Samples sorted by category, split and file name. findings: for the user."""

    root: Path
    layout: str
    categories: tuple[str, ...]
    samples: tuple[Sample, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """The findings, one sentence each."""
        return tuple(str(finding) for finding in self.findings)

    @property
    def questions(self) -> tuple[Finding, ...]:
        """Findings that the user must confirm before training."""
        return tuple(finding for finding in self.findings if finding.asks)

    def train(self, category: str) -> tuple[Sample, ...]:
        """The normal training scans."""
        return self._of(category, "train")

    def test(self, category: str) -> tuple[Sample, ...]:
        """The test scans."""
        return self._of(category, "test")

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over names and contents of the training files, identifying a model's data.

        Raises BadDataset if one of them cannot be read.
        """
        total = hashlib.sha256()
        for sample in self.samples:
            if sample.split == "train":
                total.update(f"{sample.category}/{sample.path.name}\0".encode("utf-8", "surrogateescape"))
                total.update(self.digests[sample.path])
        return total.hexdigest()

    @cached_property
    def digests(self) -> Mapping[Path, bytes]:
        """Of the training files, as they were when first asked for. Raises BadDataset if one cannot be read."""
        return {sample.path: file_digest(sample.path) for sample in self.samples if sample.split == "train"}

    def require_unchanged(self, category: str) -> None:
        """Raises BadDataset if training files of a category are others than `digests` says, or cannot be read."""
        for sample in self.train(category):
            if file_digest(sample.path) != self.digests[sample.path]:
                what = "was changed while it was being learned from"
                raise BadDataset(sample.path, what, "train again once nothing writes there")

    def _of(self, category: str, split: Split) -> tuple[Sample, ...]:
        return tuple(sample for sample in self.samples if (sample.category, sample.split) == (category, split))


def _marked(scan: Scan, listed: DoubleArray) -> BoolArray:
    """(n,) which points of a scan are listed; for a mesh, whose vertices are listed, the samples next to them."""
    from sedir_core.geometry.neighbours import typical_spacing  # imports SciPy, which would delay the window's start
    from sedir_core.geometry.tree import PointTree

    finite = scan.finite
    known = listed[np.isfinite(listed).all(axis=1)]
    marked = np.zeros(len(scan), dtype=np.bool_)
    if len(known):
        reach = max(1.5 * typical_spacing(known) if scan.sampled else 0.0, 1e-6 * float(np.ptp(known)), 1e-9)
        marked[finite] = PointTree(known).nearest(scan.points[finite])[0] <= reach
    return marked


def file_digest(path: Path) -> bytes:
    """SHA-256 of a file and its folder notes. Raises BadDataset if it cannot be read."""
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
        columns = notes_for(path).columns
        return hashlib.sha256(content + repr(columns).encode()).digest() if columns else content
    except OSError as error:
        raise BadDataset(path, f"cannot be read: {error.strerror}", "check the permissions and the drive") from error


def listed(folder: Path) -> list[Path]:
    """The entries of a folder, without hidden ones, sorted by name. Raises BadDataset if it cannot be listed."""
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise BadDataset(folder, f"cannot be listed: {error.strerror}", "check the path and the permissions") from error


def folders(folder: Path) -> dict[str, Path]:
    """The subfolders by name, sorted; in their spelling on disk, even on a case-insensitive file system."""
    return {entry.name: entry for entry in listed(folder) if _is_folder(entry)}


def scans(folder: Path | None) -> list[Path]:
    """The scans in a folder; its other files are `side_files`."""
    if folder is None:
        return []
    return offered(entry for entry in listed(folder) if not _is_folder(entry))[0]


def scans_within(folder: Path) -> list[Path]:
    """The scans in a folder, or, if there are none, those in one-scan subfolders, as written by phone apps."""
    found = scans(folder)
    if found:
        return found
    alone = {name: scans(child) for name, child in folders(folder).items()}
    alone = {name: own for name, own in alone.items() if own}
    if len(alone) < 2 or any(len({scan_name(scan) for scan in own}) > 1 for own in alone.values()):
        return []
    stems = {_NUMBERS.sub("", name).lower() for name in alone}
    return [own[0] for own in alone.values()] if len(stems) == 1 else []


def scans_below(folder: Path, levels: int = 3) -> list[Path]:
    """The scans in a folder and its subfolders, a few levels deep."""
    found = scans(folder)
    if levels:
        found += [scan for child in folders(folder).values() for scan in scans_below(child, levels - 1)]
    return found


def side_files(folder: Path | None) -> list[SkippedFile]:
    """Files in a folder that are not scans: notes, tables, pictures."""
    if folder is None:
        return []
    return offered(entry for entry in listed(folder) if not _is_folder(entry))[1]


def _is_folder(entry: Path) -> bool:
    with suppress(OSError):  # a link to an inaccessible place
        return entry.is_dir()
    return False
