"""The pool: answers come back in the GUI thread, cancelled jobs stay silent, nothing outlives `close`."""

from __future__ import annotations

import threading
import time

import pytest
from pytestqt.qtbot import QtBot

from app.jobs.pool import Pool
from sedir_core.types import Report, Stop


@pytest.fixture
def pool(qtbot: QtBot):
    pool = Pool("tested")
    yield pool
    assert pool.close()


def double(request: int, report: Report, stop: Stop) -> int:
    report(0.5, "doubling")
    return 2 * request


def wait_for_stop(request: object, report: Report, stop: Stop) -> str:
    report(0.0, "waiting")
    while not stop():
        time.sleep(0.005)
    return "stopped"


def test_the_answer_carries_the_id_of_its_request(qtbot, pool):
    with qtbot.waitSignal(pool.done) as answer:
        job = pool.submit(double, 21)
    assert answer.args == [job, 42]


def test_signals_arrive_in_the_thread_of_the_window(qtbot, pool):
    seen = []
    pool.done.connect(lambda *_: seen.append(threading.current_thread()))
    with qtbot.waitSignal(pool.done):
        pool.submit(double, 1)
    assert seen == [threading.main_thread()]


def test_progress_is_passed_on(qtbot, pool):
    with qtbot.waitSignal(pool.progressed) as progress:
        job = pool.submit(double, 1)
    assert progress.args == [job, 0.5, "doubling"]


def test_an_error_is_told_and_the_next_job_runs(qtbot, pool):
    def fail(request, report, stop):
        raise ValueError("no")

    with qtbot.waitSignal(pool.failed) as failure:
        pool.submit(fail, None)
    assert isinstance(failure.args[1], ValueError)
    with qtbot.waitSignal(pool.done):
        pool.submit(double, 1)


def test_a_cancelled_job_never_answers(qtbot, pool):
    answers = []
    pool.done.connect(lambda job, value: answers.append(job))
    with qtbot.waitSignal(pool.progressed):
        cancelled = pool.submit(wait_for_stop, None)
    pool.cancel(cancelled)
    with qtbot.waitSignal(pool.done):
        other = pool.submit(double, 1)
    assert answers == [other]


def test_closing_ends_a_running_job_within_a_second(qtbot):
    pool = Pool("closed")
    with qtbot.waitSignal(pool.progressed):
        pool.submit(wait_for_stop, None)
    start = time.monotonic()
    assert pool.close()
    assert time.monotonic() - start < 1.0


def test_a_job_that_cannot_be_stopped_is_admitted(qtbot):
    pool, release = Pool("stubborn"), threading.Event()
    with qtbot.waitSignal(pool.progressed):
        pool.submit(lambda request, report, stop: (report(0.0, "deaf"), release.wait()), None)
    assert not pool.close(timeout_s=0.1)
    release.set()
    pool._thread.join(2)
