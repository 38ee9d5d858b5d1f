"""The whole program in a process of its own, with a quick detector, told what to do and asked what it sees by lines."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT, HELPERS = Path(__file__).parents[2], Path(__file__).parent
WAIT_S = 40

CODE = """
import sys, threading
sys.path.insert(0, sys.argv.pop(1))
from app import __main__ as program
from app.state.entries import State
from app_helpers import SphereDetector, loader
words = sys.argv.pop(1).split()
gate = threading.Event()
program.load = loader(SphereDetector(gate if "gated" in words else None))

def say(*what):
    print(*what, flush=True)

class Window(program.MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.session.entry_changed.connect(self.changed)
        self.first_painted.connect(lambda: say("up"))
        self.model.progress_changed.connect(lambda p: p is not None and "sphere" in p.stage and say("scoring"))

    def _prepare(self):
        self.model.prepare_model()

    def changed(self, entry_id):
        entry = self.session.get(entry_id)
        if entry.state is State.DONE and entry.detection is not None:
            say("done", entry.path.name, entry.review, entry.review_comment)
            if "review" in words and entry.review is None and entry.path.stem == "dented":
                self.session.review(entry_id, "ok", "dust")

class SettingsOwner(program.SessionAutosave):
    def _save(self):
        super()._save()
        self._pool.submit(lambda *_: say("kept"), None)

    def _on_done(self, job, value):
        super()._on_done(job, value)
        if job == self._looking:
            say("offer", self.offer.text if self.offer else "-")
            say("fault", (self.offer.fault if self.offer else "").splitlines()[:1])
            if "restore" in words:
                self.restore()

program.MainWindow, program.SessionAutosave = Window, SettingsOwner
sys.exit(program.main(sys.argv[1:]))
"""


class Program:
    """A running program and the lines it prints."""

    def __init__(self, home: Path, words: str, *arguments: str) -> None:
        homes = {f"XDG_{name}_HOME": str(home / name) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(HELPERS), words, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | homes,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, name="reader")
        self._errors: list[str] = []
        self._other = threading.Thread(target=self._read_errors, name="reader of errors")
        self._reader.start()
        self._other.start()

    def wait_for(self, start: str) -> str:
        """The next line that starts so."""
        while True:
            try:
                line = self._lines.get(timeout=WAIT_S)
            except queue.Empty:
                raise AssertionError(f"no line {start!r}; errors: {''.join(self._errors)}") from None
            if line.startswith(start):
                return line.strip()

    def end(self, signal_number: int) -> int:
        """Send a signal; the exit status."""
        self.process.send_signal(signal_number)
        return self.wait()

    def wait(self) -> int:
        status = self.process.wait(WAIT_S)
        self._reader.join()
        self._other.join()
        return status

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self._errors.extend(self.process.stderr)


@contextmanager
def running(home: Path, words: str = "-", *arguments: object) -> Iterator[Program]:
    """The program, ended in any case."""
    program = Program(home, words, *map(str, arguments))
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.process.kill()
        program.wait()
        for pipe in (program.process.stdout, program.process.stderr):
            assert pipe is not None
            pipe.close()
