"""Status area: the running job, its progress, and a button to stop it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QToolButton, QWidget

from app.widgets.plain_text import PlainLabel
from app.widgets.theme import Theme, icon
from sedir_core.names import printable

STEPS = 1000


@dataclass(frozen=True)
class Progress:
    """What `JobStatus` shows. fraction: of the running job; done, total: number of jobs; pace: speed, as text."""

    fraction: float
    stage: str
    done: int = 0
    total: int = 1
    pace: str = ""


class JobStatus(QWidget):
    """A line of text, a progress bar and a stop button; just "Ready" while idle."""

    cancel_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = PlainLabel("Ready")
        self.bar = QProgressBar(textVisible=False, maximum=STEPS)
        self.bar.setFixedWidth(220)
        self.cancel = QToolButton(text="Cancel", toolTip="Stop after the current step (Esc)")
        self.cancel.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.cancel.clicked.connect(self.cancel_wanted)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 0, 8, 0)
        layout.setSpacing(12)
        layout.addWidget(self._text)
        layout.addWidget(self.bar)
        layout.addWidget(self.cancel)
        layout.addStretch()
        self.set_theme(theme)
        self.show_progress(None)

    @property
    def text(self) -> str:
        return self._text.text()

    def set_theme(self, theme: Theme) -> None:
        self.cancel.setIcon(icon("close-circle-outline", theme.quiet))

    def show_progress(self, progress: object) -> None:
        """progress: `done`, `total`, `stage`, `fraction`, `pace` (see the Inspect model's Progress), or None."""
        # Kept in the layout while hidden: the bar must not change the height of the window.
        for part in (self.bar, self.cancel):
            policy = part.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            part.setSizePolicy(policy)
            part.setVisible(progress is not None)
        if progress is None:
            self._text.setText("Ready")
            return
        names = ("done", "total", "stage", "fraction", "pace")
        done, total, stage, fraction, pace = (getattr(progress, name) for name in names)
        count = f"{done + 1} of {total} · " if total > 1 else ""
        self._text.setText(f"{count}{pace + ' · ' if pace else ''}{printable(stage[:1].upper() + stage[1:])}…")
        self.bar.setValue(round(STEPS * min(1.0, (done + fraction) / max(total, 1))))
