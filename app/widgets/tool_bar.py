"""The window's tool bar: workspace switcher, and the tools of the current workspace."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QLabel, QToolBar, QWidget

from app.widgets.fitting_bar import FittingBar
from app.widgets.theme import Theme
from app.widgets.workspace_switcher import WorkspaceSwitcher

SWITCHER_RANK, TOOL_RANK, LABEL_RANK = 3, 2, 1


class ToolBar(QToolBar):
    """Shows the current workspace's tools and never overflows."""

    def __init__(self, workspaces: Sequence[tuple[str, str, str]], theme: Theme, parent: QWidget) -> None:
        super().__init__("Tools", parent)
        self.setMovable(False)
        self.setObjectName("tools")
        self.toggleViewAction().setVisible(False)
        self._bar = FittingBar()
        self._bar.row.setSpacing(4)
        self.switcher = WorkspaceSwitcher(workspaces, self._bar, SWITCHER_RANK, theme)
        self._bar.row.addWidget(QFrame(frameShape=QFrame.Shape.VLine, objectName="upright"))
        self._tools: dict[str, list[QWidget]] = {}
        self._end = self._bar.row.count()  # position of the next tool, before the stretch
        self._bar.row.addStretch()
        self._last_switch = list(self.switcher.buttons.values())[-1]
        self.addWidget(self._bar)

    def has(self, key: str) -> bool:
        """Whether that workspace's tools have been added."""
        return key in self._tools

    def add_tools(self, key: str, actions: Sequence[QAction], label: str = "", widget: QWidget | None = None) -> None:
        """Add a workspace's tools, hidden until it is shown. widget: placed after the buttons, with a label."""
        tools: list[QWidget] = [self._bar.add(action, TOOL_RANK) for action in actions]
        if label:
            tools.append(self._bar.add_label(label, LABEL_RANK))
        if widget is not None:
            self._bar.row.addWidget(widget)
            tools.append(widget)
        for tool in tools:
            self._bar.row.removeWidget(tool)
            self._bar.row.insertWidget(self._end, tool)
            self._end += 1
        self._tools[key] = tools
        for first, second in pairwise([self._last_switch, *(tool for tool in tools if not isinstance(tool, QLabel))]):
            QWidget.setTabOrder(first, second)

    def show_workspace(self, key: str) -> None:
        self.switcher.show_current(key)
        for owner, tools in self._tools.items():
            for tool in tools:
                self._bar.set_shown(tool, owner == key)
        self._bar.fit()

    def set_theme(self, theme: Theme) -> None:
        self.switcher.set_theme(theme)
