"""Estimated time and memory of a training, measured on this machine, or a button to measure them."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.widgets.error_details import plain_label
from sedir_core.config import PEERS, Config
from sedir_core.training.pace import Pace, estimate, read_pace

MEASURING = "Measuring with a small training…"
UNKNOWN = "Time and memory: not measured for these settings yet"
MEMORISES = "Memorises the good parts instead of training a network: a few seconds each"
TIP = (
    "Trains on two synthetic parts for a few steps with these settings on this device, and extrapolates.\n"
    "Takes seconds with the smaller presets, minutes with the paper's. The result is saved."
)


class EstimateLine(QWidget):
    """Hidden until categories are ticked."""

    measure_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = plain_label("", "quiet")
        self.measure = QPushButton("Measure", toolTip=TIP)
        self.measure.clicked.connect(self.measure_wanted)
        self._busy, self._failed = False, ""
        self._asked: tuple[Config | None, str, int] = (None, "", 0)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.text, 1)
        row.addWidget(self.measure)
        self.hide()

    def show_for(self, config: Config | None, device: str, n_scans: int) -> None:
        """Show the estimate for these settings and that many scans."""
        if (config, device) != self._asked[:2]:
            self._failed = ""
        self._asked = (config, device, n_scans)
        self.setVisible(config is not None and n_scans > 0)
        if config is None:
            return
        if config.method in PEERS:
            self.measure.hide()
            self.text.setText(MEMORISES)
            return
        pace = read_pace(config, device)
        self.measure.setVisible(pace is None and not self._busy)
        if pace is not None:
            self.text.setText(in_words(pace, config, n_scans))
        else:
            self.text.setText(MEASURING if self._busy else self._failed or UNKNOWN)

    def show_busy(self, busy: bool) -> None:
        self._busy = busy
        self.show_for(*self._asked)

    def show_failed(self, why: str) -> None:
        self._failed = f"Could not be measured: {why}"
        self.show_for(*self._asked)


def in_words(pace: Pace, config: Config, n_scans: int) -> str:
    """Time and memory, rounded to their real precision."""
    found = estimate(pace, config, n_scans)
    memory = f", {found.memory_bytes / 1e9:.1f} GB of memory" if found.memory_bytes else ""
    return f"Takes {duration(found.seconds)}{memory}, as measured on this machine"


def duration(seconds: float) -> str:
    """ "about 4 min"."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h" if seconds < 72 * 3600 else f"about {seconds / 86400:.1f} days"
