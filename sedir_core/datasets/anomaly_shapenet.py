"""Anomaly-ShapeNet: `cat/train/cat_template0.pcd`, `cat/test/cat_bulge0.pcd`, `cat/GT/cat_bulge0.txt` with commas."""

from __future__ import annotations

import re
from pathlib import Path

from sedir_core.datasets.naming import meaning
from sedir_core.datasets.samples import Sample, folders, scans

NAME = "anomaly-shapenet"
SHAPE = "CATEGORY/train/*template*.pcd, CATEGORY/test/*positive*.pcd and *_bulge0.pcd, CATEGORY/GT/*.txt"


def is_category(folder: Path) -> bool:
    """It contains train, and GT or a test scan named positive; test has no subfolders."""
    inside = folders(folder)
    if "train" not in inside or "gt" in inside or ("test" in inside and folders(inside["test"])):
        return False
    return "GT" in inside or any("positive" in scan.stem.lower() for scan in scans(inside.get("test")))


def samples(folder: Path, category: str) -> list[Sample]:
    """All scans of a category."""
    inside = folders(folder)
    normal = scans(inside["train"])
    templates = [scan for scan in normal if "template" in scan.stem.lower()]
    found = [Sample(scan, category, "train", False) for scan in templates or normal]
    for scan in scans(inside.get("test")):
        defect = _defect(scan, folder.name)
        labels = inside["GT"] / f"{scan.stem}.txt" if "GT" in inside and defect else None
        found.append(Sample(scan, category, "test", defect is not None, defect, labels))
    return found


def _defect(scan: Path, category: str) -> str | None:
    """The kind in `cup0_bulge2`; None for positive or good."""
    rest = scan.stem.lower().removeprefix(category.lower()).strip("_")
    kind = re.sub(r"\d+$", "", rest).strip("_")
    return None if "positive" in kind or meaning(kind) == "good" else kind or "unnamed"
