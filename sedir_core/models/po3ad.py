"""PO3AD's network: a sparse U-Net that says how far every point of a cloud was moved (Ye et al., CVPR 2025).

The backbone is MinkUNet34C of the public code, rebuilt on `models.sparse`; parameters of the head are named as there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sedir_core.models.layers import initial_normal
from sedir_core.models.sparse import Level, Pairs, SparseConvolution, backwards

WIDTH = 32
DOWN, UP = (32, 64, 128, 256), (256, 128, 96, 96)
BLOCKS_DOWN, BLOCKS_UP = (2, 3, 4, 6), (2, 2, 2, 2)
ONE_BLOCK = (1, 1, 1, 1)


@dataclass(frozen=True)
class Voxels:
    """What a cloud looks like to the network. levels: five, each of twice the stride of the one before.

    inside: 5³ pairs of the first, then 3³ pairs of each. down: 2³ pairs to the next level.
    """

    levels: tuple[Level, ...]
    stem: Pairs
    inside: tuple[Pairs, ...]
    down: tuple[Pairs, ...]


class Po3ad(nn.Module):
    """Offsets of points, (n, 3), from where they are.

    width: of the first layer, all others in proportion to 32. voxel: side, in units of the points.
    """

    def __init__(
        self,
        voxel: float = 0.03,
        width: int = WIDTH,
        blocks_down: Sequence[int] = BLOCKS_DOWN,
        blocks_up: Sequence[int] = BLOCKS_UP,
    ) -> None:
        super().__init__()
        self.voxel = voxel
        self.backbone = SparseUNet(width, blocks_down, blocks_up)
        self.linear_offset = offset_head(width)

    def forward(self, clouds: Sequence[Tensor]) -> Tensor:
        """Clouds of (n_i, 3) points -> (sum of n_i, 3) offsets. Every point has its voxel's."""
        features, rows = self.features(clouds)
        offsets: Tensor = self.linear_offset(features)
        return offsets[rows]

    def features(self, clouds: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """What the backbone sees at each voxel, (v, width), and the voxel of each point, (sum of n_i,)."""
        points = torch.cat(list(clouds))
        sizes = torch.tensor([len(cloud) for cloud in clouds], device=points.device)
        batch = torch.arange(len(clouds), device=points.device).repeat_interleave(sizes)
        coords = torch.cat((batch[:, None], torch.floor(points / self.voxel).long()), dim=1)
        level, rows = Level.of(coords)
        seen: Tensor = self.backbone(points[_first_of(rows, len(level))], voxels_of(level))
        return seen, rows


class SparseUNet(nn.Module):
    """MinkUNet34C: four strided stages of residual blocks and back, (n, 3) -> (n, width)."""

    def __init__(self, width: int, blocks_down: Sequence[int], blocks_up: Sequence[int]) -> None:
        super().__init__()
        if width % WIDTH and (WIDTH % width or width < 8):
            raise ValueError(f"width {width} is no multiple of {WIDTH}, nor 16 or 8")
        down, up = ([one * width // WIDTH for one in widths] for widths in (DOWN, UP))
        self.stem, self.stem_norm = SparseConvolution(3, width, 125), nn.BatchNorm1d(width)
        before = [width, *down]
        self.strided = nn.ModuleList(_Step(one) for one in before[:4])
        self.encoder = nn.ModuleList(
            _Stage(wide, own, n) for wide, own, n in zip(before[:4], down, blocks_down, strict=True)
        )
        skips = before[3::-1]
        self.raised = nn.ModuleList(_Step(wide, own) for wide, own in zip([down[3], *up[:3]], up, strict=True))
        self.decoder = nn.ModuleList(
            _Stage(own + skip, own, n) for own, skip, n in zip(up, skips, blocks_up, strict=True)
        )
        self.last = SparseConvolution(up[3], width, 1, bias=True)

    def forward(self, features: Tensor, voxels: Voxels) -> Tensor:
        """features (n, 3) of the first level's voxels -> (n, width)."""
        at = F.relu(self.stem_norm(self.stem(features, voxels.stem, len(voxels.levels[0]))))
        skips = [at]
        for i, (strided, stage) in enumerate(zip(self.strided, self.encoder, strict=True)):
            at = strided(at, voxels.down[i], len(voxels.levels[i + 1]))
            at = stage(at, voxels.inside[i + 1])
            skips.append(at)
        skips.pop()
        for i, (raised, stage) in zip((3, 2, 1, 0), zip(self.raised, self.decoder, strict=True), strict=True):
            at = raised(at, backwards(voxels.down[i]), len(voxels.levels[i]))
            at = torch.cat((at, skips.pop()), dim=1)
            at = stage(at, voxels.inside[i])
        rows = torch.arange(len(at), device=at.device)
        out: Tensor = self.last(at, [(rows, rows)], len(at))
        return out


class _Step(nn.Module):
    """To the next level, coarser or finer: a 2³ convolution, normalised."""

    def __init__(self, width: int, width_out: int | None = None) -> None:
        super().__init__()
        self.conv = SparseConvolution(width, width_out or width, 8)
        self.norm = nn.BatchNorm1d(width_out or width)

    def forward(self, features: Tensor, pairs: Pairs, n_out: int) -> Tensor:
        return F.relu(self.norm(self.conv(features, pairs, n_out)))


class _Block(nn.Module):
    """Two 3³ convolutions and the way around them."""

    def __init__(self, width: int, width_out: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = SparseConvolution(width, width_out, 27), SparseConvolution(width_out, width_out, 27)
        self.norm1, self.norm2 = nn.BatchNorm1d(width_out), nn.BatchNorm1d(width_out)
        self.around: nn.Module = nn.Identity()
        if width != width_out:
            across = nn.Linear(width, width_out, bias=False)
            initial_normal(across.weight, (2 / width_out) ** 0.5)  # Kaiming's, by fan-out
            self.around = nn.Sequential(across, nn.BatchNorm1d(width_out))

    def forward(self, features: Tensor, pairs: Pairs) -> Tensor:
        n = len(features)
        inner = F.relu(self.norm1(self.conv1(features, pairs, n)))
        return F.relu(self.norm2(self.conv2(inner, pairs, n)) + self.around(features))


class _Stage(nn.Module):
    """Residual blocks on one level."""

    def __init__(self, width: int, width_out: int, n_blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Block(width if i == 0 else width_out, width_out) for i in range(n_blocks))

    def forward(self, features: Tensor, pairs: Pairs) -> Tensor:
        for block in self.blocks:
            features = block(features, pairs)
        return features


def offset_head(width: int = WIDTH) -> nn.Sequential:
    """The layers from a voxel's features to its offset."""
    return nn.Sequential(
        nn.Linear(width, width, bias=False),
        nn.BatchNorm1d(width),
        nn.PReLU(),
        nn.Linear(width, width // 2, bias=False),
        nn.BatchNorm1d(width // 2),
        nn.PReLU(),
        nn.Linear(width // 2, 3),
    )


def voxels_of(level: Level) -> Voxels:
    """All that the layers share, from the finest level."""
    levels, down = [level], []
    for _ in range(4):
        coarser, pairs = levels[-1].coarser()
        levels.append(coarser)
        down.append(pairs)
    return Voxels(tuple(levels), level.around(5), tuple(one.around(3) for one in levels), tuple(down))


def offset_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean over points of the L1 distance, minus that of the cosine; a point that was not moved has cosine 0 [R]."""
    distance = (predicted - target).abs().sum(dim=-1).mean()
    first, second = (one / (one.norm(dim=-1, keepdim=True) + 1e-8) for one in (predicted, target))
    loss: Tensor = distance - (first * second).sum(dim=-1).mean()
    return loss


def offset_scores(offsets: Tensor) -> Tensor:
    """(n, 3) -> (n,) L1 length: the score of a point; the mean of all is the object's [R]."""
    return offsets.abs().sum(dim=-1)


def _first_of(rows: Tensor, n: int) -> Tensor:
    """(n,) for each voxel the first of the points (m,) that lie in it."""
    order = torch.arange(len(rows), device=rows.device)
    first = torch.full((n,), len(rows), dtype=torch.int64, device=rows.device)
    return first.scatter_reduce(0, rows, order, "amin")
