"""One 3D view of a point cloud: the only file that knows pyvista. Imported late, it loads VTK.

A picture is full at rest and light while the camera moves: the points are kept in one random but fixed order, so a
prefix of them is an even subset, and the view takes the largest prefix that its machine draws fluently.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pyvista as pv
from numpy.typing import NDArray
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pyvistaqt import QtInteractor
from scipy.spatial import cKDTree
from vtkmodules.vtkRenderingCore import vtkBillboardTextActor3D, vtkRenderer

from app.views.camera import Pose
from app.views.colours import Rgb

Points = NDArray[np.float32]

MOVING_POINTS = (200_000, 100_000, 50_000, 25_000)
"""Prefixes to choose from while the camera moves."""
SLOW_FRAME_S, FAST_FRAME_S = 0.033, 0.012
REST_DELAY_MS = 180
POINT_OVERLAP, MOVING_OVERLAP = 2.4, 1.4  # fragments are what software OpenGL spends its time on
MAX_POINT_PX = 40
SPACING_SAMPLE = 4000
MOST_ROUND = 60_000  # more points are too small to tell round from square
EDL_SOFTNESS = 4.0
EDGES = ((0, 1), (1, 3), (3, 2), (2, 0), (4, 5), (5, 7), (7, 6), (6, 4), (0, 4), (1, 5), (2, 6), (3, 7))


@dataclass(frozen=True)
class Box:
    """A frame around a defect: corners and what is written on it."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    label: str
    chosen: bool


class _Canvas(QtInteractor):
    """pyvistaqt's widget, drawing once per change.

    As it comes, it draws twice for each move of the camera (once for VTK, once for Qt) and again whenever Qt composes
    the window. Here VTK may draw only inside `paintGL`, and only after `ask`.
    """

    frame_drawn = Signal(float)  # seconds
    about_to_draw = Signal()
    _asked = True

    def ask(self) -> None:
        """Draw a new frame; many calls until the next frame make one."""
        self._asked = True
        self.update()

    def resizeGL(self, width: int, height: int) -> None:  # noqa: N802
        self._asked = True
        super().resizeGL(width, height)

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
        self.frame_drawn.emit(time.perf_counter() - start)


