"""The baseline MC3D-AD (method section 8), as published and in our variant independent of file order.

As published [R]: the mask hides the most or the least varied tokens, by a coin toss at test time too (here seeded by
the scan, so that it repeats); every point takes the residual of its nearest centre; scores are averaged over 511
points *in the order of the file*, and the highest is the scan's. `mc3d-ad-spatial` [O] averages the residuals of both
masks, and over spatially near points. Scans are aligned by our own registration: the published one yields a random pose
for near-symmetric parts, and we want to compare the method.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import uniform_filter1d
from torch import Tensor

from sedir_core.config import Config
from sedir_core.detectors.category_given import CategoryGiven
from sedir_core.detectors.explain import Explanation
from sedir_core.detectors.peer_features import Cloud
from sedir_core.detectors.reference import Reference, reference_to_tensors
from sedir_core.detectors.residuals import PlacedResiduals
from sedir_core.detectors.stored import stored_detector, to_store
from sedir_core.evidence.stages import LESS_MEMORY, Stopwatch, below
from sedir_core.evidence.tokens import tokenize
from sedir_core.geometry.neighbours import interpolate
from sedir_core.geometry.tree import PointTree
from sedir_core.models.cfgt import BASE
from sedir_core.models.mc3dad import MC3DAD, MaskableTokens, geometry_variation
from sedir_core.models.patch_decoder import PatchDecoder
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.models.sedir import Tokens
from sedir_core.rundir.stored_nets import restored
from sedir_core.runtime import choose_device, generator, memory_guard
from sedir_core.types import Detection, DoubleArray, FloatArray, Report, Scan, Stop, never_stop, no_report

FILE_ORDER_WINDOW = 511


class BaselineNets:
    """The frozen encoder, the trained network, and the decoder from features to points."""

    def __init__(self, encoder: LocalEncoder, network: MC3DAD, patches: PatchDecoder) -> None:
        self.encoder, self.network, self.patches = encoder, network, patches

    @torch.no_grad()
    def rebuild(self, tokens: MaskableTokens, method: str, coin: bool) -> tuple[Tensor, Tensor, DoubleArray]:
        """rebuilt (N, c), the mean-pooled encoder output (d,), the residuals (N,); of one scan.

        coin: whether the most varied tokens are hidden; the spatial variant takes the mean over both ways.
        """
        masks = [tokens.hidden(highest) for highest in ((True, False) if method == "mc3d-ad-spatial" else (coin,))]
        rebuilt = torch.stack([self.network(tokens.features, tokens.centers, mask)[0] for mask in masks])
        pooled = torch.stack([self.network.encode(tokens.features, tokens.centers, mask)[0] for mask in masks])
        residuals = (tokens.features[0] - rebuilt).norm(dim=-1).mean(dim=0)
        return rebuilt.mean(dim=0), pooled.mean(dim=(0, 1)), np.asarray(residuals.double().cpu().numpy())


class Mc3dadDetector(CategoryGiven):
    """A fitted MC3D-AD; see `detectors.base.Detector`."""

    def __init__(
        self, config: Config, nets: BaselineNets, known: Mapping[str, Reference], device: torch.device
    ) -> None:
        super().__init__(config, known)
        self.nets, self.device = nets, device

    def detect(
        self, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
    ) -> Detection:
        """Score one scan; see `Detector.detect`. Raises UnknownCategory for "auto", too."""
        watch = Stopwatch(report, stop)
        with watch.stage("align", 0.05):
            aligned_scan = self.align(scan, category)
            aligned = aligned_scan.placement.enter(aligned_scan.points)
        with watch.stage("tokens", 0.4):
            tokens = self.maskable(aligned)
        with watch.stage("rebuild", 0.7):
            rebuilt, pooled, residuals = self.nets.rebuild(tokens, self.method, coin_of(aligned))
        with watch.stage("report", 0.9):
            valid = np.flatnonzero(scan.finite)
            centres = aligned_scan.placement.leave(tokens.centers[0].double().cpu().numpy())
            everywhere = np.full(len(scan), np.nan, dtype=np.float32)
            everywhere[valid] = self.point_scores(residuals, centres, scan.points[valid])
            score = float(everywhere[valid].max())
            surface = aligned_scan.placement.leave(self._decoded(rebuilt, tokens, aligned))
        token = pooled.float().cpu().numpy()
        detection = self.conclude_on(scan, category, aligned_scan, everywhere, score, surface, token, watch.seconds)
        report(1.0, "done")
        return detection

    def embed(self, scan: Scan, category: str = "auto") -> FloatArray:
        """The (d,) mean of the encoder's output."""
        return self.explain(scan, category).token

    def explain(self, scan: Scan, category: str = "auto") -> Explanation:
        """See `detectors.explain.Explains`."""
        aligned_scan = self.align(scan, category)
        aligned = aligned_scan.placement.enter(aligned_scan.points)
        rebuilt, pooled, residuals = self.nets.rebuild(self.maskable(aligned), self.method, coin_of(aligned))
        token: FloatArray = pooled.float().cpu().numpy()
        return Explanation(token, rebuilt.float().mean(dim=0).cpu().numpy(), float(residuals.mean()))

    def residuals(self, category: str, cloud: Cloud, left_out: int | None = None) -> PlacedResiduals:
        """See `detectors.residuals.ResidualDetector`; a network has seen every part and leaves none out."""
        tokens = self.maskable(cloud.aligned)
        values = self.nets.rebuild(tokens, self.method, coin_of(cloud.aligned))[2]
        return PlacedResiduals(tokens.centers[0].double().cpu().numpy(), values)

    def maskable(self, aligned: DoubleArray) -> MaskableTokens:
        """The tokens of an aligned cloud (n, 3)."""
        with memory_guard(self.device, LESS_MEMORY):
            return maskable_tokens(tokenize(aligned, self.config.grouping, self.nets.encoder, self.device))

    def point_scores(self, residuals: DoubleArray, centres: DoubleArray, points: DoubleArray) -> DoubleArray:
        """(n,) scores of points (n, 3) in file order, from the residuals (N,) at centres (N, 3)."""
        if self.method == "mc3d-ad-spatial":
            return near_in_space(residuals, centres, points)
        return near_in_file(residuals, centres, points)

    @torch.no_grad()
    def _decoded(self, rebuilt: Tensor, tokens: MaskableTokens, aligned: DoubleArray) -> DoubleArray:
        """The reconstructed tokens decoded to points (m, 3), each patch at its own position."""
        patches = self.nets.patches(rebuilt).double().cpu().numpy()
        centres = tokens.centers[0].double().cpu().numpy()
        radii = PointTree(aligned).nearest_k(centres, self.config.grouping.group_size)[0][:, -1]
        return np.asarray((patches * radii[:, None, None] + centres[:, None]).reshape(-1, 3))

    def tensors(self) -> dict[str, Tensor]:
        """Everything `load` needs beside config.toml and about.json."""
        nets = {"encoder": self.nets.encoder, "network": self.nets.network, "patches": self.nets.patches}
        return to_store(nets, map(reference_to_tensors, self.known.values()))

    @classmethod
    def load(cls, run_dir: Path, device: str = "auto") -> Mc3dadDetector:
        """The detector of a finished run. Raises BadRun, DeviceUnavailable."""
        with stored_detector(run_dir) as stored:
            config, target = stored.config, choose_device(device)[0]
            tensors, enc = stored.tensors, config.encoder
            nets = BaselineNets(
                restored(
                    lambda: LocalEncoder(enc.width, enc.hidden, enc.heads, enc.depth),
                    below(tensors, "encoder."),
                    target,
                ),
                restored(lambda: build_baseline(config), below(tensors, "network."), target),
                restored(lambda: PatchDecoder(enc.width), below(tensors, "patches."), target),
            )
            return cls(config, nets, stored.references(), target)


