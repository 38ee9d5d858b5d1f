"""Distributed `inspect_scans` on a Ray cluster, with the same order and results.

Every machine needs this program, and access to scans and run under the same paths. A dead worker is replaced and its
scan inspected again, while the others continue.
"""

from __future__ import annotations

import functools
import logging
import os
import secrets
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sedir_core.detectors.base import Detector
from sedir_core.detectors.relimit import load_relimited
from sedir_core.errors import Cancelled, DeviceUnavailable, UnreadableScan, UserError
from sedir_core.evaluation.inspection import Inspected, Refused, inspect_scans
from sedir_core.interrupts import handlers_kept
from sedir_core.io.columns import Columns
from sedir_core.types import Report, Stop, never_stop, no_report

log = logging.getLogger(__name__)

Model = tuple[str, str, float | None, str | None, str | None, str | None]
"""Run, device, false-alarm rate, evidence, rule and tolerance; None means the run's own."""

LOCAL = "local"
TRIES_AFTER_DEATH = 3
AHEAD = 4  # scans in flight per worker: enough to keep it busy, few enough for the memory
ANSWER_S = 5.0
NODES_S = 5.0  # how often it is looked whether anybody is left to wait for
LOST_S = 20.0  # a head that is silent for longer is lost; one that is restarted needs a few seconds
HEAD_S = 600  # after which Ray itself ends this process without its head, with all results: by far the later
LOOK_S = 0.2  # how often a wait looks whether it should stop


class _ClusterLost(Exception):
    """No machine of the cluster is left, or its results are lost."""


@dataclass(frozen=True)
class Cluster:
    """Drop-in replacement for `inspect_scans`.

    address: "local" for the cores of this machine, "auto" or HOST:PORT of a running cluster.
    false_alarm_rate, evidence, rule, tolerance: for the workers; None means the run's own.
    """

    address: str
    run_dir: Path
    device: str = "auto"
    false_alarm_rate: float | None = None
    evidence: str | None = None
    rule: str | None = None
    tolerance: str | None = None

    @property
    def alone(self) -> bool:
        """Whether only this machine is used."""
        return self.address == LOCAL

    def __call__(
        self,
        detector: Detector,
        paths: Sequence[Path],
        category: str = "auto",
        report: Report = no_report,
        stop: Stop = never_stop,
        columns: Columns = (),
    ) -> Iterator[Inspected | Refused]:
        """As `inspect_scans`; `detector` is used only for its metadata, the workers load their own.

        If the cluster is lost, the remaining scans are inspected on this machine. Raises DeviceUnavailable without Ray
        or its cluster, and what `inspect_scans` raises.
        """
        yield from inspect_scans(detector, (), category)  # reject an unknown category before the work
        waiting = deque(paths)
        with _connected(self.address) as ray:
            try:
                yield from self._inspect(ray, waiting, category, report, stop, columns)
                return
            except _ClusterLost:
                log.warning("the cluster is lost; the other %d scans are inspected here", len(waiting))
        yield from inspect_scans(detector, list(waiting), category, report, stop, columns)

    def _inspect(
        self, ray: Any, paths: deque[Path], category: str, report: Report, stop: Stop, columns: Columns
    ) -> Iterator[Inspected | Refused]:
        """Takes each path away once its outcome is known. Raises _ClusterLost where nobody is left to inspect it."""
        resources = ray.cluster_resources()
        n_gpus = int(resources.get("GPU", 0)) if self.device.partition(":")[0] in ("auto", "cuda") else 0
        n_workers = n_gpus or max(int(resources.get("CPU", 1)), 1)
        work = ray.remote(max_retries=TRIES_AFTER_DEATH, num_cpus=1, num_gpus=1 if n_gpus else 0)(_inspect_one)
        device = self.device if self.device == "cpu" else "auto"  # a worker sees only its own GPU
        judging = (self.evidence, self.rule, self.tolerance)
        model: Model = (str(self.run_dir.resolve()), device, self.false_alarm_rate, *judging)
        waiting, running, n_paths = deque(paths), deque[tuple[Path, Any]](), len(paths)
        pulse = _Pulse(ray)
        for done in range(n_paths):
            while waiting and len(running) < AHEAD * n_workers:
                path = waiting.popleft()
                job = work.remote(model, str(path.resolve()), category, columns)
                running.append((path, job))
            path, job = running.popleft()
            report(done / n_paths, path.name)
            pulse.feel()
            while not ray.wait([job], timeout=LOOK_S)[0]:
                if stop():
                    raise Cancelled
                pulse.feel()
            outcome = _outcome(ray, path, job)
            paths.popleft()
            yield outcome
        report(1.0, "done")


