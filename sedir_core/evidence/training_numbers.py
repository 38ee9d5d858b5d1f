"""The tuned numbers of what a model learns of good parts; `evidence.numbers` lists them with the others."""

from __future__ import annotations

from dataclasses import dataclass

from sedir_core.geometry.numbers import number

Range = tuple[float, float]


@dataclass(frozen=True)
class AlignmentNumbers:
    """Training parts laid onto each other. "Where a scan lies that ...", "Parts that vary, and limits that hold".

    Disagreement with the other parts: in its true pose a rocker arm lying otherwise disagrees by 0.05, others by 0.006.
    """

    controls: int = number(64, "control points of the smooth difference")
    references: int = number(3, "parts that are tried as the one onto which the others are brought")
    doubtful: float = number(1.3, "times the median disagreement, beyond which a better pose is looked for")
    doubted_at_least: float = number(0.01, "radii, added to that")
    contradicting: float = number(4.0, "times the median disagreement, beyond which a part is left out")
    contradicts_at_least: float = number(0.06, "radii, added to that")
    bent_doubtful: float = number(1.3, "times the median of what the smooth field leaves: doubtful, of varying parts")
    bent_contradicting: float = number(3.0, "times that median: left out, of varying parts")
    shares_most: float = number(0.85, "of what most other parts show, what they are laid onto must show, too")
    elastic_points: int = number(3_000, "points that a smooth difference is fitted to")
    free: float = number(0.05, "radii that parts may differ by while it is found out how much they do")
    room: float = number(1.5, "times what is found, for poses: a field falls short of the difference")
    leaves_most: float = number(1.2, "times what the shortest correlation length leaves of good parts")
    amplitude_points: int = number(1_000, "points whose displacement says how much parts differ")
    halved: int = number(4, "scans whose halves say by how much their sampling alone lets parts differ")
    beyond_sampling: float = number(1.25, "times that, up to which parts are taken for alike")
    tolerance: float = number(0.005, "radii: usual smooth difference, assumed of an only part")
    lengths: tuple[float, ...] = number(
        (0.6, 0.7, 0.85, 1.0),
        "radii: correlation lengths tried beside the shortest; the longer, the fewer dents a field follows",
    )


@dataclass(frozen=True)
class FittedPartsNumbers:
    """A category's training parts and samplings of them. "Parts that vary, and limits that hold"."""

    telling_sides: int = number(20_000, "points of a training scan that say whether it shows one side only")
    seen_by_one: float = number(
        0.88,
        "share that one camera sees then: 91 to 99 % of 8 kinds seen by one, 51 to 82 % of 10 kinds of whole parts",
    )
    within_views: float = number(
        0.9, "cosine between a direction and the next one from which something of the part is seen"
    )
    jitter_radians: float = number(0.01, "radians: about the rotation that alignment leaves")
    jitter_shift: float = number(0.003, "radii: about the shift that it leaves")
    another_face: float = number(
        2.0, "spacings from the others' surface, beyond which a point may lie on a face that they do not show"
    )
    its_own: float = number(
        0.3,
        "times that distance, within which it lies on the surface of all parts: then its part alone shows that face",
    )


@dataclass(frozen=True)
class LessonNumbers:
    """What judges learn from. "A judge that has seen planted defects"."""

    louder: float = number(
        2.0, "how much farther than good samplings new parts reach, at most, divided by the number of parts"
    )
    sparsest: float = number(0.5, "least share of points kept where defects are planted: density is no defect")
    fewest: int = number(2_048, "fewest points there")
    defects: int = number(7, "defects in each sampling")


