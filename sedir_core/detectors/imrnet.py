"""After IMRNet: patches are masked and reconstructed iteratively, so that normal shape replaces defects.

No code of it was ever published (Li et al., CVPR 2024): the structure follows the paper, its supplement and Point-MAE,
most constants are ours [O]. Three rounds, each beginning with what the one before made; what changed is the anomaly,
at the points (distance to the rebuilt cloud) and in the encoder's tokens, brought to one scale by held-out good scans.
Every patch is hidden at least once (`imrnet.masks = cover`); random masks would leave a fifth of them untouched.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from sedir_core.config import Config, ImrnetConfig
from sedir_core.detectors.by_place import smoothed
from sedir_core.detectors.category_given import CloudScores
from sedir_core.detectors.category_networks import NetworkDetector, NetworkOutput, content_generator
from sedir_core.detectors.peer_features import Cloud
from sedir_core.detectors.wide_features import geometry_change
from sedir_core.geometry.neighbours import interpolate, nearest_groups
from sedir_core.geometry.sampling import farthest_points, repeatable_order
from sedir_core.geometry.tree import PointTree
from sedir_core.models.imrnet import MaskedAutoencoder
from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray

CHANGING_SHARE = 0.3  # share of the points with the largest surface change, which get half of the samples [O]
SMOOTHED_OVER = 16  # neighbours [O]
TOP_SHARE = 0.01  # share of the highest point scores whose mean is the object score [O]


class ImrnetDetector(NetworkDetector):
    """A masked autoencoder per category; the reconstruction is the cloud after the last round."""

    @staticmethod
    def build(config: Config) -> MaskedAutoencoder:
        """See `NetworkDetector.build`."""
        enc, cfg = config.encoder, config.imrnet
        return MaskedAutoencoder(enc.width, enc.hidden, enc.heads, cfg.depth, cfg.decoder_depth, cfg.patch_size)

    def infer(self, network: nn.Module, cloud: Cloud) -> NetworkOutput:
        """See `NetworkDetector.infer`."""
        assert isinstance(network, MaskedAutoencoder)
        cfg = self.config.imrnet
        ordered = cloud.aligned[repeatable_order(cloud.aligned)]
        few = ordered[changing_points(ordered, geometry_change(ordered), cfg.points)].astype(np.float32)
        centres = few[farthest_points(few, min(cfg.patches, len(few)))]
        rebuilt = rebuild(network, few, centres, cfg, content_generator(ordered, "cpu", "imrnet"))
        tokens = [self._tokens(network, points, centres) for points in (few, rebuilt)]
        away = PointTree(rebuilt).nearest(cloud.aligned)[0]
        changed = np.linalg.norm(tokens[0] - tokens[1], axis=1).astype(np.float64)
        at_points = interpolate(changed, centres.astype(np.float64), cloud.aligned)
        channels = np.stack([np.maximum(away - np.median(away), 0), at_points])
        return NetworkOutput(channels, rebuilt.astype(np.float64), tokens[0].mean(axis=0))

    def conclude(self, inferred: NetworkOutput, cloud: Cloud, scale: DoubleArray) -> CloudScores:
        """See `NetworkDetector.conclude`: the mean of both channels, smoothed."""
        low, high = scale.T[..., None]
        scores = smoothed(((inferred.channels - low) / (high - low)).mean(axis=0), cloud.aligned, SMOOTHED_OVER)
        scores = np.maximum(scores, 0)
        if self.config.imrnet.object_score == "max":
            score = float(scores.max())
        else:
            score = float(np.sort(scores)[-max(1, int(TOP_SHARE * len(scores))) :].mean())
        return CloudScores(scores, score, inferred.token, rebuilt=inferred.rebuilt)

    def _tokens(self, network: MaskedAutoencoder, points: FloatArray, centres: FloatArray) -> FloatArray:
        groups = patches_of(points, centres, network.patch_size)
        seen = network.encode(_batch(groups, self.device), _batch(centres, self.device))[0]
        tokens: FloatArray = seen.float().cpu().numpy()
        return tokens


def rebuild(
    network: MaskedAutoencoder, points: FloatArray, centres: FloatArray, cfg: ImrnetConfig, generator: torch.Generator
) -> FloatArray:
    """The cloud (m, 3) after all rounds; centres (N, 3) stay where the first round put them.

    A point belongs to the patch of its nearest centre, so that neighbouring patches do not fill one place twice; what
    lies beyond the reach of its patch stays.
    """
    device, tree = next(network.parameters()).device, PointTree(centres)
    for hidden in masks(len(centres), cfg, generator):
        distances = nearest_groups(points, centres, network.patch_size)[0]
        groups = patches_of(points, centres, network.patch_size)
        flags = torch.from_numpy(hidden).to(device)
        drawn = network.rebuild(_batch(groups, device), _batch(centres, device), flags)[0].float().cpu().numpy()
        away, nearest = tree.nearest(points)
        stays = ~hidden[nearest] | (away > distances[nearest, -1])
        new = (drawn + centres[hidden][:, None]).reshape(-1, 3)
        own = tree.nearest(new)[1] == np.repeat(np.flatnonzero(hidden), network.patch_size)
        points = np.concatenate([points[stays], new[own]])
        if len(points) < network.patch_size:  # an untrained network may collapse everything to one place
            points = np.concatenate([points, new])
    return points


def masks(n_patches: int, cfg: ImrnetConfig, generator: torch.Generator) -> list[BoolArray]:
    """Which patches (N,) are hidden in each round: a share of them, and in all rounds together each, if they are to."""
    count = max(1, int(cfg.ratio * n_patches))
    order = torch.randperm(n_patches, generator=generator).numpy()
    found = []
    for turn in range(cfg.rounds):
        if cfg.masks == "random":
            chosen = torch.randperm(n_patches, generator=generator).numpy()[:count]
        else:
            least = -(-n_patches // cfg.rounds)
            chosen = np.take(order, np.arange(turn * least, turn * least + max(count, least)), mode="wrap")
        hidden = np.zeros(n_patches, dtype=np.bool_)
        hidden[chosen] = True
        found.append(hidden)
    return found


def changing_points(points: DoubleArray, changes: DoubleArray, count: int) -> IntArray:
    """Indices of at most `count` of points (n, 3), half of them where the surface changes most (after IMRNet's GPS)."""
    if len(points) <= count:
        return np.arange(len(points))
    order = np.argsort(-changes, kind="stable")
    cut = max(2, int(CHANGING_SHARE * len(points)))
    halves = []
    for indices, wanted in ((order[:cut], count // 2), (order[cut:], count - count // 2)):
        some = points[indices].astype(np.float32)
        halves.append(indices[farthest_points(some, min(wanted, len(some)))])
    return np.sort(np.concatenate(halves))


def patches_of(points: FloatArray, centres: FloatArray, size: int) -> FloatArray:
    """(N, size, 3) the points nearest to each centre (N, 3), minus it; of a cloud with fewer, some twice."""
    members = nearest_groups(points, centres, size)[1]
    if members.shape[1] < size:
        members = np.take(members, np.arange(size), axis=1, mode="wrap")
    return np.asarray(points[members] - centres[:, None], dtype=np.float32)


def _batch(array: FloatArray, device: torch.device) -> Tensor:
    return torch.from_numpy(array)[None].to(device)
