"""Defects for training, made on good clouds: what PO3AD and R3D-AD learn to undo, and a wider family of our own.

Clouds are tensors (n, 3) about the origin, some unit large; everything random comes from the caller's generator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

N_PATCHES, N_MOVED = 64, 32  # of the patches that cover a cloud one among the first half is moved [R]
LEAST, MOST = 0.06, 0.12  # how far, in radii [R]
# Of the family: how far and how wide in radii, and how often a cloud stays whole or is cut by a plane [O].
SHALLOW, DEEP, NARROW, WIDE = 0.015, 0.12, 0.05, 0.3
WHOLE_SHARE, CUT_SHARE, LEAST_LEFT = 0.2, 0.5, 0.5


class Moved(NamedTuple):
    """points: (n, 3). offsets: (n, 3), how far each was moved, zero where it was not."""

    points: Tensor
    offsets: Tensor


def cover(points: Tensor, generator: torch.Generator, n_patches: int = N_PATCHES) -> Tensor:
    """(n,) the patch of each point; one after the other takes n // n_patches free points around a random one of them.

    What is left over joins the last one [R].
    """
    owner = torch.full((len(points),), n_patches - 1, dtype=torch.int64, device=points.device)
    free = torch.arange(len(points), device=points.device)
    for patch in range(n_patches):
        _, members, free = _next_patch(points, free, len(points) // n_patches, generator)
        owner[members] = patch
    return owner


def move_patch(points: Tensor, normals: Tensor, members: Tensor, centre: Tensor, distance: float | Tensor) -> Moved:
    """PO3AD's displacement of a patch, linear from its centre (3,) to its rim, along |normal| *component by component*.

    members: (m,) indices. distance: signed. The absolute value makes the normals' sign irrelevant, and moves most
    surfaces sideways, too: that is what is published [R].
    """
    return _move(points, normals.abs(), members, centre, distance)


def move_along(points: Tensor, normals: Tensor, members: Tensor, centre: Tensor, distance: float | Tensor) -> Moved:
    """The same along the oriented normals [O]."""
    return _move(points, normals, members, centre, distance)


def norm_as(points: Tensor, normals: Tensor, generator: torch.Generator, absolute: bool = True) -> Moved:
    """One patch of a cloud about the unit sphere, moved in or out (PO3AD's Norm-AS)."""
    free = torch.arange(len(points), device=points.device)
    centre, members = 0, free
    for _ in range(1 + _pick(N_MOVED, generator)):
        centre, members, free = _next_patch(points, free, len(points) // N_PATCHES, generator)
    sign = 1.0 if _uniform(generator) < 0.5 else -1.0
    distance = sign * (LEAST + (MOST - LEAST) * _uniform(generator))
    return (move_patch if absolute else move_along)(points, normals, members, points[centre], distance)


@dataclass(frozen=True)
class LocalFrame:
    """A place on a cloud: u, v along the surface, w along its normal, (n,) each, and the normal (3,) itself."""

    u: Tensor
    v: Tensor
    w: Tensor
    axes: Tensor

    @classmethod
    def at(cls, points: Tensor, normals: Tensor, index: int, angle: float) -> LocalFrame:
        normal = normals[index]
        aside = torch.zeros_like(normal)
        aside[int(normal.abs().argmin())] = 1.0
        first = torch.linalg.cross(normal, aside)
        first = first / first.norm().clamp(min=1e-12)
        second = torch.linalg.cross(normal, first)
        u = math.cos(angle) * first + math.sin(angle) * second
        axes = torch.stack((u, torch.linalg.cross(normal, u), normal))
        u_of, v_of, w_of = ((points - points[index]) @ axes.T).unbind(dim=1)
        return cls(u_of, v_of, w_of, axes)


def family(points: Tensor, normals: Tensor, generator: torch.Generator) -> Moved:
    """A defect of a family of shapes, or none, on all of the cloud or on what a plane leaves of it [O].

    After AF3AD's idea (2026): bumps of any steepness, grooves and ridges, hinges, ripples and smears, each in its own
    local frame; random cuts, so that the rim of a scan from one side is nothing unusual. normals: oriented.
    """
    kept = _cut(points, generator)
    points, normals = points[kept], normals[kept]
    if _uniform(generator) < WHOLE_SHARE:
        return Moved(points, torch.zeros_like(points))
    frame = LocalFrame.at(points, normals, _pick(len(points), generator), 2 * math.pi * _uniform(generator))
    size = NARROW * (WIDE / NARROW) ** _uniform(generator)
    depth = SHALLOW * (DEEP / SHALLOW) ** _uniform(generator)
    depth = min(depth, 0.8 * size) * (1.0 if _uniform(generator) < 0.5 else -1.0)
    same_side = (normals @ frame.axes[2] > 0.0) & (frame.w.abs() < size)
    shape = (_bump, _groove, _hinge, _ripple, _smear)[_pick(5, generator)]
    offsets = shape(frame, normals, size, depth, generator) * same_side[:, None]
    return Moved(points + offsets, offsets)


def patch_gen(points: Tensor, viewpoint: Tensor, n_moved: int, scale: float, generator: torch.Generator) -> Moved:
    """R3D-AD's Patch-Gen: the points nearest to a viewpoint (3,) are pushed away from it, or pulled where scale < 0.

    Magnitudes are random, the largest for the nearest point. For a cloud within a unit box about the origin [R].
    """
    away = points - viewpoint
    order = away.norm(dim=1).argsort(stable=True)[:n_moved]
    sizes = torch.rand(n_moved, generator=generator, device=points.device).sort(descending=True).values
    offsets = torch.zeros_like(points)
    offsets[order] = scale * sizes[:, None] * away[order] / away[order].norm(dim=1, keepdim=True).clamp(min=1e-12)
    return Moved(points + offsets, offsets)


def viewpoints() -> Tensor:
    """(26, 3) the grid {-2, 0, 2}³ without its middle [R]."""
    axis = torch.tensor([-2.0, 0.0, 2.0])
    grid = torch.cartesian_prod(axis, axis, axis)
    return grid[grid.abs().sum(dim=1) > 0]


def random_turn(generator: torch.Generator, device: torch.device) -> Tensor:
    """(3, 3) by uniform angles about z, y and x: not uniform over the rotations, as both public codes do [R]."""
    angles = (2 * torch.rand(3, generator=generator, device=device) - 1) * math.pi
    turn = torch.eye(3, device=device)
    for axis, angle in zip((2, 1, 0), angles, strict=True):
        one = torch.eye(3, device=device)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        one[i, i] = one[j, j] = torch.cos(angle)
        one[i, j], one[j, i] = -torch.sin(angle), torch.sin(angle)
        turn = one @ turn
    return turn


def _move(points: Tensor, along: Tensor, members: Tensor, centre: Tensor, distance: float | Tensor) -> Moved:
    away = (points[members] - centre).norm(dim=1)
    ratio = 1 - away / away.max().clamp(min=1e-12)
    ratio = (ratio - ratio.min()) / (ratio.max() - ratio.min()).clamp(min=1e-12)
    offsets = torch.zeros_like(points)
    offsets[members] = distance * ratio[:, None] * along[members]
    return Moved(points + offsets, offsets)


def _bump(frame: LocalFrame, normals: Tensor, size: float, depth: float, generator: torch.Generator) -> Tensor:
    """Oval, from a cone to a plateau."""
    narrow = size * (0.4 + 0.6 * _uniform(generator))
    fall = (1 - (frame.u / size) ** 2 - (frame.v / narrow) ** 2).clamp(min=0)
    return depth * fall[:, None] ** (0.3 + 2.7 * _uniform(generator)) * frame.axes[2]


def _groove(frame: LocalFrame, normals: Tensor, size: float, depth: float, generator: torch.Generator) -> Tensor:
    """Long and narrow."""
    narrow = size * (0.08 + 0.2 * _uniform(generator))
    along = (1 - (frame.u / size) ** 2).clamp(min=0)
    fall = along * torch.exp(-((frame.v / narrow) ** 2))
    return min(abs(depth), 2 * narrow) * math.copysign(1.0, depth) * fall[:, None] * normals


def _hinge(frame: LocalFrame, normals: Tensor, size: float, depth: float, generator: torch.Generator) -> Tensor:
    """One side of a line is turned out of the surface, more and more up to the size."""
    rise = (frame.u / size).clamp(0, 1) * (frame.v.abs() < size) * (frame.u < size)
    return depth * rise[:, None] * frame.axes[2]


def _ripple(frame: LocalFrame, normals: Tensor, size: float, depth: float, generator: torch.Generator) -> Tensor:
    """Rings that fade."""
    away = (frame.u**2 + frame.v**2).sqrt() / size
    fall = (1 - away).clamp(min=0) * torch.cos(2 * math.pi * (1 + 2 * _uniform(generator)) * away)
    return 0.5 * depth * fall[:, None] * normals


def _smear(frame: LocalFrame, normals: Tensor, size: float, depth: float, generator: torch.Generator) -> Tensor:
    """Dragged along the surface and a little out of it."""
    fall = (1 - (frame.u**2 + frame.v**2) / size**2).clamp(min=0)
    return depth * fall[:, None] * (0.8 * frame.axes[0] + 0.6 * frame.axes[2])


def _cut(points: Tensor, generator: torch.Generator) -> Tensor:
    """Indices of what lies on one side of a random plane, now and then of all."""
    everything = torch.arange(len(points), device=points.device)
    if _uniform(generator) >= CUT_SHARE:
        return everything
    direction = torch.randn(3, generator=generator, device=points.device)
    height = points @ (direction / direction.norm().clamp(min=1e-12))
    left = LEAST_LEFT + (1 - LEAST_LEFT) * _uniform(generator)
    return everything[height <= height.kthvalue(max(1, int(left * len(points)))).values]


def _next_patch(points: Tensor, free: Tensor, size: int, generator: torch.Generator) -> tuple[int, Tensor, Tensor]:
    """A random free point, the free points nearest to it, and those that are free then; all as indices."""
    start = int(free[_pick(len(free), generator)])
    nearest = (points[free] - points[start]).square().sum(dim=1).topk(size, largest=False).indices
    kept = torch.ones(len(free), dtype=torch.bool, device=points.device)
    kept[nearest] = False
    return start, free[nearest], free[kept]


def _pick(n: int, generator: torch.Generator) -> int:
    return int(torch.randint(n, (1,), generator=generator, device=generator.device))


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand(1, generator=generator, device=generator.device))
