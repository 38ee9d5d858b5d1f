"""Features of the peer methods: coordinates, point feature histograms, or Point-MAE tokens (method section 10).

Strides and sizes follow the published code, which sees some 150,000 points a scan. Where it takes every so many points
of the file, we take the same share in an order that follows from the coordinates, so that no file's order matters [O].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import nn

from sedir_core.config import Config
from sedir_core.detectors.inside import inside_vector, slices
from sedir_core.detectors.pictures import FILLED, SIDE, published_turns, seen_features, turns_around
from sedir_core.detectors.wide_features import wide_histograms
from sedir_core.geometry.fpfh import fpfh
from sedir_core.geometry.neighbours import interpolate, nearest_groups
from sedir_core.geometry.sampling import farthest_points, repeatable_order
from sedir_core.geometry.tree import PointTree
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.types import DoubleArray, FloatArray, IntArray

Channel = Literal[
    "raw coordinates",
    "raw histograms",
    "raw wide histograms",
    "histograms",
    "groups",
    "points",
    "coordinates",
    "views",
    "slices and groups",
]

TEST_STRIDE, BANK_STRIDE = 500, 100
FEWEST_TESTED, FEWEST_BANKED = 300, 1_500  # what these strides leave of 150,000 points
# Some published constants are in the scan's unit. Real3D-AD's parts have a radius of about 16 mm; ours have radius 1.
RADIUS_MM = 16.0
PICTURE_PATCHES = 784  # CPMF's 28 x 28 [R]
SMALLEST_PATCH = 9  # points [O]
PICTURE_BLUR = 4 / (FILLED * SIDE)  # radii: the published 4 pixels
BLURRED_OVER = 64  # neighbours
MOST_INTERPOLATED = 16_384  # points that M3DM's features are interpolated to: each takes the room of a token


@dataclass(frozen=True)
class Cloud:
    """A scan unaligned, points (n, 3) centred, and aligned (n, 3); both in radii of the part."""

    raw: DoubleArray
    aligned: DoubleArray

    def __len__(self) -> int:
        return len(self.aligned)


@dataclass(frozen=True)
class Patches:
    """features (m, d) of the cloud's points `picked` (m,). blur: see `to_points`."""

    features: FloatArray
    picked: IntArray
    blur: float = 0.0

    def to_points(self, values: DoubleArray, points: DoubleArray) -> DoubleArray:
        """(n,) point values, copied from the nearest picked point; values (m,), points (n, 3) of the cloud.

        Where there is a blur, interpolated between three, then averaged with a Gaussian of that width.
        """
        if self.blur:
            return blurred(interpolate(values, points[self.picked], points), points, self.blur)
        if len(self.picked) == len(points):
            everywhere = np.empty(len(points))
            everywhere[self.picked] = values
            return everywhere
        return np.asarray(values[PointTree(points[self.picked]).nearest(points)[1]])


@dataclass(frozen=True)
class FeatureExtractor:
    """Turns clouds into patches with features. encoder, backbone: None where no channel needs them."""

    config: Config
    encoder: LocalEncoder | None
    backbone: nn.Module | None
    device: torch.device

    def extract(self, channel: Channel, cloud: Cloud, banked: bool = False) -> Patches:
        """The patches of a scan in one channel. banked: for the memory bank rather than for scoring."""
        return _CHANNELS[channel](self, cloud, banked)

    def groups(self, cloud: Cloud, picked: IntArray) -> Patches:
        """Point-MAE's tokens of the groups around some points of the cloud, (m,) indices."""
        assert self.encoder is not None
        points = cloud.aligned.astype(np.float32)
        centres = points[picked]
        members = nearest_groups(points, centres, self.config.grouping.group_size)[1]
        groups = torch.from_numpy(points[members] - centres[:, None])[None].to(self.device)
        with torch.no_grad():
            places = torch.from_numpy(centres)[None].to(self.device)
            tokens = self.encoder.layered(groups, places, levels(self.encoder))
        return Patches(tokens[0].float().cpu().numpy(), picked)


def _raw_coordinates(extractor: FeatureExtractor, cloud: Cloud, banked: bool) -> Patches:
    picked = _strided(cloud.raw, banked)
    return Patches((RADIUS_MM * cloud.raw[picked]).astype(np.float32), picked)


def _raw_histograms(extractor: FeatureExtractor, cloud: Cloud, banked: bool) -> Patches:
    picked = _strided(cloud.raw, banked)
    return Patches(fpfh(cloud.raw, picked), picked)


def _raw_wide_histograms(extractor: FeatureExtractor, cloud: Cloud, banked: bool) -> Patches:
    return Patches(wide_histograms(cloud.raw), np.arange(len(cloud)))


