"""Detects a folder's dataset layout, at any level, and describes the role of its subfolders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sedir_core.datasets import anomaly_shapenet, by_verdict, folder, mvtec, real3d
from sedir_core.datasets.naming import verdict
from sedir_core.datasets.samples import Dataset, Sample, folders, scans, scans_below
from sedir_core.errors import BadDataset
from sedir_core.io.finding import why_no_scan
from sedir_core.io.formats import by_suffix, scan_suffix
from sedir_core.io.scans import scan_name

NOMINAL = "one part"
DEEPEST = 3  # enclosing folders, as created by unpacking archives
MOST_NAMED = 8  # categories listed in a line
MOST_FOLDERS = 500  # folders searched per level
Categories = Mapping[str, Path]


@dataclass(frozen=True)
class DatasetLayout:
    """A layout on disk. shape: for messages. words: its name for users.

    inside: finds the categories in a folder. alone: whether a folder is itself a category.
    """

    shape: str
    inside: Callable[[Path], Categories]
    alone: Callable[[Path], bool]
    samples: Callable[[Path, str], list[Sample]]
    words: str


def _inside(is_category: Callable[[Path], bool]) -> Callable[[Path], Categories]:
    return lambda root: {name: child for name, child in folders(root).items() if is_category(child)}


def _one_part(path: Path, category: str) -> list[Sample]:
    """A nominal CAD shape, a mesh, or a single scan as the only training sample."""
    return [Sample(path, category, "train", False)]


# The order matters: the folder layout matches anything that contains a scan.
LAYOUTS: Mapping[str, DatasetLayout] = {
    mvtec.MULSEN: DatasetLayout(
        mvtec.MULSEN_SHAPE, _inside(mvtec.is_mulsen), mvtec.is_mulsen, mvtec.samples, "MulSen-AD"
    ),
    **{
        module.NAME: DatasetLayout(module.SHAPE, _inside(module.is_category), module.is_category, module.samples, words)
        for module, words in (
            (anomaly_shapenet, "Anomaly-ShapeNet"),
            (real3d, "Real3D-AD"),
            (mvtec, "a tree like MVTec's"),
        )
    },
    by_verdict.NAME: DatasetLayout(
        by_verdict.SHAPE, by_verdict.categories, lambda root: False, by_verdict.samples, "your own parts, by verdict"
    ),
    folder.NAME: DatasetLayout(folder.SHAPE, folder.categories, folder.is_alone, folder.samples, "your own parts"),
    NOMINAL: DatasetLayout(
        "one file: PART.step, PART.stl", lambda root: {}, lambda root: False, _one_part, "one nominal part"
    ),
}
_OWN = (by_verdict.NAME, folder.NAME)


@dataclass(frozen=True)
class Recognised:
    """root: the folder of the categories. categories: folders by name."""

    layout: str
    root: Path
    categories: Categories


def recognise(path: Path) -> Recognised:
    """Detect the layout of a folder, searching up to three levels below; a file is one part. Raises BadDataset."""
    if path.is_file() and by_suffix(scan_suffix(path.name)) is not None and not why_no_scan(path):
        return Recognised(NOMINAL, path, {scan_name(path): path})
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "no such folder"
        raise BadDataset(path, what, "give the folder that contains the categories")
    places: Sequence[Path] = [path]
    for level in range(DEEPEST + 1):
        for names in (tuple(name for name in LAYOUTS if name not in (*_OWN, NOMINAL)), *((name,) for name in _OWN)):
            if level == 0 and (hits := list(_alone(path, names))):
                return _one_of(path, hits)
            if hits := [found for place in places for found in _hits(place, names)]:
                return _one_of(path, hits)
        places = [child for place in places for child in folders(place).values()][:MOST_FOLDERS]
    known = "; ".join(f"{name}: {layout.shape}" for name, layout in LAYOUTS.items())
    below = len(folders(path))
    what = f"is no dataset: it holds {below} folders and {len(scans(path))} scans, in no known layout"
    raise BadDataset(path, what, f"known layouts: {known}")


def describe(dataset: Dataset) -> str:
    """One line: the detected layout and the role of each folder."""
    roles: Counter[tuple[str, str]] = Counter()
    for sample in dataset.samples:
        roles[_place_of(sample, dataset), _role(sample)] += 1
    roles.update(_beside(dataset))
    n = len(dataset.categories)
    listed = ", ".join(dataset.categories[:MOST_NAMED]) + (", ..." if n > MOST_NAMED else "")
    kinds = f"{n} kinds of part ({listed})" if n != 1 else f"one kind of part ({listed})"
    parts = [f"{place} {role} ({count:,})" for (place, role), count in sorted(roles.items(), key=_order)]
    return f"layout: {dataset.layout}, {kinds}; " + ", ".join(parts)


def _alone(path: Path, names: Sequence[str]) -> Iterator[Recognised]:
    for name in names:
        if LAYOUTS[name].alone(path):
            yield Recognised(name, path, {path.resolve().name: path})


def _hits(place: Path, names: Sequence[str]) -> Iterator[Recognised]:
    for name in names:
        if found := LAYOUTS[name].inside(place):
            yield Recognised(name, place, found)


def _one_of(path: Path, hits: Sequence[Recognised]) -> Recognised:
    """The only dataset, or its pieces merged; of the same parts in several formats, the clouds. Raises BadDataset."""
    first = hits[0]
    if len(hits) > 1 and all(hit.layout == first.layout for hit in hits):
        names = [name for hit in hits for name in hit.categories]
        if len(set(names)) == len(names) and first.layout not in _OWN:
            return Recognised(first.layout, path, {name: at for hit in hits for name, at in hit.categories.items()})
        clouds = [hit for hit in hits if hit.root.name.lower() in ("pcd", "pointcloud", "ply")]
        if len(clouds) == 1 and all(hit.categories.keys() <= clouds[0].categories.keys() for hit in hits):
            return clouds[0]
    if len(hits) > 1:
        what = "contains several datasets: " + ", ".join(f"{hit.root.name} ({hit.layout})" for hit in hits)
        raise BadDataset(path, what, "give the folder of one of them")
    return first


def _place_of(sample: Sample, dataset: Dataset) -> str:
    """A sample's folder relative to its category: `test/scratch`, `OK`, `.`."""
    parent, root = sample.path.parent, dataset.root
    if sample.path == root:
        return root.name
    if not parent.is_relative_to(root):
        return parent.name
    words = [word for word in parent.relative_to(root).parts if word != sample.category]
    return "/".join(words[:2]) + "/" if words else "loose scans"


