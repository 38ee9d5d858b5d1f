"""One scan of a dataset and what is known of it, and the dataset as a list of them."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from sedir_core.errors import BadDataset
from sedir_core.io.scans import SCAN_SUFFIXES, read_labelled, read_scan
from sedir_core.types import Scan

Split = Literal["train", "test"]


@dataclass(frozen=True)
class Sample:
    """A scan on disk.

    anomalous: None where nobody says; training scans are normal (False). defect: its kind, where the name tells.
    labels_path: text rows x y z label of a defective test scan.
    """

    path: Path
    category: str
    split: Split
    anomalous: bool | None
    defect: str | None = None
    labels_path: Path | None = None

    def read(self) -> Scan:
        """The scan; of a test scan with its labels, as far as they are known.

        With a label file the points too come from there, as the benchmarks do: the rows of the two files differ
        in the published sets. A good test scan is False everywhere. Raises UnreadableScan, TooFewPoints.
        """
        if self.labels_path is not None:
            return replace(read_labelled(self.labels_path), name=self.path.stem, path=self.path)
        scan = read_scan(self.path)
        if self.split == "test" and self.anomalous is False:
            return replace(scan, labels=np.zeros(len(scan), dtype=np.bool_))
        return scan


@dataclass(frozen=True)
class Finding:
    """What is not right with a dataset. path: the file, None where the category as a whole is meant.

    blocks: the category cannot be trained on before it is put right.
    """

    category: str
    path: Path | None
    what: str
    hint: str
    blocks: bool = False

    def __str__(self) -> str:
        where = self.category if self.path is None else "/".join(self.path.parts[-3:])
        return f"{where} {self.what}"


@dataclass(frozen=True)
class Dataset:
    """Samples sorted by category, split and file name. findings: what a user should know."""

    root: Path
    layout: str
    categories: tuple[str, ...]
    samples: tuple[Sample, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """The findings, one sentence each."""
        return tuple(str(finding) for finding in self.findings)

    def train(self, category: str) -> tuple[Sample, ...]:
        """The normal scans to learn from."""
        return self._of(category, "train")

    def test(self, category: str) -> tuple[Sample, ...]:
        """The scans to be judged."""
        return self._of(category, "test")

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over names and contents of the training files: what a model was made from.

        Raises BadDataset if one of them cannot be read.
        """
        total = hashlib.sha256()
        for sample in self.samples:
            if sample.split == "train":
                total.update(f"{sample.category}/{sample.path.name}\0".encode("utf-8", "surrogateescape"))
                total.update(file_digest(sample.path))
        return total.hexdigest()

    def _of(self, category: str, split: Split) -> tuple[Sample, ...]:
        return tuple(sample for sample in self.samples if (sample.category, sample.split) == (category, split))


def file_digest(path: Path) -> bytes:
    """SHA-256 of a file. Raises BadDataset if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise BadDataset(path, f"cannot be read: {error.strerror}", "check the permissions and the drive") from error


def listed(folder: Path) -> list[Path]:
    """What is in a folder, hidden entries left out, sorted by name. Raises BadDataset if it cannot be listed."""
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise BadDataset(folder, f"cannot be listed: {error.strerror}", "check the path and the permissions") from error


def folders(folder: Path) -> dict[str, Path]:
    """The folders in a folder by name, sorted; names as they are spelt on disk, also where case does not matter."""
    return {entry.name: entry for entry in listed(folder) if _is_folder(entry)}


def scans(folder: Path | None) -> list[Path]:
    """The files of a folder that could be scans. Text is left out: in a dataset it is labels, lists and licences."""
    if folder is None:
        return []
    suffixes = SCAN_SUFFIXES - {".txt"}
    return [entry for entry in listed(folder) if entry.suffix.lower() in suffixes and not _is_folder(entry)]


def _is_folder(entry: Path) -> bool:
    with suppress(OSError):  # a link into a place that may not be entered
        return entry.is_dir()
    return False
