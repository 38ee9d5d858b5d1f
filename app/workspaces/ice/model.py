"""Model of the ICE workspace: collects tokens, runs t-SNE, and makes thumbnails and files off the GUI thread."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.jobs.pool import Pool
from app.jobs.saving import Saver
from app.state.entries import Failure
from app.state.session import Load
from app.widgets.job_status import Progress
from app.workspaces.ice.placing import Placed, PlaceRequest, place_scans
from sedir_core.io.atomic import write_text
from sedir_core.types import DoubleArray, Report, Stop

if TYPE_CHECKING:
    from sedir_core.evaluation.ice import Comparison
    from sedir_core.evaluation.tsne import Flat

COLLECTING = 0.9
"""Share of the progress bar for collecting tokens; the rest is t-SNE."""
THUMBNAIL_POINTS = 4000


@dataclass(frozen=True)
class CompareRequest:
    """What to compare; `load` is the session's loader."""

    load: Load
    device: str
    model: Path
    baseline: Path
    dataset: Path
    seed: int
    perplexity: float
    anomalous: bool
    third: Path | None = None

    def command(self) -> str:
        """The command line that reproduces the numbers and the figure."""
        parts = ["sedir", "ice", str(self.model), str(self.baseline), str(self.dataset)]
        parts += ["--seed", "0", "--tsne-seed", str(self.seed), "--perplexity", f"{self.perplexity:g}"]
        parts += ["--anomalous"] * self.anomalous
        parts += [] if self.third is None else ["--third", str(self.third)]
        return shlex.join([*parts, "--json", "ice.json", "--figure", "ice.svg"])


@dataclass(frozen=True)
class FlatRequest:
    """A comparison to embed again with another seed or perplexity."""

    found: Comparison
    seed: int
    perplexity: float


class IceModel(QObject):
    """One comparison at a time; a new request replaces the previous one."""

    progress_changed = Signal(object)  # Progress or None
    compared = Signal(object, object)  # Comparison, Flat
    flattened = Signal(object)  # Flat
    placed = Signal(object)  # Placed
    failed = Signal(str, object)  # location, Failure
    pictured = Signal(int, object)  # sample, (m, 3) points
    written = Signal(object)  # path

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work, self._small, self._saver = Pool("ICE", self), Pool("thumbnails", self), Saver(self)
        self._job = self._picture = 0
        self._pictured = -1
        self._work.progressed.connect(lambda _, fraction, stage: self.progress_changed.emit(Progress(fraction, stage)))
        self._work.done.connect(self._on_done)
        self._work.failed.connect(self._on_failed)
        self._small.done.connect(lambda _, points: self.pictured.emit(self._pictured, points))
        self._saver.saved.connect(self.written)
        self._saver.failed.connect(self.failed)

    @property
    def busy(self) -> bool:
        return self._work.busy

    def compare(self, request: CompareRequest) -> None:
        self._start(compare_runs, request, "opening the data set")

    def flatten(self, found: Comparison, seed: int, perplexity: float) -> None:
        self._start(lay_out, FlatRequest(found, seed, perplexity), "t-SNE")

    def place(self, request: PlaceRequest) -> None:
        self._start(place_scans, request, "loading the model")

    def stop(self) -> None:
        """Cancel the running job; its result is discarded."""
        self._work.cancel(self._job)
        self.progress_changed.emit(None)

    def picture(self, index: int, path: Path) -> None:
        """Read a scan for its thumbnail; a new request replaces the previous one."""
        self._small.cancel(self._picture)
        self._pictured = index
        self._picture = self._small.submit(read_thumbnail, path)

    def write(self, path: Path, write: Callable[[Path], None]) -> None:
        self._saver.write(path, lambda target, report, stop: write(target))

    def close(self) -> bool:
        stopped = [pool.close() for pool in (self._work, self._small, self._saver)]
        return all(stopped)

    def _start(self, job: Callable[..., object], request: object, stage: str) -> None:
        self._work.cancel(self._job)
        self._job = self._work.submit(job, request)
        self.progress_changed.emit(Progress(0.0, stage))

    def _on_done(self, job: int, answer: object) -> None:
        self.progress_changed.emit(None)
        if isinstance(answer, Placed):
            self.placed.emit(answer)
        elif isinstance(answer, tuple):
            self.compared.emit(*answer)
        else:
            self.flattened.emit(answer)

    def _on_failed(self, job: int, error: BaseException) -> None:
        self.progress_changed.emit(None)
        self.failed.emit("Comparison", Failure.of(error))


def compare_runs(request: CompareRequest, report: Report, stop: Stop) -> tuple[Comparison, Flat]:
    """Collect the tokens and embed them."""
    report(0.0, "loading")
    from sedir_core.datasets.index import open_dataset  # late: loads torch and scikit-learn
    from sedir_core.evaluation.ice import Contender, compare, told_apart

    data = open_dataset(request.dataset)
    paths = [path for path in (request.model, request.baseline, request.third) if path is not None]
    model, baseline, *more = told_apart(*(Contender.of(path, request.load(path, request.device)) for path in paths))
    found = compare(
        model, baseline, data, with_anomalous=request.anomalous, stop=stop, third=more[0] if more else None,
        report=lambda fraction, stage: report(COLLECTING * fraction, stage),
    )  # fmt: skip
    tail = FlatRequest(found, request.seed, request.perplexity)
    return found, lay_out(tail, lambda part, stage: report(COLLECTING + (1 - COLLECTING) * part, stage), stop)


def lay_out(request: FlatRequest, report: Report, stop: Stop) -> Flat:
    from sedir_core.evaluation.tsne import flatten_runs

    return flatten_runs(request.found, request.seed, request.perplexity, report, stop)


def read_thumbnail(path: Path, report: Report, stop: Stop) -> DoubleArray:
    """(m, 3) an even subset of a scan's points, centred, scaled to radius 1."""
    from sedir_core.io.scans import read_scan

    points = read_scan(path).points
    points = points[np.isfinite(points).all(axis=1)]
    points = points[np.random.default_rng(0).permutation(len(points))[:THUMBNAIL_POINTS]]
    points = points - (points.min(axis=0) + points.max(axis=0)) / 2
    return np.asarray(points / max(float(np.linalg.norm(points, axis=1).max()), 1e-12))


def write_figure(path: Path, found: Comparison, flat: Flat) -> None:
    from sedir_core.evaluation.ice_figure import draw_comparison

    draw_comparison(path, found, flat)


def write_numbers(path: Path, found: Comparison, flat: Flat) -> None:
    """CSV, NPZ or JSON, by the suffix."""
    import json

    from sedir_core.evaluation.ice_export import write_csv, write_npz

    if path.suffix.lower() == ".npz":
        write_npz(path, found, flat)
    elif path.suffix.lower() == ".json":
        write_text(path, json.dumps(found.to_json(), indent=2, allow_nan=False) + "\n")
    else:
        write_csv(path, found, flat)
