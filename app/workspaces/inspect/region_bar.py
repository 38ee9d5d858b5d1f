"""The buttons over the list of regions: they draw, remove, open and save; icons only where the window is narrow."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QToolButton

from app.widgets.fitting_bar import FittingBar
from app.widgets.theme import Theme, icon
from app.workspaces.inspect.tools import TO_DRAW, Tool

DRAWN = {Tool.BOX: ("Box", "selection"), Tool.LASSO: ("Lasso", "lasso"), Tool.PLANE: ("Plane", "vector-line")}


class RegionBar(FittingBar):
    """draw: the button of each drawing tool."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._pictures: dict[QToolButton, str] = {}
        self.row.addWidget(QLabel("Regions", objectName="sectionTitle"))
        self.row.addStretch()
        self.draw = {
            tool: self._button(text, picture, f"Add a region: {TO_DRAW[tool][0].lower()}{TO_DRAW[tool][1:]}", 2)
            for tool, (text, picture) in DRAWN.items()
        }
        self.at_point = self._button(
            "Around a point", "map-marker-radius-outline", "Add one around the picked point", 2
        )
        self.remove = self._button("Remove", "trash-can-outline", "Remove the selected region", 1)
        self.load = self._button("Open…", "folder-open-outline", "Load the regions of this kind of part from a file", 1)
        self.save = self._button("Save…", "content-save-outline", "Save as a file for the command line: --regions", 1)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        for button, picture in self._pictures.items():
            button.setIcon(icon(picture, theme.quiet))

    def _button(self, text: str, picture: str, tip: str, rank: int) -> QToolButton:
        button = QToolButton(text=text, toolTip=tip, autoRaise=True, focusPolicy=Qt.FocusPolicy.TabFocus)
        button.setObjectName("inBar")
        button.setAccessibleName(text)
        self._pictures[button] = picture
        self.add_button(button, rank)
        return button