@dataclass(frozen=True)
class PlantedNumbers:
    """Defects planted for the judge to learn from. "A judge that has seen planted defects".

    Ranges are drawn from so that small values are as likely as large ones.
    """

    apart: float = number(0.3, "radii between the middles of two defects in one sampling")
    tries: int = number(200, "places tried for all defects of a sampling")
    facing: float = number(0.1, "cosine between normals: what is turned further away is another side of the part")
    moved: float = number(0.004, "radii that a point must have moved to be of the defect")
    rim: float = number(3.0, "spacings from what was taken away, within which points are of the defect")
    beside: float = number(8.0, "spacings from a defect, within which nobody can say")
    edges: int = number(60, "places among which the sharpest is the edge of a chip or a burr")
    swelling_size: tuple[float, float] = number((0.025, 0.16), "radii: half the length of a bump or dent")
    swelling_height: tuple[float, float] = number((0.006, 0.05), "radii: its height or depth")
    step_length: tuple[float, float] = number((0.025, 0.13), "radii: half the length of a patch with sharp edges")
    step_height: tuple[float, float] = number((0.006, 0.04), "radii: its height or depth")
    line_length: tuple[float, float] = number((0.04, 0.2), "radii: half the length of a groove or ridge")
    line_width: tuple[float, float] = number((0.5, 4.0), "spacings: half its width")
    line_depth: tuple[float, float] = number((0.006, 0.03), "radii: its depth or height")
    slit_length: tuple[float, float] = number((0.05, 0.25), "radii: half the length of a line without points")
    slit_width: tuple[float, float] = number((0.4, 2.0), "spacings: half its width")
    pits_around: tuple[float, float] = number((0.03, 0.1), "radii: extent of a cluster of pits")
    pit_size: tuple[float, float] = number((0.008, 0.03), "radii: radius of one of them")
    hole_size: tuple[float, float] = number((0.015, 0.08), "radii: radius of an opening")
    chip_size: tuple[float, float] = number(
        (0.05, 0.2), "radii around a place, within which what protrudes is broken off"
    )
    broken_share: tuple[float, float] = number((0.01, 0.1), "share of the points on a missing end")
    burr_length: tuple[float, float] = number((0.03, 0.15), "radii: half the length of a thin wall along a path")
    burr_height: tuple[float, float] = number((0.006, 0.04), "radii: its height")
    lump_away: tuple[float, float] = number((0.03, 1.0), "radii from the surface to the middle of an attached lump")
    lump_size: tuple[float, float] = number((0.01, 0.08), "radii: its standard deviation")
    rough_size: tuple[float, float] = number((0.05, 0.15), "radii: radius of a rough patch")
    rough_height: tuple[float, float] = number((0.006, 0.015), "radii: its roughness")
    rough_wave: tuple[float, float] = number((0.02, 0.06), "radii: wavelength of it")
    bend: tuple[float, float] = number((0.02, 0.1), "radii that an end is bent aside")


@dataclass(frozen=True)
class LimitNumbers:
    """From good scores to limits. "A single training part", "Parts that vary, and limits that hold"."""

    scatter_prior: float = number(30.0, "held-out scans' worth of trust in the typical scatter, beside the category's")
    tail_share: float = number(
        0.2, "share of the pooled deviations, the highest, that tell how the upper end falls off"
    )
    confidence: float = number(0.9, "that a limit's interval covers what many more training parts would set")
    point_quantile: float = number(0.9995, "quantile of a good sampling's point scores that is its point limit")
    margin_of_one: float = number(1.2, "times the limits of an only part, whose tolerances are assumed")
    margin_of_few: float = number(1.6, "added margin, by the square of the parts' number: two say little of others")
    margin_of_views: float = number(1.25, "times the limits of views: a scanner loses more than virtual cameras do")
    misaligned: float = number(1.5, "times the median residual: such a held-out sampling was aligned wrongly")
    paper_point_threshold: float = number(0.5, "of the published scores: min-maxed in each scan, they allow no limit")
    samplings_of_one: int = number(8, "fewest samplings of an only part")
    view_turns: int = number(2, "times as many held-out views as whole scans: each shows a part of the part")


@dataclass(frozen=True)
class SurfaceFitNumbers:
    """What the network learns signed distances from. "The network expects a surface"."""

    near: float = number(0.006, "radii: standard deviation of the first share of the displacements")
    far: float = number(0.03, "radii: longest displacement of the second share")
    farthest: float = number(0.12, "radii: longest displacement of the rest")
    shares: tuple[float, float] = number((0.5, 0.8), "where the first and the second share of the points end")
    nearer: float = number(0.75, "times the displacement: a surface that is nearer is another face")
    within: float = number(0.004, "radii, subtracted from that: noise")
    slope: float = number(0.2, "share of the distance that errors are divided by")
    sharpest: float = number(0.002, "radii, added to that: a scanner's noise")
    grid_rate: float = number(2e-2, "highest learning rate of the grids")
    decoder_rate: float = number(4e-3, "highest learning rate of the decoder")


ALIGNMENT = AlignmentNumbers()
FITTED_PARTS = FittedPartsNumbers()
LESSONS = LessonNumbers()
PLANTED = PlantedNumbers()
SURFACE_FIT = SurfaceFitNumbers()
LIMITS = LimitNumbers()
