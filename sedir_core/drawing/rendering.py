"""Draws surfaces without a screen or OpenGL: a ray for each pixel, lit and shaded as in the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedir_core.drawing.colour_maps import Rgb
from sedir_core.drawing.eye_dome import eye_dome
from sedir_core.drawing.joining import DrawnSurface
from sedir_core.types import DoubleArray, FloatArray, IntArray, Triangles

AMBIENT, DIFFUSE, SPECULAR, SHINE = 0.36, 0.68, 0.05, 14.0
"""The window's light, which shines from the viewer."""
SMOOTHING = 2  # pixels drawn for each one of the picture, along either axis
ROWS_AT_ONCE = 128  # of the picture: all rays together take hundreds of megabytes
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
    if len(places):
        places[:, 2] = (places[:, 2] - places[:, 2].mean()) * scale
    return (
        places.astype(np.float32), np.concatenate(triangle_lists), np.concatenate(normal_lists).astype(np.float32),
        np.concatenate(colour_lists),
    )  # fmt: skip


def _covered(places: FloatArray, triangles: Triangles, side: int) -> tuple[FloatArray, IntArray, FloatArray]:
    """Of each pixel (side²): depth, the triangle nearest to the viewer or -1, and the shares (3,) of its corners."""
    import open3d as o3d

    depth = np.full(side * side, -np.inf, np.float32)
    owner = np.full(side * side, -1)
    shares = np.zeros((side * side, 3), np.float32)
    if not len(triangles):
        return depth, owner, shares
    scene = o3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(o3d.core.Tensor.from_numpy(places), o3d.core.Tensor.from_numpy(triangles.astype(np.uint32)))
    rays = np.zeros((ROWS_AT_ONCE, side, 6), np.float32)
    rays[..., 0] = np.arange(side) + 0.5
    rays[..., 2], rays[..., 5] = places[:, 2].max() + 1, -1  # downwards, from above everything
    for first in range(0, side, ROWS_AT_ONCE):
        band = rays[: side - first]
        band[..., 1] = np.arange(first, first + len(band))[:, None] + 0.5
        found = scene.cast_rays(o3d.core.Tensor.from_numpy(band), nthreads=1)
        hit = np.isfinite(found["t_hit"].numpy().ravel())
        pixels, of_bc = first * side + np.flatnonzero(hit), found["primitive_uvs"].numpy().reshape(-1, 2)[hit]
        owner[pixels] = found["primitive_ids"].numpy().ravel()[hit]
        shares[pixels] = np.column_stack([1 - of_bc.sum(axis=1), of_bc])
        depth[pixels] = np.einsum("pc,pc->p", shares[pixels], places[triangles[owner[pixels]], 2])
    return depth, owner, shares
