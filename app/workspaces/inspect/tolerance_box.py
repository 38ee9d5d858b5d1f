"""The tolerance band as numbers: allowed minus and plus deviation, and which deviation is meant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QEvent, QSignalBlocker
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from app.state.entries import Entry
from app.widgets.number_field import SignedField, indented
from app.widgets.room import UNLIMITED_PX
from app.workspaces.inspect import wording
from app.workspaces.inspect.bands import Bands
from sedir_core.drawing.deviation_scale import rounded
from sedir_core.types import Tolerance

BESIDE_PX, AIR_PX = 250, 12
MOST = 1e6
FIELD_PX, AROUND_PX = 84, 44
"""Least width of a field, and what it needs beside its number: margins, frame, and the two arrows."""


class ToleranceBox(QWidget):
    """Shows the band of the current entry; typing changes it."""

    def __init__(self, bands: Bands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bands = bands
        self._entry: Entry | None = None
        self._unit = ""
        self._upright = True
        self._title = QLabel("Tolerance band", objectName="quiet")
        self.minus, self.plus = self._field("Too little"), self._field("Too much")
        self.back = QToolButton(text="Usual", toolTip="Back to this kind of part's default band")
        self.both = QToolButton(text="±", checkable=True, objectName="choice")
        self.both.setToolTip("The same on both sides")
        self.both.setAccessibleName("The same tolerance on both sides")
        self.rigid = QCheckBox("Include part-to-part variation")
        self.rigid.setToolTip(
            "On: deviation from the average expected surface, so that warping counts.\n"
            "Off: deviation from the surface fitted to this part, so that only local defects count."
        )
        self.against = QCheckBox("Against the scan at the right")
        self.against.setToolTip("On: by how much this scan deviates more than the other at the same place of the part.")
        self.against.hide()
        fields = QHBoxLayout()
        fields.setSpacing(5)
        for part in (self.minus, self.plus, self.both):
            fields.addWidget(part, 0 if part is self.both else 1)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._title)
        row.addStretch()
        row.addWidget(self.back)
        self._box = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._box.addLayout(row)
        self._box.addLayout(fields)
        self._box.addWidget(self.rigid)
        self._box.addWidget(self.against)
        self._box.addStretch()
        self.stand(upright=True)
        self.minus.valueChanged.connect(self._on_minus)
        self.plus.valueChanged.connect(self._on_plus)
        self.both.clicked.connect(self._on_both)
        self.back.clicked.connect(lambda: self._set(None))
        self.rigid.toggled.connect(lambda on: setattr(bands, "rigid", on))

    @property
    def stops(self) -> list[QWidget]:
        """Tab order."""
        return [self.back, self.minus, self.plus, self.both, self.rigid, self.against]

    def stand(self, upright: bool) -> None:
        """Lay out beside the scale, or in one line below it."""
        self._upright = upright
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._box.setDirection(down if upright else across)
        self._title.setVisible(upright)  # in one line the fields need the space, and the legend above explains them
        self.rigid.setText("Include part-to-part variation" if upright else "Part to part")
        self.against.setText("Against the scan at the right" if upright else "Against the right")
        self._box.setSpacing(4 if upright else 10)
        self._box.setContentsMargins(AIR_PX, 0, AIR_PX, 0)
        beside = max(BESIDE_PX, self.rigid.sizeHint().width() + 2 * AIR_PX)
        self.setMinimumWidth(beside if upright else 0)
        self.setMaximumWidth(beside if upright else UNLIMITED_PX)

    def event(self, event: QEvent) -> bool:
        handled = super().event(event)
        if event.type() in (QEvent.Type.Polish, QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.stand(self._upright)  # its words have another width
            for field in (self.minus, self.plus):
                self._widen(field)
        return handled

    def show_entry(self, entry: Entry | None, unit: str) -> None:
        """unit: the user's name of the scan unit."""
        self._entry = entry
        if entry is None:
            return
        self._unit = wording.lengths_of(entry.raw, unit).unit
        band = self._bands.of(entry)
        with self._quiet():
            for field, value in ((self.minus, band.minus), (self.plus, band.plus)):
                field.setDecimals(_decimals(value))
                field.setSingleStep(10 ** -_decimals(value))
                field.setSuffix(f" {self._unit}".rstrip())
                field.setValue(value)
                self._widen(field)
            self.both.setChecked(band.minus == -band.plus)
            self.rigid.setChecked(self._bands.rigid)
        self.back.setVisible(self._bands.is_set(entry))

    def _on_minus(self, minus: float) -> None:
        """The sign may be omitted: the minus side is always negative."""
        self._set(Tolerance(-abs(minus), abs(minus if self.both.isChecked() else self.plus.value())))

    def _on_plus(self, plus: float) -> None:
        self._set(Tolerance(-abs(plus if self.both.isChecked() else self.minus.value()), abs(plus)))

    def _on_both(self, on: bool) -> None:
        """Checked: symmetric, as wide as the wider half. Unchecked: the numbers stay and can be set independently."""
        if on:
            wide = max(-self.minus.value(), self.plus.value())
            self._set(Tolerance(-wide, wide))

    def _set(self, band: Tolerance | None) -> None:
        if self._entry is not None:
            self._bands.set(self._entry, band)

    def _field(self, name: str) -> QDoubleSpinBox:
        field = indented(SignedField(minimum=-MOST, maximum=MOST))
        field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        field.setToolTip(f"{name}: deviations up to this are green")
        field.setAccessibleName(f"Tolerance, {name.lower()}")
        return field

    @staticmethod
    def _widen(field: QDoubleSpinBox) -> None:
        """Room for the actual number rather than for the longest possible one."""
        text = field.fontMetrics().horizontalAdvance(field.text())
        field.setMinimumWidth(max(FIELD_PX, text + AROUND_PX))

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        blockers = [QSignalBlocker(part) for part in (self.minus, self.plus, self.both, self.rigid)]
        try:
            yield
        finally:
            del blockers


def _decimals(value: float) -> int:
    """As many decimals as the number has, and enough to change it by a tenth."""
    text = f"{abs(rounded(value)):f}".rstrip("0")
    return min(max(len(text.partition(".")[2]), 2), 6)
