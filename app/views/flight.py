"""Animated camera movement from one pose to another."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QObject, QVariantAnimation, Signal

from app.views.camera import CameraPose, between

FLIGHT_MS = 450


class Flight(QObject):
    """`moved` carries a pose for each step; `landed` is emitted only if the flight was not stopped."""

    moved = Signal(object)
    landed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._route: tuple[CameraPose, CameraPose] | None = None
        self._animation = QVariantAnimation(self, startValue=0.0, endValue=1.0, duration=FLIGHT_MS)
        self._animation.setEasingCurve(QEasingCurve.Type.InOutCubic)
        self._animation.valueChanged.connect(self._step)
        self._animation.finished.connect(self.landed)

    def start(self, start: CameraPose, end: CameraPose) -> None:
        self._animation.stop()
        self._route = start, end
        self._animation.start()

    def stop(self) -> None:
        self._animation.stop()

    def _step(self, share: float) -> None:
        if self._route is not None:
            self.moved.emit(between(*self._route, share))
