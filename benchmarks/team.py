"""A training by `torchrun` of two processes, one of which is killed again and again: does it end as if nothing was?

    python benchmarks/team.py [--times 4]

Leader and follower are killed (kill -9) in turn, a random while after the first epoch, and the training continued by
`torchrun` with --resume. Prints JSON; the exit status is 1 unless torchrun ended each time within 30 s and the weights
equal those of an undisturbed training, byte for byte. Of two tiny parts. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "core"))

from tiny_run import part, tiny_config, write_encoder

from sedir_core.config import to_toml
from sedir_core.io.export import write_points_ply
from sedir_core.training.events import EpochEvent, read_events

EPOCHS, BATCH_SIZE = 60, 3
REST = {"held_out": 1, "surface_steps": 4, "expectation_steps": 20, "judge_steps": 2, "checkpoint_seconds": 1.0}
TOGETHER = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "sedir_core"]
LOOK_S, LONGEST_S, LONGEST_END_S = 0.02, 600.0, 30.0


def main() -> int:
    """Measure and print; 1 if the promise is broken."""
    parser = argparse.ArgumentParser(description="Kill one of two training processes.")
    parser.add_argument("--times", type=int, default=4)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        _write_data(home)
        whole, killed = home / "whole", home / "killed"
        _ended(_started(home, whole, resume=False))
        kills = []
        chance = random.Random(0)
        for i in range(times):
            kills.append(_kill_one(home, killed, str(i % 2), chance.uniform(0.0, 3.0)))
        _ended(_started(home, killed, resume=True))
        equal = (whole / "weights.safetensors").read_bytes() == (killed / "weights.safetensors").read_bytes()
    print(json.dumps({"kills": kills, "equal_weights": equal}, indent=2))
    return int(not equal or any(one["seconds_to_end"] > LONGEST_END_S for one in kills))


def _write_data(home: Path) -> None:
    write_encoder(home / "encoder.safetensors")
    for category in ("bracket", "cup"):
        for i in range(2):
            write_points_ply(home / "parts" / category / f"{i}.ply", part(category, i, 800))
    config = tiny_config(home / "encoder.safetensors", epochs=EPOCHS, batch_size=BATCH_SIZE, **REST)
    (home / "config.toml").write_text(to_toml(config))


def _started(home: Path, run: Path, *, resume: bool) -> subprocess.Popen[bytes]:
    how = ["--resume", run] if resume else ["--config", home / "config.toml", "--out", run, "--device", "cpu"]
    command = [sys.executable, *TOGETHER, "train", *map(str, [home / "parts", *how])]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(home / "cache")}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)


def _ended(team: subprocess.Popen[bytes]) -> None:
    _, said = team.communicate(timeout=LONGEST_S)
    if team.returncode:
        sys.exit(said.decode())


def _kill_one(home: Path, run: Path, rank: str, after_s: float) -> dict[str, object]:
    """After an epoch of this sitting, and that while, kill one process."""
    before = _n_epochs(run)
    team = _started(home, run, resume=run.exists())
    while _n_epochs(run) == before and team.poll() is None:
        time.sleep(LOOK_S)
    time.sleep(after_s)
    members = [one for one in psutil.Process(team.pid).children() if one.environ().get("RANK") == rank]
    for one in members:
        one.kill()
    began = time.monotonic()
    team.communicate(timeout=LONGEST_S)
    taken = round(time.monotonic() - began, 1)
    return {"rank": int(rank), "killed": len(members), "epochs_before": _n_epochs(run), "seconds_to_end": taken}


def _n_epochs(run: Path) -> int:
    path = run / "events.jsonl"
    return sum(isinstance(one, EpochEvent) for one in read_events(path)) if path.exists() else 0


if __name__ == "__main__":
    sys.exit(main())
