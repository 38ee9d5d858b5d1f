"""Draws surfaces without a screen or OpenGL: triangles into a depth buffer, lit and shaded as in the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sedir_core.drawing.colour_maps import Rgb
from sedir_core.drawing.eye_dome import eye_dome
from sedir_core.drawing.joining import DrawnSurface
from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray, Triangles

AMBIENT, DIFFUSE, SPECULAR, SHINE = 0.36, 0.68, 0.05, 14.0
"""The window's light, which shines from the viewer."""
SMOOTHING = 2  # pixels drawn for each one of the picture, along either axis
AT_ONCE = 1 << 20  # pixels tested
CORNERS = np.stack([(np.cos(turn), np.sin(turn)) for turn in np.arange(6) * np.pi / 3])
FAN = np.array([(0, at, at + 1) for at in range(1, 5)])  # a hexagon
DOT_SPACINGS = 0.8  # radius of a point that belongs to no triangle

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Viewport:
    """What a picture shows: `half` units of length to all sides of the middle, at right angles to the camera.

    camera: (3, 3), rows are right, up and towards the viewer. middle: (2,) right and up. size: pixels along a side.
    """

    camera: DoubleArray
    middle: tuple[float, float]
    half: float
    size: int


def render(layers: Sequence[tuple[DrawnSurface, Rgb]], frame: Viewport) -> Picture:
    """(size, size, 4) RGBA with straight alpha, the top row first.

    layers: surfaces with the colours (n, 3) of their points.
    """
    places, triangles, normals, colours = _scene(layers, frame)
    side = SMOOTHING * frame.size
    depth, owner, shares = _covered(places, triangles, side)
    drawn = np.flatnonzero(owner >= 0)
    corners, weights = triangles[owner[drawn]], shares[drawn]
    mixed = np.einsum("pc,pcj->pj", weights, colours[corners].astype(np.float32))
    facing = np.einsum("pc,pcj->pj", weights, normals[corners])
    light = np.abs(facing[:, 2]) / np.maximum(np.linalg.norm(facing, axis=1), 1e-12)
    painted = np.zeros((side * side, 4), np.float32)
    shine = 255 * SPECULAR * light**SHINE
    painted[drawn, :3] = np.minimum(mixed * (AMBIENT + DIFFUSE * light)[:, None] + shine[:, None], 255)
    painted[drawn, 3] = 255
    relief = np.where(owner >= 0, -depth, np.nan).reshape(side, side)
    painted[:, :3] *= 1 - eye_dome(relief).reshape(-1, 1) / np.float32(255)
    mean = painted.reshape(frame.size, SMOOTHING, frame.size, SMOOTHING, 4).mean(axis=(1, 3))
    mean[..., :3] *= 255 / np.maximum(mean[..., 3:], 1)  # empty pixels are black with no alpha
    return np.asarray(np.rint(mean), np.uint8)


def _scene(
    layers: Sequence[tuple[DrawnSurface, Rgb]], frame: Viewport
) -> tuple[FloatArray, Triangles, FloatArray, NDArray[np.uint8]]:
    """Corners in pixels (m, 3), the larger the third the nearer; triangles; normals (m, 3) in the camera; colours."""
    camera, scale = frame.camera.T, SMOOTHING * frame.size / (2 * frame.half)
    around = np.pad(CORNERS, ((0, 0), (0, 1)))
    corner_lists, triangle_lists, normal_lists, colour_lists, count = [], [], [], [], 0
    for surface, rgb in layers:
        seen, facing = surface.points @ camera, surface.normals @ camera
        dots = (seen[surface.alone, None] + DOT_SPACINGS * surface.spacing * around).reshape(-1, 3)
        fans = len(seen) + len(CORNERS) * np.arange(len(surface.alone))[:, None, None] + FAN
        corner_lists += [seen, dots]
        triangle_lists.append(count + np.concatenate([surface.triangles, fans.reshape(-1, 3)]).astype(np.int64))
        normal_lists += [facing, np.repeat(facing[surface.alone], len(CORNERS), axis=0)]
        colour_lists += [rgb, np.repeat(rgb[surface.alone], len(CORNERS), axis=0)]
        count += len(seen) + len(dots)
    places = np.concatenate(corner_lists)
    places[:, :2] = (places[:, :2] - frame.middle) * (scale, -scale) + SMOOTHING * frame.size / 2
    return (
        places.astype(np.float32), np.concatenate(triangle_lists), np.concatenate(normal_lists).astype(np.float32),
        np.concatenate(colour_lists),
    )  # fmt: skip


