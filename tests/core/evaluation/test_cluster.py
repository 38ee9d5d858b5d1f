"""Two Ray workers on this machine: the results of one process, also when one of them is killed."""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from roundness import RoundnessDetector
from tiny_run import CATEGORIES, TinyRun, part

from sedir_core.errors import DeviceUnavailable, UnreadableScan
from sedir_core.evaluation import cluster
from sedir_core.evaluation.inspection import Inspected
from sedir_core.interrupts import interruptible
from sedir_core.io.export import write_points_ply

ray = pytest.importorskip("ray", reason="needs the extra: pip install 'sedir-inspect[cluster]'")

N_SCANS = 6
ASKED = ("--tolerance", "0.001", "--rule", "raw", "--evidence", "network")


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    for i in range(N_SCANS):
        write_points_ply(folder / f"{i}.ply", part(CATEGORIES[i % 3], 200 + i, 8_000))
    (folder / "broken.ply").write_text("ply\nformat ascii 1.0\n")
    return folder


def started(tiny: TinyRun, scans: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sedir_core", "inspect", str(scans), "--model", str(tiny.path), "--json", "-"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Its document, without what differs from run to run: the seconds."""
    out, error = process.communicate(timeout=250)
    assert process.returncode == 4, error  # one scan is broken
    found = json.loads(out)
    for result in found["results"]:
        result.pop("seconds")
    return found


@dataclass(frozen=True)
class Spread:
    """What two workers found of which one was killed, and what their cluster looked like meanwhile.

    hosts: where its processes listened. mode: of its folder, which is there no more.
    """

    found: dict[str, Any]
    hosts: set[str]
    mode: int
    folder: Path


@pytest.fixture(scope="module")
def spread(tiny: TinyRun, scans: Path) -> Spread:
    """One cluster for all tests: starting it costs more than all that it does."""
    before = set(Path("/tmp").glob("sedir-*"))
    process = started(tiny, scans, *ASKED, "--cluster", "local")
    try:
        family = wait_for_worker(process)
        hosts = {c.laddr.ip for one in family for c in connections(one) if c.status == psutil.CONN_LISTEN}
        (folder,) = set(Path("/tmp").glob("sedir-*")) - before
        mode = folder.stat().st_mode
        kill_one_worker(process)
    finally:
        found = finished(process)
    return Spread(found, {host.removeprefix("::ffff:") for host in hosts}, mode, folder)


def test_two_workers_of_which_one_is_killed_give_the_results_of_one_process(
    tiny: TinyRun, scans: Path, spread: Spread
) -> None:
    assert len(spread.found["results"]) == N_SCANS
    assert spread.found == finished(started(tiny, scans, *ASKED))


def test_what_is_asked_of_the_judging_reaches_the_workers(spread: Spread) -> None:
    assert all(one["tolerance"] == [-0.001, 0.001] and one["out_of_tolerance"] for one in spread.found["results"])


def test_nobody_else_reaches_the_workers(spread: Spread) -> None:
    assert spread.hosts and spread.hosts <= {"127.0.0.1", "::1"}
    assert spread.mode & 0o077 == 0
    assert not spread.folder.exists()


def test_another_machine_s_cluster_is_said_to_be_trusted_and_not_to_answer(scans: Path) -> None:
    command = [sys.executable, "-m", "sedir_core", "inspect", str(scans / "0.ply"), "--cluster", "127.0.0.1:1"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert found.returncode == 1
    assert "is trusted" in found.stderr and "no Ray cluster answers" in found.stderr


class LostCluster:
    """Of Ray what is needed to hand out scans that nobody inspects, or whose results are gone."""

    def __init__(self, alive: bool, done: bool, head: str) -> None:
        self.alive, self.done, self.head = alive, done, head
        self.exceptions = ray.exceptions

    def get_runtime_context(self) -> Any:
        return SimpleNamespace(gcs_address=self.head)

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0}

    def remote(self, **asked: object) -> Any:
        return lambda work: SimpleNamespace(remote=lambda *given: "job")

    def nodes(self) -> list[dict[str, bool]]:
        return [{"Alive": self.alive}]

    def wait(self, jobs: list[str], timeout: float) -> tuple[list[str], list[str]]:
        return (jobs, []) if self.done else ([], jobs)

    def get(self, job: str) -> None:
        raise ray.exceptions.RaySystemError("gone")


@pytest.fixture
def head() -> Iterator[str]:
    """Where something answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("what", ["no machine is left", "results are gone", "the head is silent"])
def test_what_a_lost_cluster_leaves_is_inspected_here(
    scans: Path, monkeypatch: pytest.MonkeyPatch, head: str, what: str
) -> None:
    silent = what == "the head is silent"
    lost = LostCluster(what != "no machine is left", what == "results are gone", "127.0.0.1:1" if silent else head)
    monkeypatch.setattr(cluster, "_connected", lambda address: nullcontext(lost))
    monkeypatch.setattr(cluster, "NODES_S", 0.0)
    monkeypatch.setattr(cluster, "LOST_S", 0.0)
    paths = sorted(scans.glob("?.ply"))
    found = list(cluster.Cluster("local", scans)(RoundnessDetector(), paths))
    assert [one.path for one in found] == paths
    assert all(isinstance(one, Inspected) for one in found)


def test_ray_ends_no_program_whose_cluster_lost_its_head() -> None:
    """By itself it does so after a minute, with all results."""
    assert cluster.HEAD_S > 10 * (cluster.LOST_S + cluster.NODES_S + cluster.ANSWER_S)


def test_ray_s_handlers_of_signals_do_not_replace_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own a SIGTERM ends the program at once, with all results."""
    taken = lambda *_, **__: signal.signal(signal.SIGTERM, signal.SIG_DFL)  # noqa: E731
    monkeypatch.setattr(ray, "init", taken)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    with interruptible() as stop, cluster._connected("auto"):
        signal.raise_signal(signal.SIGTERM)
        assert stop()


def test_what_ray_says_while_it_ends_is_none_of_our_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By then it tells of the workers that died."""
    monkeypatch.setattr(ray, "init", lambda *_, **__: print("begins"))
    monkeypatch.setattr(ray, "shutdown", lambda: print("a worker died"))
    with cluster._connected("auto"):
        print("works")
    said = capsys.readouterr()
    assert (said.out, said.err.split("\n")) == ("", ["begins", "works", "a worker died", ""])


def test_a_cluster_of_this_machine_joins_none_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def refuse(address: object, **_: object) -> None:
        asked.append(address)
        raise ValueError("not now")

    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"):
        monkeypatch.setenv(name, "")  # restored afterwards
    monkeypatch.setenv("RAY_ADDRESS", "10.255.255.1:6379")
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(DeviceUnavailable), cluster._connected("local"):
        pass
    assert asked == ["local"]


def connections(process: psutil.Process) -> list[Any]:
    try:
        return process.net_connections("inet")
    except psutil.Error:  # it ended meanwhile
        return []


def wait_for_worker(parent: subprocess.Popen[str]) -> list[psutil.Process]:
    """The program and all its processes once one of them inspects a scan."""
    pause = threading.Event()
    while parent.poll() is None:
        family = [psutil.Process(parent.pid), *psutil.Process(parent.pid).children(recursive=True)]
        try:
            if any("_inspect_one" in " ".join(one.cmdline()) for one in family):
                return family
        except psutil.Error:
            continue
        pause.wait(0.05)
    raise AssertionError("no worker was seen")


def kill_one_worker(parent: subprocess.Popen[str]) -> None:
    """Wait until a worker inspects a scan, and kill it."""
    pause = threading.Event()
    while parent.poll() is None:
        for child in psutil.Process(parent.pid).children(recursive=True):
            try:
                if "_inspect_one" in " ".join(child.cmdline()):
                    child.kill()
                    return
            except psutil.Error:  # it ended meanwhile
                continue
        pause.wait(0.05)
    pytest.fail("no worker was seen at work")


def test_an_error_survives_the_way_from_a_worker() -> None:
    error = UnreadableScan(Path("a.ply"), "broken", "mend it")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.hint) == (UnreadableScan, str(error), "mend it")
