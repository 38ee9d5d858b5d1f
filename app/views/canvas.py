"""The widget a 3D view draws on: pyvistaqt's, drawing once per change and telling clicks from drags."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from pyvistaqt import QtInteractor

CLICK_PX = 4.0
"""A press released within this distance is a click; beyond it, a drag that turned the camera."""


TURN_DEGREES, ZOOM = 12.0, 1.15
"""Per key press."""
TURNS = {
    Qt.Key.Key_Left: (-TURN_DEGREES, 0.0),
    Qt.Key.Key_Right: (TURN_DEGREES, 0.0),
    Qt.Key.Key_Up: (0.0, TURN_DEGREES),
    Qt.Key.Key_Down: (0.0, -TURN_DEGREES),
}
ZOOMS = {Qt.Key.Key_Plus: ZOOM, Qt.Key.Key_Equal: ZOOM, Qt.Key.Key_Minus: 1 / ZOOM}


class Canvas(QtInteractor):  # type: ignore[misc]  # as pyvistaqt is not annotated
    """Out of the box, pyvistaqt's widget draws twice per camera move (once for VTK, once for Qt) and again
    whenever Qt composes the window. Here VTK may draw only inside `paintGL`, and only after `ask`, or hidden by
    `draw_hidden`.
    """

    frame_drawn = Signal(float)  # seconds
    about_to_draw = Signal()
    resized = Signal()
    clicked = Signal(QPointF)  # the left button, without a drag
    hovered = Signal(QPointF)  # the mouse moves with no button down
    turned = Signal(float, float)  # degrees to the right and up, by the keyboard
    zoomed = Signal(float)  # zoom factor, by the keyboard
    focused = Signal(bool)
    _asked = True
    _pressed_at: QPointF | None = None

    def ask(self) -> None:
        """Schedule a frame; calls before the next frame are merged."""
        self._asked = True
        self.update()

    def draw_hidden(self) -> None:
        """Draw into VTK's own buffer, which the next `update` will show."""
        self.makeCurrent()
        window = self.GetRenderWindow()
        state = window.GetState()
        state.Reset()
        state.Push()
        window.Render()
        window.WaitForCompletion()
        state.Pop()
        self.doneCurrent()

    def resizeGL(self, width: int, height: int) -> None:  # noqa: N802
        self._asked = True
        super().resizeGL(width, height)
        self.resized.emit()

    def paintGL(self) -> None:  # noqa: N802
        vtk_side = self.GetRenderWindow().GetInteractor() if self.GetRenderWindow() is not None else None
        if vtk_side is None or not self._asked:
            super().paintGL()
            return
        self._asked = False
        self.about_to_draw.emit()
        start = time.perf_counter()
        vtk_side.EnableRenderOn()
        super().paintGL()
        vtk_side.EnableRenderOff()
        # Software OpenGL renders in its own threads; without waiting, a slow frame would look fast.
        self.GetRenderWindow().WaitForCompletion()
        self.frame_drawn.emit(time.perf_counter() - start)

    def event(self, event: QEvent) -> bool:
        """Tab moves the focus on, as everywhere else; VTK's widget would swallow it."""
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
                back = event.key() == Qt.Key.Key_Backtab or bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
                return bool(self.focusNextPrevChild(not back))
            if (turn := TURNS.get(Qt.Key(event.key()))) is not None:
                self.turned.emit(*turn)
                return True
            if (zoom := ZOOMS.get(Qt.Key(event.key()))) is not None:
                self.zoomed.emit(zoom)
                return True
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.focused.emit(event.type() is QEvent.Type.FocusIn)
        return bool(super().event(event))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._pressed_at = event.position() if event.button() is Qt.MouseButton.LeftButton else None
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        super().mouseMoveEvent(event)
        if event.buttons() == Qt.MouseButton.NoButton:
            self.hovered.emit(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        super().mouseReleaseEvent(event)
        start, self._pressed_at = self._pressed_at, None
        if start is None or event.button() is not Qt.MouseButton.LeftButton:
            return
        way = event.position() - start
        if way.manhattanLength() <= CLICK_PX:
            self.clicked.emit(start)
