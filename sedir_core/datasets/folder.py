"""A user's own parts: `cat/*.ply` are normal; folders in it that are called OK, NG, good, bad ... are what they say.

Normal scans beside good ones are for training and the good ones are test scans; where only these exist, they are what
there is to learn from, and no good scan is left for the test. Beside good ones, a folder of another name (`scratch`)
is a kind of defect. Each scan may have a folder of its own, as phone apps write them.
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
    """Scans lie in it, or in a folder in it that is called good or bad."""
    return bool(scans_within(folder)) or any(_judged(folder))


def is_alone(folder: Path) -> bool:
    """Whether a category is one, rather than a folder of categories beside which loose or defective scans lie."""
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
    """All scans of a category; nothing is known of where the defects are."""
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
    """The folders in it with good and with bad scans, by their names."""
    inside = {name: child for name, child in folders(folder).items() if scans_below(child)}
    good = [child for name, child in inside.items() if verdict(name) == "good"]
    bad = [child for name, child in inside.items() if verdict(name) == "bad"]
    if good:
        others = {name: child for name, child in inside.items() if verdict(name) is None}
        bad += [child for name, child in others.items() if is_kind_of_defect(name) or meaning(name) == "bad"]
    return good, bad