def _beside(dataset: Dataset) -> dict[tuple[str, str], int]:
    """Folders beside the categories that are named good or bad, of no category and so not used: `NG/` beside `lid/`."""
    if not dataset.root.is_dir():
        return {}
    return _unjudged(dataset) if dataset.layout == folder.NAME else _judged_beside(dataset)


def _unjudged(dataset: Dataset) -> dict[tuple[str, str], int]:
    """Subfolders of a category whose names say neither good nor bad, beside some that do: what nobody uses is named."""
    used = {parent for sample in dataset.samples for parent in sample.path.parents}
    own_root = dataset.categories == (dataset.root.resolve().name,)
    homes = {home for home in used if home.is_relative_to(dataset.root) and (own_root or home != dataset.root)}
    found = dict(_judged_beside(dataset))
    for child in (child for home in sorted(homes) for child in folders(home).values() if child not in used):
        if child.name.lower() not in folder.NO_CATEGORIES and (count := len(scans_below(child))):
            found[f"{child.name}/", "neither good nor defective by its name, left out"] = count
    return found


def _judged_beside(dataset: Dataset) -> dict[tuple[str, str], int]:
    used = {parent for sample in dataset.samples for parent in sample.path.parents}
    judged = [child for name, child in folders(dataset.root).items() if child not in used and verdict(name)]
    counts = {child: len(scans_below(child)) for child in judged}
    return {(f"{child.name}/", "of no kind of part, left out"): count for child, count in counts.items() if count}


def _role(sample: Sample) -> str:
    if sample.split == "train":
        return "to learn from"
    return {False: "good, to test with", True: "defective, to test with", None: "to test with"}[sample.anomalous]


def _order(entry: tuple[tuple[str, str], int]) -> tuple[bool, str, str]:
    (place, role), _ = entry
    return role != "to learn from", role, place
