"""From an aligned cloud to the tokens a network reads: centres, nested groups, local features, geometry; and back."""

from __future__ import annotations

import numpy as np
import torch

from sedir_core.config import GroupingConfig
from sedir_core.errors import TooFewPoints
from sedir_core.evidence.category import View
from sedir_core.evidence.numbers import COVERAGE
from sedir_core.evidence.stages import least_points, whole_points
from sedir_core.geometry.neighbours import nearest_groups
from sedir_core.geometry.sampling import farthest_points
from sedir_core.geometry.surface import local_frames, local_variation
from sedir_core.geometry.tree import PointTree
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.models.sedir import Rebuilt, Tokens
from sedir_core.runtime import autocast
from sedir_core.types import BoolArray, DoubleArray


def resolutions(grouping: GroupingConfig) -> tuple[int, int, int]:
    """The three neighbourhood sizes: k divided by the ratio, k, k times the ratio; by default k/2, k, 2k."""
    k = grouping.group_size
    return int(k / grouping.ratio), k, int(k * grouping.ratio)


def seen_of(n_points: int, view: View, grouping: GroupingConfig) -> int:
    """Number of points that makes a view as dense as that many on the whole part, and enough to be grouped."""
    return max(round(n_points * view.share), least_points(grouping))


def for_tokens(aligned: DoubleArray, view: View | None, grouping: GroupingConfig) -> DoubleArray:
    """The points (m, 3) to be grouped, out of those (n, 3), in random order, that are aligned and compared.

    A single-view scan is thinned to the density of a whole one, so that groups are as large as in training.
    """
    most = whole_points(grouping)
    return aligned[: most if view is None else seen_of(most, view, grouping)]


@torch.no_grad()
def tokenize(
    points: DoubleArray, grouping: GroupingConfig, encoder: LocalEncoder, device: torch.device, precision: str = "fp32"
) -> Tokens:
    """points: (n, 3) in the category's frame. Returns a batch of one on `device`.

    Scans with fewer points than tokens give fewer tokens. Raises TooFewPoints if there are fewer points than in the
    coarsest neighbourhood.
    """
    sizes = resolutions(grouping)
    if len(points) < sizes[-1]:
        raise TooFewPoints("scan", f"{len(points)} points, the model groups {sizes[-1]}", "scan more densely")
    cloud = points.astype(np.float32)
    picked = farthest_points(cloud, min(grouping.n_groups, len(points)))
    centres = cloud[picked]
    members = nearest_groups(cloud, centres, sizes[-1])[1]
    groups = torch.from_numpy(cloud[members] - centres[:, None]).to(device)
    centers = torch.from_numpy(centres)[None].to(device)
    with autocast(device, precision):
        features = encoder.nested(groups[None], centers, sizes)
    geometry = torch.from_numpy(local_variation(points, picked).astype(np.float32))[None].to(device)
    return Tokens(features.float(), centers, geometry)


def cut_groups(scan: PointTree, centres: DoubleArray) -> BoolArray:
    """(N,) which centres (N, 3) lie where the points (n, 3) of a scan end: at a rim, at a shadow's edge.

    Half of the group is missing there, which says nothing about the part.
    """
    points, around = scan.points, scan.nearest_k(centres, COVERAGE.group_points)[1]
    normals = local_frames(points, around)[1][:, :, 0]
    away = points[around] - centres[:, None]
    middle = away.mean(axis=1)
    beside = middle - np.einsum("ij,ij->i", middle, normals)[:, None] * normals
    reach = np.linalg.norm(away, axis=2).max(axis=1)
    return np.asarray(np.linalg.norm(beside, axis=1) > COVERAGE.cut_group * reach)


def centres_of(tokens: Tokens) -> DoubleArray:
    """(N, 3) group centres of a batch of one."""
    return np.asarray(tokens.centers[0].double().cpu().numpy())


def residuals_of(tokens: Tokens, rebuilt: Rebuilt) -> DoubleArray:
    """(N,) L2 distances of the base tokens to their reconstruction."""
    return np.asarray((tokens.features[1, 0] - rebuilt.rebuilt[0]).norm(dim=-1).double().cpu().numpy())