def _covered(places: FloatArray, triangles: Triangles, side: int) -> tuple[FloatArray, IntArray, FloatArray]:
    """Of each pixel (side²): depth, the triangle nearest to the viewer or -1, and the shares (3,) of its corners."""
    depth = np.full(side * side, -np.inf, np.float32)
    owner = np.full(side * side, -1)
    shares = np.zeros((side * side, 3), np.float32)
    for pixels, owners, inside, depths in _fragments(places, triangles, side):
        np.maximum.at(depth, pixels, depths)
        first = depths == depth[pixels]
        owner[pixels[first]], shares[pixels[first]] = owners[first], inside[first]
    return depth, owner, shares


def _fragments(
    places: FloatArray, triangles: Triangles, side: int
) -> Iterator[tuple[IntArray, IntArray, FloatArray, FloatArray]]:
    """Pixels within triangles, which triangle, the shares of its corners, and depths; some at a time."""
    a, b, c = (places[triangles[:, corner]] for corner in range(3))
    low = np.ceil(np.minimum(np.minimum(a, b), c)[:, :2] - 0.5).clip(0, side).astype(np.int64)
    high = np.ceil(np.maximum(np.maximum(a, b), c)[:, :2] - 0.5).clip(0, side).astype(np.int64)
    wide, tall = np.maximum(high - low, 0).T
    slopes, flat = _slopes(a, b, c, low)
    counts = np.where(flat, 0, wide * tall)
    ends = counts.cumsum()
    n_tested = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(AT_ONCE, n_tested + AT_ONCE, AT_ONCE)) + 1
    for start, end in pairwise([0, *np.unique(np.minimum(cuts, len(triangles))).tolist()]):
        some = np.arange(start, end)
        at = np.repeat(some, counts[some])
        before = ends[some] - counts[some]
        place = np.arange(len(at)) - np.repeat(before - before[0], counts[some])
        line, column = np.divmod(place, wide[at])
        terms = slopes[at]
        values = terms[:, 0] + terms[:, 1] * column[:, None].astype(np.float32)
        values += terms[:, 2] * line[:, None].astype(np.float32)
        kept = np.flatnonzero((values[:, 0] >= 0) & (values[:, 1] >= 0) & (values[:, 0] + values[:, 1] <= 1))
        at, of_b, of_c = at[kept], values[kept, 0], values[kept, 1]
        inside = np.stack([1 - of_b - of_c, of_b, of_c], axis=1)
        yield (low[at, 1] + line[kept]) * side + low[at, 0] + column[kept], at, inside, values[kept, 2]


def _slopes(a: FloatArray, b: FloatArray, c: FloatArray, low: IntArray) -> tuple[FloatArray, BoolArray]:
    """(t, 3, 3): shares of corners b and c, and the depth, at a triangle's first pixel `low` (t, 2), and what each
    pixel to the right and below adds. Also which triangles are seen edge on (t,).
    """
    ab, ac, to_low = b - a, c - a, low + np.float32(0.5) - a[:, :2]
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    flat = area == 0
    area = np.where(flat, 1, area).astype(np.float32)
    right = np.stack([ac[:, 1], -ab[:, 1]], axis=1) / area[:, None]
    below = np.stack([-ac[:, 0], ab[:, 0]], axis=1) / area[:, None]
    first = right * to_low[:, :1] + below * to_low[:, 1:]
    shares = np.stack([first, right, below], axis=1)
    depth = shares[:, :, 0] * ab[:, 2:] + shares[:, :, 1] * ac[:, 2:]
    depth[:, 0] += a[:, 2]
    return np.concatenate([shares, depth[:, :, None]], axis=2).astype(np.float32), flat
