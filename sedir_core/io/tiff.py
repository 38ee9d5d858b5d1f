"""TIFF of a 3D camera: x, y, z per pixel (MVTec 3D-AD), or heights with a pixel size. Read by tifffile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sedir_core.errors import NoCoordinates
from sedir_core.io.child import Loaded, Refusal, read_in_child
from sedir_core.io.guard import COPY_AGAIN, MAX_POINTS, THIN_OUT, Source
from sedir_core.io.mesh import Geometry
from sedir_core.types import DoubleArray
from sedir_core.units import UNKNOWN, Unit

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PIXEL_SCALE = 33550  # ModelPixelScaleTag of GeoTIFF
_UNITS: dict[str, Unit] = {
    "mm": "mm", "millimeter": "mm", "cm": "cm", "m": "m", "meter": "m", "micron": "um", "um": "um", "µm": "um",
    "\\u00b5m": "um", "inch": "inch", "in": "inch",
}  # fmt: skip
_PICTURE = "is a picture, not points"
_AS_GRID = "export x, y and z of every pixel, or heights with the size of a pixel"


def is_tiff(head: bytes) -> bool:
    """Whether a file begins like TIFF."""
    return head.startswith(_MAGIC)


def read_tiff(source: Source) -> Geometry:
    """One point per pixel, row by row; pixels without a measurement (0 0 0, or NaN) are NaN.

    Raises UnreadableScan, NoCoordinates for heights without the size of a pixel.
    """
    found = read_in_child(source, load_tiff)
    if not len(found.points):
        raise NoCoordinates(source.path, "is an image of heights without the size of a pixel, not points", _AS_GRID)
    return found


def load_tiff(path: Path) -> Loaded:
    """In the child; see `child.Loader`. No points for heights without the size of a pixel."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        page: Any = file.pages.first
        shapes = {one.shape for one in file.pages}
        n_values = sum(int(np.prod(one.shape)) for one in file.pages)
        if n_values > 4 * MAX_POINTS:
            raise Refusal(f"announces {n_values:,} numbers; the limit is {4 * MAX_POINTS:,}", THIN_OUT)
        if n_values * page.dtype.itemsize > 50 * max(path.stat().st_size, 1 << 20):
            raise Refusal(f"announces {n_values:,} numbers in {path.stat().st_size:,} bytes", COPY_AGAIN)
        if page.dtype == np.uint8 or page.dtype.kind not in "fiu":
            raise Refusal(_PICTURE, _AS_GRID)
        if len(shapes) > 1:
            raise Refusal("holds images of different sizes", _AS_GRID)
        pixel, unit = _pixel(file, page)
        image = np.stack([one.asarray() for one in file.pages]).astype(np.float64)
    grid = _grid(np.squeeze(image), pixel)
    if grid is None:
        return Loaded(np.empty((0, 3)))
    points = grid.reshape(-1, 3)
    points[(points == 0).all(axis=1)] = np.nan
    return Loaded(points, unit=unit)


def _grid(image: DoubleArray, pixel: tuple[float, float] | None) -> DoubleArray | None:
    """(h, w, 3) from three channels, first or last, or from heights (h, w); None without a pixel size."""
    if image.ndim == 3 and image.shape[2] not in (3, 4) and image.shape[0] in (3, 4):
        image = np.moveaxis(image, 0, 2)
    if image.ndim == 3 and image.shape[2] in (3, 4):
        return np.ascontiguousarray(image[:, :, :3])
    if image.ndim != 2:
        raise Refusal(f"holds an array of shape {image.shape}, not a grid of x, y, z", _AS_GRID)
    if pixel is None:
        return None
    rows, columns = np.indices(image.shape, dtype=np.float64)
    grid = np.stack([columns * pixel[0], rows * pixel[1], image], axis=2)
    grid[image == 0] = np.nan  # cameras' marker for no measurement
    return grid


def _pixel(file: Any, page: Any) -> tuple[tuple[float, float] | None, Unit]:
    """Width and height of a pixel, if the file states them for measuring, and their unit."""
    scale = page.tags.get(_PIXEL_SCALE)
    if scale is not None and len(scale.value) >= 2 and min(scale.value[:2]) > 0:
        return (float(scale.value[0]), float(scale.value[1])), UNKNOWN
    notes = file.imagej_metadata or {}
    unit = _UNITS.get(str(notes.get("unit", "")).lower())
    across, down = page.tags.get("XResolution"), page.tags.get("YResolution")
    if unit is None or across is None or down is None or not min(*across.value, *down.value) > 0:
        return None, UNKNOWN
    return (across.value[1] / across.value[0], down.value[1] / down.value[0]), unit
