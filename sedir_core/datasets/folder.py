"""A user's own parts: `cat/*.ply` are normal, `cat/ok` and `cat/ng` are optional.

Normal scans beside `ok` are for training and those in `ok` are good test scans; where only `ok` exists, it is what
there is to learn from, and no good scan is left for the test.
"""

from __future__ import annotations

from pathlib import Path

from sedir_core.datasets.samples import Sample, folders, scans

NAME = "folder"
SHAPE = "CATEGORY/*.ply (normal), CATEGORY/ok/*.ply and CATEGORY/ng/*.ply (both optional)"


def is_category(folder: Path) -> bool:
    """Scans lie in it, or in an `ok` or `ng` in it."""
    inside = folders(folder)
    return bool(scans(folder) or scans(inside.get("ok")) or scans(inside.get("ng")))


def samples(folder: Path, category: str) -> list[Sample]:
    """All scans of a category; nothing is known of where the defects are."""
    inside = folders(folder)
    normal, good = scans(folder), scans(inside.get("ok"))
    if not normal:
        normal, good = good, []
    found = [Sample(scan, category, "train", False) for scan in normal]
    found += [Sample(scan, category, "test", False) for scan in good]
    return found + [Sample(scan, category, "test", True) for scan in scans(inside.get("ng"))]
