"""A `sedir` command as a child process that ends with the window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QProcess, Signal

from sedir_core.places import own_command

END_MS = 2_000


class Child(QObject):
    """One command at a time; a new one replaces it."""

    busy_changed = Signal(bool)
    ended = Signal(int, bytes, str)  # exit status, stdout, and reason of a failure: end of stderr, or the status

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None

    @property
    def busy(self) -> bool:
        return self._process is not None

    def start(self, words: Sequence[str]) -> None:
        """words: arguments after `sedir`."""
        self.cancel()
        self._process = process = QProcess(self)
        process.setStandardInputFile(QProcess.nullDevice())
        process.finished.connect(self._on_finished)
        program, *arguments = own_command(*words)
        process.start(program, arguments)
        self.busy_changed.emit(True)

    def cancel(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.finished.disconnect(self._on_finished)
            process.kill()
            process.waitForFinished(END_MS)
            process.deleteLater()
            self.busy_changed.emit(False)

    def _on_finished(self, status: int) -> None:
        process, self._process = self._process, None
        assert process is not None
        output = bytes(process.readAllStandardOutput().data())
        said = bytes(process.readAllStandardError().data()).decode("utf-8", "replace").strip().splitlines()
        process.deleteLater()
        self.busy_changed.emit(False)
        why = said[-1].removeprefix("error:").strip() if said else f"it ended with status {status}"
        self.ended.emit(status, output, why)
