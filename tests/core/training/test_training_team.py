"""Two processes on the CPU train what one trains with the same batch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_run import again, part, tiny_config, write_encoder

from sedir_core.config import to_toml
from sedir_core.detectors.base import load_detector
from sedir_core.io.export import write_points_ply
from sedir_core.io.tensor_file import read_tensors
from sedir_core.training.events import EpochEvent, read_events
from sedir_core.training.process_group import ALONE

# Of 4 scans: the second batch of an epoch holds one, so that one of two processes has no part in it.
N_SCANS, BATCH_SIZE, EPOCHS = 4, 3, 3
TOGETHER = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def train_with(launcher: list[str], home: Path, folder: Path, **given: str) -> Path:
    folder.mkdir()
    # What follows the network's steps one process does alone: no more of it than a run must have.
    rest = {"held_out": 1, "surface_steps": 4, "expectation_steps": 20, "judge_steps": 2}
    config = tiny_config(home / "encoder.safetensors", epochs=EPOCHS, batch_size=BATCH_SIZE, **rest)
    (folder / "config.toml").write_text(to_toml(config))
    arguments = ["train", home / "parts", "--config", folder / "config.toml", "--out", folder / "run"]
    command = [sys.executable, *launcher, "-m", "sedir_core", *map(str, arguments), "--device", "cpu"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | given
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Trained by one process, and by two that find nothing in the cache: they share the encoding, too."""
    folder = tmp_path_factory.mktemp("team")
    write_encoder(folder / "encoder.safetensors")
    for category in ("bracket", "cup"):
        for i in range(N_SCANS // 2):
            write_points_ply(folder / "parts" / category / f"{i}.ply", again(part(category, 0, 800), i))
    alone = train_with([], folder, folder / "one")
    return alone, train_with(TOGETHER, folder, folder / "two", XDG_CACHE_HOME=str(folder / "cache"))


LOST = """
import os, signal, torch
from sedir_core.errors import DeviceUnavailable
from sedir_core.training.process_group import joined
with joined(torch.device("cpu")) as group:
    group.add(torch.ones(1))
    if not group.leads:
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        group.add(torch.ones(1))
    except DeviceUnavailable as error:
        print(error)
"""


def test_who_is_left_alone_says_so_and_how_to_go_on() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    team = [
        subprocess.Popen(
            [sys.executable, "-c", LOST], stdout=subprocess.PIPE, text=True, env=environment | {"RANK": rank}
        )
        for rank in "01"
    ]
    said = [one.communicate(timeout=120)[0] for one in team]
    assert said[0] == "torchrun: another process of this training ended (continue it with --resume)\n"
    assert team[0].returncode == 0


def curve(run: Path) -> list[float]:
    return [
        loss
        for event in read_events(run / "events.jsonl")
        if isinstance(event, EpochEvent)
        for loss in event.losses.values()
    ]


def test_the_loss_curve_is_the_same(runs: tuple[Path, Path]) -> None:
    one, two = map(curve, runs)
    assert len(one) == EPOCHS * 5
    assert two == pytest.approx(one, rel=1e-5)


def test_the_weights_and_the_buffer_are_the_same(runs: tuple[Path, Path]) -> None:
    one, two = (read_tensors(run / "state.safetensors")[0] for run in runs)
    assert one.keys() == two.keys()
    assert int(two["objective.buffer.count"]) == EPOCHS * N_SCANS
    for name, tensor in one.items():
        torch.testing.assert_close(
            two[name], tensor, rtol=1e-3, atol=2e-5, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_two_processes_write_one_run_that_works(runs: tuple[Path, Path]) -> None:
    events = read_events(runs[1] / "events.jsonl")
    assert [event.event for event in events].count("done") == 1
    assert load_detector(runs[1], "cpu").categories == load_detector(runs[0], "cpu").categories


def test_one_process_alone_has_the_whole_batch_and_never_waits() -> None:
    assert list(ALONE.share(range(3))) == [0, 1, 2]
    assert not ALONE.agree(False)
    rows = torch.ones(2, 3)
    assert ALONE.whole(rows, 2) is rows
