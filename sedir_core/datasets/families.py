"""Forty categories in seven families of similar parts, like Anomaly-ShapeNet's bottles, bowls, caps, cups and vases.

Within a family proportions differ by about a tenth: far beyond manufacturing tolerance, yet similar enough for a
multi-category model to confuse. The benefit of disentangling categories shows only on such data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from sedir_core.datasets.outlines import circle, rectangle, rounded, smooth, walled
from sedir_core.datasets.parts import TOLERANCE, Builder, bottle, bowl, cup, flange, vase
from sedir_core.datasets.primitives import Extrusion, Revolution, box
from sedir_core.datasets.solids import Difference, Solid, Union, unit
from sedir_core.datasets.synthesis import PART_DIAGONAL_MM, Made, scaled_part


def cap(rng: np.random.Generator, radius: float = 60, height: float = 48, visor: float = 34) -> Solid:
    """A thin dome with a visor at one side and a button on top."""
    r, h, reach = (size * (1 + rng.uniform(-TOLERANCE, TOLERANCE)) for size in (radius, height, visor))
    dome = smooth([(r, 0), (0.97 * r, 0.35 * h), (0.72 * r, 0.78 * h), (0.3 * r, 0.97 * h), (0.01, h)], 48)
    shell = Revolution(walled(dome, 2.4))
    button = Revolution(rounded([(0, h - 1), (5, h - 1), (5, h + 2.5), (0, h + 2.5)], [0, 0, 2, 0]))
    brim = Extrusion(rounded(rectangle(r + reach, 1.7 * r, ((r + reach) / 2, 0)), [4, 0.6 * r, 0.6 * r, 4]), 2.6)
    inside = Extrusion(circle(r - 1.2, 64), 20)
    return unit(Union(shell, button, Difference(brim.moved((0, 0, 1.3)), inside)))


def helmet(rng: np.random.Generator, radius: float = 62, height: float = 66, crest: float = 10) -> Solid:
    """A thick dome that comes down at the back, open at the front, with a crest from front to back."""
    r, h, ridge = (size * (1 + rng.uniform(-TOLERANCE, TOLERANCE)) for size in (radius, height, crest))
    dome = smooth([(0.93 * r, -0.42 * h), (r, 0), (0.9 * r, 0.45 * h), (0.55 * r, 0.83 * h), (0.01, h)], 56)
    face = box(2 * r, 1.25 * r, 0.75 * h).moved((r, 0, -0.2 * h))
    line = np.array([(0.62 * r, 0.6 * h), (0.3 * r, 0.98 * h), (-0.3 * r, 0.98 * h), (-0.62 * r, 0.6 * h)])
    raised = np.array([(-0.5 * r, 0.72 * h + ridge), (0.5 * r, 0.72 * h + ridge)])
    from_side = rounded(np.concatenate([line, raised]), [3, 6, 6, 3, 8, 8])
    comb = Extrusion(from_side, 7.0)
    upright = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    return unit(Union(Difference(Revolution(walled(dome, 4.0)), face), comb.moved(rotation=upright)))


def _variants(build: Builder, **sizes: Sequence[float]) -> dict[str, Builder]:
    """`build0`, `build1`, ... each with the n-th value of every size."""
    rows = zip(*sizes.values(), strict=True)
    name = build.__name__
    return {f"{name}{i}": partial(build, **dict(zip(sizes, row, strict=True))) for i, row in enumerate(rows)}


FAMILIES: Mapping[str, Mapping[str, Builder]] = {
    "bottle": _variants(
        bottle,
        height=(240, 228, 252, 240, 236, 246, 232),
        radius=(37, 40, 36, 34, 38, 40, 36),
        mouth=(14, 14, 13, 14, 17, 12, 15),
        shoulder_at=(0.52, 0.52, 0.56, 0.47, 0.5, 0.58, 0.54),
    ),
    "bowl": _variants(
        bowl,
        radius=(72, 76, 70, 72, 68, 78),
        height=(62, 56, 68, 60, 60, 62),
        belly=(0.72, 0.74, 0.7, 0.8, 0.66, 0.7),
    ),
    "cap": _variants(cap, radius=(60, 64, 58, 60, 62), height=(48, 46, 54, 50, 44), visor=(34, 34, 30, 42, 38)),
    "cup": _variants(
        cup, radius=(42, 45, 40, 42, 44), height=(70, 66, 76, 72, 74), ear_size=(1.0, 0.9, 1.05, 1.25, 0.8)
    ),
    "flange": _variants(
        flange,
        radius=(82, 82, 86, 80, 84, 82),
        pipe=(27, 27, 25, 30, 27, 24),
        bolts=(8, 6, 8, 8, 10, 8),
        neck=(46, 46, 50, 44, 42, 56),
    ),
    "helmet": _variants(helmet, radius=(62, 66, 60, 62), height=(66, 62, 70, 68), crest=(10, 10, 14, 5)),
    "vase": _variants(
        vase,
        height=(232, 220, 244, 232, 226, 238, 230),
        radius=(42, 45, 40, 42, 44, 39, 42),
        waist=(17, 17, 16, 20, 15, 18, 16),
        flare=(1.75, 1.7, 1.8, 1.6, 1.95, 1.65, 2.0),
    ),
}
"""Categories by family."""


def families_of_parts(diagonal_mm: float = PART_DIAGONAL_MM) -> dict[str, Made]:
    """All forty categories, with a diagonal of about `diagonal_mm`, for `write_dataset`."""
    return {name: scaled_part(build, diagonal_mm) for kinds in FAMILIES.values() for name, build in kinds.items()}


def growing(counts: Sequence[int], names: Sequence[str]) -> list[tuple[str, ...]]:
    """For each count, that many names, taken from the families in turn, so that each step adds some of each. Names
    outside the families come last, in order."""
    ranks = {name: (i, f) for f, kinds in enumerate(FAMILIES.values()) for i, name in enumerate(kinds)}
    last = (len(names), 0)
    ordered = sorted(names, key=lambda name: ranks.get(name, last))
    return [tuple(sorted(ordered[:count])) for count in counts]