def build_baseline(config: Config) -> MC3DAD:
    """The untrained network of a configuration."""
    net = config.network
    return MC3DAD(config.encoder.width, net.width, net.depth, net.heads, net.feedforward, net.dropout)


def maskable_tokens(tokens: Tokens) -> MaskableTokens:
    """Base-resolution tokens of a batch of one, and the variation used for masking."""
    variation = geometry_variation(tokens.centers[0])[None]
    return MaskableTokens(tokens.features[BASE], tokens.centers, variation)


def coin_of(aligned: DoubleArray) -> bool:
    """The coin toss that selects the mask, seeded by the cloud (n, 3)."""
    content = hashlib.sha256(np.ascontiguousarray(np.round(aligned, 6)).tobytes()).hexdigest()
    return bool(generator(0, "mask", content).random() < 0.5)


def near_in_file(residuals: DoubleArray, centres: DoubleArray, points: DoubleArray) -> DoubleArray:
    """As published: the nearest centre's residual, then a 511-wide mean over the file's order, zero-padded."""
    filled = residuals[PointTree(centres).nearest(points)[1]]
    return np.asarray(uniform_filter1d(filled, FILE_ORDER_WINDOW, mode="constant"))


def near_in_space(residuals: DoubleArray, centres: DoubleArray, points: DoubleArray) -> DoubleArray:
    """Our variant: averaged over the three nearest centres, then interpolated between them."""
    smooth = residuals[PointTree(centres).nearest_k(centres, 3)[1]].mean(axis=1)
    return interpolate(smooth, centres, points)
