"""Disk cache of aligned training parts and held-out samplings.

All methods on one dataset, resumed runs and warm starts share the same alignment. The cache is lossless, so that a run
is the same with and without it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sedir_core.config import Config
from sedir_core.datasets.cache import TensorCache, cache_key
from sedir_core.datasets.samples import Dataset
from sedir_core.errors import Cancelled
from sedir_core.evidence.aligned_parts import AlignedPart
from sedir_core.evidence.coverage import Coverage
from sedir_core.evidence.fitted_parts import FittedParts, VirtualScanner, hold_out
from sedir_core.evidence.normal_surface import NormalSurface
from sedir_core.evidence.tokens import resolutions
from sedir_core.geometry.elastic import Elastic, SmoothPrior
from sedir_core.geometry.frames import Frame
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.views import Views
from sedir_core.runtime import generator
from sedir_core.training.material import fit_all_parts
from sedir_core.types import DoubleArray, Report, Stop

log = logging.getLogger(__name__)

CAUSES = (
    "config.py",
    "datasets",
    "evidence",
    "geometry",
    "io",
    "runtime.py",
    "training/parts_cache.py",
    "training/material.py",
    "types.py",
    "units.py",
)
"""Parts of this program that determine an alignment and its storage."""
LIBRARIES = ("numpy", "scipy", "torch")
"""Libraries that determine the arithmetic."""


def cached_parts(dataset: Dataset, config: Config, report: Report, stop: Stop) -> dict[str, FittedParts]:
    """`fit_all_parts` with a cache. Raises what it raises, and BadDataset."""
    cache, program = TensorCache(), _program_hash()
    training = config.training
    settings = {
        "least": resolutions(config.grouping)[-1],
        "from_one_side": training.views > 0,
        "seen": training.seen,
    }
    all_fitted: dict[str, FittedParts] = {}
    for done, name in enumerate(dataset.categories):

        def report_one(fraction: float, stage: str, done: int = done) -> None:
            report((done + fraction) / len(dataset.categories), stage)

        def make(name: str = name) -> dict[str, Tensor]:
            alone = replace(dataset, categories=(name,))
            fitted = fit_all_parts(alone, config, report_one, stop)[name]
            dataset.require_unchanged(name)  # otherwise it would be cached under the key of other scans
            return parts_to_tensors(fitted)

        scans = b"".join(dataset.digests[sample.path] for sample in dataset.train(name)).hex()
        all_fitted[name] = parts_from_tensors(cache.get(cache_key(scans, settings, program, training.seed), make))
        _tell(dataset, name, all_fitted[name])
    return all_fitted


def _tell(dataset: Dataset, name: str, fitted: FittedParts) -> None:
    """Warn of what a category's training scans do not show, and of those that are not used."""
    if fitted.one_sided:
        log.warning("the scans of %s show one side, as under a fixed camera: new ones are judged by that side", name)
    for i in fitted.left_out:
        log.warning("%s does not fit the other scans of %s and was left out", dataset.train(name)[i].path, name)


@dataclass(frozen=True)
class CachedSampling:
    """A fresh sampling of a part, (n, 3) aligned to the surface of the others. residual: of the alignment."""

    part: int
    turn: int
    points: DoubleArray
    residual: float


def cached_hold_outs(
    fitted: FittedParts, n_points: int, turns: int, stop: Stop, seed: tuple[int | str, ...]
) -> list[CachedSampling]:
    """`turns` held-out samplings of every part, see `hold_out`, with a cache.

    Raises Cancelled.
    """
    every = [(part, turn) for part in range(len(fitted.parts)) for turn in range(turns)]

    def make() -> dict[str, Tensor]:
        made: dict[str, Tensor] = {}
        for part, turn in every:
            if stop():
                raise Cancelled
            sampling = hold_out(fitted, part, n_points, generator(*seed, part, turn))
            made[f"{part}.{turn}.points"] = torch.from_numpy(np.ascontiguousarray(sampling.points))
            made[f"{part}.{turn}.residual"] = torch.tensor(sampling.residual, dtype=torch.float64)
        return made

    settings = {"held_out": [n_points, turns, *seed]}
    found = TensorCache().get(cache_key(_content_of(fitted), settings, _program_hash(), 0), make)
    return [
        CachedSampling(part, turn, found[f"{part}.{turn}.points"].numpy(), float(found[f"{part}.{turn}.residual"]))
        for part, turn in every
    ]


