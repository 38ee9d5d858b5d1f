"""The tuned numbers of what is reported of a defect; `evidence.numbers` lists them with the others."""

from __future__ import annotations

from dataclasses import dataclass

from sedir_core.geometry.numbers import number


@dataclass(frozen=True)
class ReportNumbers:
    """From scores to defects and doubts. "Kinds and depths of defects"; reach: continuum percolation."""

    smallest_share: float = number(0.0005, "share of the points: smaller clusters are specks of noise")
    hottest: float = number(0.7, "of the peak: what belongs to the hottest place")
    reach: float = number(3.0, "spacings within which points are of one defect; random ones fall apart below 1.2")
    unseen_share: float = number(0.25, "share of points that nobody could judge: no verdict is sure then")
    telling_share: float = number(0.1, "the same share of which an operator is told")
    telling_noise: float = number(1.5, "times the training scans' noise of which an operator is told")
    parts_of_surface: float = number(
        4.0, "training scans that share the points of the merged surface: so many points one of them had at least"
    )
    same_defect: float = number(0.5, "share of the points of the smaller of two defects, above which they are one")


@dataclass(frozen=True)
class DeviationNumbers:
    """The signed distance to the expected surface. "Kinds and depths of defects"."""

    nearest: int = number(6, "points of the surface that stand for it at one place")
    searched: int = number(160, "points among which another face is looked for")
    side: int = number(16, "points of the scan that say how it is turned")
    sure: float = number(0.2, "of the votes, for an outer side to be known")
    alike: float = number(0.7, "cosine between normals of one face")
    opposite: float = number(0.5, "cosine between normals of a wall's two faces")
    rim: float = number(3.0, "spacings aside from the nearest point, beyond which a place lies beyond the rim")
    quiet: float = number(3.0, "times the noise: less deviation is none")
    covered: float = number(1.5, "spacings of the scan within which it lies on a place")
    mean: int = number(16, "points whose mean is the deviation of their middle")
    trimmed: int = number(2, "highest and lowest of them that are left out")


@dataclass(frozen=True)
class LayoutNumbers:
    """Which places of the surface depart together. "Kinds and depths of defects"."""

    places: int = number(20_000, "places of the surface at most")
    feet: int = number(8, "points of the scan that say how far off it is at a place")
    looked_at: int = number(16, "nearest points among which these are, on the place's side")
    below: int = number(4, "places below a point of the scan")
    facing: float = number(0.3, "cosine between normals on the same side of a thin wall")
    wide: float = number(2.2, "spacings of the scan: hardly any random gap is wider")
    widest_seam: float = number(1.5, "spacings: a wider gap is no better evidence of a long one")
    reach: float = number(2.5, "spacings of the places within which they belong to one region")
    noise: float = number(3.0, "standard deviations at which a region ends")
    seed: float = number(5.0, "standard deviations at which a region begins")
    fading: float = number(0.1, "of the peak: below, a dent runs out")
    smallest: int = number(8, "places of the smallest region")
    regions: int = number(32, "regions at most")


