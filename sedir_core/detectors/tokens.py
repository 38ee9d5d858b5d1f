"""From an aligned cloud to the tokens a network reads: centres, nested groups, local features, geometry."""

from __future__ import annotations

import numpy as np
import torch

from sedir_core.config import GroupingConfig
from sedir_core.errors import TooFewPoints
from sedir_core.geometry.neighbours import nearest_groups
from sedir_core.geometry.sampling import farthest_points
from sedir_core.geometry.surface import local_variation
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.models.sedir import Tokens
from sedir_core.runtime import autocast
from sedir_core.types import DoubleArray


def resolutions(grouping: GroupingConfig) -> tuple[int, int, int]:
    """The three neighbourhood sizes: k divided by the ratio, k, k times the ratio; by default k/2, k, 2k."""
    k = grouping.group_size
    return int(k / grouping.ratio), k, int(k * grouping.ratio)


@torch.no_grad()
def tokenize(
    points: DoubleArray, grouping: GroupingConfig, encoder: LocalEncoder, device: torch.device, precision: str = "fp32"
) -> Tokens:
    """points: (n, 3) in the category's frame. Returns a batch of one on `device`.

    Scans with fewer points than tokens give fewer tokens. Raises TooFewPoints if there are fewer points than the
    coarsest neighbourhood has.
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
