"""One 3D view of a shape. Loads VTK, so import it late.

The picture is reduced while the camera moves and complete at rest. A meshed shape has a coarse surface for moving and
a fine one, or all its points, for rest. One that is not meshed is split into shuffled chunks, the first of which form
an even subset that is drawn at once. A graphics card then draws everything in one frame, with eye-dome lighting.
Software OpenGL would need seconds for that, so there the chunks are added one by one to a hidden picture, with the
event loop running in between.
"""

from __future__ import annotations

import time
from collections import OrderedDict

import numpy as np
import pyvista as pv
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkFloatArray

from app.state.shapes import Shape
from app.views.camera import CameraPose
from app.views.canvas import Canvas
from app.views.colours import Look
from app.views.depth_shading import DepthShade, darkness
from app.views.layers import Picture
from app.views.marks import Marks
from app.views.outliner import Outliner
from app.views.outlines import SeenPart
from app.views.overlay import Overlay
from app.views.picking import point_under
from app.views.plane_drawing import PlaneDrawing
from app.views.probes import ProbeMarks
from app.views.scale_bar import AxesMark, ScaleBar
from app.views.shape_actors import CHUNK, ShapeActors, warm_up
from app.views.turns import Turns
from app.views.view_cube import ViewCube
from app.views.zone_drawing import ZoneDrawing
from sedir_core.drawing.colour_maps import Rgb

# What is drawn while the camera moves: the number of chunks, and how far a point overlaps its neighbours. Software
# OpenGL is bound by fragments, so the overlap shrinks as well.
QUALITIES = ((1, 1.0), (1, 1.25), (2, 1.25), (3, 1.4), (4, 1.6), (6, 1.6), (8, 1.6))
FIRST_QUALITY = 3
SLOW_FRAME_S, FAST_FRAME_S = 0.024, 0.012  # gives 15 frames per second with two views and the window around them
BATCH_S = 0.015  # the window stays responsive between two steps of the full picture
MOST_BATCH = 16  # chunks
DRESSED = 6  # chunks recoloured in one step
REST_DELAY_MS = 180
POINT_OVERLAP = 2.0
MAX_POINT_PX = 40
MOST_KEPT, MOST_KEPT_POINTS = 4, 1_500_000
"""How many shapes and points keep their actors, so that going back to a scan is quick."""
EDL_SOFTNESS = 4.0
SOFTWARE_RENDERERS = ("llvmpipe", "softpipe", "swrast", "swiftshader")


