"""How many good scans may be called NG: the limit of the shown scan's kind, said as a rate of false alarms."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.entries import LimitKey, limit_key
from app.session import Session
from app.widgets.number_field import indented
from sedir_core.detectors.limits import Calibration

LOWEST, HIGHEST = 0.1, 30.0  # per cent


class AlarmRate(QWidget):
    """Follows the session's limit, however it was moved; a rate that is typed moves the limit."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: tuple[LimitKey, float, Calibration] | None = None
        self._title = QLabel("Allowed false alarms", objectName="quiet")
        rate = QDoubleSpinBox(minimum=LOWEST, maximum=HIGHEST, decimals=1, suffix=" %", keyboardTracking=False)
        self.rate = indented(rate)
        self.rate.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.rate.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # the arrow keys walk through the scans
        self.rate.setToolTip("Of good parts of this kind, how many may be called NG. The fewer, the higher the limit.")
        self.rate.setAccessibleName("Allowed false alarms in per cent")
        self.note = QLabel(objectName="faint")
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        # However long the sentence, it must not push the views aside.
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.back = QPushButton("As trained", flat=True, visible=False)
        self.back.setToolTip("Back to the calibrated limit of this kind of part")
        # Its room stays: where it came and went, the 3D views would change their size and draw anew, twice at once.
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.setSizePolicy(policy)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 10, 2)
        row.setSpacing(10)
        for part in (self._title, self.rate):
            row.addWidget(part)
        row.addWidget(self.note, 1)
        row.addWidget(self.back)
        self.rate.valueChanged.connect(self._on_rate)
        self.back.clicked.connect(lambda: session.set_limit(1.0))
        for signal in (session.current_changed, session.entry_changed, session.limit_changed, session.model_changed):
            signal.connect(self._follow)
        self._follow()

    def sizeHint(self) -> QSize:  # noqa: N802
        """As high as with everything in it."""
        margins = self.contentsMargins()
        least = max(part.sizeHint().height() for part in (self.rate, self.back)) + margins.top() + margins.bottom()
        return super().sizeHint().expandedTo(QSize(0, least))

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
            why = "another model judged this scan" if other else "this model is too old to say; train it again"
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
        side = " seen from one side" if from_one_side else ""
        beyond = "" if known.covers(rate, from_one_side) else "; extrapolated"
        self._say(f"of {category}{side}, from {scans}{beyond}")

    def _say(self, text: str) -> None:
        self.note.setText(text)
        self.note.setToolTip(text)

    def _on_rate(self, per_cent: float) -> None:
        if self._shown is not None:
            (category, from_one_side), _, known = self._shown
            self._session.set_limit(known.share(category, per_cent / 100, from_one_side))