def parts_to_tensors(fitted: FittedParts) -> dict[str, Tensor]:
    """Flat, named, lossless; see `parts_from_tensors`."""
    prior = fitted.whole.prior
    arrays = {
        "frame": np.append(fitted.frame.centre, fitted.frame.radius),
        "numbers": np.array([fitted.size, fitted.amplitude]),
        "freedom": prior.numbers,
        "descriptor": fitted.descriptor,
        "left_out": np.array(fitted.left_out, dtype=np.int64),
        "controls": prior.controls,
        "one_sided": np.array(fitted.one_sided),
    }
    for name, normal in (("whole", fitted.whole), *((f"other.{i}", other) for i, other in enumerate(fitted.others))):
        arrays |= {f"{name}.points": normal.surface.points, f"{name}.normals": normal.surface.normals}
        assert normal.coverage is not None
        arrays |= {f"{name}.confirmed": normal.coverage.confirmed, f"{name}.always": normal.coverage.always}
        if normal.usual is not None:
            arrays[f"{name}.usual"] = normal.usual
    for i, part in enumerate(fitted.parts):
        arrays |= {f"part.{i}.points": part.points, f"part.{i}.weights": part.toward_reference.weights}
        if fitted.unseen[i] is not part.points:
            arrays[f"unseen.{i}"] = fitted.unseen[i]
    if fitted.scanner is not None:
        for i, (points, nearest) in enumerate(fitted.scanner.parts):
            arrays |= {f"seen.{i}.points": points, f"seen.{i}.nearest": nearest}
        views = fitted.scanner.views
        arrays |= {"views.directions": views.directions, "views.probes": views.probes, "views.seen": views.seen}
        arrays["views.descriptors"] = views.descriptors
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in arrays.items()}


def parts_from_tensors(tensors: Mapping[str, Tensor]) -> FittedParts:
    """The inverse of `parts_to_tensors`."""
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    size, amplitude = (float(number) for number in arrays["numbers"])
    prior = SmoothPrior.learned(arrays["controls"], arrays["freedom"])

    def surface(name: str) -> NormalSurface:
        coverage = Coverage(arrays[f"{name}.confirmed"], arrays[f"{name}.always"])
        known = Surface(arrays[f"{name}.points"], arrays[f"{name}.normals"])
        return NormalSurface(known, prior, coverage, arrays.get(f"{name}.usual"))

    every = range(sum(name.startswith("part.") and name.endswith(".points") for name in arrays))
    whole = surface("whole")
    parts = [AlignedPart(arrays[f"part.{i}.points"], Elastic(prior, arrays[f"part.{i}.weights"])) for i in every]
    scanner = None
    if "views.seen" in arrays:
        views = Views(*(arrays[f"views.{name}"] for name in ("directions", "probes", "seen", "descriptors")))
        seen = tuple((arrays[f"seen.{i}.points"], arrays[f"seen.{i}.nearest"]) for i in every)
        scanner = VirtualScanner(whole.surface, seen, views)
    return FittedParts(
        Frame(arrays["frame"][:3], float(arrays["frame"][3])),
        size,
        arrays["descriptor"],
        tuple(parts),
        whole,
        tuple(surface(f"other.{i}") for i in every),
        tuple(arrays.get(f"unseen.{i}", part.points) for i, part in enumerate(parts)),
        amplitude,
        scanner,
        tuple(int(i) for i in arrays["left_out"]),
        bool(arrays["one_sided"]),
    )


def _content_of(fitted: FittedParts) -> str:
    total = hashlib.sha256()
    for name, tensor in sorted(parts_to_tensors(fitted).items()):
        total.update(f"{name} {tuple(tensor.shape)}".encode() + tensor.numpy().tobytes())
    return total.hexdigest()


def _program_hash() -> str:
    """Changes whenever this program would align differently."""
    total = hashlib.sha256(" ".join(map(version, ("sedir-inspect", *LIBRARIES))).encode())
    package = Path(str(files("sedir_core")))
    for cause in CAUSES:
        for path in sorted((package / cause).rglob("*.py")) or [package / cause]:
            if path.is_file():
                total.update(path.read_bytes())
    return total.hexdigest()
