"""The tuned numbers of registration; `evidence.numbers` lists them with the others.

Tuned on shapes and defects of our own making; each group names its section of `benchmarks/README.md`. Constants that
only keep arithmetic or memory within bounds stay where they are used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def number(value: Any, meaning: str) -> Any:
    """A field with its meaning and unit."""
    return field(default=value, metadata={"meaning": meaning})


@dataclass(frozen=True)
class RegistrationNumbers:
    """The rigid pose of a scan. "Where a view was seen from"; Tukey weights and trimming keep a defect out of it."""

    trimmed: float = number(
        0.8, "share of the distances that count, the smallest: the rest may be a defect, a missing side or a bent end"
    )
    coarse_points: int = number(200, "points of a scan in the first steps")
    middle_points: int = number(1_500, "points of a scan in the middle steps")
    fine_points: int = number(5_000, "points of a scan in the last steps")
    coarse_surface: int = number(
        800, "points of the surface in the first steps: queries far from a large tree are slow"
    )
    tried: int = number(24, "starts kept after the first comparison")
    kept: int = number(6, "poses kept after the first steps")
    spins: int = number(120, "rotations tried about the axis of a rotational part")
    spin_points: int = number(500, "points by which these rotations are compared")
    alike: float = number(
        0.75, "ratio of principal spreads above which axes are ambiguous, as of a circle with a handle"
    )
    coarse_cap: float = number(0.15, "radii: cap on distances in the first comparison")
    cap: float = number(0.05, "radii: cap on distances when poses are compared")
    coarse_steps: int = number(6, "ICP steps of each coarse round")
    fine_steps: int = number(8, "ICP steps of each later round")
    ended: float = number(
        3.0, "times the median distance beyond which the surface has ended, and the full distance counts"
    )


@dataclass(frozen=True)
class FrameNumbers:
    """A category's frame: unit, size and descriptor. D2 histograms: Osada et al. 2002."""

    same_unit: float = number(1.6, "factor within which sizes are in the same unit, even of a bent or broken part")
    farthest: float = number(4.0, "largest remaining size ratio after unit conversion")
    pairs: int = number(4_000, "point pairs of a shape descriptor")
    bins: int = number(48, "bins of their distances")
    widest: float = number(4.0, "gyration radii: the longest pair distance that the histogram resolves")
    strays: float = number(8.0, "times the median distance from the middle, beyond which a point is an outlier")


@dataclass(frozen=True)
class OrientedNumbers:
    """Which points of two scans show the same face. "Faces that one scan saw, and held-out scans ..."."""

    points: int = number(6_000, "points that stand for a cloud")
    coarse_points: int = number(1_000, "points that stand for it in the first steps")
    oriented_points: int = number(
        20_000, "points that tell the outer side: sparser ones do not hide what lies behind a thin wall"
    )
    facing: float = number(0.12, "radii that one radian between normals counts as in the search for the nearest point")
    same_side: float = number(0.3, "cosine between normals above which two points may show the same face")
    at_rim: float = number(3.0, "spacings beside the end of a cloud, beyond which it shows nothing")
    rim_neighbours: int = number(32, "neighbours that tell where a cloud ends")
    rim_shift: float = number(0.27, "of their reach: how far aside their mean lies there; half a disc: 0.42")
    cap: float = number(0.03, "radii at which a disagreement ends")
    beyond: float = number(0.15, "of the cap: cost of a point that lies where the other cloud ends")
    seen_through: float = number(0.5, "of the cap: its cost where the other scanner would have seen the point")
    sight_pixel: float = number(2.5, "spacings: size of a pixel in which a scanner sees one point")
    usual_neighbours: int = number(16, "neighbours over which usual distances are averaged")
    least_usual: float = number(0.5, "of the overall mean: lower limit of a usual distance")


@dataclass(frozen=True)
class OverlapNumbers:
    """The search for a pose by what both scans show. "Where a scan lies that lies on another side"."""

    few: int = number(160, "points of the first alignment steps")
    middle: int = number(400, "points for turns that look alike")
    some: int = number(1_000, "points for the refinement and ranking of poses")
    judged: int = number(4_000, "points by which a pose is judged")
    within: float = number(3.0, "times the median distance: noise, and no disagreement")
    loudest: float = number(0.003, "radii: upper limit of that median")
    unseen: float = number(1.5, "times the disagreement of the others: cost of a point that could not be seen")
    alike_sides: float = number(0.866, "cosine between two resting sides that count as one: 30 degrees")
    seeds: int = number(240, "rotations tried where principal axes lead nowhere")
    outline: int = number(42, "directions in which outlines are compared")
    wide: int = number(40, "poses kept after the first step of the search")
    narrow: int = number(16, "poses kept after its second step")
    last: int = number(5, "different poses kept at its end")
    turns: int = number(36, "turns about each axis of a cloud that may look alike")
    alike: int = number(40, "of these turns that are refined")
    alike_reach: float = number(0.04, "radii: reach by which these are chosen")
    most_usual: float = number(10.0, "times the usual distance at a place, at which a distance ends")
    rounds: int = number(3, "rounds of turning what was found")
    widest: float = number(0.15, "radii within which a pair counts in the first step")
    narrowest: float = number(0.04, "radii within which a pair counts in the last step")
    clearly: float = number(0.95, "times the cost of the present pose, below which another one is better")
    apart_radians: float = number(0.25, "radians beyond which two poses differ: nearer ones end alike")
    apart_shift: float = number(0.1, "radii beyond which two poses differ")


@dataclass(frozen=True)
class BentNumbers:
    """The search for a pose of parts that vary by nature. "Parts that vary, and limits that hold"."""

    rounds: tuple[tuple[int, ...], ...] = number(
        ((400, 4, 10), (800, 8, 3), (3_000, 12, 1)),
        "points and steps of the fields, and poses kept of either side, in each round of the search",
    )
    turns: int = number(24, "turns about the axis, of the body as it lies and upside down")
    shared: float = number(0.85, "of the largest overlap of all poses: with less, the part would lie on another side")
    clearly: float = number(
        1.55, "times less that the other side must leave: a lump in the true pose leaves up to 1.25 times as much"
    )
    around: int = number(16, "neighbours whose mean distance tells whether a place stands out")
    loud: float = number(2.0, "times the median from which it does")
    least_quiet: float = number(0.5, "share of the points that must not stand out; else none is left out")


@dataclass(frozen=True)
class ElasticNumbers:
    """The smooth difference between good parts. "What helped detection, and what did not"."""

    stiff: float = number(0.01, "radii: least prior standard deviation, of machined or moulded parts")
    stiff_length: float = number(0.35, "radii: correlation length of such parts")
    supple_length: float = number(0.5, "radii: shortest correlation length of parts that vary by nature")
    reach: float = number(3.0, "standard deviations that hardly any point of a good part is displaced by")
    noise: float = number(0.01, "radii: residuals are correlated, so each weighs less than sensor noise would imply")
    cutoff: float = number(0.004, "radii: lower bound of the robust scale")
    steps: int = number(12, "reweighting steps at most")
    settled: float = number(1e-4, "radii: largest change of a displacement at which the steps end")


REGISTRATION = RegistrationNumbers()
FRAMES = FrameNumbers()
ORIENTED = OrientedNumbers()
OVERLAP = OverlapNumbers()
BENT = BentNumbers()
ELASTIC = ElasticNumbers()
