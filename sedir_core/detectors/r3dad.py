"""R3D-AD: distance of each point from a diffusion sample of the normal part (Zhou et al., ECCV 2024).

As released [R] (`r3dad.variant = released`): points of the scan give a code, the code draws as many points from noise,
a point's score is its distance to the nearest drawn one, the scan's is BTF's weighted maximum. As the paper describes
it (`paper`): the network says how far each point is displaced. There its public code samples a displacement from pure
noise, by which no point's answer depends on where it is; ours [O] is the estimate at one noised look of the scan.
Ours [O], too: the mean over a few drawings, whose noise follows from the scan's content, and all points of the scan
instead of the drawn subset alone.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from sedir_core.config import Config
from sedir_core.detectors.bank import MemoryBank
from sedir_core.detectors.category_networks import NetworkDetector, NetworkOutput, content_generator, some_of, to_tensor
from sedir_core.detectors.memory_bank import PatchDistances, weighted_maximum
from sedir_core.detectors.peer_features import Cloud, Patches
from sedir_core.geometry.neighbours import interpolate
from sedir_core.geometry.tree import PointTree
from sedir_core.models.r3dad import R3dad
from sedir_core.types import DoubleArray, FloatArray

LOOK_STEP = 50  # of the diffusion's 200 steps: the scan is still recognisable, a defect is not [O]


class R3dadDetector(NetworkDetector):
    """A diffusion model per category; the reconstruction is a sample."""

    @staticmethod
    def build(config: Config) -> R3dad:
        """See `NetworkDetector.build`."""
        return R3dad()

    def infer(self, network: nn.Module, cloud: Cloud) -> NetworkOutput:
        """See `NetworkDetector.infer`."""
        assert isinstance(network, R3dad)
        cfg = self.config.r3dad
        points = some_of(cloud.aligned, cfg.points)
        random = content_generator(points, self.device, "r3d-ad")
        several = to_tensor(points, self.device).expand(cfg.draws, -1, -1)
        if cfg.variant == "paper":
            moves = _displacements(network, several, random)
            few = np.linalg.norm(moves, axis=1)
            score, rebuilt = float(few.max()), points + moves
        else:
            drawings = network.draw(several, random).double().cpu().numpy()
            judged = [_judged(points, drawing) for drawing in drawings]
            few = np.mean([one.distances for one in judged], axis=0)
            score = float(np.mean([_weighted(one, drawing) for one, drawing in zip(judged, drawings, strict=True)]))
            rebuilt = drawings[0]
        code: FloatArray = network.encoder(several[:1])[0].float().cpu().numpy()
        return NetworkOutput(interpolate(few, points, cloud.aligned)[None], rebuilt, code, score)


def _displacements(network: R3dad, several: Tensor, random: torch.Generator) -> DoubleArray:
    """(n, 3) displacements towards the normal shape, averaged over several noise samples."""
    noise = torch.randn(several.shape, generator=random, device=several.device)
    steps = torch.full((len(several),), LOOK_STEP, device=several.device)
    return np.asarray(network.displacement(several, noise, steps).mean(dim=0).double().cpu().numpy())


def _judged(points: DoubleArray, drawing: DoubleArray) -> PatchDistances:
    distances, nearest = PointTree(drawing).nearest(points)
    return PatchDistances(Patches(points.astype(np.float32), np.arange(len(points))), distances, nearest)


def _weighted(judged: PatchDistances, drawing: DoubleArray) -> float:
    return weighted_maximum(judged, MemoryBank(drawing.astype(np.float32), np.zeros(len(drawing), dtype=np.int64)))