class _Pulse:
    """Whether the cluster lives: its head answers, and a machine is left. Looked at every few seconds."""

    def __init__(self, ray: Any) -> None:
        self._ray, self._head = ray, ray.get_runtime_context().gcs_address
        self._looked_s = self._answered_s = time.monotonic()

    def feel(self) -> None:
        """Raises _ClusterLost."""
        if time.monotonic() < self._looked_s + NODES_S:
            return
        try:
            _knock(self._head)
        except OSError as silent:
            if time.monotonic() > self._answered_s + LOST_S:
                raise _ClusterLost from silent
        else:
            self._answered_s = time.monotonic()
            if not any(node["Alive"] for node in self._ray.nodes()):
                raise _ClusterLost
        self._looked_s = time.monotonic()


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # scans are confidential
    os.environ.setdefault("RAY_worker_niceness", "0")  # else workers starve beside anything else that computes
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(HEAD_S))
    with ExitStack() as stack:
        alone = address == LOCAL
        folder = stack.enter_context(_kept_to_ourselves()) if alone else None
        try:
            import ray
        except ImportError as error:
            what, hint = "Ray is not installed", "pip install 'sedir-inspect[cluster]'"
            raise DeviceUnavailable("cluster", what, hint) from error
        # Ray logs to standard output, also while it shuts down, which is reserved for our data.
        stack.enter_context(redirect_stdout(sys.stderr))
        try:
            if not alone and address != "auto":
                _knock(address)
            with handlers_kept():  # by Ray's own a SIGTERM loses all results
                ray.init(
                    address,  # never None, which joins whatever cluster RAY_ADDRESS names
                    include_dashboard=False if alone else None,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    _temp_dir=folder,
                )
        except (OSError, ValueError) as error:
            raise DeviceUnavailable(address, f"no Ray cluster answers: {error}", "start one, or use local") from error
        stack.callback(ray.shutdown)
        yield ray


@contextmanager
def _kept_to_ourselves() -> Iterator[str]:
    """Restrict local workers to this machine: no open ports, and access only with a token.

    Entered before Ray is imported. Yields a private folder for its sockets and logs.
    """
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # despite its name not only for Windows: binds to loopback
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # otherwise Ray writes one readable by every user
    # Socket paths must be short, and the user's temporary folder may be too long.
    short = "/tmp" if Path("/tmp").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="sedir-", dir=short, ignore_cleanup_errors=True) as folder:
        yield str(Path(folder) / "ray")  # Ray makes its folder accessible to everybody, but not its parent


def _knock(address: str) -> None:
    """Raises OSError or ValueError if nothing listens there; Ray itself would retry for minutes."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_S).close()


def _outcome(ray: Any, path: Path, job: Any) -> Inspected | Refused:
    try:
        found: Inspected | Refused | UserError = ray.get(job)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError, ray.exceptions.NodeDiedError):
        what = f"the process that inspected it died {TRIES_AFTER_DEATH + 1} times"
        return Refused(path, UnreadableScan(path, what, "inspect it alone to see why"))
    except ray.exceptions.RayTaskError:  # a bug of ours
        raise
    except ray.exceptions.RayError as lost:
        raise _ClusterLost from lost
    if isinstance(found, UserError):
        raise found
    if isinstance(found, Refused):  # with the path as given by the user
        return Refused(path, type(found.error)(path, found.error.what, found.error.hint))
    return replace(found, path=path)


def _inspect_one(model: Model, path: str, category: str, columns: Columns) -> Inspected | Refused | UserError:
    """Runs in a worker. Errors are returned as values, since Ray would wrap them in its own classes."""
    try:
        return next(inspect_scans(_loaded(model), [Path(path)], category, columns=columns))
    except UserError as error:
        return error


@functools.lru_cache(maxsize=1)
def _loaded(model: Model) -> Detector:
    run_dir, device, rate, evidence, rule, tolerance = model
    return load_relimited(Path(run_dir), device, evidence, rule, tolerance, rate)
