"""`sedir bench`: profiles an inspection stage by stage."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from sedir_core.commands.console import echo, interruptible, progress, table, write_json
from sedir_core.commands.options import Device, JsonResults, Model
from sedir_core.places import DEFAULT_RUN
from sedir_core.runs.models import find_model

if TYPE_CHECKING:
    from sedir_core.detectors.base import Detector
    from sedir_core.types import Stop

SIZES = (150_000, 1_000_000)
REPEATS = 3
NOISE = 0.0012  # share of the diagonal, typical of a structured-light scanner


def bench(
    model: Model = DEFAULT_RUN,
    json_file: JsonResults = None,
    device: Device = "auto",
) -> None:
    """Time the inspection of synthetic scans of 150,000 and 1,000,000 points of a built-in kind of part.

    Memory is the peak so far, above the program's use before loading the model.
    """
    import torch

    from sedir_core.detectors.base import load_detector
    from sedir_core.runtime import choose_device, peak_memory_bytes

    chosen, why = choose_device(device)
    imports = peak_memory_bytes(chosen)
    timings: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="sedir-bench-") as folder, interruptible() as stop, progress() as report:
        run = find_model(model)
        detector = load_detector(run, device)
        category, scans = _write_scans(detector, run, Path(folder))
        _seconds(detector, scans[SIZES[0]], "auto", stop)  # the first inspection pays for lazy loading
        cases = [(n, mode, requested) for n in SIZES for mode, requested in (("given", category), ("auto", "auto"))]
        for i, (n_points, mode, requested) in enumerate(cases):
            report(i / len(cases), f"{n_points} points, category {mode}")
            runs = [_seconds(detector, scans[n_points], requested, stop) for _ in range(REPEATS)]
            seconds = {stage: median(run[stage] for run in runs) for stage in runs[0]}
            peak = peak_memory_bytes(chosen)
            memory = peak - imports if peak else None
            timings.append({"n_points": n_points, "category": mode, "seconds": seconds, "memory_bytes": memory})
    document = {
        "device": why,
        "threads": torch.get_num_threads(),
        "repeats": REPEATS,
        "timings": timings,
    }
    if json_file is not None:
        write_json(json_file, document)
    if json_file != "-":
        echo(f"{document['device']}; seconds, median of {REPEATS}, warm process")
        echo(_stage_table(timings))


def _write_scans(detector: Detector, run: Path, folder: Path) -> tuple[str, dict[int, Path]]:
    """Scans of a known part in random poses, as binary PLY. Returns its category and a file per size."""
    from sedir_core.datasets.parts import PARTS
    from sedir_core.datasets.solids import random_rotation
    from sedir_core.datasets.synthesis import PART_DIAGONAL_MM
    from sedir_core.errors import BadRun
    from sedir_core.io.export import write_points_ply
    from sedir_core.runtime import generator

    known = sorted(set(PARTS) & set(detector.categories))
    if not known:
        raise BadRun(run, "knows none of the built-in parts", "see `sedir synth --help`")
    rng = generator("bench")
    solid = PARTS[known[0]](rng).moved(scale=PART_DIAGONAL_MM)
    turn = random_rotation(rng)
    scans = {}
    for n_points in SIZES:
        points = solid.sample(n_points, rng)[0]
        scans[n_points] = folder / f"{n_points}.ply"
        write_points_ply(scans[n_points], points @ turn.T + rng.normal(0.0, NOISE * PART_DIAGONAL_MM, points.shape))
    return known[0], scans


def _seconds(detector: Detector, path: Path, category: str, stop: Stop) -> dict[str, float]:
    from sedir_core.evaluation.inspection import Inspected, inspect_scans

    (outcome,) = inspect_scans(detector, [path], category, stop=stop)
    if not isinstance(outcome, Inspected):
        raise outcome.error
    return dict(outcome.seconds)


def _stage_table(timings: list[dict[str, Any]]) -> str:
    """Text table: stages in rows, cases in columns."""
    stages = list(dict.fromkeys(stage for timing in timings for stage in timing["seconds"]))
    stages.sort(key=lambda stage: stage == "total")
    head = ("stage", *(f"{timing['n_points']} {timing['category']}" for timing in timings))
    rows = [(stage, *(f"{timing['seconds'].get(stage, 0.0):.3f}" for timing in timings)) for stage in stages]
    memory = ("MiB", *(_mebibytes(timing["memory_bytes"]) for timing in timings))
    return table([head, *rows, memory])


def _mebibytes(n_bytes: int | None) -> str:
    return "unknown" if n_bytes is None else f"{n_bytes / 2**20:.0f}"
