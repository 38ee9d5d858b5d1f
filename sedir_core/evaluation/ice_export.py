"""Exports a comparison's numbers for spreadsheets (CSV) and further analysis (NPZ)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sedir_core.evaluation.ice import Comparison
from sedir_core.evaluation.tsne import Flat
from sedir_core.io.atomic import write_bytes, write_text


def write_csv(path: Path, found: Comparison, flat: Flat) -> None:
    """Write one row per test sample. Raises CannotWrite."""
    head = ["path", "category", "anomalous"]
    for side in found.by_name:
        head += [f"{side}_{name}" for name in ("x", "y", "guess", "probability", "error")]
    rows: list[Sequence[object]] = [head]
    for i, sample in enumerate(found.samples):
        row: list[object] = [_cell(str(sample.path)), _cell(sample.category), int(found.anomalous[i])]
        for run, places in zip(found.runs, flat.places, strict=True):
            guess = found.categories[int(run.probabilities[i].argmax())]
            truth = run.probabilities[i, found.labels[i]]
            row += [*(f"{v:.6g}" for v in places[i]), _cell(guess), f"{truth:.6g}", f"{run.errors[i]:.6g}"]
        rows.append(row)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_text(path, text.getvalue())


def write_npz(path: Path, found: Comparison, flat: Flat) -> None:
    """Write every array of the comparison, without pickles. Raises CannotWrite."""
    arrays: dict[str, np.ndarray] = {
        "paths": np.array([str(sample.path) for sample in found.samples]),
        "categories": np.array(found.categories),
        "labels": found.labels,
        "anomalous": found.anomalous,
    }
    for (side, run), places in zip(found.by_name.items(), flat.places, strict=True):
        arrays |= {
            f"{side}_tokens": run.tokens,
            f"{side}_probabilities": run.probabilities,
            f"{side}_errors": run.errors,
            f"{side}_tsne": places,
            f"{side}_classification_score": run.classification_score,
            f"{side}_normal_error": run.normal_error,
        }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_bytes(path, buffer.getvalue())


def _cell(text: str) -> str:
    """Escape text that a spreadsheet would run as a formula."""
    return "'" + text if text[:1] in ("=", "+", "-", "@") else text
