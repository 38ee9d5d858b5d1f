"""The position on a part in words, independent of the part's pose: its ends, its rim, its inner side."""

from __future__ import annotations

import numpy as np

from sedir_core.geometry.neighbours import typical_spacing
from sedir_core.types import DoubleArray

LONG, FLAT = 1.35, 0.45  # extents: length to width of a long part; thickness to width of a flat one
END, NEAR_END, MIDDLE = 0.8, 0.5, 0.25  # of half the length
RIM, CENTRE = 0.8, 0.3  # of the way from the centre to the outline
NARROWER = 0.75  # of the other end's width: then the ends can be told apart
SLICE = 0.2  # of the length: an end
INWARD = -0.5  # cosine between a surface's normal and the way out from the axis
BESIDE, BEYOND = 1.5, 1.2  # spacings around the way out in which another wall is looked for, and from where on
N_SECTORS = 24


def place_words(centre: DoubleArray, normal: DoubleArray, surface: DoubleArray) -> str:
    """centre: (3,) of the place, normal: (3,) mean normal there, surface: (s, 3) points of the whole part.

    Empty if the part is neither long nor flat and the place is on its outer side.
    """
    middle = (surface.max(axis=0) + surface.min(axis=0)) / 2
    axes = np.linalg.svd(surface - surface.mean(axis=0), full_matrices=False)[2]
    seen = (surface - middle) @ axes.T
    low, high = seen.min(axis=0), seen.max(axis=0)
    half = np.maximum((high - low) / 2, 1e-300)
    own = (centre - middle) @ axes.T - (low + high) / 2
    seen = seen - (low + high) / 2
    words = []
    if half[0] > LONG * half[1]:
        words.append(_along(own[0] / half[0], seen, half[0]))
    elif half[2] < FLAT * half[1]:
        words.append(_on_disc(own, seen))
    if _faces_inward(own, axes @ normal) and _within(own, seen):
        words.append("on the inner side")
    return ", ".join(word for word in words if word)


def _along(where: float, seen: DoubleArray, half: float) -> str:
    side = 1.0 if where > 0 else -1.0
    if abs(where) < MIDDLE:
        return "in the middle"
    widths = [_width(seen[side * end * seen[:, 0] > (1 - SLICE) * half]) for end in (1.0, -1.0)]
    name = "one end"
    if min(widths) < NARROWER * max(widths):
        name = "the narrow end" if widths[0] < widths[1] else "the wide end"
    if abs(where) > END:
        return f"at {name}"
    return f"near {name}" if abs(where) > NEAR_END else f"toward {name}"


def _width(slab: DoubleArray) -> float:
    return float(np.hypot(*np.ptp(slab[:, 1:], axis=0))) if len(slab) else 0.0


def _on_disc(own: DoubleArray, seen: DoubleArray) -> str:
    """Position on a disc; its outline is as far out as the surface reaches in that direction."""
    sectors = np.floor(np.arctan2(seen[:, 1], seen[:, 0]) / (2 * np.pi) * N_SECTORS) % N_SECTORS
    mine = np.floor(np.arctan2(own[1], own[0]) / (2 * np.pi) * N_SECTORS) % N_SECTORS
    reach = np.hypot(seen[:, 0], seen[:, 1])
    outline = float(reach[sectors == mine].max(initial=0.0)) or float(reach.max())
    share = float(np.hypot(own[0], own[1])) / max(outline, 1e-300)
    return "at the rim" if share > RIM else "near the centre" if share < CENTRE else ""


def _within(own: DoubleArray, seen: DoubleArray) -> bool:
    """Whether there is another wall farther out: of thin walls, the normals alone may point either way."""
    out = np.array([0.0, *own[1:]]) / np.hypot(own[1], own[2])
    farther = (seen - own) @ out
    beside = np.linalg.norm(seen - own - farther[:, None] * out, axis=1)
    spacing = typical_spacing(seen)
    return bool(((beside < BESIDE * spacing) & (farther > BEYOND * spacing)).any())


def _faces_inward(own: DoubleArray, normal: DoubleArray) -> bool:
    """Whether the surface there faces the long axis, like the inside of a cup."""
    out, size = np.hypot(own[1], own[2]), float(np.linalg.norm(normal))
    return bool(out > 0 and size > 0 and (own[1:] @ normal[1:]) / (out * size) < INWARD)
