"""What can go wrong from outside while a training runs or is resumed: a clear word, nothing run, nothing lost."""

from __future__ import annotations

import errno
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_training_resume import digest, state, stopped
from test_training_train import events_of, part, request
from trainee import N_SAMPLINGS, begin, objective, proceed, settings

from sedir_core.errors import BadDataset, BadRun, CannotWrite, UnreadableScan, UserError
from sedir_core.io.export import write_points_ply
from sedir_core.io.tensor_file import read_tensors, write_tensors
from sedir_core.training.events import AnyEvent, DoneEvent, FailedEvent, StageEvent, StepEvent
from sedir_core.training.train import TrainRequest, train
from sedir_core.types import DoubleArray

EPOCHS = 6


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sedir_core.datasets.cache.writable_folders", lambda: {"cache": tmp_path / "cache"})


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "uninterrupted"
    begin(path, settings(EPOCHS), objective=objective())
    return path


def test_a_checkpoint_cut_at_any_place_is_refused(tmp_path: Path) -> None:
    path = stopped(tmp_path / "run") / "state.safetensors"
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 397), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(BadRun, match="checkpoint is lost"):
            proceed(path.parent, settings(EPOCHS), objective=objective())
    path.write_bytes(whole)
    assert proceed(path.parent, settings(EPOCHS), objective=objective()).status == "complete"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_a_kill_while_a_checkpoint_is_written_loses_nothing_before_it(
    tmp_path: Path, uninterrupted: Path, share: float
) -> None:
    path = stopped(tmp_path / "run")
    whole = (path / "state.safetensors").read_bytes()
    left = path / ".state.safetensors.0123abcd.tmp"  # as the kill would leave it
    left.write_bytes(whole[: round(share * len(whole))])
    assert proceed(path, settings(EPOCHS), objective=objective()).status == "complete"
    assert not left.exists()
    assert digest(state(path)) == digest(state(uninterrupted))


def test_a_full_disk_says_how_much_is_needed_and_keeps_the_last_checkpoint(
    tmp_path: Path, uninterrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stopped(tmp_path / "run")
    before = (path / "state.safetensors").read_bytes()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CannotWrite, match=r"needs [\d.]+ MB, .* free; the old content is whole"):
            proceed(path, settings(EPOCHS), objective=objective())
    assert (path / "state.safetensors").read_bytes() == before
    proceed(path, settings(EPOCHS), objective=objective())
    assert digest(state(path)) == digest(state(uninterrupted))


