"""Details of one run, or two side by side: metrics, training curves, settings."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.jobs.pace import duration
from app.views.curves import TITLES, CurveGrid
from app.widgets.error_details import plain_label
from app.widgets.theme import Theme, icon, icon_size, primary_icon
from app.workspaces.runs.table import ICONS
from app.workspaces.runs.tables import BETTER, FIRST, SECOND, CategoryTable, MeasuresTable, SettingsTable, fate_reasons
from sedir_core.config import METHOD_NAMES, PEERS
from sedir_core.runs.catalogue import RunDetail, RunEntry, RunState
from sedir_core.runs.compare import compare_runs, settings_of

NOTHING = "Select a run to see its metrics and training curves.\nSelect two, with Ctrl, to compare them."
UNMEASURED = "No metrics yet: “Evaluate…” measures them on test scans, in a few seconds each."
NO_CURVES = "This run has no record of its training."
SAME = "The settings are identical."


class DetailPanel(QFrame):
    """Buttons emit requests; `show_entry` decides which of them are enabled."""

    inspect_wanted = Signal()
    evaluate_wanted = Signal()
    grow_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._theme = theme
        self._shown: list[RunDetail] = []
        self._allowed = True
        self._icon = QLabel()
        self.title, self.about = plain_label("", "paneTitle"), plain_label("", "quiet")
        self.inspect = QPushButton("Inspect with this model", objectName="primary")
        self.evaluate = QPushButton("Evaluate…", toolTip="AUROC and AUPR of every category, from test scans")
        self.grow = QPushButton("Add parts…", toolTip="Teach this model more kinds of part; it keeps those it knows")
        self.more = QToolButton(toolTip="Rename, archive, delete, export", objectName="bare")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.inspect.clicked.connect(self.inspect_wanted)
        self.evaluate.clicked.connect(self.evaluate_wanted)
        self.grow.clicked.connect(self.grow_wanted)
        self.message = plain_label("", "wrong")
        self.categories, self.measures = CategoryTable(), MeasuresTable()
        self.unmeasured = plain_label(UNMEASURED, "quiet")
        self.curves = CurveGrid(theme, TITLES, columns=2)
        self.legend = QLabel(objectName="quiet", textFormat=Qt.TextFormat.RichText)
        self.no_curves = plain_label(NO_CURVES, "faint")
        self.settings = SettingsTable(("Setting", "Value"))
        self.differences = SettingsTable(("Setting", "", ""))
        self.same = plain_label(SAME, "faint")
        self.tabs = QTabWidget(documentMode=True)
        self._layout()
        self.set_theme(theme)
        self.show_details([])

    def set_menu(self, menu: QMenu) -> None:
        self.more.setMenu(menu)

    def allow(self, acting: bool) -> None:
        """Enable the actions; deleted runs allow none."""
        self._allowed = acting
        self._show_buttons()

    def show_details(self, details: list[RunDetail]) -> None:
        """One run, two, or none."""
        self._shown = details
        self._stack.setCurrentIndex(0 if not details else 1)
        self._show_buttons()
        if len(details) == 1:
            self._show_one(details[0])
        elif details:
            self._show_two(details[0], details[1])

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.curves.set_theme(theme)
        self.inspect.setIcon(primary_icon("magnify-scan", theme))
        self.evaluate.setIcon(icon("clipboard-check-outline", theme.quiet))
        self.grow.setIcon(icon("plus", theme.quiet))
        self.more.setIcon(icon("dots-horizontal", theme.quiet))
        self.show_details(self._shown)

    def _show_buttons(self) -> None:
        for button in (self.inspect, self.evaluate, self.grow, self.more):
            button.setVisible(len(self._shown) == 1 and self._allowed)

    def _show_one(self, detail: RunDetail) -> None:
        entry, theme = detail.entry, self._theme
        finished = entry.state is RunState.FINISHED
        self.title.setText(entry.name)
        self.about.setText(_about(entry))
        colour = {RunState.FINISHED: theme.ok, RunState.RUNNING: theme.accent}.get(entry.state, theme.quiet)
        colour = theme.ng if entry.state in (RunState.FAILED, RunState.DAMAGED) else colour
        self._icon.setPixmap(icon(ICONS[entry.state], colour).pixmap(icon_size(28), self.devicePixelRatioF()))
        self.inspect.setEnabled(finished)
        self.evaluate.setEnabled(finished and not entry.bundled)
        self.grow.setEnabled(finished and entry.method == "sedir")
        worse = [f"{name}, {fate_reasons(fate)}" for name, fate in detail.old_categories.items() if fate.get("worse")]
        warning = f"Worse than in {entry.about.parent}: {'; '.join(worse)}." if worse and entry.about else ""
        self.message.setText(entry.trouble or warning)
        self.message.setVisible(bool(entry.trouble or warning))
        self.categories.show_detail(detail, theme)
        self.unmeasured.setVisible(finished and not entry.measured and not entry.bundled)
        self._show_tabs(self.categories, self.settings)
        self.settings.show_rows([] if detail.config is None else list(settings_of(detail.config).items()))
        self._show_curves(detail, None)

    def _show_two(self, first: RunDetail, second: RunDetail) -> None:
        found = compare_runs(first, second)
        names = first.entry.name, second.entry.name
        self.title.setText(f"{FIRST} {names[0]}      {SECOND} {names[1]}")
        self.about.setText(f"{BETTER.strip()} marks the better one; averages are over the categories that both know.")
        self._icon.setPixmap(icon("compare", self._theme.accent).pixmap(icon_size(28), self.devicePixelRatioF()))
        self.message.hide()
        self.measures.show_comparison(found, self._theme)
        self.unmeasured.setVisible(not found.pairs)
        self.differences.setHorizontalHeaderLabels(("Setting", *names))
        self.differences.show_rows(found.settings)
        self._show_tabs(self.measures, self.differences)
        self.same.setVisible(not found.settings)
        self.differences.setVisible(bool(found.settings))
        self._show_curves(first, second)

    def _show_tabs(self, measures: QWidget, settings: QWidget) -> None:
        self.categories.setVisible(measures is self.categories)
        self.measures.setVisible(measures is self.measures)
        self.settings.setVisible(settings is self.settings)
        self.differences.setVisible(settings is self.differences)
        self.same.hide()
        self.tabs.setTabText(0, "Categories" if measures is self.categories else "Measures")
        self.tabs.setTabText(2, "Settings" if settings is self.settings else "Different settings")

    def _show_curves(self, detail: RunDetail, beside: RunDetail | None) -> None:
        others = {} if beside is None else beside.curves
        wanted = {name: detail.curves.get(name, []) for name in TITLES if name in detail.curves or name in others}
        last = max((points[-1][0] for points in (*wanted.values(), *others.values()) if points), default=1.0)
        self.curves.show_series(wanted, last, others)
        self.no_curves.setVisible(not wanted)
        self.legend.setVisible(beside is not None and bool(wanted))
        if beside is not None:
            pairs = ((detail, f"━━ {FIRST}", self._theme.accent), (beside, f"╍╍ {SECOND}", self._theme.uncertain))
            self.legend.setText(
                "&nbsp;&nbsp;&nbsp;&nbsp;".join(
                    f'<span style="color:{colour}">{line}</span> {_escaped(one.entry.name)}'
                    for one, line, colour in pairs
                )
            )

    def _layout(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self.title)
        words.addWidget(self.about)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._icon)
        head.addLayout(words, 1)
        head.addWidget(self.more, 0, Qt.AlignmentFlag.AlignTop)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.inspect, self.evaluate, self.grow):
            buttons.addWidget(button)
        buttons.addStretch()
        scroll = QScrollArea(widgetResizable=True, horizontalScrollBarPolicy=Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName("Facts of the run")
        scroll.setWidget(self.curves)
        scroll.viewport().setAutoFillBackground(False)
        self.curves.setAutoFillBackground(False)
        self.tabs.addTab(_page(self.unmeasured, self.categories, self.measures), "Categories")
        self.tabs.addTab(_page(self.legend, self.no_curves, scroll), "Curves")
        self.tabs.addTab(_page(self.same, self.settings, self.differences), "Settings")
        shown = QWidget()
        column = QVBoxLayout(shown)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(9)
        column.addLayout(head)
        column.addWidget(self.message)
        column.addLayout(buttons)
        column.addWidget(self.tabs, 1)
        nothing = plain_label(NOTHING, "faint")
        nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._stack.addWidget(nothing)
        self._stack.addWidget(shown)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(14, 12, 14, 12)
        outer.addWidget(self._stack)


def _page(*widgets: QWidget) -> QWidget:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 8, 0, 0)
    column.setSpacing(8)
    for widget in widgets:
        fills = not isinstance(widget, QLabel)
        column.addWidget(widget, 1 if fills else 0, Qt.AlignmentFlag(0) if fills else Qt.AlignmentFlag.AlignTop)
    return page


def _about(entry: RunEntry) -> str:
    """One line on the origin of a run."""
    if entry.about is None:
        return ""
    kinds = f"{len(entry.categories)} {'kind' if len(entry.categories) == 1 else 'kinds'} of part"
    said = [METHOD_NAMES.get(entry.method, entry.method), entry.preset, kinds]
    if entry.method not in PEERS:
        said.append(f"{entry.epochs} {'epoch' if entry.epochs == 1 else 'epochs'}")
    if entry.seconds is not None:
        said.append(f"{duration(entry.seconds)} of training")
    if entry.about.parent:
        said.append(f"continues from {entry.about.parent}")
    if entry.bundled:
        said.append("ships with the program")
    return " · ".join(said)


def _escaped(name: str) -> str:
    return name.replace("&", "&amp;").replace("<", "&lt;")
