"""The limit of the current scan's kind, expressed as a false-alarm rate: the share of good scans called NG."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QDoubleSpinBox, QHBoxLayout, QLabel, QToolButton, QWidget

from app.state.entries import LimitKey, limit_key
from app.state.session import Session
from app.widgets.number_field import indented
from app.widgets.plain_text import plain_tip
from app.widgets.room import UNLIMITED_PX
from sedir_core.evidence.limits import Calibration

LOWEST, HIGHEST = 0.1, 30.0  # per cent
BESIDE_PX = 200


class AlarmRate(QWidget):
    """Follows the session's limit; typing a rate sets the limit."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: tuple[LimitKey, float, Calibration] | None = None
        self._title = QLabel("Allowed false alarms", objectName="quiet")
        rate = QDoubleSpinBox(minimum=LOWEST, maximum=HIGHEST, decimals=1, suffix=" %", keyboardTracking=False)
        self.rate = indented(rate)
        self.rate.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.rate.setToolTip("Share of good parts of this kind that may be called NG. The lower, the higher the limit.")
        self.rate.setAccessibleName("Allowed false-alarm rate in per cent")
        self.note = QLabel(objectName="faint", wordWrap=True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        # Fixed size regardless of the text: otherwise the 3D views would be redrawn whenever it changes.
        self.note.setMinimumHeight(2 * self.note.fontMetrics().lineSpacing())
        self.back = QToolButton(toolTip="Back to the calibrated limit of this kind of part", visible=False)
        self.back.setText("As trained")
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.setSizePolicy(policy)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.rate)
        row.addWidget(self.back)
        row.addStretch()
        self._box = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._box.addWidget(self._title)
        self._box.addLayout(row)
        self._box.addWidget(self.note, 1)
        self.stand(upright=True)
        self.rate.valueChanged.connect(self._on_rate)
        self.back.clicked.connect(lambda: session.set_limit(1.0))
        for signal in (session.current_changed, session.entry_changed, session.limit_changed, session.model_changed):
            signal.connect(self._follow)
        self._follow()

    def stand(self, upright: bool) -> None:
        """Lay out beside the colour scale, or in one line below it."""
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._box.setDirection(down if upright else across)
        self._box.setSpacing(3 if upright else 10)
        self._box.setContentsMargins(16, 0, 12, 0)
        self.setMinimumWidth(BESIDE_PX if upright else 0)
        self.setMaximumWidth(BESIDE_PX if upright else UNLIMITED_PX)

    def _follow(self, *_: object) -> None:
        entry, model = self._session.current_entry, self._session.model
        raw = None if entry is None else entry.raw
        self.setVisible(raw is not None)
        if raw is None:
            self._shown = None
            return
        known = None if model is None else model.calibration
        self.back.setVisible(self._session.limit != 1.0)
        if known is None or not known.fits(raw.category, raw.threshold, raw.from_one_side):
            self._shown = None
            self.rate.hide()
            other = known is not None and known.n_scans(raw.category, raw.from_one_side)
            why = "another model judged this scan" if other else "this model is too old for this; train it again"
            self._say(why)
            return
        showing = (limit_key(raw), self._session.limit, known)
        if showing != self._shown:
            self._shown = showing
            self._show_rate(known, *showing[0])

    def _show_rate(self, known: Calibration, category: str, from_one_side: bool) -> None:
        share = self._session.limit
        rate = known.rate if share == 1.0 else known.rate_at(category, share, from_one_side)
        self.rate.blockSignals(True)
        self.rate.setValue(100 * rate)
        self.rate.blockSignals(False)
        self.rate.show()
        scans = f"{known.n_scans(category, from_one_side)} held-out good scans"
        side = " (single views)" if from_one_side else ""
        beyond = "" if known.covers(rate, from_one_side) else "; extrapolated"
        between = None if from_one_side else known.interval(category)
        sure = ""
        if between is not None:
            sure = f"; with many more the limit would be {100 * between[0]:.0f} to {100 * between[1]:.0f} % of this one"
        self._say(f"of {category}{side}, from {scans}{beyond}{sure}")

    def _say(self, text: str) -> None:
        self.note.setText(text)
        self.note.setToolTip(plain_tip(text))

    def _on_rate(self, per_cent: float) -> None:
        if self._shown is not None:
            (category, from_one_side), _, known = self._shown
            self._session.set_limit(known.share(category, per_cent / 100, from_one_side))