class Marked:
    """Leaves a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self.path),)


def header(content: dict[str, Any], length: int | None = None) -> bytes:
    text = json.dumps(content).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text


@pytest.mark.parametrize(
    "content",
    [
        header({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, length=1 << 60),
        header({"w": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 8]}}) + bytes(8),
        header({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 1 << 50]}}) + bytes(8),
        header({"__metadata__": {"format": "1"}, "../../w": {"dtype": "X", "shape": [], "data_offsets": [0, 0]}}),
        b"\xff" * 4096,
        b"[" * 100_000,
    ],
    ids=["long header", "shape lies", "offset lies", "unknown type", "noise", "nesting"],
)
def test_a_checkpoint_whose_header_lies_is_refused(tmp_path: Path, content: bytes) -> None:
    path = stopped(tmp_path / "run")
    (path / "state.safetensors").write_bytes(content)
    with pytest.raises(BadRun, match="checkpoint is lost"):
        proceed(path, settings(EPOCHS), objective=objective())


def test_a_pickle_in_place_of_a_checkpoint_runs_nothing(tmp_path: Path) -> None:
    path, marker = stopped(tmp_path / "run"), tmp_path / "marker"
    torch.save(Marked(marker), path / "state.safetensors")
    with pytest.raises(BadRun):
        proceed(path, settings(EPOCHS), objective=objective())
    assert not marker.exists()
    (path / "state.safetensors").rename(tmp_path / "x.pt")
    torch.load(tmp_path / "x.pt", weights_only=False)  # the payload is a real one
    assert marker.is_dir()


ODD: list[tuple[str, torch.Tensor | str]] = [
    ("optimizer.0.exp_avg", torch.zeros(99, 2)),
    ("optimizer.99.exp_avg", torch.zeros(3)),
    ("objective.fifo", torch.full((4, 6), float("nan"))),
    ("order.scans", torch.tensor([0, 1, 2, 3, 99])),
    ("order.scans", torch.tensor([1, 1, 1, 1, 1])),
    ("order.samplings", torch.full((5,), N_SAMPLINGS)),
    ("random.order", torch.zeros(3, dtype=torch.uint8)),
    ("progress", '{"step": -1}'),
    ("progress", '{"step": "1"}'),
    ("progress", '{"step": 1, "seconds": Infinity}'),
    ("progress", '{"step": 1, "sums": {"total": "x"}}'),
    ("progress", '{"step": 1, "code": "x"}'),
    ("progress", "nonsense"),
]


@pytest.mark.parametrize(("name", "value"), ODD, ids=[f"{name} {i}" for i, (name, _) in enumerate(ODD)])
def test_a_checkpoint_with_odd_content_is_refused(tmp_path: Path, name: str, value: torch.Tensor | str) -> None:
    path = stopped(tmp_path / "run")
    tensors, meta = read_tensors(path / "state.safetensors")
    if isinstance(value, str):
        meta[name] = value
    else:
        tensors[name] = value
    write_tensors(path / "state.safetensors", tensors, meta)
    before = (path / "state.safetensors").read_bytes()
    with pytest.raises(BadRun, match="does not fit"):
        proceed(path, settings(EPOCHS), objective=objective())
    assert (path / "state.safetensors").read_bytes() == before


def two(category: str) -> list[DoubleArray]:
    """Parts to learn from. Of one alone many times as many samplings are held out, and all of them are judged."""
    return [part(category, seed) for seed in range(2)]


def resumed(wanted: TrainRequest) -> TrainRequest:
    return TrainRequest(wanted.dataset, None, wanted.config, wanted.out, resume=True, device="cpu")


def test_a_scan_that_turns_unreadable_is_named_and_the_run_goes_on_when_it_is_back(tmp_path: Path) -> None:
    wanted = request(tmp_path, bracket=two("bracket"), cup=two("cup"))
    victim = wanted.dataset / "cup" / "1.ply"
    content = victim.read_bytes()

    def spoil(event: AnyEvent) -> None:
        if isinstance(event, StageEvent) and event.stage == "align bracket":
            victim.write_bytes(content[: len(content) // 2])

    with pytest.raises(UnreadableScan, match=r"1\.ply"):
        train(wanted, spoil)
    last = events_of(wanted)[-1]
    assert isinstance(last, FailedEvent) and last.kind == "unreadable_scan" and "1.ply" in last.message
    victim.write_bytes(content)
    assert train(resumed(wanted), lambda event: None) == wanted.out


def test_a_scan_that_is_replaced_while_it_is_read_is_learned_neither_now_nor_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = request(tmp_path, cup=two("cup"))

    def fit(*of: object) -> dict[str, None]:
        write_points_ply(wanted.dataset / "cup" / "1.ply", part("bracket", 1))
        return {"cup": None}

    monkeypatch.setattr("sedir_core.training.parts_cache.fit_all_parts", fit)
    with pytest.raises(BadDataset, match=r"1\.ply: was changed while"):
        train(wanted, lambda event: None)
    assert not list((tmp_path / "cache").rglob("*.safetensors"))
    assert isinstance(events_of(wanted)[-1], FailedEvent)


def test_a_data_set_removed_while_it_is_read_is_said_to_be_gone(tmp_path: Path) -> None:
    wanted = request(tmp_path, bracket=two("bracket"), cup=two("cup"))

    def remove(event: AnyEvent) -> None:
        if isinstance(event, StageEvent) and event.stage == "align bracket":
            wanted.dataset.rename(tmp_path / "elsewhere")

    with pytest.raises(UserError, match=r"0\.ply"):
        train(wanted, remove)
    assert isinstance(events_of(wanted)[-1], FailedEvent)
    (tmp_path / "elsewhere").rename(wanted.dataset)
    train(resumed(wanted), lambda event: None)


def test_a_data_set_removed_after_it_was_read_is_not_missed(tmp_path: Path) -> None:
    wanted = request(tmp_path, cup=two("cup"))

    def remove(event: AnyEvent) -> None:
        if isinstance(event, StepEvent) and wanted.dataset.exists():
            wanted.dataset.rename(tmp_path / "elsewhere")

    train(wanted, remove)
    assert isinstance(events_of(wanted)[-1], DoneEvent)


def test_features_are_computed_once_and_taken_from_the_cache_by_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    real = __import__("sedir_core.training.material", fromlist=["tokenize"]).tokenize

    def counted(points: np.ndarray, *rest: Any) -> Any:
        calls.append(len(points))
        return real(points, *rest)

    monkeypatch.setattr("sedir_core.training.material.tokenize", counted)
    wanted = request(tmp_path, cup=two("cup"))
    train(wanted, lambda event: None)
    assert len(calls) == 2
    # Elsewhere and under another name, the same content is known.
    wanted.dataset.rename(tmp_path / "moved")
    again = TrainRequest(tmp_path / "moved", None, wanted.config, tmp_path / "again", device="cpu")
    train(again, lambda event: None)
    assert len(calls) == 2
