"""NumPy arrays (NPY, NPZ): rows or columns of x, y, z, camera grids, or records with such fields."""

from __future__ import annotations

import zipfile
from math import prod

import numpy as np

from sedir_core.errors import NoCoordinates, UnknownColumns, UserError
from sedir_core.io.columns import HOW_TO_SAY, chosen_axes, listed, named_axes, why_unclear
from sedir_core.io.guard import MIN_POINTS, Source
from sedir_core.io.mesh import Geometry, fan, to_indices
from sedir_core.io.no_points import (
    AS_POINTS,
    MOST_FEATURES,
    refuse_batch,
    refuse_directions,
    refuse_image,
    refuse_indices,
)
from sedir_core.io.npy_header import AS_ARRAY, NPY_MAGIC, ArrayHeader, array_of, parse_header
from sedir_core.io.unnamed import unnamed_axes
from sedir_core.io.zips import open_zip, read_member
from sedir_core.types import DoubleArray

__all__ = ["NPY_MAGIC", "read_npy", "read_npz"]

_NAMES = (
    "points", "xyz", "pos", "position", "positions", "vertices", "verts", "vertex", "coords", "coord", "coordinates",
    "location", "point", "p", "cloud", "pcd",
)  # fmt: skip
_FACES = ("faces", "triangles", "tris")
_MOST_AXES = 8  # rows of a transposed array: x, y, z and a few more


def read_npy(source: Source) -> Geometry:
    """The points of an array, in order; values beyond x, y, z are ignored.

    Raises UnreadableScan, also as UnknownColumns and NoCoordinates.
    """
    header = parse_header(source, source.head(), source.size, "the file")
    return Geometry(_points(source, header, source.read_at(header.body, header.n_bytes)))


def read_npz(source: Source) -> Geometry:
    """The array named points, xyz, vertices ..., with faces if present, or the only one that can be points.

    Raises UnreadableScan, also as UnknownColumns and NoCoordinates.
    """
    with open_zip(source) as archive:
        headers, troubles = _headers(source, archive)
        if not headers and not troubles:
            raise source.fail("is a zip archive without arrays", "unpack it first and open the contents")
        clouds = {name: header for name, header in headers.items() if _can_be_points(header)}
        named = [name for name in _NAMES if name in clouds] or list(clouds)
        if not named and troubles:
            raise troubles[0]
        if not any(name in _NAMES for name in named) and (axes := _of_axes(headers)):
            values = [array_of(headers[name], _content(source, archive, name, headers[name])) for name in axes]
            return Geometry(np.stack([one.ravel() for one in values], axis=1).astype(np.float64))
        if not named or (len(named) > 1 and named[0] not in _NAMES):
            hint = f"{AS_ARRAY}; name it 'points'"
            raise source.fail(f"holds {len(clouds)} arrays that could be the points, none named for it", hint)
        points = _points(source, clouds[named[0]], _content(source, archive, named[0], clouds[named[0]]))
        faces = next((name for name in _FACES if name in headers and headers[name].shape[1:] == (3,)), None)
        if faces is None:
            return Geometry(points)
        corners = array_of(headers[faces], _content(source, archive, faces, headers[faces])).astype(np.float64)
    sizes = np.full(len(corners), 3, np.int64)
    return Geometry(points, fan(source, sizes, to_indices(source, corners.ravel(), "a face's vertex"), len(points)))


def most_points(source: Source) -> int:
    """Upper bound on the number of points in an array file, from its headers. Raises UnreadableScan."""
    if source.head().startswith(NPY_MAGIC):
        return _most(parse_header(source, source.head(), source.size, "the file"))
    with open_zip(source) as archive:
        headers, troubles = _headers(source, archive)
    if troubles:
        raise troubles[0]
    axes = _of_axes(headers)
    return max([*map(_most, headers.values()), prod(headers[axes[0]].shape) if axes else 0], default=0)


def _most(header: ArrayHeader) -> int:
    """0 for a list of numbers; for grids and transposed rows, the largest possible number."""
    if header.dtype.names is not None:
        return header.n_rows
    return prod(header.shape) // 3 if len(header.shape) > 1 else 0


def _headers(source: Source, archive: zipfile.ZipFile) -> tuple[dict[str, ArrayHeader], list[UserError]]:
    headers, troubles = {}, []
    for member in archive.infolist():
        if not member.filename.endswith(".npy"):
            continue
        try:
            with archive.open(member) as stream:
                head = stream.read(1 << 16)
            header = parse_header(source, head, member.file_size, member.filename[:60])
            headers[member.filename.removesuffix(".npy")] = header
        except UserError as unusable:  # another member may contain the points
            troubles.append(unusable)
    return headers, troubles


