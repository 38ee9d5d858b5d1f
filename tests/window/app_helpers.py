"""A dented sphere, a detector simple enough to be right about it, and a window on a virtual screen."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.state.entries import Entry, State
from app.state.session import Session
from app.state.settings import Settings
from sedir_core.errors import BadRun, Cancelled
from sedir_core.types import (
    BoolArray,
    Defect,
    Detection,
    DoubleArray,
    FloatArray,
    Report,
    Scan,
    Stop,
    never_stop,
    no_report,
)

DENT_DIRECTION = np.array([0.8, -1.0, 0.55]) / np.linalg.norm([0.8, -1.0, 0.55])  # towards the first camera
POINT_LIMIT = 0.04
WAIT_MS = 60_000  # on a machine that has more to do


def crowding() -> float:
    """How many processes share a processor: five seconds on a machine of its own are more on a busy one."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@dataclass(frozen=True)
class DentedSphere:
    """points: (n, 3) float64; mask: (n,) True in the dent."""

    points: DoubleArray
    mask: BoolArray


def dented_sphere(n: int = 6000, depth: float = 0.25, radius: float = 10.0) -> DentedSphere:
    """A sphere pushed in around DENT_DIRECTION; depth 0 is a good part."""
    index = np.arange(n) + 0.5
    polar, turn = np.arccos(1 - 2 * index / n), np.pi * (1 + 5**0.5) * index
    unit = np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], axis=1)
    closeness = np.clip((unit @ DENT_DIRECTION - 0.9) / 0.1, 0, 1)
    return DentedSphere(unit * radius * (1 - depth * closeness)[:, None], closeness > 0.3)


class SphereDetector:
    """Knows one normal shape, the best sphere through the points, and scores the relative distance to it."""

    method = "sphere"
    needs_category = False
    categories: tuple[str, ...] = ("ball", "marble")

    def __init__(self, gate: threading.Event | None = None) -> None:
        self._gate = gate
        self.threads: set[str] = set()

    def detect(
        self, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
    ) -> Detection:
        self.threads.add(threading.current_thread().name)
        report(0.1, "fitting a sphere")
        while self._gate is not None and not self._gate.wait(0.01):
            if stop():
                raise Cancelled
        finite = scan.finite
        points = scan.points[finite]
        centre, radius = _sphere(points)
        scores, deviation = np.full((2, len(scan)), np.nan, np.float32)
        deviation[finite] = np.linalg.norm(points - centre, axis=1) - radius
        scores[finite] = np.abs(deviation[finite]) / radius
        report(0.9, "scoring")
        over = np.flatnonzero(np.nan_to_num(scores) > POINT_LIMIT)
        return Detection(
            point_scores=scores,
            object_score=float(np.nanmax(scores)),
            threshold=POINT_LIMIT,
            point_threshold=POINT_LIMIT,
            category="ball" if category == "auto" else category,
            category_confidence=0.93,
            uncertain=False,
            reason="The surface departs from the sphere." if len(over) else "The surface follows the sphere.",
            reconstruction=centre + radius * dented_sphere(2000, 0.0, 1.0).points,
            token=np.ones(4, np.float32),
            defects=(_defect(scan, scores, over),) if len(over) else (),
            deviation=deviation,
            deviation_rigid=deviation + np.float32(0.1),
            deviation_range=(float(np.nanmin(deviation)), float(np.nanmax(deviation))),
            expected=centre + radius * dented_sphere(3000, 0.0, 1.0).points,
            seconds={"total": 0.02},
        )

    def embed(self, scan: Scan, category: str = "auto") -> FloatArray:
        return np.ones(4, np.float32)


def _sphere(points: DoubleArray) -> tuple[DoubleArray, float]:
    """Least squares, then once more without the worst tenth, so that a dent does not bend the sphere."""
    kept = points
    for _ in range(3):
        system = np.column_stack([2 * kept, np.ones(len(kept))])
        solution = np.linalg.lstsq(system, (kept**2).sum(axis=1), rcond=None)[0]
        centre = solution[:3]
        radius = float(np.sqrt(solution[3] + centre @ centre))
        residual = np.abs(np.linalg.norm(points - centre, axis=1) - radius)
        kept = points[residual <= np.quantile(residual, 0.9)]
    return centre, radius


def _defect(scan: Scan, scores: FloatArray, members: np.ndarray) -> Defect:
    points = scan.points[members]
    area = 4 * np.pi * 100 * len(members) / len(scan)
    return Defect(points.mean(axis=0), np.ptp(points, axis=0), float(scores[members].max()), area, members)


def save_ply(path: Path, points: DoubleArray) -> Path:
    """A binary PLY of doubles."""
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n"
    header += "".join(f"property double {axis}\n" for axis in "xyz") + "end_header\n"
    path.write_bytes(header.encode() + points.astype("<f8").tobytes())
    return path


@contextmanager
def open_window(
    qtbot: QtBot, session: Session, settings: Settings, demo_dir: Path, timeout_ms: int = WAIT_MS
) -> Iterator[MainWindow]:
    """A main window, painted, its 3D views built and its model loaded; closed also when the test fails."""
    window = MainWindow(session, settings, demo_dir)
    window.resize(1200, 760)
    try:
        with qtbot.waitSignals([window.page.clouds.built, window.session.model_changed], timeout=timeout_ms):
            window.show()
        with qtbot.waitActive(window):
            window.activateWindow()
        yield window
    finally:
        window.close()
        window.deleteLater()


def loader(detector: SphereDetector) -> Callable[[Path, str], SphereDetector]:
    """What the session takes: a run named `missing` cannot be loaded."""

    def load(run_dir: Path, device: str) -> SphereDetector:
        if run_dir.name == "missing" or device == "broken":
            raise BadRun(run_dir, "no such run directory", "choose another model")
        return detector

    return load


def open_and_wait(qtbot: QtBot, window: MainWindow, *paths: Path) -> list[Entry]:
    """Open files and wait until each has a verdict or a reason."""
    with qtbot.waitSignal(window.model.batch_finished, timeout=WAIT_MS):
        window.opening.open(paths)
    assert all(entry.state in (State.DONE, State.FAILED) for entry in window.session.entries)
    return window.session.entries
