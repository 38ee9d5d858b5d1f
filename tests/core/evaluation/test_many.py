"""Runs against data sets: remembered by content, evaluated anew where anything that counts has changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from roundness import RoundnessDetector, ball
from runs_on_disk import write_parts, write_run

from sedir_core.errors import BadRun, Cancelled
from sedir_core.evaluation.many import Trial, evaluate_trials, own_dataset
from sedir_core.evaluation.store import EvaluationStore
from sedir_core.io.export import write_points_ply


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every run whose detector was loaded, which is the roundness detector."""
    seen: list[Path] = []

    def load(run_dir: Path, device: str = "auto") -> RoundnessDetector:
        seen.append(run_dir)
        return RoundnessDetector()

    monkeypatch.setattr("sedir_core.detectors.base.load_detector", load)
    return seen


@pytest.fixture
def store(tmp_path: Path) -> EvaluationStore:
    return EvaluationStore(tmp_path / "kept")


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    return write_parts(tmp_path / "parts")


def test_nothing_is_evaluated_twice(tmp_path, parts, loaded, store) -> None:
    trials = [Trial(write_run(tmp_path / "a"), parts), Trial(write_run(tmp_path / "b", seed=1), parts)]
    first = evaluate_trials(trials, store=store)
    again = evaluate_trials(trials, store=store)
    assert [path.name for path in loaded] == ["a", "b"]
    assert [one.document for one in again] == [one.document for one in first]
    assert first[0].kind == first[1].kind


def test_fresh_evaluates_again(tmp_path, parts, loaded, store) -> None:
    trials = [Trial(write_run(tmp_path / "a"), parts)]
    evaluate_trials(trials, store=store)
    evaluate_trials(trials, fresh=True, store=store)
    assert len(loaded) == 2


def test_a_copy_of_a_run_is_the_same_run(tmp_path, parts, loaded, store) -> None:
    evaluate_trials([Trial(write_run(tmp_path / "a"), parts)], store=store)
    (found,) = evaluate_trials([Trial(write_run(tmp_path / "copy"), parts)], store=store)
    assert len(loaded) == 1
    assert found.document["run"] == str(tmp_path / "copy")


@pytest.mark.parametrize("change", ["weights", "a test scan", "the categories", "the mode"])
def test_what_counts_is_evaluated_again(tmp_path, parts, loaded, store, change: str) -> None:
    evaluate_trials([Trial(write_run(tmp_path / "a"), parts)], store=store)
    if change == "a test scan":
        write_points_ply(parts / "ball" / "ok" / "0.ply", ball(n_points=500, seed=5))
    run = write_run(tmp_path / "b", weights=b"1" if change == "weights" else b"0")
    names = ("globe",) if change == "the categories" else None
    evaluate_trials([Trial(run, parts, names)], "given" if change == "the mode" else "both", store=store)
    assert len(loaded) == 2


def test_an_evaluation_with_unreadable_scans_is_not_kept(tmp_path, parts, loaded, store) -> None:
    (parts / "ball" / "ok" / "0.ply").write_bytes(b"ply\nno\n")
    trials = [Trial(write_run(tmp_path / "a"), parts)]
    assert evaluate_trials(trials, store=store)[0].document["errors"]
    evaluate_trials(trials, store=store)
    assert len(loaded) == 2


def test_a_damaged_memory_is_made_again(tmp_path, parts, loaded, store) -> None:
    trials = [Trial(write_run(tmp_path / "a"), parts)]
    evaluate_trials(trials, store=store)
    for path in store.folder.iterdir():
        path.write_text("{")
    assert evaluate_trials(trials, store=store)[0].document["mean"]["o_auroc"] == 1.0
    assert len(loaded) == 2


def test_what_was_finished_before_a_stop_is_kept(tmp_path, parts, loaded, store) -> None:
    trials = [Trial(write_run(tmp_path / "a"), parts), Trial(write_run(tmp_path / "b", weights=b"1"), parts)]
    with pytest.raises(Cancelled):
        evaluate_trials(trials, store=store, stop=lambda: (tmp_path / "b") in loaded)
    loaded.clear()
    evaluate_trials(trials, store=store)
    assert loaded == [tmp_path / "b"]


def test_an_unfinished_run_is_refused(tmp_path, parts, loaded, store) -> None:
    run = write_run(tmp_path / "a")
    (run / "weights.safetensors").unlink()
    with pytest.raises(BadRun, match="finish its training"):
        evaluate_trials([Trial(run, parts)], store=store)


def test_a_run_knows_what_it_was_trained_on(tmp_path) -> None:
    assert own_dataset(write_run(tmp_path / "a", dataset="/data/parts")) == Path("/data/parts")
    assert own_dataset(write_run(tmp_path / "b")) is None