class CloudView(QWidget):
    """Shows (n, 3) points with (n, 3) colours. `close_view` must be called before the window goes."""

    moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # Without these two pyvistaqt draws five times a second and opens dropped files by itself.
        self._plot = _Canvas(self, auto_update=False, multi_samples=1)
        self._plot.setAcceptDrops(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self._silence_keys()
        style = self._plot.iren.interactor.GetInteractorStyle()
        style.AutoAdjustCameraClippingRangeOff()  # it would include the ghosts; see _soften
        style.AddObserver("InteractionEvent", self._on_moved)
        style.AddObserver("EndInteractionEvent", self._on_moved)
        self._order: NDArray[np.intp] = np.empty(0, np.intp)
        self._meshes: list[tuple[pv.PolyData, pv.Actor]] = []  # full first, then ever smaller prefixes
        self._level = 1  # of the prefix that is fluent while moving
        self._light_while_moving = True
        self._lit = True
        self._moving = False
        self._bounds = (-1.0, 1.0, -1.0, 1.0, -1.0, 1.0)
        self._spacing = 0.0  # between neighbours, of all points
        self._rest = QTimer(self, singleShot=True, interval=REST_DELAY_MS)
        self._rest.timeout.connect(self._come_to_rest)
        self._plot.iren.interactor.EnableRenderOff()
        self._plot.about_to_draw.connect(self._prepare)
        self._plot.frame_drawn.connect(self._on_frame_drawn)
        self._plot.enable_eye_dome_lighting()
        self._marks = self._overlay()

    # Content

    def show_points(self, points: Points, colours: Rgb) -> None:
        """Replace the picture; the camera stays. points: (n, 3) finite, colours: (n, 3) uint8."""
        self._remove_points()
        if not len(points):  # VTK takes no empty arrays
            self.redraw()
            return
        # A fixed seed: the same scan always thins to the same points, nothing twinkles.
        self._order = np.random.default_rng(0).permutation(len(points))
        shuffled, painted = points[self._order], colours[self._order]
        self._spacing = _spacing(shuffled)
        for count in (len(points), *(n for n in MOVING_POINTS if n < len(points))):
            mesh = pv.PolyData(shuffled[:count])
            mesh.point_data["rgb"] = painted[:count]
            actor = self._plot.add_mesh(
                mesh, scalars="rgb", rgb=True, style="points", lighting=False, reset_camera=False, render=False
            )
            # Round points cost more, and a moving picture does not need them.
            actor.prop.render_points_as_spheres = count == len(points) <= MOST_ROUND
            self._meshes.append((mesh, actor))
        self._soften(points)
        self._show_level(0)

    def recolour(self, colours: Rgb) -> None:
        """Paint the points that are shown. colours: (n, 3) uint8 in the order given to `show_points`."""
        painted = colours[self._order]
        for mesh, _ in self._meshes:
            mesh.point_data["rgb"] = painted[: mesh.n_points]
        self.redraw()

    def show_boxes(self, boxes: list[Box], ink: str, accent: str) -> None:
        """Frame these boxes and number them; the chosen one stands out."""
        self._marks.RemoveAllViewProps()
        for box in boxes:
            colour = accent if box.chosen else ink
            self._marks.AddViewProp(_frame(box, colour))
            self._marks.AddViewProp(_number(box, colour))
        self.redraw()

    def set_background(self, bottom: str, top: str) -> None:
        self._plot.set_background(bottom, top=top)
        self.redraw()

    # Camera

    @property
    def pose(self) -> Pose:
        camera = self._plot.camera
        return Pose(camera.position, camera.focal_point, camera.up)

    def set_pose(self, pose: Pose) -> None:
        """Look from there, and draw lightly until nothing moves any more."""
        camera = self._plot.camera
        camera.position, camera.focal_point, camera.up = pose.position, pose.focus, pose.up
        self._start_moving()
        self.redraw()

    def settle(self) -> None:
        """Draw everything now."""
        self._rest.stop()
        self._come_to_rest()

    @property
    def view_angle_deg(self) -> float:
        return float(self._plot.camera.view_angle)

    # Drawing

    def redraw(self) -> None:
        """Draw when the event loop is back; several calls until then make one frame."""
        self._plot.ask()

    def _prepare(self) -> None:
        size = self._point_size()
        for _, actor in self._meshes:
            actor.prop.point_size = size
        self._plot.renderer.ResetCameraClippingRange(self._bounds)

    def picture(self) -> Rgb:
        """(h, w, 3) uint8: what the view shows, with all its points."""
        self._rest.stop()
        self._come_to_rest()
        self._prepare()
        self._plot.GetRenderWindow().Render()  # pyvista would hand out the last frame
        return np.asarray(self._plot.screenshot(return_img=True), np.uint8)

    def close_view(self) -> None:
        """Release VTK's side. Qt's side goes with the parent."""
        self._rest.stop()
        self._meshes.clear()
        self._marks.RemoveAllViewProps()
        self._plot.close()
        # Qt deletes this surface by itself; PySide, as long as a Python name for it lives, would take whatever is
        # allocated at its address later for a surface too.
        self._plot._surface = None

    def _on_moved(self, *_: object) -> None:
        self._start_moving()
        self.redraw()
        self.moved.emit()

    def _start_moving(self) -> None:
        if not self._moving:
            self._moving = True
            self._show_level(self._level)
        self._rest.start()

    def _come_to_rest(self) -> None:
        if self._moving:
            self._moving = False
            self._show_level(0)
        self.redraw()

    def _on_frame_drawn(self, seconds: float) -> None:
        """While moving: a slow frame costs first the lighting, then points; a fast one gives them back."""
        if not self._moving:
            return
        light, level = self._light_while_moving, self._level
        if seconds > SLOW_FRAME_S:
            light, level = False, level if light else level + 1
        elif seconds < FAST_FRAME_S:
            light, level = light or level == 1, level - 1
        self._level = min(max(level, 1), len(MOVING_POINTS))
        self._light_while_moving = light
        self._show_level(self._level)

    def _show_level(self, level: int) -> None:
        for index, (_, actor) in enumerate(self._meshes):
            actor.visibility = index == min(level, len(self._meshes) - 1)
        light = self._light_while_moving or not self._moving
        if light != self._lit:
            self._lit = light
            (self._plot.enable_eye_dome_lighting if light else self._plot.disable_eye_dome_lighting)()

    def _soften(self, points: Points) -> None:
        """Make eye-dome lighting lighter, or it draws a black line around each point and hides the colours.

        VTK has no setting for it: the effect falls with the diagonal of the whole scene. So the scene is made larger
        by two points that are never drawn.
        """
        low, high = points.min(axis=0), points.max(axis=0)
        self._bounds = tuple(np.stack([low, high], axis=1).ravel().tolist())
        far = (high - low).max() * EDL_SOFTNESS / 2
        middle = (low + high) / 2
        ghosts = pv.PolyData(np.stack([middle - far, middle + far]))
        self._plot.add_mesh(ghosts, name="ghosts", opacity=0.0, style="points", reset_camera=False, render=False)

    def _point_size(self) -> float:
        """Pixels a point needs to touch its neighbours, at the camera's distance."""
        visible = next((mesh.n_points for mesh, actor in self._meshes if actor.visibility), 1)
        spacing = self._spacing * np.sqrt(len(self._order) / visible)
        overlap = MOVING_OVERLAP if self._moving else POINT_OVERLAP
        camera = self._plot.camera
        half_height = camera.distance * np.tan(np.radians(camera.view_angle / 2))
        pixels_per_unit = self._plot.height() * self.devicePixelRatioF() / 2 / max(half_height, 1e-12)
        return float(np.clip(overlap * spacing * pixels_per_unit, 2.0, MAX_POINT_PX * self.devicePixelRatioF()))

    def _remove_points(self) -> None:
        for _, actor in self._meshes:
            self._plot.remove_actor(actor, reset_camera=False, render=False)
        self._meshes = []

    def _overlay(self) -> vtkRenderer:
        """A layer in front of the points: marks on it are never hidden, nor shaded."""
        layer = vtkRenderer()
        layer.SetLayer(1)
        layer.InteractiveOff()
        layer.SetActiveCamera(self._plot.camera)
        window = self._plot.render_window
        window.SetNumberOfLayers(2)
        window.AddRenderer(layer)
        return layer

    def _silence_keys(self) -> None:
        """VTK's own keys (q quits, w draws wires) would collide with the program's shortcuts."""
        self._plot.reset_key_events()
        for event in ("CharEvent", "KeyPressEvent", "KeyReleaseEvent"):
            self._plot.iren.interactor.RemoveObservers(event)


def _spacing(shuffled: Points) -> float:
    """Typical distance of neighbours on the surface, guessed from a sample: it shrinks with the root of the count.

    In a random sample of a surface with density r the median nearest neighbour is 0.47 / sqrt(r) away.
    """
    # Never the greater part of the points: those of a regular grid are no random sample.
    sample = shuffled[: min(SPACING_SAMPLE, len(shuffled) // 4)]
    if len(sample) < 2:
        return 0.0
    nearest = cKDTree(sample).query(sample, k=2)[0][:, 1]
    return float(np.median(nearest)) / 0.47 * float(np.sqrt(len(sample) / len(shuffled)))


def _frame(box: Box, colour: str) -> pv.Actor:
    """The twelve edges of a box."""
    ends = (box.low, box.high)
    corners = np.array([(ends[x][0], ends[y][1], ends[z][2]) for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    lines = pv.PolyData(corners, lines=np.array([(2, a, b) for a, b in EDGES]).ravel())
    actor = pv.Actor(mapper=pv.DataSetMapper(lines))
    actor.prop.color = colour
    actor.prop.lighting = False
    actor.prop.line_width = 2.5 if box.chosen else 1.2
    actor.prop.opacity = 1.0 if box.chosen else 0.6
    return actor


def _number(box: Box, colour: str) -> vtkBillboardTextActor3D:
    """The defect's number, above its box, always facing the camera."""
    text = vtkBillboardTextActor3D()
    text.SetInput(f" {box.label} ")
    text.SetPosition((box.low[0] + box.high[0]) / 2, (box.low[1] + box.high[1]) / 2, box.high[2])
    style = text.GetTextProperty()
    style.SetFontSize(16)
    style.BoldOn()
    style.SetJustificationToCentered()
    style.SetColor(*pv.Color("#101317").float_rgb)
    style.SetBackgroundColor(*pv.Color(colour).float_rgb)
    style.SetBackgroundOpacity(0.95)
    return text
