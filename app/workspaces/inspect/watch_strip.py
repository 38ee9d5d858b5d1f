"""Status of the watched folder below the scan list: path, arrivals today, and a stop button."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.widgets.elided import Elided
from app.widgets.error_details import plain_label
from app.widgets.theme import Theme, icon, icon_size
from app.workspaces.inspect.watching import Watching

ICON_PX = 22


class WatchStrip(QFrame):
    """Hidden while no folder is watched."""

    def __init__(self, watching: Watching, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._watching, self._theme = watching, theme
        self._icon = QLabel(alignment=Qt.AlignmentFlag.AlignTop)
        self.title = Elided("sectionTitle")
        self.news = plain_label("", "quiet")
        self.stop = QToolButton(toolTip="Stop watching", iconSize=QSize(18, 18))
        self.stop.setObjectName("bare")
        self.stop.setAccessibleName("Stop watching")
        self.stop.clicked.connect(watching.stop)
        self.follow = QCheckBox("Show new scans")
        self.follow.setToolTip("Show each scan as it arrives, until you select another one")
        self.follow.toggled.connect(watching.set_following)
        self.again = QCheckBox("At every start")
        self.again.setToolTip("Watch this folder again when the program starts")
        self.again.toggled.connect(watching.set_every_start)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(QLabel("Watching", objectName="quiet"))
        words.addWidget(self.title)
        words.addWidget(self.news)
        head = QHBoxLayout()
        head.setSpacing(9)
        head.addWidget(self._icon)
        head.addLayout(words, 1)
        head.addWidget(self.stop, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 8, 10)
        column.setSpacing(7)
        column.addLayout(head)
        column.addWidget(self.follow)
        column.addWidget(self.again)
        watching.changed.connect(self.refresh)
        self.refresh()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.refresh()

    def refresh(self) -> None:
        """Update the text."""
        watching = self._watching
        self.setVisible(watching.folder is not None)
        if watching.folder is None:
            return
        away = watching.state is not None and not watching.state.present
        name = watching.folder.name or str(watching.folder)
        self.title.say(name, str(watching.folder))
        self.news.setText(news(watching))
        picture, colour = ("folder-alert-outline", self._theme.uncertain) if away else ("radar", self._theme.accent)
        self._icon.setPixmap(icon(picture, colour).pixmap(icon_size(ICON_PX), self.devicePixelRatioF()))
        self.stop.setIcon(icon("stop-circle-outline", self._theme.quiet))
        for box, checked in ((self.follow, watching.following), (self.again, watching.every_start)):
            blocked = box.blockSignals(True)
            box.setChecked(checked)
            box.blockSignals(blocked)


def news(watching: Watching) -> str:
    """Status text, one fact per line."""
    state = watching.state
    if state is None:
        return "Reading the folder…"
    if not state.present:
        return "Not reachable. Watching resumes when it is available again."
    count, ng = watching.tally()
    words = [f"{count} arrived today" if count else "Nothing arrived yet"]
    if ng:
        words.append(f"{ng} NG")
    lines = [" · ".join(words)]
    if state.growing:
        lines.append(f"{state.growing} being written")
    if state.polling:
        lines.append(f"Checked every two seconds: {state.polling}.")
    return "\n".join(lines)
