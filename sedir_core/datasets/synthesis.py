"""Synthesises datasets from solids: normal and defective scans with labels, in a public layout."""

from __future__ import annotations

import io
import shutil
import uuid
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from sedir_core.datasets import anomaly_shapenet, real3d
from sedir_core.datasets.defects import DEFECTS
from sedir_core.datasets.mesh_solid import MeshSolid, outward
from sedir_core.datasets.parts import PARTS, Builder
from sedir_core.datasets.solids import Solid
from sedir_core.datasets.specimen import NoVisibleDefect, Specimen, make_specimen
from sedir_core.errors import BadConfig, BadDataset, Cancelled, CannotWrite, UnreadableScan
from sedir_core.io.atomic import write_bytes
from sedir_core.io.meshes import MESH_SUFFIXES, read_mesh
from sedir_core.types import DoubleArray, Report, Stop, never_stop, no_report

Made = Solid | Builder
"""A fixed body, or a function that makes slightly varying ones."""

PART_DIAGONAL_MM = 100.0
POINTS: dict[str, int] = {anomaly_shapenet.NAME: 20_000, real3d.NAME: 120_000}


@dataclass(frozen=True)
class Summary:
    """What was written. labelled: median share of labelled points in a defective scan."""

    root: Path
    layout: str
    categories: tuple[str, ...]
    n_train: int
    n_good: int
    n_bad: int
    labelled: float


@dataclass(frozen=True)
class _Job:
    """One scan to make. name: without suffix. labelled: also write its labels."""

    category: str
    folder: str
    name: str
    defect: str | None
    one_sided: bool


def synthesise(
    mesh_dir: Path | None,
    out: Path,
    layout: str,
    seed: int,
    report: Report = no_report,
    stop: Stop = never_stop,
) -> Summary:
    """Make a dataset from a folder of meshes, in their unit, or from the built-in parts (None), in millimetres.

    Raises what `load_meshes` and `write_dataset` raise.
    """
    if mesh_dir is not None:
        return write_dataset(load_meshes(mesh_dir), out, layout, seed, report=report, stop=stop)
    return write_dataset(built_in_parts(), out, layout, seed, report=report, stop=stop)


def built_in_parts(diagonal_mm: float = PART_DIAGONAL_MM) -> dict[str, Made]:
    """The procedural parts with a diagonal of about `diagonal_mm`, on which the bundled model is trained."""
    return {name: scaled_part(build, diagonal_mm) for name, build in PARTS.items()}


def scaled_part(build: Builder, diagonal_mm: float) -> Builder:
    """The same part with a diagonal of about `diagonal_mm`."""
    return partial(_scaled, build, diagonal_mm)


def load_meshes(folder: Path) -> dict[str, Solid]:
    """Every OBJ, OFF, PLY and STL file of a folder as a solid, by file name in lower case.

    Raises BadDataset (no folder, no mesh, two of the same name), UnreadableScan (a broken one, or one without area).
    """
    if not folder.is_dir():
        raise BadDataset(folder, "no such folder", "give a folder of meshes")
    solids: dict[str, Solid] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in MESH_SUFFIXES or path.name.startswith("."):
            continue
        name = path.stem.lower()
        if name in solids:
            raise BadDataset(path, f"there is another mesh named {name}", "every mesh becomes a category: rename one")
        try:
            vertices, faces = read_mesh(path)
            solids[name] = MeshSolid(vertices, outward(vertices, faces))
        except ValueError as error:
            raise UnreadableScan(path, str(error), "repair the mesh, or export it again") from error
    if not solids:
        raise BadDataset(folder, "holds no mesh", "export them as one of " + " ".join(sorted(MESH_SUFFIXES)))
    return solids


