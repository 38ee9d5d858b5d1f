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

from sedir_core.evidence.report_numbers import DESCRIPTION, DEVIATION, LAYOUT, MEASURING, NAMING, REPORT
from sedir_core.evidence.training_numbers import ALIGNMENT, FITTED_PARTS, LESSONS, LIMITS, PLANTED, SURFACE_FIT
from sedir_core.geometry.numbers import BENT, ELASTIC, FRAMES, ORIENTED, OVERLAP, REGISTRATION, number
from sedir_core.geometry.scan_numbers import (
    NEIGHBOURS,
    ORIENTATION,
    RESTING,
    SEAMS,
    SURFACE,
    SURROUNDINGS,
    VIEWS,
    VISIBILITY,
)


@dataclass(frozen=True)
class IdentificationNumbers:
    """Which category a scan belongs to, if any. "Where a scan lies that lies on another side"."""

    n_tried: int = number(4, "categories registered after the descriptors' shortlist")
    plain_fit: float = number(1.1, "times the usual residual: what fits like this needs no comparison")
    whole_fit: float = number(1.3, "times the usual residual: a whole part, though one camera could have seen it all")
    unknown_residual: float = number(2.0, "times the usual residual: a broken part stays below, another part does not")
    mirrored_conflict: float = number(
        0.5, "of its disagreement in what it and the surface both show, left of a mirror image that lies as well"
    )
    few_points: int = number(1_000, "points of a scan that fits nothing: what it shows, and of what, they do not tell")
    mirrored: float = number(0.7, "share of the misfit left of a mirror image; of a defective part more is")
    plain_overlap: float = number(1.25, "times the usual residual of what a scan and the surface both show")
    plain_conflict: float = number(1.2, "times the usual disagreement of what both show")
    least_conflict: float = number(0.005, "radii, added to that disagreement")
    n_resized: int = number(2, "categories of which a scan that fits none is tried at their size")
    n_fragment: int = number(8, "categories of which a scan that fits none is tried as a fragment")
    fragment_shared: float = number(0.9, "share of a scan's points on the surface, from which it may be a fragment")
    hopeless_fragment: float = number(
        3.0, "times the usual residual of a fragment's first pose, from which no turned one is looked for"
    )
    hopeless_shared: float = number(0.7, "share of its points on the surface there, below which none is either")
    largest_fragment: float = number(0.9, "share of the surface shown, from which it is no fragment")
    least_shared: float = number(
        0.4,
        "share of a scan's points that the surface shows, too, and of the surface that the scan shows: of less "
        "nothing follows",
    )


@dataclass(frozen=True)
class OneSideNumbers:
    """Whether a scan was seen from one side, or cut off. "Scans from one side"."""

    finer: float = number(0.6, "times a depth buffer's usual pixel: faces of thin walls must not share one")
    most_hidden: float = number(0.24, "share of a scan behind the surface: views show up to 0.18, halves 0.3 or more")
    least_places: int = number(8_000, "points of a surface, below which thin walls are no thicker than its spacing")
    reach: float = number(1.5, "times a scan's reach, beyond which it lacks a place")
    linked: float = number(2.5, "spacings between places of one region that is lacking")
    most_lacking: float = number(0.15, "share of what that camera plainly sees, lacking in one region")


@dataclass(frozen=True)
class ResolutionNumbers:
    """How densely a scan is compared. "Time of an inspection"; views: "Scans from one side"."""

    all_points: int = number(150_000, "points to which a scan is resampled where the configuration keeps all")
    surface_points: int = number(
        20_000,
        "points of a whole scan that are compared with the normal surface where the configuration leaves it open",
    )
    view_points: int = number(80_000, "points of a whole part as dense as a scan from one side is compared")
    network_points: int = number(80_000, "points of a whole scan whose distance the network tells")
    farthest: float = number(
        16.0, "radii: flying pixels farther out are moved here: networks must not see huge numbers"
    )
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
    least_alone: float = number(
        3.5, "spreads that a channel must rise to be heard beside a judge, times the leniency for how a scan lies"
    )
    loudest: float = number(200.0, "limits at which a channel of a whole scan ends")
    largest: float = number(8.0, "limits at which a channel of a scan from one side ends")
    view_map_weights: tuple[tuple[str, float], ...] = number(
        (
            ("offset_32", 1.0),
            ("offset_128", 1.0),
            ("gap_32", 1.0),
            ("seam", 2.5),
            ("outlier_8", 0.5),
            ("drift", 0.7),
            ("token", 0.7),
        ),
        "weights of the channels that colour a scan from one side",
    )
    view_object_weights: tuple[tuple[str, float], ...] = number(
        (("offset_8", 0.7), ("offset_32", 0.7), ("gap_8", 1.0), ("gap_32", 1.0), ("seam", 1.0), ("token", 0.5)),
        "weights of the channels that decide about it",
    )
    seam_of_views: float = number(0.5, "weight of seams in a view's score: rims of hollows look like seams")
    smoothing: int = number(32, "neighbours over which the point scores of a view are averaged")
    colour_smoothing: int = number(24, "neighbours over which the point scores of a whole scan are averaged")
    colour_power: float = number(4.0, "power of that mean")
    raw_smoothing: int = number(8, "token centres over which the rule `raw` averages")
    object_share: float = number(0.002, "share of the points, the highest, whose mean is the object score")
    limit_quantile: float = number(0.999, "quantile of a held-out sampling's channel that is its limit")
    anchors: int = number(2_048, "places of the surface at which it is known what is usual")
    anchors_of_one: int = number(16, "the same for an only part, whose samplings tell little of each place")
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
    wide: int = number(512, "places of the wide neighbourhood that `implicit_local` channels are measured against")
    wide_places: int = number(600, "places at which its median is taken")
    surely: float = number(0.5, "of the votes on which side is out: majority for a displaced face to be the known one")
    enough: float = number(0.25, "of a neighbourhood's places: with fewer points nothing is said")


