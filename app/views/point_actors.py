"""The points of one shape as VTK draws them: in chunks, each made when it is first drawn.

Built from VTK's own classes: pyvista's `add_mesh` spends ten times as long on each.
"""

from __future__ import annotations

import numpy as np
import pyvista as pv
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer

from app.shapes import Shape
from app.views.colours import Rgb

CHUNK = 25_000
MOST_ROUND = 60_000  # more points are too small to tell round from square
AMBIENT, DIFFUSE = 0.5, 0.5

# Normals of scanned points have either sign: the side that is seen is the front.
FACE_THE_CAMERA = "//VTK::Normal::Impl\n  if (normalVCVSOutput.z < 0.0) normalVCVSOutput = -normalVCVSOutput;\n"
ROUND = "//VTK::Color::Impl\n  vec2 off = gl_PointCoord - 0.5;\n  if (dot(off, off) > 0.25) discard;\n"


class PointActors:
    """Belongs to one renderer; `release` takes everything out of it."""

    def __init__(self, renderer: vtkRenderer, shape: Shape, colours: Rgb, as_discs: bool | None = None) -> None:
        """as_discs: round points; None leaves it to their number."""
        self._renderer, self.shape, self._colours = renderer, shape, colours
        self._as_discs = len(shape) <= MOST_ROUND if as_discs is None else as_discs
        self._made: list[tuple[pv.PolyData, vtkActor]] = []
        self.low, self.high = shape.points.min(axis=0), shape.points.max(axis=0)

    def __len__(self) -> int:
        """How many chunks there are, made or not."""
        return -(-len(self.shape) // CHUNK)

    @property
    def n_made(self) -> int:
        return len(self._made)

    def set_colours(self, colours: Rgb) -> None:
        """colours: (n, 3) uint8 in the order of the shape."""
        if colours is self._colours:
            return
        self._colours = colours
        for index, (mesh, _) in enumerate(self._made):
            mesh.point_data["rgb"] = colours[index * CHUNK : (index + 1) * CHUNK]

    def show(self, first: int, last: int, size_px: float) -> None:
        """Draw the chunks first..last and no others."""
        while len(self._made) < last:
            self._made.append(self._make(len(self._made)))
        for index, (_, actor) in enumerate(self._made):
            visible = first <= index < last
            actor.SetVisibility(visible)
            if visible:
                actor.GetProperty().SetPointSize(size_px)

    def hide(self) -> None:
        self.show(0, 0, 1.0)

    def release(self) -> None:
        for _, actor in self._made:
            self._renderer.RemoveActor(actor)
        self._made.clear()

    def _make(self, index: int) -> tuple[pv.PolyData, vtkActor]:
        part = slice(index * CHUNK, (index + 1) * CHUNK)
        mesh = pv.PolyData(self.shape.points[part])
        mesh.point_data["rgb"] = self._colours[part]
        mesh.point_data.active_normals = self.shape.normals[part]
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(mesh)
        mapper.SetScalarModeToUsePointFieldData()
        mapper.SelectColorArray("rgb")
        mapper.SetColorModeToDirectScalars()
        actor = vtkActor()
        actor.SetMapper(mapper)
        look = actor.GetProperty()
        look.SetRepresentationToPoints()
        look.SetAmbient(AMBIENT)
        look.SetDiffuse(DIFFUSE)
        look.SetSpecular(0.0)
        look.SetInterpolationToPhong()  # with flat shading VTK ignores normals
        shader = actor.GetShaderProperty()
        shader.AddFragmentShaderReplacement("//VTK::Normal::Impl", True, FACE_THE_CAMERA, False)
        if self._as_discs:
            shader.AddFragmentShaderReplacement("//VTK::Color::Impl", True, ROUND, False)
        self._renderer.AddActor(actor)
        return mesh, actor


def warm_up(renderer: vtkRenderer) -> list[PointActors]:
    """One point of each kind, to be drawn with the first frame and released after it.

    Software OpenGL compiles a shader for a twentieth of a second; it should do so while nobody waits.
    """
    dot = Shape(
        np.zeros((1, 3), np.float32), np.eye(3, dtype=np.float32)[:1], np.zeros(1, np.int64), 1.0, np.zeros(3), 1.0
    )
    made = [PointActors(renderer, dot, np.zeros((1, 3), np.uint8), as_discs) for as_discs in (False, True)]
    for actors in made:
        actors.show(0, 1, 1.0)
    return made
