"""MVTec-like trees: `cat/train/good/*.ply`, `cat/test/good`, `cat/test/scratch`, `cat/ground_truth/scratch/*.txt`.

MVTec 3D-AD has scans in a subfolder `xyz`; MulSen-AD has the tree in `cat/Pointcloud`, beside pictures.
"""

from __future__ import annotations

import csv
from pathlib import Path

from sedir_core.datasets import anomaly_shapenet, real3d
from sedir_core.datasets.naming import is_kind_of_defect, meaning
from sedir_core.datasets.samples import Sample, folders, scans, scans_within

NAME, MULSEN = "mvtec", "mulsen-ad"
MULSEN_SHAPE = "CATEGORY/Pointcloud/train/*, CATEGORY/Pointcloud/test/good/*, beside CATEGORY/RGB"
SHAPE = "CATEGORY/train/good/*, CATEGORY/test/good/* and CATEGORY/test/scratch/*, CATEGORY/ground_truth/scratch/*.txt"
_POINTS = ("pointcloud", "point_cloud", "pointclouds", "pcd", "xyz")
_TRUTH = ("ground_truth", "groundtruth", "gt")


def is_category(folder: Path) -> bool:
    """It, or its folder of point clouds, contains train, and it is not one of the layouts with flat test folders."""
    home = _home(folder)
    if _child(home, "train", "training") is None or is_mulsen(folder):
        return False
    return home != folder or not (anomaly_shapenet.is_category(folder) or real3d.is_category(folder))


def is_mulsen(folder: Path) -> bool:
    """The tree is in a folder `Pointcloud`, usually beside `RGB` and `Infrared`."""
    home = _home(folder)
    return home != folder and home.name.lower() == _POINTS[0] and _child(home, "train", "training") is not None


def samples(folder: Path, category: str) -> list[Sample]:
    """All scans of a category, without `validation`, as in the benchmark."""
    home = _home(folder)
    train, test = _child(home, "train", "training"), _child(home, "test", "testing")
    assert train is not None
    found = [Sample(scan, category, "train", False) for scan in scans_within(train)]
    for name, child in folders(train).items():
        if meaning(name) == "good":
            found += [Sample(scan, category, "train", False) for scan in _scans(child)]
    if test is None:
        return found
    truth = _child(home, *_TRUTH)
    for scan in scans(test):
        found.append(_by_name(scan, category))
    for name, child in folders(test).items():
        good = meaning(name) == "good"
        seen = {} if good else _seen_in_points(folder, name)
        for scan in _scans(child):
            bad = not good and seen.get(scan.stem, True)
            labels = _labels(truth, name, scan) if bad else None
            found.append(Sample(scan, category, "test", bad, name.lower() if bad else None, labels))
    return found


def _home(folder: Path) -> Path:
    """The folder of train and test."""
    if _child(folder, "train", "training") is not None:
        return folder
    return _child(folder, *_POINTS) or folder


def _child(folder: Path, *names: str) -> Path | None:
    """The subfolder with one of these names, ignoring case."""
    inside = {name.lower(): child for name, child in folders(folder).items()}
    return next((inside[name] for name in names if name in inside), None)


def _scans(folder: Path) -> list[Path]:
    return scans_within(_child(folder, *_POINTS) or folder)


def _by_name(scan: Path, category: str) -> Sample:
    """The verdict of a test scan by its own name, if its folder gives none."""
    said = meaning(scan.stem)
    rest = scan.stem.lower().removeprefix(category.lower()).strip("_-")
    if said is None and is_kind_of_defect(rest):
        return Sample(scan, category, "test", True, rest.rstrip("0123456789_-"))
    return Sample(scan, category, "test", None if said is None else said == "bad")


def _labels(truth: Path | None, kind: str, scan: Path) -> Path | None:
    """Ground truth of points; images cannot be mapped to a cloud's rows."""
    if truth is None:
        return None
    choices = (truth / kind / f"{scan.stem}.txt", truth / f"{scan.stem}.txt")
    return next((path for path in choices if path.is_file()), None)


def _seen_in_points(folder: Path, kind: str) -> dict[str, bool]:
    """MulSen-AD lists for each defective part in which of three sensors it is visible; the last is the point cloud."""
    table = folder / "RGB" / "GT" / kind / "data.csv"
    if not table.is_file() or table.stat().st_size > 1 << 20:
        return {}
    with table.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file)]
    return {Path(row[0]).stem: row[3] == "1" for row in rows if len(row) == 4 and row[3] in ("0", "1")}
