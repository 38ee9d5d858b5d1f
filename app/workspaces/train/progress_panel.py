"""Progress of a training: phase, loss curves, and actions."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.jobs.training import Phase
from app.views.curves import TITLES, CurveGrid
from app.widgets.error_details import plain_label
from app.widgets.number_field import RIGHT
from app.widgets.theme import Theme, icon, icon_size, primary_icon
from app.workspaces.train.estimate_line import duration
from app.workspaces.train.model import Curves, Follow
from app.workspaces.train.preview_panel import PreviewPanel
from sedir_core.runs.catalogue import MEASURES, measured_of

WORDS = {
    Phase.WAITING: "Waiting for its device; starts automatically, even while this window is closed",
    Phase.STARTING: "Starting…",
    Phase.RUNNING: "Training",
    Phase.INTERRUPTED: "Interrupted: nothing is lost, it can be resumed where it stopped",
    Phase.FAILED: "Failed",
    Phase.COMPLETE: "Complete: ready to inspect",
    Phase.DAMAGED: "Damaged: it can no longer be read",
}
ICONS = {
    Phase.WAITING: "clock-outline",
    Phase.STARTING: "timer-sand",
    Phase.RUNNING: "school-outline",
    Phase.INTERRUPTED: "pause-circle-outline",
    Phase.FAILED: "alert-octagon",
    Phase.COMPLETE: "check-circle",
    Phase.DAMAGED: "file-alert-outline",
}
BROKEN = (Phase.FAILED, Phase.DAMAGED)
COLUMNS = ("Category", "Limit", "O-AUROC", "P-AUROC", "O-AUPR", "P-AUPR")
STOP_TIP = "Saves first; the training can be resumed exactly where it stopped"
OUTLIVES = "It continues when this window is closed."
STOPS = "It will stop after this epoch."


class ProgressPanel(QWidget):
    """Buttons emit requests."""

    stop_wanted = Signal()
    stop_later_wanted = Signal(bool)
    resume_wanted = Signal()
    inspect_wanted = Signal()
    evaluate_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: Follow | None = None
        self._icon = QLabel()
        self.title = plain_label("", "paneTitle")
        self.phase = plain_label("", "quiet")
        self.bar = QProgressBar(textVisible=False, maximum=1000)
        self.message = plain_label("", "wrong")
        self.stop = QPushButton("Stop now", toolTip=STOP_TIP)
        self.stop_later = QPushButton("Stop after this epoch", checkable=True)
        self.stop_later.clicked.connect(self.stop_later_wanted)
        self.resume = QPushButton("Go on", objectName="primary")
        self.inspect = QPushButton("Inspect with this model", objectName="primary")
        self.evaluate = QPushButton(
            "Evaluate", toolTip="AUROC and AUPR of every category, from the data set's test scans"
        )
        self.folder = QPushButton("Show files")
        for button, signal in (
            (self.stop, self.stop_wanted),
            (self.resume, self.resume_wanted),
            (self.inspect, self.inspect_wanted),
            (self.evaluate, self.evaluate_wanted),
        ):
            button.clicked.connect(signal)
        self.folder.clicked.connect(self._open_folder)
        self.curves = CurveGrid(theme, TITLES)
        self.previews = PreviewPanel()
        self.limits = QTableWidget(0, len(COLUMNS))
        self.limits.setHorizontalHeaderLabels(COLUMNS)
        self.limits.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.limits.verticalHeader().hide()
        self.limits.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.limits.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.limits.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.limits.setMinimumWidth(300)
        self.limits.setToolTip(
            "Limit: of the object score, set for the false-alarm rate in the settings.\n"
            "AUROC and AUPR in per cent, per scan (O) and per point (P), with the category identified by the model."
        )
        self._layout()
        self.set_theme(theme)

    def show_follow(self, seen: Follow) -> None:
        """Show the state of the run."""
        self._shown = seen
        self.title.setText(seen.run_dir.name)
        words = WORDS[seen.phase]
        if seen.phase is Phase.RUNNING and seen.stage:
            words = seen.stage[:1].upper() + seen.stage[1:]
            words += f" · {remaining(seen.left_s)}" if seen.left_s is not None else ""
            words += f" · {STOPS if seen.stops_after_epoch else OUTLIVES}"
        self.phase.setText(words)
        self.bar.setMaximum(0 if seen.phase is Phase.STARTING else 1000)
        self.bar.setValue(round(1000 * seen.fraction))
        self.bar.setVisible(seen.phase in (Phase.STARTING, Phase.RUNNING))
        self.message.setText(seen.message)
        self.message.setVisible(seen.phase in BROKEN and bool(seen.message))
        begun = seen.phase is Phase.RUNNING
        self.stop.setVisible(begun or seen.phase in (Phase.STARTING, Phase.WAITING))
        self.stop.setText("Stop now" if begun else "Do not train")
        self.stop.setToolTip(STOP_TIP if begun else "Removes it from the queue; nothing has been learned yet")
        self.stop_later.setVisible(begun)
        self.stop_later.setChecked(seen.stops_after_epoch)
        self.stop_later.setToolTip("Press again to let it continue" if seen.stops_after_epoch else STOP_TIP)
        self.previews.show_files(seen.previews)
        self.resume.setVisible(seen.phase in (Phase.INTERRUPTED, Phase.FAILED) and seen.can_resume)
        self.inspect.setVisible(seen.phase is Phase.COMPLETE)
        self.evaluate.setVisible(seen.phase is Phase.COMPLETE)
        self.folder.setEnabled(seen.run_dir.is_dir())
        self._show_limits(seen)
        self._dress()

    def show_curves(self, curves: Curves) -> None:
        """Show losses and rates so far."""
        wanted = {name: curves.epochs[name] for name in TITLES if name in curves.epochs}
        self.curves.show_series(wanted, curves.n_epochs)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.curves.set_theme(theme)
        self.stop.setIcon(icon("stop", theme.quiet))
        self.stop_later.setIcon(icon("debug-step-over", theme.quiet))
        self.folder.setIcon(icon("folder-outline", theme.quiet))
        self.resume.setIcon(primary_icon("play", theme))
        self.inspect.setIcon(primary_icon("magnify-scan", theme))
        self._dress()

    def _layout(self) -> None:
        head = QFrame(objectName="panel")
        row = QHBoxLayout()
        row.setSpacing(10)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self.title)
        words.addWidget(self.phase)
        row.addWidget(self._icon)
        row.addLayout(words, 1)
        for button in (self.folder, self.evaluate, self.stop_later, self.stop, self.resume, self.inspect):
            row.addWidget(button)
        inside = QVBoxLayout(head)
        inside.setContentsMargins(14, 12, 14, 12)
        inside.setSpacing(9)
        inside.addLayout(row)
        inside.addWidget(self.bar)
        inside.addWidget(self.message)
        scroll = QScrollArea(widgetResizable=True, horizontalScrollBarPolicy=Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName("Curves")
        scroll.setWidget(self.curves)
        split = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False)
        split.addWidget(scroll)
        split.addWidget(self.limits)
        split.setStretchFactor(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(head)
        column.addWidget(split, 1)
        column.addWidget(self.previews)

    def _show_limits(self, seen: Follow) -> None:
        measured = measured_of(seen.run_dir) if seen.phase is Phase.COMPLETE else {}
        self.limits.setVisible(bool(seen.thresholds))
        self.limits.setRowCount(len(seen.thresholds))
        for column in range(2, len(COLUMNS)):
            self.limits.setColumnHidden(column, not measured)
        for row, (name, value) in enumerate(seen.thresholds):
            self.limits.setItem(row, 0, QTableWidgetItem(name))
            shares = measured.get(name, {})
            percents = [shares.get(key) for key in MEASURES]
            for column, text in enumerate(
                [f"{value:#.3g}", *("" if p is None else f"{100 * p:.1f}" for p in percents)], 1
            ):
                cell = QTableWidgetItem(text)
                cell.setTextAlignment(RIGHT)
                self.limits.setItem(row, column, cell)

    def _dress(self) -> None:
        phase = self._shown.phase if self._shown is not None else Phase.STARTING
        colour = {Phase.COMPLETE: self._theme.ok, **dict.fromkeys(BROKEN, self._theme.ng)}.get(
            phase, self._theme.accent
        )
        self._icon.setPixmap(icon(ICONS[phase], colour).pixmap(icon_size(28), self.devicePixelRatioF()))

    def _open_folder(self) -> None:
        if self._shown is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._shown.run_dir)))


def remaining(seconds: float) -> str:
    """A duration in words, rounded to its real precision."""
    return f"{duration(seconds)} left"
