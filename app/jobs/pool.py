"""Short jobs off the GUI thread: one worker thread, jobs in order, results delivered in the GUI thread.

A Python thread rather than a QThread: Qt aborts the process if a QThread still runs at exit, and a job inside
a long library call cannot be interrupted.
"""

from __future__ import annotations

import itertools
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from sedir_core.types import Report, Stop

log = logging.getLogger(__name__)

Job = Callable[[Any, Report, Stop], Any]
"""A function of a frozen request that reports progress and checks between steps whether to stop."""

REPORT_INTERVAL_S = 0.04
SWITCH_S = 0.0005
"""Interpreter switch interval: how long a worker running Python holds the lock while the window waits. With Python's
default of 5 ms every frame would be slow, since drawing reacquires the lock some twenty times."""
YIELD = 5
"""Added niceness of a worker and of the threads libraries start for it. They compute on all cores; otherwise the
window, software OpenGL included, would get only its share."""
_ids = itertools.count(1)  # shared by all pools, so that ids are unique


class Pool(QObject):
    """Owns its thread. Signals carry the id returned by `submit`; a cancelled job emits nothing more."""

    progressed = Signal(int, float, str)
    done = Signal(int, object)
    failed = Signal(int, object)  # the exception
    _sent = Signal(str, int, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: queue.SimpleQueue[tuple[int, Job, Any, threading.Event] | None] = queue.SimpleQueue()
        self._live: dict[int, threading.Event] = {}
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._sent.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        return bool(self._live)

    def submit(self, job: Job, request: Any) -> int:
        """Queue `job(request, report, stop)`; returns its id."""
        job_id, asked = next(_ids), threading.Event()
        self._live[job_id] = asked
        if self._thread.ident is None:
            sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_S))
            self._thread.start()
        self._waiting.put((job_id, job, request, asked))
        return job_id

    def cancel(self, job_id: int) -> None:
        """Cancel a job: it is asked to stop, and its result is discarded."""
        asked = self._live.pop(job_id, None)
        if asked is not None:
            asked.set()

    def close(self, timeout_s: float = 1.0) -> bool:
        """Cancel all jobs and end the thread. False if a job did not stop in time."""
        for job_id in list(self._live):
            self.cancel(job_id)
        self._waiting.put(None)
        if self._thread.ident is None:
            return True
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.warning("%s did not stop within %.1f s", self._thread.name, timeout_s)
        return not self._thread.is_alive()

    @Slot(str, int, object)
    def _deliver(self, kind: str, job_id: int, value: object) -> None:
        if job_id not in self._live:
            return
        if kind == "progressed":
            assert isinstance(value, tuple)
            self.progressed.emit(job_id, *value)
            return
        del self._live[job_id]
        (self.done if kind == "done" else self.failed).emit(job_id, value)

    def _work(self) -> None:
        _yield_to_the_window()
        while (item := self._waiting.get()) is not None:
            job_id, job, request, asked = item
            if asked.is_set():
                continue
            try:
                self._send("done", job_id, job(request, self._reporter(job_id), asked.is_set))
            except Exception as error:  # thread boundary: every exception is reported in the GUI thread
                self._send("failed", job_id, error)
            # Request and result may hold a million points, and the next job may be hours away.
            del item, job, request

    def _send(self, kind: str, job_id: int, value: object) -> None:
        try:
            self._sent.emit(kind, job_id, value)
        except RuntimeError:  # the window and its pool are gone: there is no receiver
            log.info("answer of job %d dropped: the pool was deleted", job_id)

    def _reporter(self, job_id: int) -> Report:
        last_stage, last_time = "", 0.0

        def report(fraction: float, stage: str) -> None:
            nonlocal last_stage, last_time
            now = time.monotonic()
            if stage != last_stage or now - last_time >= REPORT_INTERVAL_S:
                last_stage, last_time = stage, now
                self._send("progressed", job_id, (fraction, stage))

        return report


def _yield_to_the_window() -> None:
    """Lower the calling thread's priority. Linux only: elsewhere this would affect the whole process."""
    if sys.platform == "linux":
        me = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, me, min(os.getpriority(os.PRIO_PROCESS, me) + YIELD, 19))
