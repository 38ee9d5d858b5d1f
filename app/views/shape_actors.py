"""One shape as VTK actors, in chunks: its surface if it has one, otherwise its points.

A chunk is built when it is first drawn and coloured when needed, so switching the layer of a large scan costs nothing
until its chunks are drawn again. Uses VTK's classes directly: pyvista's `add_mesh` takes ten times as long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyvista as pv
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer

from app.state.shapes import Shape
from app.views.layers import Paint
from sedir_core.drawing.rendering import AMBIENT, DIFFUSE, SHINE, SPECULAR
from sedir_core.types import IntArray, Triangles

CHUNK = 25_000  # points
FACES = 40_000  # triangles of a chunk
MOST_ROUND = 60_000  # beyond this, points are too small to tell round from square

# A surface is seen from both sides, and closed gaps may be folded, so normals always face the viewer.
FACE_THE_CAMERA = "//VTK::Normal::Impl\n  if (normalVCVSOutput.z < 0.0) normalVCVSOutput = -normalVCVSOutput;\n"
ROUND = "//VTK::Color::Impl\n  vec2 off = gl_PointCoord - 0.5;\n  if (dot(off, off) > 0.25) discard;\n"


@dataclass
class _Chunk:
    """rows: the shape's points its vertices stand for. painted: the paint applied last."""

    rows: IntArray
    mesh: pv.PolyData
    actor: vtkActor
    painted: Paint


class ShapeActors:
    """Belongs to one renderer; `release` removes everything from it."""

    def __init__(self, renderer: vtkRenderer, shape: Shape, paint: Paint, as_discs: bool | None = None) -> None:
        """as_discs: round points; None decides by their number."""
        self._renderer, self.shape, self._paint = renderer, shape, paint
        self._as_discs = len(shape) <= MOST_ROUND if as_discs is None else as_discs
        self._pieces = _pieces(shape)
        self._chunks: list[_Chunk] = []
        self._coarse: _Chunk | None = None
        self.low, self.high = shape.points.min(axis=0), shape.points.max(axis=0)

    def __len__(self) -> int:
        """Number of chunks, built or not."""
        return len(self._pieces)

    @property
    def n_made(self) -> int:
        return len(self._chunks)

    @property
    def has_surface(self) -> bool:
        """Whether the shape is drawn as a surface."""
        return len(self.shape.triangles) > 0

    @property
    def has_coarse(self) -> bool:
        """Whether there is a coarse surface to draw while the camera moves."""
        return len(self.shape.coarse) > 0

    def ready_in(self, n_chunks: int) -> bool:
        """Whether that many chunks, all built, cover the whole surface; part of it looks worse than the coarse one."""
        return self.has_surface and self.n_made == len(self) <= n_chunks

    def set_paint(self, paint: Paint) -> None:
        """Applied to each chunk when it is drawn."""
        self._paint = paint

    def refresh(self, most: int) -> bool:
        """Recolour up to that many chunks that will be drawn soon; returns whether all are up to date."""
        stale = [chunk for chunk in self._chunks if chunk.painted is not self._paint]
        for chunk in stale[:most]:
            self._dress(chunk)
        return len(stale) <= most

    def show(self, first: int, last: int, size_px: float) -> None:
        """Draw the chunks first..last and no others."""
        while len(self._chunks) < last:
            self._chunks.append(self._make(*self._pieces[len(self._chunks)]))
        for index, chunk in enumerate(self._chunks):
            self._show(chunk, first <= index < last, size_px)
        if self._coarse is not None:
            self._coarse.actor.SetVisibility(False)

    def show_coarse(self) -> None:
        """Draw only the coarse surface."""
        if self._coarse is None:
            triangles = self.shape.coarse
            self._coarse = self._make(np.arange(int(triangles.max()) + 1), triangles)
        for chunk in self._chunks:
            chunk.actor.SetVisibility(False)
        self._show(self._coarse, True, 1.0)

    def hide(self) -> None:
        self.show(0, 0, 1.0)

    def release(self) -> None:
        for chunk in (*self._chunks, *([self._coarse] if self._coarse is not None else [])):
            self._renderer.RemoveActor(chunk.actor)
        self._chunks.clear()
        self._coarse = None

    def _show(self, chunk: _Chunk, visible: bool, size_px: float) -> None:
        chunk.actor.SetVisibility(visible)
        if visible:
            chunk.actor.GetProperty().SetPointSize(size_px)
            if chunk.painted is not self._paint:
                self._dress(chunk)

    def _dress(self, chunk: _Chunk) -> None:
        chunk.painted = self._paint
        chunk.mesh.point_data["rgb"] = self._paint(chunk.rows)

    def _make(self, rows: IntArray, triangles: Triangles | None) -> _Chunk:
        """triangles: (t, 3) into the rows; None draws them as points."""
        if triangles is None:
            mesh = pv.PolyData(self.shape.points[rows])
        else:
            mesh = pv.PolyData(self.shape.level[rows], np.insert(triangles, 0, 3, axis=1).ravel())
        mesh.point_data["rgb"] = self._paint(rows)
        mesh.point_data.active_normals = self.shape.normals[rows]  # type: ignore[assignment]  # float32 will do
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(mesh)
        mapper.SetScalarModeToUsePointFieldData()
        mapper.SelectColorArray("rgb")
        mapper.SetColorModeToDirectScalars()
        actor = vtkActor()
        actor.SetMapper(mapper)
        look = actor.GetProperty()
        look.SetAmbient(AMBIENT)
        look.SetDiffuse(DIFFUSE)
        look.SetSpecular(SPECULAR)
        look.SetSpecularPower(SHINE)
        look.SetInterpolationToPhong()  # with flat shading VTK ignores normals
        shader = actor.GetShaderProperty()
        shader.AddFragmentShaderReplacement("//VTK::Normal::Impl", True, FACE_THE_CAMERA, False)
        if triangles is None:
            look.SetRepresentationToPoints()
            if self._as_discs:
                shader.AddFragmentShaderReplacement("//VTK::Color::Impl", True, ROUND, False)
        self._renderer.AddActor(actor)
        return _Chunk(rows, mesh, actor, self._paint)


