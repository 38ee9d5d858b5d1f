"""The good surface of every category as the zero level of a learned function, which never sees the scan it judges. [O]

Identity selects sparse grids of features, the place interpolates between them, and a small network that all categories
share decodes the signed distance (sparse grids: Takikawa et al. 2021, Müller et al. 2022). As nothing of the scan is
read but where its points lie, a defect cannot be copied into its own reconstruction.

Everything is there FOLDS times, fitted to different training parts: a held-out part is judged by the fold that never
saw it, a new scan by the mean of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sedir_core.models.folds import FOLDS
from sedir_core.models.weighted_rows import weighted_rows

EVERY = slice(None)


@dataclass(frozen=True)
class Level:
    """cell: size in radii. width: features at each corner. beside: how many cells beside those that hold points."""

    cell: float
    width: int
    beside: int


LEVELS = (Level(0.12, 8, 1), Level(0.043, 4, 1), Level(0.02, 2, 0))  # earlier runs lack the last
HIDDEN = 32
LARGEST = 0.1  # radii: about how large the decoded distances are
_BITS = 10  # of a corner's index along each axis
_HALF = 1 << (_BITS - 1)
_LARGEST_BOX = (
    1 << 22
)  # cells: as many as are looked up in a table; where corners are strewn farther, they are searched
_CODES = 127.0


class SparseGrid(nn.Module):
    """Features at the corners of those cells that lie near the surface.

    corners (n,) int32, ascending: where they are. taught (n,) uint8: a bit for each fold whose parts taught it.
    features (FOLDS, n, width) while they are learned; then codes of eight bits, in steps of `step` (FOLDS, 1, width).
    """

    corners: Tensor
    taught: Tensor
    codes: Tensor
    step: Tensor

    def __init__(self, n_corners: int, cell: float, width: int) -> None:
        super().__init__()
        self.cell = cell
        self.register_buffer("corners", torch.zeros(n_corners, dtype=torch.int32))
        self.register_buffer("taught", torch.zeros(n_corners, dtype=torch.uint8))
        self.register_buffer("codes", torch.zeros(FOLDS, n_corners, width, dtype=torch.int8))
        self.register_buffer("step", torch.ones(FOLDS, 1, width))
        self.features: Tensor | None = None
        self._box: _Box | None = None

    @staticmethod
    def around(folds: Sequence[Tensor], level: Level) -> SparseGrid:
        """With the cells of each fold's points (n, 3), and those beside them; nothing is learned yet."""
        each = [_corners_around(points, level) for points in folds]
        corners = torch.unique(torch.cat(each))
        grid = SparseGrid(len(corners), level.cell, level.width)
        grid.corners.copy_(corners)
        for fold, own in enumerate(each):
            grid.taught |= torch.isin(corners, own).to(torch.uint8) << fold
        return grid

    def places(self) -> Tensor:
        """(n, 3) float64, where the corners are."""
        index = self.corners.long()
        axes = [(index >> (shift * _BITS)) & (2 * _HALF - 1) for shift in (2, 1, 0)]
        return (torch.stack(axes, dim=1) - _HALF).double() * self.cell

    def begin(self, generator: torch.Generator) -> nn.Parameter:
        """Features to be learned."""
        shape = self.codes.shape
        self.features = nn.Parameter(0.05 * torch.randn(shape, generator=generator).to(self.step.device))
        return self.features

    @torch.no_grad()
    def settle(self) -> None:
        """What was learned becomes what is stored."""
        assert self.features is not None
        self.step.copy_(self.features.abs().amax(dim=1, keepdim=True).clamp_min(1e-6) / _CODES)
        self.codes.copy_((self.features / self.step).round().to(torch.int8))
        self.features = None

    def forward(self, points: Tensor, folds: slice) -> tuple[Tensor, Tensor]:
        """points (n, 3) float64 -> features (f, n, width) of some folds, (f, n) which of them lie in a cell taught."""
        scaled = points / self.cell
        cells = torch.floor(scaled)
        share = (scaled - cells).float()
        x, y, z = torch.stack([1 - share, share], dim=2).unbind(dim=1)  # (n, 2) each
        weights = (x[:, :, None, None] * y[:, None, :, None] * z[:, None, None, :]).flatten(1)
        found, there = self._corners_of(cells.long())
        bits = torch.arange(FOLDS, device=points.device)[folds]
        known = self.taught[found] * there
        if self.features is None:
            table = self.codes[folds].float() * ((self.taught >> bits[:, None]) & 1)[..., None]  # (f, corners, width)
            # All folds at once, in a third of the time and a tenth of the memory that picking their features takes.
            summed = F.embedding_bag(
                found, table.transpose(0, 1).flatten(1), mode="sum", per_sample_weights=weights * there
            )
            features = summed.view(len(points), len(table), -1).transpose(0, 1) * self.step[folds]
        else:
            each = [weighted_rows(self.features[bit], found, weights * ((known >> bit) & 1)) for bit in bits.tolist()]
            features = torch.stack(each)
        return features, ((reduce(torch.bitwise_and, known.unbind(dim=1)) >> bits[:, None]) & 1).bool()

    def _corners_of(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Of cells (n, 3) the eight corners (n, 8), by their place among all, and which of them there are."""
        if self._box is None or not self._box.of(self.corners):
            self._box = _Box.around(self.corners)
        if self._box.number is not None:
            return self._box.look_up(cells)
        ends = torch.arange(2, device=cells.device)
        wanted = _index_of(cells[:, None] + torch.cartesian_prod(ends, ends, ends))
        found = torch.searchsorted(self.corners, wanted).clamp_max(len(self.corners) - 1)
        return found, self.corners[found] == wanted


@dataclass(frozen=True)
class _Box:
    """A table of all cells about some corners (n,): a look at it takes a fifth of the time of a search.

    number: (x, y, z), flattened, of each corner its place among all, n where there is none; None for too large a box.
    lowest, size: (3,) of the box, whose outermost cells are empty. version: how often the corners had been changed.
    """

    corners: Tensor
    version: int
    number: Tensor | None
    lowest: Tensor
    size: Tensor

    def of(self, corners: Tensor) -> bool:
        """Whether it is still that of these corners."""
        return corners is self.corners and corners._version == self.version

    @staticmethod
    def around(corners: Tensor) -> _Box:
        places = torch.stack([(corners.long() >> (shift * _BITS)) & (2 * _HALF - 1) for shift in (2, 1, 0)], dim=1)
        places -= _HALF
        empty = torch.zeros(1, 3, dtype=torch.long, device=corners.device)
        lowest = (places if len(places) else empty).amin(dim=0) - 2
        size = (places if len(places) else empty).amax(dim=0) + 3 - lowest
        n_cells = int(size.prod())
        if n_cells > _LARGEST_BOX:
            return _Box(corners, corners._version, None, lowest, size)
        number = torch.full((n_cells,), len(corners), dtype=torch.int32, device=corners.device)
        number[_flat(places - lowest, size)] = torch.arange(len(corners), dtype=torch.int32, device=corners.device)
        return _Box(corners, corners._version, number, lowest, size)

    def look_up(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """See `SparseGrid._corners_of`."""
        assert self.number is not None
        ends = torch.arange(2, device=cells.device)
        to_corners = _flat(torch.cartesian_prod(ends, ends, ends), self.size)
        inside = torch.minimum((cells - self.lowest).clamp_min(0), self.size - 2)
        found = self.number[_flat(inside, self.size)[:, None] + to_corners].long()
        return found.clamp_max(len(self.corners) - 1), found < len(self.corners)


class ImplicitSurface(nn.Module):
    """Signed distance to the good surface of a category, positive outside.

    sizes: for each category how many corners its levels have. n_levels: the first so many of LEVELS.
    """

    def __init__(self, sizes: Sequence[Sequence[int]], n_levels: int = len(LEVELS)) -> None:
        super().__init__()
        self.levels = LEVELS[:n_levels]
        self.grids = nn.ModuleList(
            nn.ModuleList(SparseGrid(n, one.cell, one.width) for n, one in zip(each, self.levels, strict=True))
            for each in sizes
        )
        self.decoders = nn.ModuleList(_decoder(sum(level.width for level in self.levels)) for _ in range(FOLDS))

    @staticmethod
    def around(categories: Sequence[Sequence[Tensor]], n_levels: int = len(LEVELS)) -> ImplicitSurface:
        """For categories whose folds' good surfaces lie where these points (n, 3) do; nothing is learned yet."""
        surface = ImplicitSurface([], n_levels)
        surface.grids.extend(
            nn.ModuleList(SparseGrid.around(folds, level) for level in surface.levels) for folds in categories
        )
        return surface

    @staticmethod
    def restorable(tensors: Mapping[str, Tensor]) -> ImplicitSurface:
        """As large as the one with this state, which is to be loaded.

        Raises KeyError, ValueError where a level is missing or there are too many.
        """
        own = [name.split(".") for name in tensors if name.startswith("grids.")]
        categories, levels = (range(len({tuple(parts[i : i + 1]) for parts in own})) for i in (1, 2))
        sizes = [[len(tensors[f"grids.{c}.{level}.corners"]) for level in levels] for c in categories]
        return ImplicitSurface(sizes, len(levels) or len(LEVELS))

    def forward(self, category: int, points: Tensor, folds: slice = EVERY) -> tuple[Tensor, Tensor]:
        """points (n, 3) float64, in the category's frame -> distances and which of them are known, (f, n) for f folds.

        Far from everything that good parts show nothing is known.
        """
        levels = [grid(points, folds) for grid in self.grids_of(category)]
        features = torch.cat([found for found, _ in levels], dim=-1)
        decoded = [decoder(own)[:, 0] for decoder, own in zip(self.decoders[folds], features, strict=True)]
        return LARGEST * torch.stack(decoded), levels[0][1]

    def starts_of(self, category: int) -> tuple[Tensor, float]:
        """(n, 3) float64, corners of cells near the surface, from which it is looked for, and the size of the cells."""
        grid = self.grids_of(category)[1]
        return grid.places(), grid.cell

    def grids_of(self, category: int) -> list[SparseGrid]:
        """From coarse to fine."""
        grids = self.grids[category]
        assert isinstance(grids, nn.ModuleList)
        return [grid for grid in grids if isinstance(grid, SparseGrid)]


def _corners_around(points: Tensor, level: Level) -> Tensor:
    cells = torch.unique(torch.floor(points.double() / level.cell).long(), dim=0)
    steps = torch.arange(-level.beside, level.beside + 2, device=points.device)
    beside = torch.cartesian_prod(steps, steps, steps)
    each = [torch.unique(_index_of(some[:, None] + beside)) for some in torch.split(cells, 4_096)]
    corners: Tensor = torch.unique(torch.cat(each))
    return corners


def _decoder(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, 1)
    )


def _flat(places: Tensor, size: Tensor) -> Tensor:
    """(n, 3) -> (n,): where in a flattened box of that size."""
    return (places[:, 0] * size[1] + places[:, 1]) * size[2] + places[:, 2]


def _index_of(corners: Tensor) -> Tensor:
    """(..., 3) integers -> (...) int32."""
    inside = (corners + _HALF).clamp(0, 2 * _HALF - 1)
    return ((inside[..., 0] << (2 * _BITS)) | (inside[..., 1] << _BITS) | inside[..., 2]).int()
