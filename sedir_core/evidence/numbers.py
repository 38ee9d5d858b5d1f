"""The tuned numbers behind a verdict: meaning, unit, and the measurement that chose each.

They are not settings: a run's limits were learned with them, so a different value requires a new training. `sedir info`
prints them. Unless another source is named, they were tuned on shapes and defects of our own making; each group names
its section of `benchmarks/README.md`. Constants that only keep arithmetic or memory within bounds stay where they are
used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from sedir_core.geometry.numbers import BENT, ELASTIC, ORIENTED, OVERLAP, number


@dataclass(frozen=True)
class IdentificationNumbers:
    """Which category a scan belongs to, if any. "Where a scan lies that lies on another side"."""

    n_tried: int = number(4, "categories registered after the descriptors' shortlist")
    plain_fit: float = number(1.1, "times the usual residual: what fits like this needs no comparison")
    whole_fit: float = number(1.3, "times the usual residual: a whole part, though one camera could have seen it all")
    unknown_residual: float = number(2.0, "times the usual residual: a broken part stays below, another part does not")
    few_points: int = number(1_000, "points of a scan that fits nothing: what it shows, and of what, they do not tell")
    mirrored: float = number(0.7, "share of the misfit left of a mirror image; of a defective part more is")
    plain_overlap: float = number(1.25, "times the usual residual of what a scan and the surface both show")
    plain_conflict: float = number(1.2, "times the usual disagreement of what both show")
    least_conflict: float = number(0.005, "radii, added to that disagreement")
    n_resized: int = number(2, "categories of which a scan that fits none is tried at their size")
    n_fragment: int = number(8, "categories of which a scan that fits none is tried as a fragment")
    fragment_shared: float = number(0.9, "share of a scan's points on the surface, from which it may be a fragment")
    largest_fragment: float = number(0.9, "share of the surface shown, from which it is no fragment")
    least_shared: float = number(0.4, "share of a scan's points that the surface shows, too: of fewer nothing follows")


@dataclass(frozen=True)
class ResolutionNumbers:
    """How densely a scan is compared. "Time of an inspection"; views: "Scans from one side"."""

    all_points: int = number(150_000, "points to which a scan is resampled where the configuration keeps all")
    surface_points: int = number(20_000, "points of a whole scan that are compared with the normal surface")
    view_points: int = number(80_000, "points of a whole part as dense as a scan from one side is compared")
    network_points: int = number(80_000, "points of a whole scan whose distance the network tells")
    around_defects: float = number(0.1, "radii around what looks like a defect: there nothing says how a part differs")
    least_sound: float = number(0.5, "share of the points that must be left to say so")


@dataclass(frozen=True)
class CoverageNumbers:
    """What good scans show, and what a scan must not lack. "Faces that one scan saw, and held-out scans ..."."""

    complete: float = number(0.97, "share of the surface that every training scan shows, from which all is expected")
    shown: float = number(3.0, "spacings of a part from a place to its nearest point, up to which it shows the place")
    confirming: int = number(2, "of three or more training scans: what one saw alone may be its own error")
    beyond: float = number(2.0, "spacings of places without a point of the scan")
    nearly_all: float = number(0.9, "share of the 64 places around an absent one")
    linked: float = number(2.5, "spacings between places of one absent region")
    group_points: int = number(64, "points that tell whether a token's group is whole")
    cut_group: float = number(0.22, "of their reach: how far their middle lies beside the centre; half a disc: 0.42")


@dataclass(frozen=True)
class ScoreNumbers:
    """From channels to scores. "What helped detection, and what did not", "A judge that has seen planted defects"."""

    per_spread: float = number(0.3, "growth of a score's logarithm with each spread above the usual peak")
    least_alone: float = number(3.0, "spreads that a channel must rise to be heard beside a judge")
    loudest: float = number(200.0, "limits at which a channel of a whole scan ends")
    largest: float = number(8.0, "limits at which a channel of a scan from one side ends")
    seam_of_views: float = number(0.5, "weight of seams in a view's score: rims of hollows look like seams")
    smoothing: int = number(32, "neighbours over which the point scores of a view are averaged")
    colour_smoothing: int = number(24, "neighbours over which the point scores of a whole scan are averaged")
    colour_power: float = number(4.0, "power of that mean")
    raw_smoothing: int = number(8, "token centres over which the rule `raw` averages")
    object_share: float = number(0.002, "share of the points, the highest, whose mean is the object score")
    limit_quantile: float = number(0.999, "quantile of a held-out sampling's channel that is its limit")
    prior_count: float = number(30.0, "points' worth of trust in the category's overall value beside a view's place")
    prior_count_whole: float = number(150.0, "the same of whole scans")
    power_whole: float = number(0.5, "power of a place's mean of whole scans; 2 is the RMS, lower heeds outliers less")
    least_seen: float = number(0.25, "of what most places were seen on good samplings: with less nothing departs")


@dataclass(frozen=True)
class JudgeNumbers:
    """The small networks that weigh the channels. "A judge that has seen planted defects", "A scan's own quiet ..."."""

    network_share: float = number(0.4, "share of the network's evidence in the verdict by all")
    surface_share: float = number(0.6, "share of the surface's evidence in the verdict by all")
    lowest: float = number(-5.0, "spreads above the usual peak where a channel says nothing")
    highest: float = number(15.0, "spreads at which a channel ends")
    smoothing: int = number(8, "points over which logits are averaged")
    per_logit: float = number(0.25, "growth of a score's logarithm with each logit")
    sure: float = number(25.0, "logits that are hardly exceeded: beyond, a network that is sure only exaggerates")
    quiet_share: float = number(0.9, "share of a scan that tells its own quiet")
    loudest_quiet: float = number(0.0, "logit from which a place is taken for damaged, and is no quiet")
    most_damaged: int = number(1_200, "damaged points of a sampling to learn from")
    most_good: int = number(1_500, "good points of a sampling to learn from")
    most_loud: int = number(400, "of the good points that stand out most")
    weight_of_damaged: float = number(2.0, "weight of a damaged point in the loss")
    batch: int = number(2_048, "points a step")
    learning_rate: float = number(4e-3, "AdamW's base rate")
    weight_decay: float = number(0.5, "AdamW's weight decay: a judge of few parts would learn these by heart")


@dataclass(frozen=True)
class PeakNumbers:
    """How high channels rise on good parts. "A judge that has seen planted defects"."""

    share: float = number(0.0005, "share of the points, the highest, whose mean is a channel's peak")
    prior: float = number(4.0, "parts' worth of trust in the prior spread, beside a channel's own")
    prior_spread: float = number(0.4, "spread of the logarithm of peaks before any part is seen")
    least_spread: float = number(0.12, "least spread of the logarithm of peaks")
    least_of_whole: float = number(0.3, "the same of what is said of a whole part, which has no places to average over")
    odd: float = number(6.0, "spreads between parts that an odd training part rises above the middle one")


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


@dataclass(frozen=True)
class ReportNumbers:
    """From scores to defects and doubts. "Kinds and depths of defects"; reach: continuum percolation."""

    smallest_share: float = number(0.0005, "share of the points: smaller clusters are specks of noise")
    hottest: float = number(0.7, "of the peak: what belongs to the hottest place")
    reach: float = number(3.0, "spacings within which points are of one defect; random ones fall apart below 1.2")
    unseen_share: float = number(0.25, "share of points that nobody could judge: no verdict is sure then")
    telling_share: float = number(0.1, "the same share of which an operator is told")
    telling_noise: float = number(1.5, "times the training scans' noise of which an operator is told")


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
    tolerance: float = number(0.005, "radii: usual smooth difference, assumed of an only part")


@dataclass(frozen=True)
class FieldNumbers:
    """Offsets averaged on places of the normal surface. "What helped detection, and what did not"."""

    highest_ridge: float = number(8.0, "times the scan's own noise at which a place is no higher")
    thinnest: float = number(0.05, "of the median density: thinner is no more unlike")
    facing: float = number(0.3, "cosine between the normals of two places on the same side")
    aside: float = number(3.0, "spacings of places beyond which a point lies beside the known surface")
    aside_at_rim: float = number(1.0, "the same where that surface ends")
    farthest: float = number(0.04, "radii: a flying pixel counts no more")
    layer: float = number(1.0, "spacings of places from the known surface to another face, at least")
    parallel: float = number(0.7, "cosine between the normals of a wall's two faces, of either sign")
    layer_points: int = number(12, "points that say a face's normal")
    surely: float = number(0.5, "of the votes on which side is out: majority for a displaced face to be the known one")
    enough: float = number(0.25, "of a neighbourhood's places: with fewer points nothing is said")


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


IDENTIFICATION = IdentificationNumbers()
RESOLUTION = ResolutionNumbers()
COVERAGE = CoverageNumbers()
SCORES = ScoreNumbers()
JUDGE = JudgeNumbers()
PEAKS = PeakNumbers()
LIMITS = LimitNumbers()
REPORT = ReportNumbers()
ALIGNMENT = AlignmentNumbers()
FIELD = FieldNumbers()
DEVIATION = DeviationNumbers()
LAYOUT = LayoutNumbers()

GROUPS: Mapping[str, Any] = {
    "identification": IDENTIFICATION,
    "resolution": RESOLUTION,
    "coverage": COVERAGE,
    "scores": SCORES,
    "judge": JUDGE,
    "peaks": PEAKS,
    "limits": LIMITS,
    "report": REPORT,
    "alignment": ALIGNMENT,
    "field": FIELD,
    "deviation": DEVIATION,
    "layout": LAYOUT,
    "oriented": ORIENTED,
    "overlap": OVERLAP,
    "bent": BENT,
    "elastic": ELASTIC,
}


def all_numbers() -> dict[str, dict[str, float]]:
    """Every number by group and name."""
    return {name: asdict(group) for name, group in GROUPS.items()}


def meanings() -> dict[str, str]:
    """What each number means, by `group.name`."""
    every = ((name, one) for name, group in GROUPS.items() for one in fields(group))
    return {f"{name}.{one.name}": one.metadata["meaning"] for name, one in every}
