"""Cache of evaluations, keyed by the content of run and test scans rather than their names."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sedir_core.config import Config
from sedir_core.datasets.samples import Dataset, file_digest
from sedir_core.documents import LARGE_BYTES, read_json
from sedir_core.errors import BadDataset, BadRun, CannotWrite
from sedir_core.io.atomic import write_text
from sedir_core.places import writable_folders
from sedir_core.rundir import files as run_files

log = logging.getLogger(__name__)

FORMAT = 1
"""Incremented whenever evaluations of the same run and scans would give different numbers."""


class EvaluationStore:
    """A folder of evaluation documents, shared between processes."""

    def __init__(self, folder: Path | None = None) -> None:
        """folder: created on first write; by default "evaluations" in the user's cache folder."""
        self.folder = folder or writable_folders()["cache"] / "evaluations"

    def get(self, key: str) -> dict[str, Any] | None:
        """The document of a key; None if missing or damaged."""
        path = self.folder / f"{key}.json"
        if not path.exists():
            return None
        try:
            return read_json(path, BadRun, LARGE_BYTES)
        except BadRun as error:
            log.warning("evaluated again: %s", error)
            return None

    def put(self, key: str, document: dict[str, Any]) -> None:
        """Store a document. A failure only costs another evaluation, so it is logged rather than raised."""
        try:
            write_text(self.folder / f"{key}.json", json.dumps(document, allow_nan=False))
        except CannotWrite as error:
            log.warning("not cached: %s", error)


def evaluation_key(run_dir: Path, dataset: Dataset, categories: Sequence[str], modes: Sequence[str]) -> str:
    """Key (hex) from a run, test scans with labels, and the evaluation's options.

    Raises BadRun, BadDataset if something cannot be read.
    """
    from importlib.metadata import version

    total = hashlib.sha256(repr((FORMAT, version("sedir-inspect"), tuple(categories), tuple(modes))).encode())
    for name in (run_files.CONFIG, run_files.WEIGHTS):
        total.update(_run_digest(run_dir / name))
    total.update(f"{dataset.root.name}\0{dataset.layout}\0".encode("utf-8", "surrogateescape"))
    for sample in dataset.samples:
        if sample.category not in categories:
            continue
        named = f"{sample.category}/{sample.path.name}/{sample.split}/{sample.anomalous}/{sample.defect}"
        named += f"/{sample.columns}\0"
        total.update(named.encode("utf-8", "surrogateescape"))
        if sample.split == "test":
            total.update(file_digest(sample.path))
            if sample.labels_path is not None:
                total.update(file_digest(sample.labels_path))
    return total.hexdigest()


def kind_of(config: Config) -> str:
    """Hash of a configuration without seed and path of the encoder's weights."""
    settings = config.settings()
    settings["training"].pop("seed")
    settings["encoder"]["weights"] = Path(config.encoder.weights).stem
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _run_digest(path: Path) -> bytes:
    try:
        return file_digest(path)
    except BadDataset as error:
        raise BadRun(path.parent, f"no {path.name} to evaluate", "finish its training first") from error
