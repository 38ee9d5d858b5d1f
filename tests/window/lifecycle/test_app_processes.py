"""Two processes: one window for all starts, and nothing lost however a process ends."""

from __future__ import annotations

import signal
import sys
import time

import pytest
from app_helpers import crowding
from program import running

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes by signals")


def test_a_second_start_hands_its_paths_to_the_first_and_ends(qapp, tmp_path, good_file, dented_file):
    with running(tmp_path / "home") as first:
        first.wait_for("up")
        with running(tmp_path / "home", "-", good_file) as second:
            assert second.wait() == 0
        assert first.wait_for("done").split()[1] == "good.ply"
        with running(tmp_path / "home", "-", "--new-window", dented_file) as third:
            third.wait_for("up")
            assert third.wait_for("done").split()[1] == "dented.ply"
            assert third.end(signal.SIGTERM) == 0
        assert first.end(signal.SIGTERM) == 0


def test_after_a_kill_the_next_start_opens_a_window_and_offers_the_scans(qapp, tmp_path, good_file, dented_file):
    home = tmp_path / "home"
    with running(home, "review", good_file, dented_file) as first:
        first.wait_for("done dented.ply ok dust")
        first.wait_for("kept")
        first.end(signal.SIGKILL)
    with running(home, "restore") as second:
        assert second.wait_for("offer") == ("offer The program ended unexpectedly. Restore the 2 scans that were open?")
        second.wait_for("done dented.ply ok dust")
        assert second.end(signal.SIGTERM) == 0
    with running(home) as third:
        assert third.wait_for("offer") == "offer Restore the 2 scans from last time?"
        third.end(signal.SIGINT)


def test_a_fault_leaves_its_stack_for_the_next_start(qapp, tmp_path, dented_file):
    home = tmp_path / "home"
    with running(home, "review", dented_file) as first:
        first.wait_for("done dented.ply ok dust")
        first.wait_for("kept")
        assert first.end(signal.SIGSEGV) == -signal.SIGSEGV
    with running(home) as second:
        assert "ended unexpectedly. Restore the scan that was open?" in second.wait_for("offer")
        assert "Segmentation fault" in second.wait_for("fault")
        assert second.end(signal.SIGTERM) == 0


def test_a_signal_during_a_detection_ends_the_program_in_time(qapp, tmp_path, good_file):
    with running(tmp_path / "home", "gated", good_file) as program:
        program.wait_for("scoring")
        asked = time.monotonic()
        assert program.end(signal.SIGTERM) == 0
        assert time.monotonic() - asked < 5 * crowding()
