"""Layout with the verdict at the top level: `OK/lid/*.ply`, `OK/bolt/*.ply`, `NG/lid/*.ply`."""

from __future__ import annotations

from pathlib import Path

from sedir_core.datasets.naming import Meaning, verdict
from sedir_core.datasets.samples import Sample, folders, scans_below, scans_within

NAME = "by verdict"
SHAPE = "OK/CATEGORY/*.ply (normal), NG/CATEGORY/*.ply (also good, bad, defect ...)"


def categories(root: Path) -> dict[str, Path]:
    """The categories below folders named good or bad, each with the first such folder; none without a good one.

    Also none if one of the folders has its scans at a deeper level: these are days or lots of one category.
    """
    homes = _homes(root, "good")
    if not homes or any(scans_within(home) for home in homes):
        return {}
    found: dict[str, Path] = {}
    for home in (*homes, *_homes(root, "bad")):
        for name, child in folders(home).items():
            if scans_within(child) and verdict(name) is None:
                found.setdefault(name, child)
            elif verdict(name) is None and scans_below(child):
                return {}
    return found


def samples(folder: Path, category: str) -> list[Sample]:
    """All scans of a category; folder: one of its folders."""
    root = folder.parent.parent
    good, bad = (
        [scan for home in _homes(root, side) if (home / category).is_dir() for scan in scans_within(home / category)]
        for side in ("good", "bad")
    )
    train = [Sample(scan, category, "train", False) for scan in good]
    return train + [Sample(scan, category, "test", True) for scan in bad]


def _homes(root: Path, side: Meaning) -> list[Path]:
    return [child for name, child in folders(root).items() if verdict(name) == side]