def _pieces(shape: Shape) -> list[tuple[IntArray, IntArray | None]]:
    """Rows of each chunk, and their triangles; points outside every triangle come last."""
    n = len(shape)
    if not len(shape.triangles):
        return [(np.arange(start, min(start + CHUNK, n)), None) for start in range(0, n, CHUNK)]
    pieces: list[tuple[IntArray, IntArray | None]] = []
    for start in range(0, len(shape.triangles), FACES):
        rows, local = np.unique(shape.triangles[start : start + FACES], return_inverse=True)
        pieces.append((rows.astype(np.int64), local.reshape(-1, 3)))
    return [*pieces, (shape.alone, None)] if len(shape.alone) else pieces


def warm_up(renderer: vtkRenderer) -> list[ShapeActors]:
    """One actor of each kind, drawn with the first frame and then released.

    Software OpenGL takes a twentieth of a second to compile a shader; better while nobody is waiting.
    """
    made = []
    for as_discs, triangles in ((False, []), (True, []), (True, [(0, 1, 2)])):
        corner = np.eye(3, dtype=np.float32) * 1e-6
        dot = Shape(
            corner, np.eye(3, dtype=np.float32), np.arange(3), 1.0, np.zeros(3), 1.0,
            np.array(triangles, np.int32).reshape(-1, 3), level=corner,
        )  # fmt: skip
        made.append(ShapeActors(renderer, dot, lambda rows: np.zeros((len(rows), 3), np.uint8), as_discs))
    for actors in made:
        actors.show(0, 1, 1.0)
    return made