def write_dataset(
    solids: Mapping[str, Made],
    out: Path,
    layout: str,
    seed: int,
    *,
    train: int = 4,
    good: int = 6,
    bad: int = 2,
    points: int | None = None,
    report: Report = no_report,
    stop: Stop = never_stop,
) -> Summary:
    """Write `train` and `good` normal scans, and `bad` scans per kind of defect, of every solid.

    out: a folder that does not exist or is empty; created atomically. points: over the whole surface, by default as
    many as in the layout's benchmark. In the real3d layout test scans show one side only. The same seed gives the same
    files, regardless of other solids. Raises CannotWrite, Cancelled, BadConfig for an unknown layout, and BadDataset
    for a solid on which some kind of defect is never visible.
    """
    if layout not in POINTS:
        raise BadConfig(layout, "unknown layout", "use " + " or ".join(sorted(POINTS)))
    _require_vacant(out)
    jobs = list(_jobs(sorted(solids), layout, train, good, bad))
    staging = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.tmp")
    shares = []
    try:
        for done, job in enumerate(jobs):
            if stop():
                raise Cancelled
            report(done / len(jobs), f"{job.category} {job.defect or job.folder}")
            rng = np.random.default_rng([seed, _word_of(job)])
            specimen = _made(solids[job.category], job, points or POINTS[layout], rng, stop)
            _write(staging / job.category, job, layout, specimen)
            shares += [float(specimen.labels.mean())] if job.defect else []
        _publish(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    report(1.0, "written")
    n = len(solids)
    labelled = float(np.median(shares)) if shares else 0.0
    return Summary(out, layout, tuple(sorted(solids)), n * train, n * good, n * bad * len(DEFECTS), labelled)


def pcd_bytes(points: DoubleArray) -> bytes:
    """A binary PCD file of (n, 3) points in float32, as both benchmarks come."""
    n = len(points)
    header = (
        "# .PCD v0.7 - Point Cloud Data file format\nVERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\n"
        f"WIDTH {n}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {n}\nDATA binary\n"
    )
    return header.encode() + points.astype("<f4").tobytes()


def _scaled(build: Builder, scale: float, rng: np.random.Generator) -> Solid:
    return build(rng).moved(scale=scale)


def _jobs(categories: list[str], layout: str, train: int, good: int, bad: int) -> Iterator[_Job]:
    real = layout == real3d.NAME
    for category in categories:
        for i in range(train):
            yield _Job(category, "train", f"{i + 1}_template" if real else f"{category}_template{i}", None, False)
        for i in range(good):
            yield _Job(category, "test", f"{i + 1}_good" if real else f"{category}_positive{i}", None, real)
        for k, kind in enumerate(DEFECTS):
            for i in range(bad):
                name = f"{good + k * bad + i + 1}_{kind}" if real else f"{category}_{kind}{i}"
                yield _Job(category, "test", name, kind, real)


def _made(source: Made, job: _Job, points: int, rng: np.random.Generator, stop: Stop) -> Specimen:
    solid = source if isinstance(source, Solid) else source(rng)
    try:
        return make_specimen(solid, job.defect, points, rng, job.one_sided, stop)
    except NoVisibleDefect as error:
        what = f"no visible {job.defect} could be made on it"
        raise BadDataset(job.category, what, "use a mesh with larger open surfaces, or more points") from error


def _write(folder: Path, job: _Job, layout: str, specimen: Specimen) -> None:
    write_bytes(folder / job.folder / f"{job.name}.pcd", pcd_bytes(specimen.points))
    if job.defect:
        real = layout == real3d.NAME
        text = io.BytesIO()
        rows = np.column_stack([specimen.points, specimen.labels])
        np.savetxt(text, rows, fmt=["%.6f"] * 3 + ["%d"], delimiter=" " if real else ",")
        write_bytes(folder / ("gt" if real else "GT") / f"{job.name}.txt", text.getvalue())


def _require_vacant(out: Path) -> None:
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise CannotWrite(out, "exists and is not an empty folder", "give the name of a new folder")
    except OSError as error:
        raise CannotWrite(out, error.strerror or str(error), "check the permissions") from error


def _publish(staging: Path, out: Path) -> None:
    try:
        if out.exists():
            out.rmdir()  # Windows cannot rename onto an existing folder
        staging.rename(out)
    except OSError as error:
        raise CannotWrite(out, error.strerror or str(error), "check the permissions") from error


def _word_of(job: _Job) -> int:
    """A number of its own for every scan; the name of a mesh need not be valid UTF-8."""
    return zlib.crc32(f"{job.category}/{job.folder}/{job.name}".encode("utf-8", "surrogateescape"))
