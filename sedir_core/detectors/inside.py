"""ISMP's internal views: four projections of a cloud onto planes, encoded as one vector by a backbone."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import nn

from sedir_core.config import IsmpConfig
from sedir_core.models.efficientnet import LAST, EfficientNetLite0, to_input
from sedir_core.types import DoubleArray, FloatArray

SIDE = 224  # pixels [R]
INSIDE_WIDTH = 320
FRAME = (np.full(3, -1.0), np.full(3, 1.0))
"""Bounds of the projections: the category's frame, so that a defect does not rescale them [O]."""


def slices(
    points: DoubleArray,
    order: Literal["depth", "published"] = "depth",
    bounds: tuple[DoubleArray, DoubleArray] = FRAME,
) -> FloatArray:
    """(4, 224, 224) greys 0..255: all points from above and from below, the upper and the lower half from the middle.

    points: (n, 3). A pixel shows the point nearest to the plane, or as published the last that falls there [R].
    """
    low, high = bounds
    places = np.clip((points - low) / np.maximum(high - low, 1e-12), 0, 1)
    columns, rows = (np.trunc((SIDE - 1) * places[:, axis]).astype(np.int64) for axis in (0, 1))
    height, middle = points[:, 2], (low[2] + high[2]) / 2
    upper, lower = height >= middle, height <= middle
    everything = np.ones(len(points), dtype=bool)
    depths = (
        (everything, high[2] - height, high[2] - low[2]),
        (everything, height - low[2], high[2] - low[2]),
        (upper, height - middle, high[2] - middle),
        (lower, middle - height, middle - low[2]),
    )
    return np.stack([_picture(rows[of], columns[of], depth[of], deepest, order) for of, depth, deepest in depths])


def _picture(rows: np.ndarray, columns: np.ndarray, depth: DoubleArray, deepest: float, order: str) -> FloatArray:
    greys = np.trunc(255 * (1 - np.clip(depth / max(deepest, 1e-12), 0, 1)))
    written = np.argsort(greys, kind="stable") if order == "depth" else np.arange(len(greys))
    picture = np.zeros((SIDE, SIDE), dtype=np.float32)
    picture[rows[written], columns[written]] = greys[written]  # the last write to a pixel wins
    return picture


@torch.no_grad()
def inside_vector(pictures: FloatArray, backbone: nn.Module, cfg: IsmpConfig, device: torch.device) -> FloatArray:
    """(320,) the last feature map: maximum over positions, mean over pictures."""
    assert isinstance(backbone, EfficientNetLite0)
    seen = torch.from_numpy(pictures).to(device)
    seen = to_input(seen / 255) if cfg.normalise == "network" else seen[:, None].expand(-1, 3, -1, -1)
    (maps,) = backbone.features(seen, (LAST,))
    vector: FloatArray = maps.amax(dim=(2, 3)).mean(dim=0).cpu().numpy()
    return vector