def _of_axes(headers: dict[str, ArrayHeader]) -> list[str]:
    """Separate arrays of x, y and z with matching names and equal shapes; empty if there are none."""
    plain = [name for name, header in headers.items() if header.dtype.kind in "fiu"]
    axes = named_axes(plain)
    found = [plain[at] for at in axes] if axes is not None else []
    return found if len({headers[name].shape for name in found}) == 1 else []


def _content(source: Source, archive: zipfile.ZipFile, name: str, header: ArrayHeader) -> bytes:
    member = archive.getinfo(name + ".npy")
    source.check_expansion(member.compress_size, 24 * header.n_rows)
    return read_member(source, archive, member)[header.body :]


def _can_be_points(header: ArrayHeader) -> bool:
    if header.dtype.names is not None:
        return True
    shape = header.shape
    return len(shape) in (2, 3) and (3 <= shape[-1] <= MOST_FEATURES or 3 <= shape[0] <= _MOST_AXES)


def _points(source: Source, header: ArrayHeader, data: bytes) -> DoubleArray:
    source.check_rows(header.n_rows, 0, 0, "points")
    array = array_of(header, data)
    if array.dtype.names is not None:
        return _of_records(source, array.ravel())
    if array.ndim == 2:
        return _of_rows(source, array)
    if array.ndim == 3:
        return _of_grid(source, array)
    what = f"holds numbers in shape {header.shape}, such as labels or scores, not rows of x, y, z"
    raise NoCoordinates(source.path, what, AS_ARRAY)


def _of_rows(source: Source, array: np.ndarray) -> DoubleArray:
    """(n, k) or, transposed, (k, n)."""
    n, k = array.shape
    if array.dtype == np.uint8 and 3 in (n, k) and not source.columns:
        raise NoCoordinates(source.path, f"lists {max(n, k):,} colours, not points", AS_POINTS)
    if not 3 <= k <= MOST_FEATURES and 3 <= n <= _MOST_AXES and k >= MIN_POINTS:
        array = array.T
        n, k = array.shape
    if k < 3:
        what = f"holds an array of shape {array.shape}, not rows of x, y, z"
        raise NoCoordinates(source.path, what, AS_ARRAY)
    if k > MOST_FEATURES:
        refuse_image(source, (n, k))
    if k <= 4:
        refuse_indices(source, array.astype(np.float64))
    if k == 3:
        refuse_directions(source, array.astype(np.float64))
    try:
        if source.columns:
            axes = chosen_axes(source.columns, (), k)
        else:
            axes = unnamed_axes(array[:, :6].astype(np.float64), k)
    except ValueError as unclear:
        raise UnknownColumns(source.path, str(unclear), HOW_TO_SAY) from unclear
    return np.ascontiguousarray(array[:, axes], dtype=np.float64)


def _of_grid(source: Source, array: np.ndarray) -> DoubleArray:
    """(h, w, >= 3) or, axes first, (>= 3, h, w)."""
    if not 3 <= array.shape[2] <= _MOST_AXES and 3 <= array.shape[0] <= _MOST_AXES:
        array = np.moveaxis(array, 0, 2)
    h, w, k = array.shape
    if not 3 <= k <= _MOST_AXES:
        what = f"holds an array of shape {array.shape}, not a grid of x, y, z"
        raise NoCoordinates(source.path, what, AS_POINTS)
    if array.dtype == np.uint8:
        raise NoCoordinates(source.path, f"is a picture of {h:,} x {w:,} pixels, not points", AS_POINTS)
    grid = np.ascontiguousarray(array[:, :, :3], dtype=np.float64)
    refuse_batch(source, grid)
    refuse_directions(source, grid[(grid != 0).any(axis=2)])
    return grid.reshape(-1, 3)


def _of_records(source: Source, records: np.ndarray) -> DoubleArray:
    names = records.dtype.names or ()
    triples = [name for name in _NAMES if name in names and records.dtype[name].shape == (3,)]
    if triples and not source.columns:
        return np.ascontiguousarray(records[triples[0]], dtype=np.float64)
    plain = [name for name in names if records.dtype[name].kind in "fiu" and not records.dtype[name].shape]
    try:
        axes = chosen_axes(source.columns, plain, len(plain)) if source.columns else named_axes(plain)
    except ValueError as missing:
        raise UnknownColumns(source.path, str(missing), HOW_TO_SAY) from missing
    if axes is None:
        raise UnknownColumns(source.path, f"its fields are {listed(names)}: {why_unclear(names)}", HOW_TO_SAY)
    return np.stack([records[plain[at]] for at in axes], axis=1).astype(np.float64)
