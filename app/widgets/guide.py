"""The user guide in its own window: chapters on the left, pictures scaled to the page, search."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QImage, QKeySequence, QResizeEvent, QShortcut, QTextBlock, QTextDocument
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app.widgets.room import resize_on_screen

SIZE = (1060, 720)
MARGIN = 28
RESIZE_AFTER_MS = 150
POSITION = Qt.ItemDataRole.UserRole


class GuideWindow(QDialog):
    """Shows a Markdown file; links to the web open in the browser."""

    def __init__(self, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("User guide")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.chapters = QListWidget(objectName="runs")
        self.chapters.setAccessibleName("Chapters")
        self.search = QLineEdit(placeholderText="Find in the guide", clearButtonEnabled=True)
        self.page = GuidePage(path)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.search)
        column.addWidget(self.chapters, 1)
        split = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False)
        split.addWidget(side)
        split.addWidget(self.page)
        split.setSizes([240, 800])
        split.setStretchFactor(1, 1)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(12, 12, 12, 12)
        outer.addWidget(split)
        self._list_chapters()
        self.chapters.itemClicked.connect(lambda item: self.page.go(item.data(POSITION)))
        self.search.returnPressed.connect(self._find)
        QShortcut(QKeySequence.StandardKey.Find, self, self.search.setFocus)
        resize_on_screen(self, *SIZE)

    def _list_chapters(self) -> None:
        for block, level in self.page.headings():
            if level in (2, 3):
                item = QListWidgetItem("    " * (level - 2) + block.text())
                item.setData(POSITION, block.position())
                self.chapters.addItem(item)

    def _find(self) -> None:
        """Find the next match, wrapping around at the end."""
        words = self.search.text()
        if words and not self.page.find(words):
            self.page.go(0)
            self.page.find(words)


class GuidePage(QTextBrowser):
    """A Markdown file; its pictures are never wider than the page and sharp on every screen."""

    def __init__(self, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # only the margin is beyond the page
        self.anchorClicked.connect(self._open)
        self.document().setDocumentMargin(MARGIN)
        self.setSearchPaths([str(path.parent)])
        self._timer = QTimer(self, singleShot=True, interval=RESIZE_AFTER_MS)
        self._timer.timeout.connect(self._fit)
        self._text = path.read_text("utf-8")
        self.setMarkdown(self._text)

    def headings(self) -> list[tuple[QTextBlock, int]]:
        """Every heading and its level; 1 is the title."""
        found = []
        block = self.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel():
                found.append((block, block.blockFormat().headingLevel()))
            block = block.next()
        return found

    def go(self, position: int) -> None:
        """Scroll that heading to the top."""
        cursor = self.textCursor()
        cursor.setPosition(position)
        self.setTextCursor(cursor)
        top = self.document().documentLayout().blockBoundingRect(cursor.block()).top()
        self.verticalScrollBar().setValue(round(top) - 8)

    def loadResource(self, kind: int, name: QUrl | str) -> object:  # noqa: N802
        found = super().loadResource(kind, name)
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return found
        picture = QImage.fromData(found) if not isinstance(found, QImage) else found
        ratio = self.devicePixelRatioF()
        room = max(200, self.viewport().width() - 2 * MARGIN - 4)
        if picture.width() / ratio > room:
            picture = picture.scaledToWidth(round(room * ratio), Qt.TransformationMode.SmoothTransformation)
        picture.setDevicePixelRatio(ratio)
        return picture

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._timer.start()

    def _fit(self) -> None:
        """Reload the pictures at the page's present width, keeping the reading position."""
        share = self.verticalScrollBar().value() / max(self.verticalScrollBar().maximum(), 1)
        self.document().clear()
        self.setMarkdown(self._text)
        self.verticalScrollBar().setValue(round(share * self.verticalScrollBar().maximum()))

    def _open(self, link: QUrl) -> None:
        if link.scheme() in ("http", "https"):
            QDesktopServices.openUrl(link)
