"""Controls and plot of the section plane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.state.entries import Entry
from app.state.settings import Settings
from app.views.camera import CameraPose
from app.views.section import AXES, CrossSection, CuttingPlane, across_axis, cut, facing, half_thickness, reach
from app.views.section_plot import NO_PROFILE, Profile, SectionPlot
from app.widgets.plain_text import plain_tip
from app.widgets.theme import Theme
from app.workspaces.inspect import wording
from app.workspaces.inspect.kept_sections import KeptSections
from app.workspaces.inspect.view_actions import look_of
from sedir_core.drawing.deviation_scale import DeviationScale, signed
from sedir_core.types import FloatArray

LEAST_PX, HEIGHT_SHARE = 206, 0.34
N_STEPS = 400
MEASURES = (
    ("Deviation", "Distance of the section from the expected surface"),
    ("Score", "Anomaly score along the section, as a share of the limit"),
)
CONTROLS_WIDTH = 208


class SectionPanel(QFrame):
    """`cut_wanted` carries a plane of which only the direction counts, `plane_set` one with its offset.

    `camera_wanted` requests one that faces the camera, `measure_wanted` the quantity plotted along it.
    """

    cut_wanted = Signal(object)
    plane_set = Signal(object)
    camera_wanted = Signal()
    keep_wanted = Signal(str)  # a name for the current section
    measure_wanted = Signal()

    def __init__(self, theme: Theme, settings: Settings, sections: KeptSections) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._settings, self._sections = settings, sections
        self._entry: Entry | None = None
        self._plane: CuttingPlane | None = None
        self._limit = 1.0
        self.buttons = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(4)
        tips = [f"Perpendicular to {axis}" for axis in AXES] + ["Facing the camera"]
        for index, (name, tip) in enumerate(zip([*(a.upper() for a in AXES), "View"], tips, strict=True)):
            button = QToolButton(text=name, toolTip=tip, checkable=True, objectName="choice")
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self.buttons.addButton(button, index)
            row.addWidget(button, 1 if index < len(AXES) else 2)
        self.slider = QSlider(Qt.Orientation.Horizontal, maximum=N_STEPS, value=N_STEPS // 2, pageStep=N_STEPS // 20)
        self.slider.setAccessibleName("Position of the section plane")
        self.measures = QButtonGroup(self)
        below = QHBoxLayout()
        below.setSpacing(4)
        for index, (name, tip) in enumerate(MEASURES):
            button = QToolButton(text=name, toolTip=tip, checkable=True, checked=index == 0, objectName="choice")
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self.measures.addButton(button, index)
            below.addWidget(button)
        self._where, self._slab = QLabel(), QLabel(objectName="quiet", wordWrap=True)
        self.plot = SectionPlot(theme)
        controls = QVBoxLayout()
        controls.setSpacing(8)
        controls.addLayout(self._kept_row())
        controls.addLayout(row)
        controls.addWidget(self.slider)
        controls.addWidget(self._where)
        controls.addWidget(self._slab)
        controls.addStretch()
        controls.addLayout(below)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 10, 10, 10)
        layout.setSpacing(14)
        holder = QFrame()
        holder.setLayout(controls)
        controls.setContentsMargins(0, 0, 0, 0)
        holder.setFixedWidth(CONTROLS_WIDTH)
        layout.addWidget(holder)
        layout.addWidget(self.plot, 1)
        self.set_room(0)
        self.buttons.idClicked.connect(self._on_button)
        self.measures.idClicked.connect(lambda _: self.measure_wanted.emit())
        self.slider.valueChanged.connect(self._on_slid)

    def _kept_row(self) -> QHBoxLayout:
        """Saved sections by name, and a button to save the current one."""
        self.kept = QComboBox(editable=True, insertPolicy=QComboBox.InsertPolicy.NoInsert)
        self.kept.setAccessibleName("Kept sections")
        self.kept.setToolTip("Saved sections; type a new name to rename one")
        self.kept.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._name = QLineEdit(placeholderText="Section")
        self.kept.setLineEdit(self._name)
        self.keep = QToolButton(text="Keep", toolTip="Save this section; saved sections are included in reports")
        self.forget = QToolButton(text="×", toolTip="Forget this section")
        self.forget.setAccessibleName("Forget this section")
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.kept, 1)
        row.addWidget(self.keep)
        row.addWidget(self.forget)
        self.keep.clicked.connect(lambda: self.keep_wanted.emit(self.name_now))
        self.forget.clicked.connect(lambda: self._act_on_kept(self._sections.remove))
        self.kept.activated.connect(lambda index: self.plane_set.emit(self._sections.all[index].plane))
        self._name.editingFinished.connect(self._on_renamed)
        self._sections.changed.connect(self._show_kept)
        return row

    @property
    def name_now(self) -> str:
        """Default name of the current section: `x = 12.3 mm`."""
        return self._where.text()

    def _show_kept(self) -> None:
        at = self._sections.at(self._plane)
        with QSignalBlocker(self.kept):
            self.kept.clear()
            self.kept.addItems([one.name for one in self._sections.all])
            self.kept.setCurrentIndex(-1 if at is None else at)
            self._name.setReadOnly(at is None)
            self._name.setCursorPosition(0)
            self._name.setToolTip(plain_tip(self.kept.currentText() or self.kept.toolTip()))
        self.keep.setVisible(at is None)
        self.forget.setVisible(at is not None)

    def _on_renamed(self) -> None:
        name = self.kept.currentText()
        self._act_on_kept(lambda index: self._sections.rename(index, name))

    def _act_on_kept(self, act: Callable[[int], None]) -> None:
        at = self._sections.at(self._plane)
        if at is not None:
            act(at)

    def set_room(self, height: int) -> None:
        """Take a share of the height of everything around the views."""
        self.setFixedHeight(max(LEAST_PX, round(HEIGHT_SHARE * height)))

    @property
    def stops(self) -> list[QWidget]:
        """Tab order."""
        return [self.kept, self.keep, self.forget, *self.buttons.buttons(), self.slider, *self.measures.buttons()]

    def set_theme(self, theme: Theme) -> None:
        self.plot.set_theme(theme)

    def face(self, pose: CameraPose) -> None:
        """Cut perpendicular to that camera's view."""
        direction = np.subtract(pose.focus, pose.position)
        self.cut_wanted.emit(facing(direction, np.asarray(pose.up, np.float64)))

    def show_section(
        self,
        entry: Entry | None,
        plane: CuttingPlane | None,
        limit: float,
        unit: str,
        deviation: Deviated | None = None,
    ) -> None:
        """Show the plane through that scan. limit: the operator's, as a share of the calibrated one.

        deviation: plotted by default; scores if there is none, or if requested.
        """
        self._entry, self._plane, self._limit = entry, plane, limit
        self._show_kept()
        self.measures.button(0).setEnabled(deviation is not None)
        if plane is None or entry is None or entry.shape is None:
            self.plot.show_section(None, NO_PROFILE, ("", "", ""))
            return
        shape = entry.shape
        low, high = reach(shape, plane)
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(N_STEPS * (plane.offset - low) / max(high - low, 1e-12)))
        for button in self.buttons.buttons():
            button.setChecked(self.buttons.id(button) == (AXES.index(plane.name) if plane.name in AXES else 3))
        like = shape.radius / 10
        centre = float(shape.origin @ plane.normal) if plane.name in AXES else 0.0
        where = wording.length_text(centre + plane.offset, unit, like)
        self._where.setText(f"{plane.name} = {where}" if plane.name in AXES else f"{where} from the centre")
        thick = 2 * half_thickness(shape)
        self._slab.setText(f"Slab {wording.length_text(thick, unit)} thick")
        section = cut(shape, entry.surface, plane)
        profile = (
            self._of_scores(entry, section, limit)
            if deviation is None or self.measures.checkedId()
            else _of_deviation(deviation, section)
        )
        start = float(shape.origin @ plane.along) if plane.name in AXES else 0.0
        ends = (section.outline[:, 0].min(), section.outline[:, 0].max()) if len(section.outline) else (0.0, 0.0)
        first, last = (wording.length_text(start + float(end), unit, like) for end in ends)
        axis = AXES[int(np.argmax(plane.along))] if plane.name in AXES else "the cut, left to right"
        self.plot.show_section(section, profile, (first, last, axis))

    def _of_scores(self, entry: Entry, section: CrossSection, limit: float) -> Profile:
        found, look = entry.raw, look_of(self._settings)
        if found is None or not found.point_threshold > 0:
            return NO_PROFILE
        every = found.point_scores / np.float32(found.point_threshold)
        return Profile(
            every[section.rows],
            look.scale(every, 1.0),
            ("Score along", ", as a share of the limit"),
            (limit,),
            lambda share: f"{100 * share:.0f} %",
        )

    def _on_button(self, index: int) -> None:
        if index < len(AXES):
            self.cut_wanted.emit(across_axis(index))
        else:
            self.camera_wanted.emit()

    def _on_slid(self, step: int) -> None:
        if self._plane is not None and self._entry is not None and self._entry.shape is not None:
            low, high = reach(self._entry.shape, self._plane)
            self.plane_set.emit(self._plane.at(low + step / N_STEPS * (high - low)))


@dataclass(frozen=True, eq=False)
class Deviated:
    """values: (n,) of the whole scan, in the display unit, like `scale`. unit: its symbol."""

    values: FloatArray
    scale: DeviationScale
    unit: str


def _of_deviation(deviation: Deviated, section: CrossSection) -> Profile:
    band, high = deviation.scale.band, deviation.scale.high
    return Profile(
        deviation.values[section.rows],
        deviation.scale,
        ("Deviation along", f", {deviation.unit}" if deviation.unit else ""),
        (band.minus, band.plus),
        lambda length: signed(length, high),
        signed=True,
    )