@dataclass(frozen=True)
class NormalSurfaceNumbers:
    """The normal surface, and what a scan departs from. "What helped detection, and what did not"."""

    points: int = number(40_000, "points of a merged surface")
    probes: int = number(20_000, "of these, places at which a scan is searched for gaps")
    parts: int = number(8, "parts that are merged: more make the surface no smoother, only larger")
    least_known: float = number(
        0.3, "share of points over the surface; below, the scan is of another part, and the fit uses all points"
    )
    lonely: float = number(
        6.0, "spacings of the scan; a point whose eighth neighbour is farther away is not on a surface"
    )


@dataclass(frozen=True)
class ProbeNumbers:
    """Gaps of a scan. "Density, what must have been seen, ...", "Narrow gaps along lines"."""

    widest_seam: float = number(
        1.1, "spacings from a seam's middle to the scan; a wider gap is no better evidence of a long one"
    )
    near: float = number(0.337, "spacings of the scan within which that share of places lies, if points are random")
    near_share: float = number(
        0.3, "share of the places, the nearest, that tell a scan's spacing: one half of it may be missing"
    )
    densest: float = number(0.1, "spacings of the surface; a scan that is the surface itself has gaps of no width")


@dataclass(frozen=True)
class WholePartNumbers:
    """How large a part is. "Scans of a turntable"."""

    points: int = number(6_000, "points that tell a part's size")
    few_points: int = number(1_500, "points that tell which of several sizes is nearest")
    farthest: float = number(0.25, "largest relative size difference that is looked for, to tell it")
    starts: int = number(11, "sizes from which it is looked for")
    explained: float = number(0.6, "share of the distance that another size may leave, to be told where others decide")
    least_told: float = number(0.01, "least relative difference told where others decide")
    steps: int = number(3, "Gauss-Newton steps")
    least_points: int = number(200, "points over the surface, without which nothing is said")


@dataclass(frozen=True)
class NetworkSurfaceNumbers:
    """The good surface as the network expects it. "The network expects a surface"."""

    points: int = number(40_000, "points of the expected surface, at most")
    probes: int = number(20_000, "of these, places where a scan is expected")
    least_probes: int = number(500, "places without which there is hardly any surface")
    starts: int = number(5, "starts at each corner of the finest cells")
    steps: int = number(4, "steps towards the zero level")
    on_level: float = number(0.002, "radii from the zero level within which a point is on it")
    steepest: float = number(0.25, "least squared slope that a step is divided by")


IDENTIFICATION = IdentificationNumbers()
ONE_SIDE = OneSideNumbers()
RESOLUTION = ResolutionNumbers()
COVERAGE = CoverageNumbers()
SCORES = ScoreNumbers()
JUDGE = JudgeNumbers()
PEAKS = PeakNumbers()
FIELD = FieldNumbers()
NORMAL_SURFACE = NormalSurfaceNumbers()
PROBES = ProbeNumbers()
WHOLE_PART = WholePartNumbers()
NETWORK_SURFACE = NetworkSurfaceNumbers()

GROUPS: Mapping[str, Any] = {
    "identification": IDENTIFICATION,
    "one_side": ONE_SIDE,
    "resolution": RESOLUTION,
    "normal_surface": NORMAL_SURFACE,
    "coverage": COVERAGE,
    "probes": PROBES,
    "field": FIELD,
    "whole_part": WHOLE_PART,
    "network_surface": NETWORK_SURFACE,
    "scores": SCORES,
    "judge": JUDGE,
    "peaks": PEAKS,
    "report": REPORT,
    "measuring": MEASURING,
    "deviation": DEVIATION,
    "layout": LAYOUT,
    "description": DESCRIPTION,
    "naming": NAMING,
    "alignment": ALIGNMENT,
    "fitted_parts": FITTED_PARTS,
    "lessons": LESSONS,
    "planted": PLANTED,
    "surface_fit": SURFACE_FIT,
    "limits": LIMITS,
    "frames": FRAMES,
    "registration": REGISTRATION,
    "oriented": ORIENTED,
    "overlap": OVERLAP,
    "bent": BENT,
    "elastic": ELASTIC,
    "surface": SURFACE,
    "neighbours": NEIGHBOURS,
    "seams": SEAMS,
    "visibility": VISIBILITY,
    "views": VIEWS,
    "resting": RESTING,
    "orientation": ORIENTATION,
    "surroundings": SURROUNDINGS,
}


def all_numbers() -> dict[str, dict[str, Any]]:
    """Every number by group and name."""
    return {name: asdict(group) for name, group in GROUPS.items()}


def meanings() -> dict[str, str]:
    """What each number means, by `group.name`."""
    every = ((name, one) for name, group in GROUPS.items() for one in fields(group))
    return {f"{name}.{one.name}": one.metadata["meaning"] for name, one in every}