@dataclass(frozen=True)
class DescriptionNumbers:
    """From a region that departs to its kind and depth. "Kinds and depths of defects"."""

    mostly: float = number(0.9, "share of its area: a region of which more is missing is missing material, or a gap")
    mainly: float = number(0.5, "the same of a region that has not moved: what is left of it only lines a hole")
    partly: float = number(
        0.08, "share of a large region's area that is missing, the rest being far off, if it has moved"
    )
    narrow: float = number(6.0, "length squared to area, above which what is missing is a gap, and a dent a scratch")
    both: float = number(0.25, "share of the volume on one side that is on the other, too, if a region has moved")
    large: float = number(0.045, "share of the whole surface: no dent, where it moves as one body")
    as_one: float = number(0.85, "share of the squared deviation that a rigid motion explains, of what has moved")
    largely_as_one: float = number(0.6, "the same of a large region")
    end: float = number(0.02, "share of the whole surface, of an end that has moved to one side")
    surely_as_one: float = number(0.9, "share of such an end's squared distance that laying it back takes away")
    even: float = number(0.6, "share of the volume on one side that is on the other, of what has moved a little")
    least_body: float = number(0.005, "share of the whole surface, of what has moved a little")
    comparable: float = number(0.2, "times the volume of the larger region, of one that may be another face of it")
    next_to: float = number(0.25, "lengths of what is missing: what is missing this near to it went with it")
    low: float = number(1.5, "spacings: a lip beside a crack hardly stands higher")
    highest_lip: float = number(2.2, "spacings: greatest height of a lip")
    long: float = number(2.5, "length squared to area, of a lip")
    sparse: float = number(0.8, "share of the points that a lip has room for: beside a crack some are missing")
    empty: float = number(3.0, "standard errors by which points are too few on a line beside it")
    line_width: float = number(1.5, "spacings: width of such a line")
    line_step: float = number(0.5, "spacings between two such lines")
    line_aside: float = number(3.0, "spacings from the region's course to the farthest such line")
    line_around: float = number(2.0, "spacings to either side over which its room is averaged: places are scattered")
    least_expected: float = number(5.0, "points that it must have room for: with fewer, none are no wonder")
    scatter: float = number(2.0, "standard errors by which its own room may fall short of that average, at an edge")
    about: float = number(5.0, "spacings of the places among which such a line is looked for")
    piled: float = number(
        1.35, "times the points that the surface below has room for: what stands on it has walls of its own"
    )
    steep: float = number(0.5, "cosine between the normals of such a wall and of the surface below")
    steep_share: float = number(0.3, "share of the points on such walls")
    high: float = number(0.2, "times the peak: the part of a region that shows its shape")
    deepest: float = number(0.02, "share of the points, the highest, whose mean is the depth: no single one decides")
    least: int = number(3, "fewest points of that mean")
    most: int = number(10, "most points of that mean: a share of a bent end's would reach far down from its tip")
    support: int = number(7, "points, itself among them: none counts for more than the next highest of them")
    steeper: float = number(1.3, "times that next highest, in a scratch: few points lie at its ground")
    pressed: float = number(0.3, "times the depth of a dent: points that far in are measured the way that it took")
    beside_face: float = number(0.8, "cosine between that way and the nearest face: below it the face is another")
    faces_way: float = number(0.5, "least cosine between that way and the faces to measure from")
    deeper: float = number(1.35, "times the depth by the nearest surface, the most that the other may be")
    columns: int = number(12, "places about a point's line to look for such faces among")
    rim: float = number(4.0, "spacings from missing material to the points that show it")
    moving: int = number(2_000, "points that tell a displacement")
    steps: int = number(20, "ICP steps that lay it back")
    nearest: float = number(0.9, "share of the points, the nearest, that lay it back: others are at the hinge")
    beside: float = number(2.0, "spacings aside from the nearest place, beyond which a point lies beside the surface")


@dataclass(frozen=True)
class NamingNumbers:
    """Which region a cluster of high scores belongs to. "Kinds and depths of defects"."""

    comparable: float = number(
        0.25, "times the volume of the largest region that a cluster touches: another defect, not its fringe"
    )
    touched: float = number(0.2, "least share of such a region's points that the cluster touches")
    flat: float = number(3.0, "times the noise: a cluster with less deviation is not described by it")


@dataclass(frozen=True)
class MeasuringNumbers:
    """What is left out when the smooth difference is fitted once more. "Kinds and depths of defects"."""

    misleading: float = number(
        10.0, "times the noise: what stands out more, and is large, draws the smooth difference to itself"
    )
    wide: float = number(0.002, "share of the whole surface that counts as large")
    enough: float = number(0.5, "share of the points: fewer do not say how a part differs")


REPORT = ReportNumbers()
DEVIATION = DeviationNumbers()
LAYOUT = LayoutNumbers()
DESCRIPTION = DescriptionNumbers()
NAMING = NamingNumbers()
MEASURING = MeasuringNumbers()
