"""Pretraining of the local encoder on procedural shapes: the surface must be reconstructible from a token.

Two small decoders read each token: one outputs points of the clean surface (Chamfer loss), the other predicts distances
of query points to it, which adds precision. In half of the steps some tokens are masked before the blocks and must be
reconstructed from their neighbours, as in Point-MAE.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from sedir_core.errors import Cancelled
from sedir_core.models.patch_decoder import PatchDecoder, chamfer_distance
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.rundir.encoder_weights import save_encoder, user_weights
from sedir_core.runtime import autocast, choose_device, memory_guard, torch_generator
from sedir_core.training.patches import PatchBatch, PatchStream, prefetched
from sedir_core.types import Report, Stop, never_stop, no_report

log = logging.getLogger(__name__)

_RATE, _WEIGHT_DECAY, _CLIP_NORM = 1e-3, 0.01, 1.0
_WARM_UP = 0.03
_MOVING_STATISTICS = 0.2  # share of the steps that update BatchNorm statistics; then they are frozen
_HIDDEN_SHARE, _HIDDEN_WEIGHT = 0.3, 0.25
_FIELD_WEIGHT = 2.0
_SMOOTHING = 0.97  # smoothing of the reported losses


@dataclass(frozen=True)
class PatchLosses:
    """Scalars in patch radii: Chamfer distance of visible and of hidden patches, mean error of the distance field."""

    points: Tensor
    hidden: Tensor
    field: Tensor

    @property
    def total(self) -> Tensor:
        """The weighted sum to descend."""
        return self.points + _HIDDEN_WEIGHT * self.hidden + _FIELD_WEIGHT * self.field


class PatchAutoencoder(nn.Module):
    """The encoder with its training heads; only `encoder` and `decoder` are kept."""

    def __init__(self, width: int, hidden: int, heads: int, depth: int) -> None:
        super().__init__()
        self.encoder = LocalEncoder(width, hidden, heads, depth)
        self.decoder = PatchDecoder(width)
        self.field = _FieldDecoder(width)
        self.mask_token = nn.Parameter(0.02 * torch.randn(width))

    def forward(self, batch: PatchBatch, generator: torch.Generator) -> PatchLosses:
        """The losses of one batch; generator, on the batch's device, draws the mask."""
        shape = batch.centers.shape[:2]
        tokens = self.encoder.encoder(batch.groups.flatten(0, 1)).reshape(*shape, -1)
        hide = torch.rand((), generator=generator, device=tokens.device) < 0.5
        chance = torch.rand(shape, generator=generator, device=tokens.device)
        hidden = (chance < _HIDDEN_SHARE) & hide
        tokens = torch.where(hidden[..., None], self.mask_token.to(tokens.dtype), tokens)
        tokens = self.encoder.contextualise(tokens, batch.centers)
        points = chamfer_distance(self.decoder(tokens).float(), batch.targets)
        field = (self.field(tokens, batch.queries).float() - batch.distances).abs().mean(-1)
        seen, unseen = (~hidden).float(), hidden.float()
        return PatchLosses(_mean(points, seen), _mean(points, unseen), _mean(field, seen))


class _FieldDecoder(nn.Module):
    """Unsigned distance of points to the surface a token describes."""

    def __init__(self, token_width: int, hidden: int = 128) -> None:
        super().__init__()
        self.token, self.place = nn.Linear(token_width, hidden), nn.Linear(3, hidden)
        self.layers = nn.Sequential(nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, tokens: Tensor, queries: Tensor) -> Tensor:
        """tokens (..., c), queries (..., Q, 3) -> (..., Q)."""
        out: Tensor = self.layers(self.token(tokens).unsqueeze(-2) + self.place(queries)).squeeze(-1)
        return out


def pretrain(
    width: int = 192,
    hidden: int = 64,
    heads: int = 6,
    depth: int = 2,
    steps: int = 2_000,
    minutes: float | None = None,
    group_sizes: tuple[int, ...] = (16, 32, 64, 128),
    shapes: int = 4,
    groups: int = 128,
    max_points: int = 24_000,
    seed: int = 0,
    device: str = "auto",
    out: Path | None = None,
    report: Report = no_report,
    stop: Stop = never_stop,
) -> Path:
    """Train a `LocalEncoder` and its patch decoder from scratch; writes and returns `out`.

    steps, or `minutes` of training instead where given (then the result depends on the machine's speed; with steps it
    follows from the seed on a CPU). A step takes `shapes` shapes of `groups` groups. group_sizes should hold
    {k/2, k, 2k} of the grouping that will be used, max_points about its working points.
    out: by default `pretrained.safetensors` among the user's weights.
    Raises Cancelled (nothing is written), DeviceUnavailable, CannotWrite.
    """
    target = out or user_weights() / "pretrained.safetensors"
    where, why = choose_device(device)
    log.info("pretraining on %s", why)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PatchAutoencoder(width, hidden, heads, depth).to(where)
    stream = PatchStream(group_sizes, shapes, groups, max_points, seed)
    clock = _Clock(steps, minutes)
    with memory_guard(where, "lower shapes or groups"), prefetched(stream) as batches:
        _train(model, batches, clock, torch_generator(where, "pretrain", seed), where, report, stop)
    origin = f"pretrained on procedural shapes: {clock.step} steps of {shapes} x {groups} patches, seed {seed}"
    save_encoder(target, model.encoder, model.decoder, origin)
    return target


class _Clock:
    """Progress of the training, by steps or by minutes."""

    def __init__(self, steps: int, minutes: float | None) -> None:
        self.step, self._steps, self._seconds = 0, steps, None if minutes is None else 60 * minutes
        self.started = time.monotonic()

    @property
    def progress(self) -> float:
        """0 at the start, at least 1 at the end."""
        if self._seconds is None:
            return self.step / self._steps
        return (time.monotonic() - self.started) / self._seconds

    @property
    def steps_per_second(self) -> float:
        return self.step / max(time.monotonic() - self.started, 1e-9)


def _train(
    model: PatchAutoencoder,
    batches: Iterator[PatchBatch],
    clock: _Clock,
    generator: torch.Generator,
    device: torch.device,
    report: Report,
    stop: Stop,
) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=_WEIGHT_DECAY)
    _slow_statistics(model)
    smooth: list[float] = []
    while (progress := clock.progress) < 1.0:
        if stop():
            raise Cancelled
        model.train(progress < _MOVING_STATISTICS)  # only BatchNorm differs; gradients flow in both modes
        for group in optimizer.param_groups:
            group["lr"] = _rate(progress)
        with autocast(device, "auto"):
            losses: PatchLosses = model(next(batches).to(device), generator)
        optimizer.zero_grad(set_to_none=True)
        losses.total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), _CLIP_NORM)
        optimizer.step()
        clock.step += 1
        smooth = _smoothed(smooth, losses)
        points, field = smooth[0], smooth[1]
        speed = clock.steps_per_second
        report(
            min(progress, 1.0),
            f"step {clock.step}, {speed:.1f} steps/s, patch distance {points:.4f}, field {field:.4f}",
        )


def _rate(progress: float) -> float:
    return _RATE * min(1.0, progress / _WARM_UP + 0.01) * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))


def _smoothed(before: list[float], losses: PatchLosses) -> list[float]:
    now = torch.stack((losses.points.detach(), losses.field.detach())).tolist()
    return [_SMOOTHING * b + (1 - _SMOOTHING) * n for b, n in zip(before or now, now, strict=True)]


def _slow_statistics(model: nn.Module) -> None:
    """Running statistics over some fifty batches, because each batch has a single group size and its own radii."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = 0.02


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1.0)
