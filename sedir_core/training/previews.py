"""Previews: residuals on sample scans every few epochs, to see how the network learns.

For a few categories, one good sampling like the training's, and one with an added dent. Test scans are not used.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from sedir_core.datasets.defects import sink
from sedir_core.errors import CannotWrite
from sedir_core.evidence.fitted_parts import FittedParts, draw_sampling
from sedir_core.evidence.tokens import tokenize
from sedir_core.geometry.surface import normals_and_curvature
from sedir_core.models.sedir import Tokens
from sedir_core.rundir import files as run_files
from sedir_core.runtime import generator
from sedir_core.training.events import PreviewEvent
from sedir_core.training.loop import EpochCallback
from sedir_core.training.material import Material
from sedir_core.training.preview_file import Preview, write_previews
from sedir_core.training.run import Run
from sedir_core.types import DoubleArray

log = logging.getLogger(__name__)

N_CATEGORIES = 3
N_PREVIEWS = 12  # over the whole training, besides the initial one
MOST_POINTS = 20_000

Residuals = Callable[[Tokens], DoubleArray]
"""From the tokens of one scan to their reconstruction errors (N,)."""


@dataclass(frozen=True)
class PreviewPart:
    """A tokenised sample scan."""

    category: str
    damaged: bool
    tokens: Tokens


def specimens(material: Material) -> list[PreviewPart]:
    """A good and a dented sampling of the first few categories."""
    found = []
    for label, (name, fitted) in enumerate(list(material.fitted.items())[:N_CATEGORIES]):
        good = material.bank.tokens[material.bank.categories.index(label)][0]
        points = dented(fitted, material.config.training.seed, name, material.n_points)
        bad = tokenize(points, material.config.grouping, material.encoder, material.device)
        found += [PreviewPart(name, False, good), PreviewPart(name, True, bad.to("cpu"))]
    return found


def token_previews(
    samples: Sequence[PreviewPart], network: torch.nn.Module, residuals: Residuals, run: Run, n_epochs: int
) -> EpochCallback:
    """Callback for `loop.fit`: previews of token residuals."""

    def make() -> list[Preview]:
        return [_preview(one, residuals) for one in samples]

    return every_few_epochs(make, network, run, n_epochs)


def every_few_epochs(
    make: Callable[[], Sequence[Preview]], network: torch.nn.Module, run: Run, n_epochs: int
) -> EpochCallback:
    """Callback for `loop.fit`: every few epochs write a preview file and emit an event.

    It changes neither weights nor generators, so a training is the same with and without it.
    """
    every = max(1, math.ceil(n_epochs / N_PREVIEWS))

    def on_epoch(epoch: int) -> None:
        if epoch % every and epoch != n_epochs:
            return
        was_training = network.training
        network.eval()
        with torch.no_grad():
            made = make()
        network.train(was_training)
        name = f"{run_files.PREVIEWS}/epoch-{epoch:06d}.safetensors"
        try:
            write_previews(run.path / name, made)
        except CannotWrite as error:  # only a preview is lost; saving the checkpoint will report a full disk
            log.warning("no preview: %s", error)
        else:
            run.emit(PreviewEvent(epoch=epoch, file=name))

    return on_epoch


def _preview(one: PreviewPart, residuals: Residuals) -> Preview:
    centres = one.tokens.centers[0].float().cpu().numpy()
    return Preview(one.category, one.damaged, centres, residuals(one.tokens).astype(np.float32))


def dented(fitted: FittedParts, seed: int, name: str, n_points: int) -> DoubleArray:
    """A sampling (n, 3) of a category's first part with an added dent, in its frame."""
    random = generator(seed, "preview", name)
    points = draw_sampling(fitted, 0, min(n_points, MOST_POINTS), random)
    diagonal = float(np.linalg.norm(np.ptp(points, axis=0)))
    normals = normals_and_curvature(points)[0]
    return np.ascontiguousarray(sink(points / diagonal, normals, random).points * diagonal)
