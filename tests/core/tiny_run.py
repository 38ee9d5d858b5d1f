"""A real run in seconds: three procedural parts, an encoder that has learned nothing, the tiny preset."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sedir_core.config import Config, preset
from sedir_core.datasets.parts import PARTS
from sedir_core.datasets.specimen import make_specimen
from sedir_core.evidence.channels import TOKEN
from sedir_core.evidence.combination import Evidence
from sedir_core.evidence.fitted_parts import AlignedSampling
from sedir_core.evidence.held_out import Residuals
from sedir_core.evidence.normal_surface import NormalSurface
from sedir_core.geometry.surface import normals_and_curvature
from sedir_core.geometry.tree import PointTree
from sedir_core.io.export import write_points_ply
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.rundir.encoder_weights import save_encoder
from sedir_core.training.events import AnyEvent, Watch
from sedir_core.training.train import TrainRequest, train
from sedir_core.types import BoolArray, DoubleArray, Scan

CATEGORIES = ("bracket", "cup", "pipe_elbow")
N_TRAIN, N_POINTS = 2, 3_000
DIAGONAL_MM = 100.0


@dataclass(frozen=True)
class TinyRun:
    """dataset: Anomaly-ShapeNet layout. path: the finished run. events: all that its training said."""

    dataset: Path
    encoder: Path
    path: Path
    events: tuple[AnyEvent, ...]


def part(category: str, seed: int, n_points: int = N_POINTS) -> DoubleArray:
    """A good part (n, 3) in millimetres, in a pose of its own."""
    rng = np.random.default_rng([seed, zlib.crc32(category.encode())])
    return make_specimen(PARTS[category](rng).moved(scale=DIAGONAL_MM), None, n_points, rng).points


def again(points: DoubleArray, seed: int) -> DoubleArray:
    """The same part scanned once more, (n, 3): turned, with noise.

    Aligning those takes a tenth of the time that parts of different shapes take.
    """
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    return (points + 0.0005 * DIAGONAL_MM * rng.normal(size=points.shape)) @ turn


def dented(points: DoubleArray, at: int = 0, depth: float = 0.07) -> tuple[DoubleArray, BoolArray]:
    """The part with a dent of a fifth of the diagonal around one point, and the mask of what was moved, both (n,)."""
    diagonal = float(np.linalg.norm(np.ptp(points, axis=0)))
    ratio = np.linalg.norm(points - points[at], axis=1) / (0.1 * diagonal)
    fall = np.clip(1 - ratio**2, 0, None)
    normal = normals_and_curvature(points)[0][at]
    return points - depth * diagonal * fall[:, None] * normal, fall > 0.2


def scan_of(points: DoubleArray, name: str = "part") -> Scan:
    return Scan(np.ascontiguousarray(points), name)


def distance_to(points: DoubleArray, others: DoubleArray) -> DoubleArray:
    """(n,) distance of each point to the nearest of the others."""
    return PointTree(others).nearest(points)[0]


def write_dataset(folder: Path) -> Path:
    """Good parts to train on; a good and a dented one of each category for the test, with labels."""
    for category in CATEGORIES:
        home = folder / category
        for i in range(N_TRAIN):
            write_points_ply(home / "train" / f"{category}_template{i}.ply", part(category, i))
        write_points_ply(home / "test" / f"{category}_positive0.ply", part(category, 100))
        points, mask = dented(part(category, 101))
        write_points_ply(home / "test" / f"{category}_sink0.ply", points)
        (home / "GT").mkdir()
        np.savetxt(home / "GT" / f"{category}_sink0.txt", np.column_stack([points, mask]), "%.6f", delimiter=",")
    return folder


def write_encoder(path: Path) -> Path:
    """Random weights in the shape of the tiny preset, with batch statistics of real neighbourhoods."""
    size = preset("tiny").encoder
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = LocalEncoder(size.width, size.hidden, size.heads, size.depth)
        encoder.train()
        for _ in range(20):
            encoder.encoder(0.1 * torch.randn(64, 32, 3))
    save_encoder(path, encoder.eval(), None, "random, for tests")
    return path


HARDLY_FITTED = {"held_out": 1, "patch_steps": 2, "surface_steps": 20, "expectation_steps": 20}
"""Settings of a training of which nobody asks how good the networks' expectation is: most of its time is that."""


def tiny_config(encoder: Path, **training: float) -> Config:
    return preset("tiny", encoder={"weights": str(encoder)}, training=training)


def train_tiny(folder: Path) -> TinyRun:
    """Everything below a folder."""
    events: list[AnyEvent] = []
    watch: Watch = events.append
    dataset, encoder = write_dataset(folder / "parts"), write_encoder(folder / "encoder.safetensors")
    path = train(TrainRequest(dataset, None, tiny_config(encoder, epochs=15), folder / "run", device="cpu"), watch)
    return TinyRun(dataset, encoder, path, tuple(events))


def by_surface(category: str, normal: NormalSurface, sampling: AlignedSampling) -> tuple[Evidence, Residuals]:
    """The surface's evidence, and a token that never differs."""
    points, view = sampling.points, sampling.view
    direction = None if view is None else view.direction
    departure = normal.depart(points, direction, sampling.every, sampling.scan)
    channels = departure.channels | {TOKEN: np.ones(len(points))}
    return Evidence(departure.places, channels, view is not None, np.arange(len(points))), Residuals(0.5, 1.0, 1.0)