def _histograms(extractor: FeatureExtractor, cloud: Cloud, banked: bool) -> Patches:
    everywhere = np.arange(len(cloud))
    return Patches(fpfh(cloud.aligned, everywhere), everywhere)


def _coordinates(extractor: FeatureExtractor, cloud: Cloud, banked: bool) -> Patches:
    return Patches((RADIUS_MM * cloud.aligned).astype(np.float32), np.arange(len(cloud)))


def _groups(extractor: FeatureExtractor, cloud: Cloud, banked: bool) -> Patches:
    """Point-MAE's tokens: the normed outputs of its blocks 4, 8 and 12, side by side."""
    points = cloud.aligned.astype(np.float32)
    return extractor.groups(cloud, farthest_points(points, min(extractor.config.grouping.n_groups, len(points))))


def _points(extractor: FeatureExtractor, cloud: Cloud, banked: bool) -> Patches:
    """The same, interpolated between the three nearest centres."""
    tokens = _groups(extractor, cloud, banked)
    picked = repeatable_order(cloud.aligned)[:MOST_INTERPOLATED]
    values = tokens.features.astype(np.float64)
    features = np.empty((len(picked), tokens.features.shape[1]), dtype=np.float32)
    for rows in np.array_split(np.arange(len(picked)), max(1, len(picked) // 2_048)):
        features[rows] = interpolate(values, cloud.aligned[tokens.picked], cloud.aligned[picked[rows]])
    return Patches(features, picked)


def _views(extractor: FeatureExtractor, cloud: Cloud, banked: bool) -> Patches:
    """CPMF: what pictures from many sides show, beside histograms; both of unit length, averaged over patches."""
    assert extractor.backbone is not None
    points = cloud.aligned
    turns = turns_around() if extractor.config.cpmf.views == "sphere" else published_turns()
    seen = seen_features(points, extractor.backbone, turns, extractor.device)
    features = np.concatenate([_unit(seen), _unit(fpfh(points, np.arange(len(points))))], axis=1)
    picked = farthest_points(points.astype(np.float32), min(PICTURE_PATCHES, len(points)))
    size = max(SMALLEST_PATCH, round(len(points) / PICTURE_PATCHES))
    members = PointTree(points).nearest_k(points[picked], size)[1]
    return Patches(features[members].mean(axis=1), picked, PICTURE_BLUR)


def _slices_and_groups(extractor: FeatureExtractor, cloud: Cloud, banked: bool) -> Patches:
    """ISMP: one vector of the whole scan's projections, the histograms and Point-MAE's tokens at the centres."""
    assert extractor.backbone is not None
    tokens = _groups(extractor, cloud, banked)
    whole = inside_vector(
        slices(cloud.aligned, extractor.config.ismp.order), extractor.backbone, extractor.config.ismp, extractor.device
    )
    local = fpfh(cloud.aligned, tokens.picked)
    everywhere = np.tile(whole, (len(local), 1))
    return Patches(np.concatenate([everywhere, local, tokens.features], axis=1), tokens.picked)


def _unit(features: FloatArray) -> FloatArray:
    """Rows normalised to unit length; zero rows are unchanged."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def blurred(values: DoubleArray, points: DoubleArray, width: float) -> DoubleArray:
    """(n,) the mean over neighbours, weighted by a Gaussian of that width, of values (n,) at points (n, 3)."""
    distances, around = PointTree(points).nearest_k(points, BLURRED_OVER)
    weights = np.exp(-0.5 * (distances / width) ** 2)
    return np.asarray((values[around] * weights).sum(axis=1) / weights.sum(axis=1))


def levels(encoder: LocalEncoder) -> tuple[int, ...]:
    """Thirds of the encoder's depth: 4, 8, 12 of Point-MAE's twelve blocks, 1, 2 of two."""
    return tuple(sorted({-(-encoder.depth * third // 3) for third in (1, 2, 3)}))


def _strided(points: DoubleArray, banked: bool) -> IntArray:
    stride, fewest = (BANK_STRIDE, FEWEST_BANKED) if banked else (TEST_STRIDE, FEWEST_TESTED)
    return repeatable_order(points)[: max(len(points) // stride, fewest)]


_CHANNELS: Mapping[Channel, Callable[[FeatureExtractor, Cloud, bool], Patches]] = {
    "raw coordinates": _raw_coordinates,
    "raw histograms": _raw_histograms,
    "raw wide histograms": _raw_wide_histograms,
    "histograms": _histograms,
    "groups": _groups,
    "points": _points,
    "coordinates": _coordinates,
    "views": _views,
    "slices and groups": _slices_and_groups,
}
NEEDS_ENCODER: frozenset[Channel] = frozenset({"groups", "points", "slices and groups"})
NEEDS_BACKBONE: frozenset[Channel] = frozenset({"views", "slices and groups"})
