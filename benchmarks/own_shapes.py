"""Meshes of shapes of our own, to choose on: neither the product's built-in parts nor the shapes that are reported.

    own_shapes.py OUT [--only cup,knob]

Writes one PLY a shape, in millimetres, made from signed distances. The generators of measuring data take the folder as
their folder of meshes. The same version of VTK writes the same bytes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyvista as pv
from numpy.typing import NDArray

Field = NDArray[np.float64]
CELLS = 150
"""Along the longest side of the grid."""
REACH = 52.0
"""Every shape fits into a cube of twice this side, in millimetres."""


def box(x: Field, y: Field, z: Field, at: tuple[float, float, float], half: tuple[float, float, float]) -> Field:
    q = np.stack([np.abs(v - c) - h for v, c, h in zip((x, y, z), at, half, strict=True)])
    return np.asarray(np.linalg.norm(np.maximum(q, 0), axis=0) + np.minimum(q.max(axis=0), 0))


def rod(radial: Field, along: Field, radius: float, low: float, high: float) -> Field:
    """A round rod: `radial` is the distance from its axis, `along` the place on it."""
    return np.maximum(radial - radius, np.abs(along - (low + high) / 2) - (high - low) / 2)


def ellipsoid(x: Field, y: Field, z: Field, at: tuple[float, float, float], radii: tuple[float, float, float]) -> Field:
    """About the signed distance, exact in sign."""
    q = np.stack([(v - c) / r for v, c, r in zip((x, y, z), at, radii, strict=True)])
    return np.asarray((np.linalg.norm(q, axis=0) - 1) * min(radii))


def soft_union(parts: list[Field], width: float) -> Field:
    """Union with fillets of about `width`."""
    stack = -np.stack(parts) / width
    top = stack.max(axis=0)
    return np.asarray(-(np.log(np.exp(stack - top).sum(axis=0)) + top) * width)


def beast(x: Field, y: Field, z: Field) -> Field:
    legs = [ellipsoid(x, y, z, (fx, fy, -18), (6, 6, 20)) for fx in (-22, 20) for fy in (-11, 11)]
    trunk = [ellipsoid(x, y, z, (0, 0, 4), (34, 17, 16)), ellipsoid(x, y, z, (36, 2, 18), (13, 10, 12))]
    rest = [ellipsoid(x, y, z, (44, 3, 13), (5, 5, 4)), ellipsoid(x, y, z, (-38, -3, 12), (10, 3.5, 3.5))]
    ears = [ellipsoid(x, y, z, (33, side * 9 + 2, 29), (3, 4, 8)) for side in (-1, 1)]
    return soft_union(legs + trunk + rest + ears, 2.5)


def cup(x: Field, y: Field, z: Field) -> Field:
    radial = np.hypot(x, y)
    wall = np.maximum(rod(radial, z, 30, -36, 36), -rod(radial, z, 26, -31, 60))
    handle = np.hypot(np.hypot(x - 29, z) - 17, y) - 4.5
    return np.asarray(np.minimum(wall, np.maximum(handle, 27 - radial)))


def hex_bolt(x: Field, y: Field, z: Field) -> Field:
    turn, radial = np.arctan2(y, x), np.hypot(x, y)
    sixth = (turn + np.pi / 6) % (np.pi / 3) - np.pi / 6
    head = np.maximum(radial * np.cos(sixth) - 20, np.abs(z - 31) - 8)
    thread = radial - 11 - 1.1 * np.sin(2 * np.pi * z / 7 - turn) * (z < 10)
    return np.asarray(np.minimum(head, np.maximum(thread, np.abs(z + 10) - 36)))


def knob(x: Field, y: Field, z: Field) -> Field:
    radial = np.hypot(x, y)
    grip = np.maximum(radial - 30 - 2.2 * np.cos(9 * np.arctan2(y, x)), np.abs(z - 8) - 14)
    neck, plate = rod(radial, z, 14, -20, 0), rod(radial, z, 22, -26, -18)
    mark = box(x, y, z, (18, 0, 22), (9, 2, 2.5))
    shaft = np.maximum(rod(radial, z, 7, -40, -2), x - 5)
    return np.asarray(np.maximum(np.minimum.reduce([grip, neck, plate, mark]), -shaft))


def pipe_elbow(x: Field, y: Field, z: Field) -> Field:
    x, z = x + 20, z + 20
    bend = np.where((x > 0) & (z > 0), np.hypot(np.hypot(x, z) - 32, y), 1e3)
    legs = (np.where(z <= 0, np.hypot(x - 32, y), 1e3), np.where(x <= 0, np.hypot(z - 32, y), 1e3))
    axis = np.minimum.reduce([bend, *legs])
    ends = np.minimum(x, z) + 24
    tube = np.maximum(axis - 13, -ends)
    flanges = np.minimum(rod(legs[0], z, 20, -24, -18), rod(legs[1], x, 20, -24, -18))
    return np.asarray(np.maximum(np.minimum(tube, flanges), 9 - axis))


def wing_nut(x: Field, y: Field, z: Field) -> Field:
    radial = np.hypot(x, y)
    body = np.maximum(radial - 15 + z * 0.12, np.abs(z) - 11)
    lean = np.abs(x) - 21 - 0.35 * z
    wing = np.maximum(np.hypot(lean / 1.6, (z - 12) / 1.3) - 13, np.abs(y) - 3.2)
    return np.asarray(np.maximum(np.minimum(body, wing), -rod(radial, z, 7.5, -40, 40)))


def bracket(x: Field, y: Field, z: Field) -> Field:
    foot, back = box(x, y, z, (0, 0, -28), (40, 24, 3.5)), box(x, y, z, (-36.5, 0, 0), (3.5, 24, 30))
    rib = np.maximum(np.abs(y - 5) - 2.5, np.maximum(x + z + 18, np.maximum(-x - 37, -z - 29)))
    holes = [rod(np.hypot(x - at, y + 12), z, 5, -60, 0) for at in (2, 26)]
    slot = box(x, y, z, (-36, -10, 12), (12, 4, 9))
    return np.asarray(np.maximum(np.minimum.reduce([foot, back, rib]), -np.minimum.reduce([*holes, slot])))


def tray(x: Field, y: Field, z: Field) -> Field:
    shell = np.maximum(box(x, y, z, (0, 0, 0), (46, 30, 11)), -box(x, y, z, (0, 0, 6), (43, 27, 13)))
    bosses = [rod(np.hypot(x - bx, y - by), z, radius, -10, top)
              for bx, by, radius, top in ((-28, 12, 6, 2), (14, -14, 8, -2), (26, 10, 5, 5))]  # fmt: skip
    divider = box(x, y, z, (-6, 0, -3), (1.8, 28, 8))
    return np.asarray(np.minimum.reduce([shell, *bosses, divider]))


SHAPES: dict[str, Callable[[Field, Field, Field], Field]] = {
    shape.__name__: shape for shape in (beast, bracket, cup, hex_bolt, knob, pipe_elbow, tray, wing_nut)
}  # fmt: skip


def mesh_of(shape: Callable[[Field, Field, Field], Field]) -> pv.PolyData:
    step = 2 * REACH / CELLS
    grid = pv.ImageData(dimensions=(CELLS + 1,) * 3, spacing=(step,) * 3, origin=(-REACH,) * 3)
    grid["distance"] = shape(*np.asarray(grid.points, dtype=np.float64).T)
    whole = grid.contour([0.0], "distance", method="flying_edges").extract_largest().extract_surface(algorithm=None)
    mesh: pv.PolyData = whole.clean().triangulate()
    return mesh


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default="", help="names of shapes, separated by commas")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.only.split(",") if args.only else SHAPES:
        mesh = mesh_of(SHAPES[name])
        mesh.clear_data()
        mesh.save(args.out / f"{name}.ply")
        print(f"{name}: {mesh.n_points:,} vertices, {mesh.n_cells:,} triangles, open edges {mesh.n_open_edges}")


if __name__ == "__main__":
    main()
