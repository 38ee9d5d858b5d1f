"""Renders a cloud from many sides and samples a pretrained backbone's features at each point (CPMF).

Orthographic, at a scale that the category's frame sets: a broken part must not grow to fill the picture. Shading
carries the shape and needs no orientation of the normals [O].
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sedir_core.geometry.surface import normals_and_curvature
from sedir_core.models.efficientnet import (
    STRIDE_4,
    STRIDE_8,
    STRIDE_16,
    EfficientNetLite0,
    ResNet18,
    to_imagenet,
    to_input,
)
from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray

SIDE = 224  # pixels [R]
FILLED = 0.45  # of the width is the frame's radius [O]
SPLAT = 5  # pixels: Open3D's default size of points [R]
GREY, BACKGROUND = 0.5, 1.0  # [R]
SEEN_WITHIN = 2.0  # pixels of depth behind what is nearest there, and what half a splat covers of a slope [O]
STEEPEST = 5.0
TURN_DEGREES = (0.0, -15.0, 15.0)  # about x, y, z: 27 views, the first one straight [R]
NORMAL_NEIGHBOURS = 30
AT_ONCE = 9  # views


@dataclass(frozen=True)
class Projection:
    """picture: (224, 224) grey 0..1. rows, columns: (n,) pixel of each point. seen: (n,) whether it is visible."""

    picture: FloatArray
    rows: IntArray
    columns: IntArray
    seen: BoolArray


def published_turns() -> DoubleArray:
    """(27, 3, 3) small turns about the front, the first the identity [R]."""
    return np.array([_turn(x, 0) @ _turn(y, 1) @ _turn(z, 2) for x, y, z in product(TURN_DEGREES, repeat=3)])


def turns_around() -> DoubleArray:
    """(27, 3, 3) that bring 26 directions all around a part, and an oblique one, to the front [O]."""
    directions = [d for d in product((-1.0, 0.0, 1.0), repeat=3) if any(d)]
    return np.array([_to_front(np.array(d)) for d in [*directions, (0.5, 0.3, 0.8)]])


def view(points: DoubleArray, normals: DoubleArray, turn: DoubleArray) -> Projection:
    """points: (n, 3) in radii of the frame. normals: (n, 3), of any sign. The viewer looks against the z axis."""
    turned, facing = points @ turn.T, np.abs(normals @ turn[2])
    pixels = turned * FILLED * SIDE
    columns = np.clip((pixels[:, 0] + SIDE / 2).astype(np.int64), 0, SIDE - 1)
    rows = np.clip((SIDE / 2 - pixels[:, 1]).astype(np.int64), 0, SIDE - 1)
    depth = -pixels[:, 2]
    order = np.argsort(-depth, kind="stable")  # the nearest is written last
    nearest = np.full((SIDE, SIDE), np.inf)
    picture = np.full((SIDE, SIDE), BACKGROUND)
    reach = range(-(SPLAT // 2), SPLAT // 2 + 1)
    for down, right in product(reach, repeat=2):
        at = (rows[order] + down, columns[order] + right)
        inside = (at[0] >= 0) & (at[0] < SIDE) & (at[1] >= 0) & (at[1] < SIDE)
        at, who = (at[0][inside], at[1][inside]), order[inside]
        last = np.full((SIDE, SIDE), -1, dtype=np.int64)
        last[at] = who
        found = last >= 0
        closer = found & (np.where(found, depth[last], np.inf) < nearest)
        nearest[closer] = depth[last[closer]]
        picture[closer] = GREY * facing[last[closer]]
    slope = np.sqrt(np.maximum(1 - facing**2, 0)) / np.maximum(facing, 1 / STEEPEST)
    seen = depth <= nearest[rows, columns] + SEEN_WITHIN + SPLAT / 2 * slope
    return Projection(picture.astype(np.float32), rows, columns, seen)


@torch.no_grad()
def seen_features(points: DoubleArray, backbone: nn.Module, turns: DoubleArray, device: torch.device) -> FloatArray:
    """(n, c) backbone features at each point, averaged over the views that show it; 0 if none does.

    points: (n, 3) in radii of the frame.
    """
    normals = normals_and_curvature(points, NORMAL_NEIGHBOURS)[0]
    total: FloatArray | None = None
    count = np.zeros(len(points))
    for start in range(0, len(turns), AT_ONCE):
        views = [view(points, normals, turn) for turn in turns[start : start + AT_ONCE]]
        pictures = torch.from_numpy(np.stack([one.picture for one in views])).to(device)
        maps = picture_maps(backbone, pictures)
        for i, one in enumerate(views):
            read = np.concatenate([_read(each[i], one, device) for each in maps], axis=1)
            total = np.zeros_like(read) if total is None else total
            total[one.seen] += read[one.seen]
            count += one.seen
    assert total is not None
    return np.asarray(total / np.maximum(count, 1)[:, None], dtype=np.float32)


def picture_maps(backbone: nn.Module, pictures: Tensor) -> list[Tensor]:
    """The maps (B, c, h, w) at strides 4, 8 and 16 of grey pictures (B, 224, 224)."""
    if isinstance(backbone, EfficientNetLite0):
        return backbone.features(to_input(pictures), (STRIDE_4, STRIDE_8, STRIDE_16))
    assert isinstance(backbone, ResNet18)
    found: list[Tensor] = backbone(to_imagenet(pictures))
    return found


def _read(feature_map: Tensor, one: Projection, device: torch.device) -> FloatArray:
    """(n, c) the map (c, h, w), enlarged to the picture's size, at each point's pixel."""
    places = np.stack([(2 * one.columns + 1) / SIDE - 1, (2 * one.rows + 1) / SIDE - 1], axis=1).astype(np.float32)
    grid = torch.from_numpy(places).to(device)[None, None]
    found = F.grid_sample(feature_map[None], grid, align_corners=False, padding_mode="border")
    values: FloatArray = found[0, :, 0].T.float().cpu().numpy()
    return values


def _turn(degrees: float, axis: int) -> DoubleArray:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turn = np.eye(3)
    turn[i, i] = turn[j, j] = cos
    turn[i, j], turn[j, i] = -sin, sin
    return turn


def _to_front(direction: DoubleArray) -> DoubleArray:
    """A rotation that brings a direction to the z axis."""
    front = direction / np.linalg.norm(direction)
    aside = np.eye(3)[int(np.abs(front).argmin())]
    right = np.cross(aside, front)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(front, right), front])
