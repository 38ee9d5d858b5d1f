"""What a training shows of itself between epochs: readable while it runs, refused if tampered with, without effect."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save
from tiny_run import CATEGORIES, TinyRun
from trainee import CPU, N_SCANS, ToyBank, config, objective, settings

from sedir_core.errors import BadRun, CannotWrite
from sedir_core.io.tensor_file import read_tensors
from sedir_core.training.events import EpochEvent, PreviewEvent
from sedir_core.training.loop import fit
from sedir_core.training.preview_file import Preview, read_previews, write_previews
from sedir_core.training.previews import token_previews
from sedir_core.training.run import create_run, describe


def shown(tiny: TinyRun) -> list[PreviewEvent]:
    return [event for event in tiny.events if isinstance(event, PreviewEvent)]


def test_previews_come_before_the_first_step_now_and_then_and_at_the_end(tiny: TinyRun) -> None:
    epochs = [event.epoch for event in shown(tiny)]
    assert epochs[0] == 0
    assert epochs[-1] == 15
    assert epochs == sorted(set(epochs))
    assert len(epochs) <= 14


def test_every_category_is_shown_good_and_dented(tiny: TinyRun) -> None:
    found = read_previews(tiny.path / shown(tiny)[0].file)
    assert [(one.category, one.damaged) for one in found] == [(c, d) for c in CATEGORIES for d in (False, True)]
    assert all(one.centres.shape == (128, 3) and one.residuals.shape == (128,) for one in found)


def test_good_parts_are_rebuilt_better_in_the_end(tiny: TinyRun) -> None:
    first, last = (read_previews(tiny.path / event.file) for event in (shown(tiny)[0], shown(tiny)[-1]))
    assert last[0].residuals.mean() < first[0].residuals.mean()


def test_epochs_say_how_much_memory_is_in_use(tiny: TinyRun) -> None:
    epochs = [event for event in tiny.events if isinstance(event, EpochEvent)]
    assert 50e6 < epochs[-1].memory_bytes < 64e9


def test_looking_changes_nothing_of_the_training(tmp_path: Path) -> None:
    states = []
    for watched in (False, True):
        network, cfg = objective(), settings(3)
        whole = config(3)
        with create_run(tmp_path / str(watched), whole, describe(whole, ("a",), "0" * 64, CPU)) as run:
            on_epoch = token_previews([], network, lambda tokens: np.zeros(0), run, 3)
            fit(network, ToyBank(), cfg, run, CPU, on_epoch=on_epoch if watched else lambda epoch: None)
        states.append(read_tensors(tmp_path / str(watched) / "state.safetensors")[0])
    assert states[0].keys() == states[1].keys()
    assert all(np.array_equal(states[0][name].numpy(), states[1][name].numpy()) for name in states[0])


def test_a_preview_that_cannot_be_written_does_not_end_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, previews: object) -> None:
        raise CannotWrite(path, "No space left on device")

    monkeypatch.setattr("sedir_core.training.previews.write_previews", full)
    network, whole = objective(), config(1)
    with create_run(tmp_path / "run", whole, describe(whole, ("a",), "0" * 64, CPU)) as run:
        on_epoch = token_previews([], network, lambda tokens: np.zeros(0), run, 1)
        assert fit(network, ToyBank(), settings(1), run, CPU, on_epoch=on_epoch).step == N_SCANS


def damaged_file(path: Path, damage: str) -> Path:
    centres, residuals = np.zeros((4, 3), np.float32), np.zeros(4, np.float32)
    names = json.dumps([["cup", False]])
    if damage == "shape":
        centres = np.zeros((4, 2), np.float32)
    elif damage == "infinite":
        residuals[0] = np.inf
    elif damage == "names":
        names = "[" * 100_000
    elif damage == "more names":
        names = json.dumps([["cup", False]] * 3)
    path.write_bytes(save({"centres.0": centres, "residuals.0": residuals}, {"samples": names}))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-7])
    elif damage == "pickle":
        path.write_bytes(b"\x80\x04cos\nsystem\n(S'touch x'\ntR.")
    return path


@pytest.mark.parametrize("damage", ["shape", "infinite", "names", "more names", "cut", "pickle"])
def test_a_file_that_was_not_written_so_is_refused(tmp_path: Path, damage: str) -> None:
    with pytest.raises(BadRun):
        read_previews(damaged_file(tmp_path / "p.safetensors", damage))


def test_a_preview_reads_back(tmp_path: Path) -> None:
    one = Preview("cup", True, np.eye(3, dtype=np.float32), np.arange(3, dtype=np.float32))
    write_previews(tmp_path / "p.safetensors", [one])
    (back,) = read_previews(tmp_path / "p.safetensors")
    assert (back.category, back.damaged) == ("cup", True)
    assert np.array_equal(back.centres, one.centres) and np.array_equal(back.residuals, one.residuals)