class CloudView(QWidget):
    """Shows a shape with a colour for each point. Call `close_view` before the window is destroyed."""

    moved = Signal()
    completed = Signal()  # all points are on the screen
    clicked = Signal(QPointF)
    focused = Signal(bool)  # keyboard focus gained or lost

    def __init__(self, turns: Turns, parent: QWidget | None = None) -> None:
        """turns: shared with the views beside it."""
        super().__init__(parent)
        self._turns = turns
        # Without these two, pyvistaqt redraws five times a second and opens dropped files on its own.
        self._plot = Canvas(self, auto_update=False, multi_samples=1, lighting="none")
        self._plot.setAcceptDrops(False)
        self._plot.add_light(pv.Light(light_type="headlight"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self._overlay = Overlay(self._plot)
        self._shade = DepthShade(self._overlay)
        self.plane, self.zones = PlaneDrawing(self._overlay), ZoneDrawing(self._overlay)
        self.axes, self.scale_bar = AxesMark(self._overlay), ScaleBar(self._overlay)
        self.cube = ViewCube(self._overlay)
        self.marks = Marks(self._overlay, *(lambda one=one: one.room for one in (self.cube, self.scale_bar, self.axes)))
        self.probes = ProbeMarks(self._overlay)
        self.outliner = Outliner(self._plot)
        self._plot.clicked.connect(self.clicked)
        # Focus by Tab only: a click must not take the keyboard from the list of scans.
        self._plot.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._plot.turned.connect(self._turn)
        self._plot.zoomed.connect(self._zoom)
        self._plot.focused.connect(self.focused)
        self._silence_keys()
        style = self._plot.iren.interactor.GetInteractorStyle()
        style.AutoAdjustCameraClippingRangeOff()  # it would include the ghosts; see _soften
        style.AddObserver("InteractionEvent", self._on_moved)
        style.AddObserver("EndInteractionEvent", self._on_moved)
        self._drawn: ShapeActors | None = None
        self._kept: OrderedDict[int, ShapeActors] = OrderedDict()  # by the shape's id, the least recently shown first
        self._look = Look()
        self._lit = False  # eye-dome lighting by the graphics card is on
        self._quality = FIRST_QUALITY  # what draws fast enough while moving
        self._n_hidden = 0  # chunks in the hidden picture
        self._batch = 1
        self._complete = False
        self._moving = False
        self._software: bool | None = None  # known with the first frame
        self._warming: list[ShapeActors] = []
        self._bounds = (-1.0, 1.0, -1.0, 1.0, -1.0, 1.0)
        self._rest = QTimer(self, singleShot=True)
        self._rest.timeout.connect(lambda: turns.ask(self, self._add_chunks))
        self._plot.iren.interactor.EnableRenderOff()
        self._plot.about_to_draw.connect(self._prepare_subset)
        self._plot.frame_drawn.connect(self._on_frame_drawn)
        self._plot.resized.connect(self.redraw)

    # Content

    def show_picture(self, picture: Picture) -> None:
        """Replace the picture; the camera stays."""
        shape = picture.shape
        if shape is None or not len(shape):
            self._set_drawn(None)
        elif (known := self._kept.get(id(shape))) is not None:
            known.set_paint(picture.paint)
            self._set_drawn(known)
        else:
            self._set_drawn(ShapeActors(self._plot.renderer, shape, picture.paint))
        self.redraw()

    def set_look(self, look: Look) -> None:
        """Depth shading and the size of points; the colours come with the shape."""
        self._look = look
        self.redraw()

    def set_background(self, bottom: str, top: str) -> None:
        self._plot.set_background(bottom, top=top)
        self.redraw()

    # Camera

    @property
    def pose(self) -> CameraPose:
        camera = self._plot.camera
        return CameraPose(camera.position, camera.focal_point, camera.up)

    def set_pose(self, pose: CameraPose, moving: bool = True) -> None:
        """Set the camera. moving: more poses follow, so draw the reduced picture at once until the camera rests."""
        camera = self._plot.camera
        camera.position, camera.focal_point, camera.up = pose.position, pose.focus, pose.up
        self._overlay.set_camera(self.pose, self.view_angle_deg)
        self._moving = moving
        self.redraw()

    def settle(self) -> None:
        """The camera has stopped moving: draw the full picture."""
        self._moving = False
        if self._rest.isActive():
            self._rest.start(0)

    @property
    def stop(self) -> QWidget:
        """The widget that takes the focus on Tab."""
        return self._plot

    def name(self, text: str) -> None:
        """For screen readers."""
        self._plot.setAccessibleName(f"{text}, 3D view; arrows turn it, plus and minus zoom")

    def _turn(self, right: float, up: float) -> None:
        camera = self._plot.camera
        camera.Azimuth(-right)
        camera.Elevation(up)
        camera.OrthogonalizeViewUp()
        self._on_moved()

    def _zoom(self, times: float) -> None:
        self._plot.camera.Dolly(times)
        self._on_moved()

    @property
    def view_angle_deg(self) -> float:
        return float(self._plot.camera.view_angle)

    # The mouse

    def point_at(self, place: QPointF) -> int | None:
        """Index of the shape's point visible there, or None."""
        if self.shape is None:
            return None
        width, height = float(self._plot.width()), float(self._plot.height())
        return point_under(self.shape.points, self.pose, self.view_angle_deg, width, height, place.x(), place.y())

    def set_aiming(self, on: bool) -> None:
        """Show by the cursor that a click picks a point."""
        self._plot.setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor)

    @property
    def sight(self) -> SeenPart | None:
        """How the shape on screen is seen."""
        if self.shape is None:
            return None
        size = float(self._plot.width()), float(self._plot.height())
        return SeenPart(self.shape.points, self.shape.origin, self.shape.radius, self.pose, self.view_angle_deg, *size)

    # Drawing

    def redraw(self) -> None:
        """Draw the subset on the next event loop iteration, and everything once nothing changes any more."""
        self._complete = False
        self._n_hidden = 0
        self._rest.stop()
        self._shade.clear()
        if self._moving:
            self._turns.leave(self)
            self._plot.ask()
        else:
            self._turns.ask(self, self._plot.ask)

    def finish(self) -> None:
        """Draw everything now, however long it takes."""
        self._rest.stop()
        self._turns.leave(self)
        while not self._complete:
            self._add_chunks()
            self._rest.stop()

    @property
    def complete(self) -> bool:
        """Whether all points are on the screen."""
        return self._complete

    def picture(self) -> Rgb:
        """(h, w, 3) uint8: all points, without overlays."""
        self.redraw()
        self._plot.ask()
        self._plot.repaint()  # a view that has never been painted has no buffers yet
        self.finish()
        return np.asarray(self._plot.screenshot(return_img=True), np.uint8)

    def prepare(self) -> None:
        """Do the expensive work of the first frame ahead of time, hidden."""
        # VTK's window has a default size. Copying it to another size uses a different shader from every later
        # frame, which software OpenGL would then compile while the first scan is shown.
        scale = self.devicePixelRatioF()
        self._plot.GetRenderWindow().SetSize(round(self._plot.width() * scale), round(self._plot.height() * scale))
        self._plot.grabFramebuffer()

    def close_view(self) -> None:
        """Release VTK's side. Qt's side goes with the parent."""
        self._rest.stop()
        self._turns.leave(self)
        self._drawn = None
        self._kept.clear()
        self._plot.close()
        # Qt deletes this surface; as long as a Python reference lives, PySide would mistake whatever is later
        # allocated at its address for the surface.
        self._plot._surface = None

    @property
    def shape(self) -> Shape | None:
        """The shape on screen."""
        return None if self._drawn is None else self._drawn.shape

    @property
    def _n_chunks(self) -> int:
        return 0 if self._drawn is None else len(self._drawn)

    def _set_drawn(self, actors: ShapeActors | None) -> None:
        """Draw these from now on; the previous ones are cached for a while."""
        if self._drawn is not None and self._drawn is not actors:
            self._drawn.hide()
        self._drawn = actors
        if actors is None:
            return
        self._kept[id(actors.shape)] = actors
        self._kept.move_to_end(id(actors.shape))
        self._bounds = tuple(np.stack([actors.low, actors.high], axis=1).ravel().tolist())
        if self._lit:
            self._soften(actors.low, actors.high)
        while len(self._kept) > 1 and (
            len(self._kept) > MOST_KEPT or sum(len(kept.shape) for kept in self._kept.values()) > MOST_KEPT_POINTS
        ):
            self._kept.popitem(last=False)[1].release()

    def _on_moved(self, *_: object) -> None:
        self._overlay.set_camera(self.pose, self.view_angle_deg)
        self._moving = True
        self.redraw()
        self.moved.emit()

    def _prepare_subset(self) -> None:
        if self._software is None:
            capabilities = self._plot.render_window.ReportCapabilities().lower()
            self._software = any(name in capabilities for name in SOFTWARE_RENDERERS)
            self._warming = warm_up(self._plot.renderer)
        self._light()
        drawn = self._drawn
        n_chunks, overlap = QUALITIES[self._quality]
        if drawn is not None and drawn.has_coarse and (self._moving or not drawn.ready_in(n_chunks)):
            drawn.show_coarse()
            self._set_frame(0)
            return
        # Building a chunk is slow: a new scan starts with one, and later steps build the others.
        count = min(n_chunks, self._n_chunks, max(1, 0 if self._drawn is None else self._drawn.n_made))
        self._set_up(0, count, count * CHUNK, overlap)

    def _on_frame_drawn(self, seconds: float) -> None:
        """Adapt the number of points to the frame time; the rest follows when nothing moves."""
        while self._warming:
            self._warming.pop().release()
        if self._drawn is not None and self._drawn.has_coarse:
            pass  # the coarse surface has a fixed size
        elif self._n_chunks and seconds > SLOW_FRAME_S:
            self._quality = max(0, self._quality - 1)
        elif seconds < FAST_FRAME_S:
            self._quality = min(len(QUALITIES) - 1, self._quality + 1)
        self._rest.start(REST_DELAY_MS if self._moving else 0)

    def _add_chunks(self) -> None:
        """One step towards the full picture; the last one shows it."""
        self._moving = False
        if self._drawn is not None and not self._drawn.refresh(DRESSED):
            self._rest.start(0)
            return
        first = self._n_hidden
        last = self._n_chunks
        if self._software and self._drawn is not None:
            # Building a chunk takes as long as drawing many: one per step.
            last = min(first + self._batch, last, max(self._drawn.n_made, first + 1))
        start = time.perf_counter()
        self._set_up(first, last, self._n_chunks * CHUNK, POINT_OVERLAP)
        self._plot.draw_hidden()
        seconds = time.perf_counter() - start
        if last - first == self._batch:  # less than a full step says nothing about a full one
            wanted = int(self._batch * BATCH_S / max(seconds, 1e-4))
            self._batch = max(1, min(2 * self._batch, wanted, MOST_BATCH))
        self._n_hidden = last
        if last < self._n_chunks:
            self._rest.start(0)
        else:
            self._complete = True
            if self._software and self._look.depth_shading:
                self._shade.show_shade(self._darkness())
            self._plot.update()
            self.completed.emit()

    def _set_up(self, first: int, last: int, n_points: int, overlap: float) -> None:
        """Make chunks first..last the next frame of a picture of `n_points`, on top of those before `first`."""
        if self._drawn is not None:
            self._drawn.show(first, last, self._point_size(n_points, overlap))
        self._set_frame(first)

    def _set_frame(self, first: int) -> None:
        """Start a new frame, or continue the previous one."""
        self._plot.renderer.SetPreserveColorBuffer(first > 0)
        self._plot.renderer.SetPreserveDepthBuffer(first > 0)
        self._plot.renderer.ResetCameraClippingRange(self._bounds)

    def _light(self) -> None:
        """Switch eye-dome lighting as `Look` requests, where the graphics card renders it."""
        wanted = not self._software and self._look.depth_shading is not False
        if wanted == self._lit:
            return
        self._lit = wanted
        if wanted:
            self._plot.enable_eye_dome_lighting()
            self._soften(np.array(self._bounds[::2]), np.array(self._bounds[1::2]))
        else:
            self._plot.disable_eye_dome_lighting()
            self._plot.remove_actor("ghosts", reset_camera=False, render=False)

    def _darkness(self) -> NDArray[np.uint8]:
        """Depth shading of the picture just drawn."""
        window, values = self._plot.GetRenderWindow(), vtkFloatArray()
        self._plot.makeCurrent()
        width, height = window.GetSize()
        window.GetZbufferData(0, 0, width - 1, height - 1, values)
        self._plot.doneCurrent()
        nearest, farthest = self._plot.camera.clipping_range
        return darkness(vtk_to_numpy(values).reshape(height, width)[::-1], nearest, farthest)

    def _soften(self, low: NDArray[np.floating], high: NDArray[np.floating]) -> None:
        """Weaken eye-dome lighting, which would otherwise outline every point in black and hide the colours.

        VTK has no setting for it, but the effect falls with the diagonal of the scene, so the scene is enlarged
        by two points that are never drawn.
        """
        far = (high - low).max() * EDL_SOFTNESS / 2
        middle = (low + high) / 2
        ghosts = pv.PolyData(np.stack([middle - far, middle + far]))
        self._plot.add_mesh(ghosts, name="ghosts", opacity=0.0, style="points", reset_camera=False, render=False)

    def _point_size(self, n_drawn: int, overlap: float) -> float:
        """Pixels a point needs to touch its neighbours at the camera's distance when only that many are drawn."""
        if self.shape is None:
            return 1.0
        thinned = max(1.0, len(self.shape) / max(n_drawn, 1))
        camera = self._plot.camera
        half_height = camera.distance * np.tan(np.radians(camera.view_angle / 2))
        pixels_per_unit = self._plot.height() * self.devicePixelRatioF() / 2 / max(half_height, 1e-12)
        size = overlap * self._look.point_factor * self.shape.spacing * np.sqrt(thinned) * pixels_per_unit
        return float(np.clip(size, 2.0, MAX_POINT_PX * self.devicePixelRatioF()))

    def _silence_keys(self) -> None:
        """VTK's own keys (q quits, w draws wires) would collide with the program's shortcuts."""
        self._plot.reset_key_events()
        for event in ("CharEvent", "KeyPressEvent", "KeyReleaseEvent"):
            self._plot.iren.interactor.RemoveObservers(event)
