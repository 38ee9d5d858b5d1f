"""Layout of users' own parts: `cat/*.ply` are normal; subfolders named OK, NG, good, bad ... give the verdict.

If there are both normal and good scans, the normal ones are for training and the good ones for testing; if there are
only good ones, they are for training and none is left for testing. Beside a good folder, one of another name
(`scratch`) is a kind of defect. Each scan may have its own folder, as written by phone apps.
"""

from __future__ import annotations

from pathlib import Path

from sedir_core.datasets.naming import is_kind_of_defect, meaning, verdict
from sedir_core.datasets.samples import Sample, folders, scans, scans_below, scans_within

NAME = "folder"
SHAPE = "CATEGORY/*.ply (normal), CATEGORY/ok/*.ply and CATEGORY/ng/*.ply (both optional, also good, bad, defect ...)"
NO_CATEGORIES = frozenset(
    "gt ground_truth groundtruth rgb infrared train training test testing validation val calibration __macosx".split()  # noqa: SIM905
)


def is_category(folder: Path) -> bool:
    """It contains scans, or a subfolder named good or bad with scans."""
    return bool(scans_within(folder)) or any(_judged(folder))


def is_alone(folder: Path) -> bool:
    """Whether this is a single category rather than a folder of categories with loose or defective scans beside."""
    good, bad = _judged(folder)
    if good or (not scans(folder) and scans_within(folder)):
        return True
    return bool(scans(folder) or bad) and not categories(folder)


def categories(root: Path) -> dict[str, Path]:
    """The categories among the folders of a folder."""
    return {
        name: child
        for name, child in folders(root).items()
        if name.lower() not in NO_CATEGORIES and verdict(name) is None and is_category(child)
    }


def samples(folder: Path, category: str) -> list[Sample]:
    """All scans of a category, without point labels."""
    normal = scans_within(folder)
    good_homes, bad_homes = _judged(folder)
    good = [scan for home in good_homes for scan in scans_below(home)]
    if not normal:
        normal, good = good, []
    found = [Sample(scan, category, "train", False) for scan in normal]
    found += [Sample(scan, category, "test", False) for scan in good]
    for home in bad_homes:
        kind = home.name.lower() if verdict(home.name) is None else None
        found += [Sample(scan, category, "test", True, kind) for scan in scans_below(home)]
    return found


def _judged(folder: Path) -> tuple[list[Path], list[Path]]:
    """Its subfolders with good and with bad scans, by name."""
    inside = {name: child for name, child in folders(folder).items() if scans_below(child)}
    good = [child for name, child in inside.items() if verdict(name) == "good"]
    bad = [child for name, child in inside.items() if verdict(name) == "bad"]
    if good:
        others = {name: child for name, child in inside.items() if verdict(name) is None}
        bad += [child for name, child in others.items() if is_kind_of_defect(name) or meaning(name) == "bad"]
    return good, bad
