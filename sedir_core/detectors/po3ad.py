"""PO3AD on one scan: the length of the offset that its network predicts for each point (Ye et al., CVPR 2025).

As published [R]: one pass; a point's score is the L1 length, the scan's is their mean; nothing is smoothed. Ours [O]:
the scan comes aligned, in the category's frame, so that a broken part is not rescaled (`norm`).
"""

from __future__ import annotations

import numpy as np
from torch import nn

from sedir_core.config import Config, Po3adConfig
from sedir_core.detectors.category_networks import NetworkDetector, NetworkOutput, to_tensor
from sedir_core.detectors.peer_features import Cloud
from sedir_core.models.po3ad import BLOCKS_DOWN, BLOCKS_UP, ONE_BLOCK, Po3ad, offset_scores
from sedir_core.types import DoubleArray


class Po3adDetector(NetworkDetector):
    """A sparse U-Net per category; the reconstruction is the scan minus the offsets."""

    @staticmethod
    def build(config: Config) -> Po3ad:
        """See `NetworkDetector.build`."""
        cfg = config.po3ad
        down, up = (BLOCKS_DOWN, BLOCKS_UP) if cfg.blocks == "published" else (ONE_BLOCK, ONE_BLOCK)
        return Po3ad(cfg.voxel, int(cfg.width), down, up)

    def infer(self, network: nn.Module, cloud: Cloud) -> NetworkOutput:
        """See `NetworkDetector.infer`."""
        points, centre, radius = normed(cloud.aligned, self.config.po3ad)
        assert isinstance(network, Po3ad)
        features, rows = network.features([to_tensor(points, self.device)])
        offsets = network.linear_offset(features)[rows]
        scores = offset_scores(offsets).double().cpu().numpy()
        rebuilt = (points - offsets.double().cpu().numpy()) * radius + centre
        return NetworkOutput(scores[None], rebuilt, features.mean(dim=0).float().cpu().numpy(), float(scores.mean()))


def normed(points: DoubleArray, cfg: Po3adConfig) -> tuple[DoubleArray, DoubleArray, float]:
    """Normalised points (n, 3), with the subtracted centre (3,) and the divisor."""
    if cfg.norm == "frame":
        return points, np.zeros(3), 1.0
    centre = points.mean(axis=0)
    radius = max(float(np.linalg.norm(points - centre, axis=1).max()), 1e-12)
    return (points - centre) / radius, centre, radius
