"""Real3D-AD: `cat/train/*.pcd`, `cat/test/12_bulge_cut.pcd`, `cat/gt/12_bulge_cut.txt` with spaces."""

from __future__ import annotations

import re
from pathlib import Path

from sedir_core.datasets.samples import Sample, folders, scans

NAME = "real3d"
SHAPE = "CATEGORY/train/*.pcd, CATEGORY/test/*_good.pcd and *_bulge.pcd, CATEGORY/gt/*.txt"
_SPLITS = ("train", "test")


def is_category(folder: Path) -> bool:
    """It contains train, and gt, a test scan named good, or no test at all; none of these has subfolders."""
    inside = folders(folder)
    if "train" not in inside or "GT" in inside or any(folders(inside[name]) for name in inside if name in _SPLITS):
        return False
    return "gt" in inside or "test" not in inside or any(_defect(scan) is None for scan in scans(inside["test"]))


def samples(folder: Path, category: str) -> list[Sample]:
    """All scans of a category, without templates among the test scans, as in the benchmark."""
    inside = folders(folder)
    found = [Sample(scan, category, "train", False) for scan in scans(inside["train"])]
    for scan in scans(inside.get("test")):
        if "template" in scan.stem.lower():
            continue
        defect = _defect(scan)
        labels = inside["gt"] / f"{scan.stem}.txt" if "gt" in inside and defect else None
        found.append(Sample(scan, category, "test", defect is not None, defect, labels))
    return found


def _defect(scan: Path) -> str | None:
    """The kind in `12_bulge_cut`; None for good."""
    words = [word for word in scan.stem.lower().split("_") if not re.fullmatch(r"\d*", word)]
    if any(word.rstrip("0123456789") == "good" for word in words):
        return None
    return "_".join(word for word in words if word != "cut") or "unnamed"
