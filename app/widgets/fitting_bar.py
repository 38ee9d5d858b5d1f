"""A row of buttons that adapts to its width: labels are dropped in favour of icons, least important first."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

Style = Qt.ToolButtonStyle
ICON_SIZE = QSize(22, 16)  # wider than the icon, for a gap before the label
KEPT = 99
"""Rank of a button that always keeps its label."""


class FittingBar(QWidget):
    """Buttons have a rank: those of rank 1 lose their label first; rank 0 never has one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ranks: dict[QToolButton, int] = {}
        self._labels: dict[QLabel, int] = {}
        self._away: set[QWidget] = set()
        self._measured: dict[QToolButton, tuple[object, tuple[int, int]]] = {}  # text; width without, with it
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(2)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def add(self, action: QAction, rank: int) -> QToolButton:
        """Add a button for an action. It takes the focus by Tab, not by click."""
        button = QToolButton(autoRaise=True, focusPolicy=Qt.FocusPolicy.TabFocus, objectName="inBar")
        button.setDefaultAction(action)
        self.add_button(button, rank)
        action.changed.connect(self.fit)
        return button

    def add_menu(self, text: str, menu: QMenu, tip: str, rank: int) -> QToolButton:
        """Add a button that opens a menu."""
        button = QToolButton(text=text, toolTip=tip, autoRaise=True, focusPolicy=Qt.FocusPolicy.TabFocus)
        button.setObjectName("menuButton")
        button.setAccessibleName(text or tip)
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.add_button(button, rank)
        return button

    def add_button(self, button: QToolButton, rank: int) -> None:
        button.setIconSize(ICON_SIZE)
        self._ranks[button] = rank
        self.row.addWidget(button)

    def add_label(self, text: str, rank: int) -> QLabel:
        """Add a label that is hidden when space is short."""
        label = QLabel(text, objectName="quiet")
        self._labels[label] = rank
        self.row.addWidget(label)
        return label

    @property
    def buttons(self) -> list[QToolButton]:
        """From left to right."""
        return [widget for widget in self._widgets if isinstance(widget, QToolButton)]

    def set_shown(self, part: QWidget, shown: bool) -> None:
        """Show or hide a widget of the row."""
        (self._away.discard if shown else self._away.add)(part)
        part.setHidden(not shown)

    def fit(self) -> None:
        """Show as many labels as fit."""
        level = next((level for level in self._levels if self._width(level) <= self.width()), self._levels[-1])
        for button, rank in self._ranks.items():
            bare = rank <= level and not button.icon().isNull()
            button.setToolButtonStyle(Style.ToolButtonIconOnly if bare else Style.ToolButtonTextBesideIcon)
        for label, rank in self._labels.items():
            label.setHidden(rank <= level or label in self._away)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """With icons only."""
        return QSize(self._width(self._levels[-1]), self._height())

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(self._width(0), self._height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.fit()

    @property
    def _levels(self) -> list[int]:
        ranks = (*self._ranks.values(), *self._labels.values())
        return sorted({0, *(rank for rank in ranks if rank < KEPT)})

    @property
    def _widgets(self) -> list[QWidget]:
        items = (self.row.itemAt(index) for index in range(self.row.count()))
        return [widget for item in items if item is not None and (widget := item.widget()) is not None]

    def _height(self) -> int:
        return max((widget.sizeHint().height() for widget in self._widgets), default=0)

    def _width(self, level: int) -> int:
        """Width needed when ranks up to `level` have no label."""
        widths = []
        for widget in self._widgets:
            if widget in self._away or (isinstance(widget, QLabel) and self._labels.get(widget, KEPT) <= level):
                continue
            if isinstance(widget, QToolButton) and widget in self._ranks:
                widths.append(self._measure(widget)[self._ranks[widget] > level])
            else:
                widths.append(max(widget.sizeHint().width(), widget.minimumWidth()))
        margins = self.row.contentsMargins()
        return sum(widths) + self.row.spacing() * max(len(widths), 1) + margins.left() + margins.right()

    def _measure(self, button: QToolButton) -> tuple[int, int]:
        """Width without and with its label."""
        button.ensurePolished()
        what = (button.text(), button.font().key(), button.icon().isNull(), button.iconSize().width())
        known = self._measured.get(button)
        if known is None or known[0] != what:
            now, found = button.toolButtonStyle(), []
            for style in (Style.ToolButtonIconOnly, Style.ToolButtonTextBesideIcon):
                button.setToolButtonStyle(style)
                found.append(button.sizeHint().width())
            button.setToolButtonStyle(now)
            bare, full = found
            known = self._measured[button] = what, (full if button.icon().isNull() else bare, full)
        return known[1]
