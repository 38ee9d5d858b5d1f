"""Alignments are made once and lose nothing by being kept; whatever they follow from gives them another name."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_run import N_TRAIN, TinyRun, again, part

from sedir_core.config import Config, preset
from sedir_core.datasets.index import Dataset, open_dataset
from sedir_core.errors import BadDataset, TooFewPoints
from sedir_core.evidence.fitted_parts import hold_out
from sedir_core.io.export import write_points_ply
from sedir_core.runtime import generator
from sedir_core.training import parts_cache
from sedir_core.training.material import fit_all_parts
from sedir_core.training.parts_cache import cached_hold_outs, cached_parts, parts_to_tensors
from sedir_core.types import never_stop, no_report

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("sedir_core.datasets.cache.writable_folders", lambda: {"cache": tmp_path})
    return tmp_path


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The categories that were really aligned."""
    names: list[str] = []

    def fit(dataset: Dataset, *rest: object) -> object:
        names.extend(dataset.categories)
        return fit_all_parts(dataset, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(parts_cache, "fit_all_parts", fit)
    return names


@pytest.fixture
def cup(tmp_path: Path) -> Path:
    for i in range(N_TRAIN):
        write_points_ply(tmp_path / "parts" / "cup" / f"{i}.ply", again(part("cup", 0, 700), i))
    return tmp_path / "parts"


def kept(folder: Path, config: Config) -> dict[str, torch.Tensor]:
    return parts_to_tensors(cached_parts(open_dataset(folder), config, no_report, never_stop)["cup"])


def test_what_is_kept_is_what_was_fitted(cup: Path, fitted: list[str]) -> None:
    config = preset("tiny", training={"views": 1})
    anew = parts_to_tensors(fit_all_parts(open_dataset(cup), config, no_report, never_stop)["cup"])
    for found in (kept(cup, config), kept(cup, config)):
        assert found.keys() == anew.keys()
        assert all(torch.equal(found[name], anew[name]) and found[name].dtype == anew[name].dtype for name in anew)
    assert fitted == ["cup"]


def test_other_causes_are_aligned_anew(cup: Path, fitted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    config = preset("tiny")
    kept(cup, config)
    kept(cup, preset("tiny", training={"seed": 1}))
    write_points_ply(cup / "cup" / "1.ply", again(part("cup", 0, 700), 7))
    kept(cup, config)
    monkeypatch.setattr(parts_cache, "_program_hash", lambda: "another version")
    kept(cup, config)
    assert fitted == ["cup"] * 4


def test_held_out_samplings_are_laid_once(cup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = cached_parts(open_dataset(cup), preset("tiny"), no_report, never_stop)["cup"]
    anew = hold_out(fitted, 1, 1_000, generator(3, "held out", 1, 0))
    laid: list[int] = []

    def lay(*arguments: object) -> object:
        laid.append(1)
        return hold_out(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(parts_cache, "hold_out", lay)
    for _ in range(2):
        found = cached_hold_outs(fitted, 1_000, 2, never_stop, (3, "held out"))
        assert [(one.part, one.turn) for one in found] == [(part, turn) for part in range(N_TRAIN) for turn in (0, 1)]
        assert (found[2].points == anew.points).all() and found[2].residual == anew.residual
    assert len(laid) == 2 * N_TRAIN
    other = cached_hold_outs(fitted, 1_000, 2, never_stop, (4, "held out"))
    assert not np.array_equal(other[2].points, anew.points)


# What an alignment imports and does not follow from: networks, names, errors, places of files, who trains with whom,
# which methods there are, how tolerances are written.
HARMLESS = {
    "documents",
    "errors",
    "methods",
    "models",
    "names",
    "places",
    "presets",
    "rundir/stored_nets",
    "tolerances",
    "training/process_group",
}


def imported_by(path: Path, seen: set[Path]) -> set[Path]:
    """Every module of ours that a module needs, also through others."""
    seen.add(path)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sedir_core"):
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                other = ROOT / (name.replace(".", "/") + ".py")
                if other.is_file() and other not in seen:
                    imported_by(other, seen)
    return seen


def test_a_kept_alignment_knows_all_the_code_that_it_follows_from() -> None:
    package = ROOT / "sedir_core"
    modules = {str(path.relative_to(package)) for path in imported_by(package / "training" / "material.py", set())}
    known = tuple(cause.removesuffix(".py") for cause in (*parts_cache.CAUSES, *HARMLESS))
    assert sorted(name for name in modules if not name.startswith(known)) == []
    for cause in parts_cache.CAUSES:
        assert (package / cause).exists(), cause


def test_what_is_refused_is_refused_with_a_full_cache(cup: Path) -> None:
    kept(cup, preset("tiny"))
    with pytest.raises(TooFewPoints):
        kept(cup, preset("tiny", grouping={"group_size": 512, "ratio": 8.0, "working_points": 5_000}))
    dataset = open_dataset(cup)
    (cup / "cup" / "1.ply").unlink()
    with pytest.raises(BadDataset, match="cannot be read"):
        cached_parts(dataset, preset("tiny"), no_report, never_stop)


def test_the_old_scans_are_recalled_and_not_aligned_again(
    tiny: TinyRun, cache: Path, fitted: list[str], tmp_path: Path
) -> None:
    from sedir_core.detectors.sedir import SedirDetector
    from sedir_core.training.warm_start import _all_replayed

    detector, dataset = SedirDetector.load(tiny.path, "cpu"), open_dataset(tiny.dataset, ["cup"])
    for _ in range(2):
        found = _all_replayed(detector, dataset, detector.config, no_report, never_stop)
        assert len(found["cup"].parts) == N_TRAIN
        assert found["cup"].frame.radius == detector.known["cup"].frame.radius
    assert fitted == ["cup"]
