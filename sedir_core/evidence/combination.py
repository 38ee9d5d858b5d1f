"""From evidence to one score per point and one per scan, each measured in what is usual at that place.

Every channel of evidence (token residual, offsets, gaps, ...) is divided by its own RMS value over held-out normal
samplings, place by place. How high a channel rises on a good part, and how differently from part to part, is learned
from the held-out samplings, too (`Peaks`): a channel that good parts raise now and then, as gaps are where a scanner
does not always see, must rise farther to decide. The largest departure over the channels decides; it is a departure of
logarithms, so scores are ratios. All of this is our choice [O]; `paper_scores` is the published rule [P].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter1d

from sedir_core.evidence.coverage import ABSENT
from sedir_core.evidence.fields import FIELDS
from sedir_core.evidence.normal_surface import GAPS, SEAM
from sedir_core.evidence.whole_part import SIZE
from sedir_core.geometry.neighbours import spread
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray

TOKEN = "token"
# Which channels colour the points, and which decide on the scan; found on shapes and defects of our own making
# (benchmarks/README.md). Drift and coarse offsets outline a bent end well, but vary too much between good parts.
MAP_WEIGHTS: Mapping[str, float] = {
    "offset_32": 1.0,
    "offset_128": 1.0,
    "bare_32": 1.0,
    SEAM: 2.5,
    "stray_8": 0.5,
    "drift": 0.7,
    TOKEN: 0.7,
}
OBJECT_WEIGHTS: Mapping[str, float] = {
    "offset_8": 0.7,
    "offset_32": 0.7,
    "bare_8": 1.0,
    "bare_32": 1.0,
    SEAM: 1.0,
    TOKEN: 0.5,
}
OF_THE_WHOLE = (SIZE, ABSENT)  # said of a part, not of a place
# The channels of whole scans that decide; all but those of the whole colour the points, too.
DECIDE = (*FIELDS, "offset_8", "offset_32", "bare_8", "bare_32", SEAM, *OF_THE_WHOLE, TOKEN)
NOISY = (*FIELDS, "offset_8", "offset_32")  # what noise and thin sampling raise everywhere
_UNTOLD = 1e-4  # times the usual: where nothing is known, see UNKNOWN
PEAK_SHARE = 0.0005  # of the points, the highest, whose mean is a channel's peak
PEAK_PRIOR = 4.0  # held-out samplings' worth of trust in the spread of all channels' peaks, beside the channel's own
LEAST_SPREAD, PRIOR_SPREAD = 0.12, 0.4  # of the logarithm of peaks
PER_SPREAD = 0.3  # how much a score's logarithm grows with each spread that a channel rises above its usual peak
LEAST_OF_WHOLE = 2.0  # spreads that a part must depart as a whole for a say: below, it would drown what the places tell
LOUDEST = 200.0  # limits at which a channel of a whole scan ends
RAW_SMOOTHING = 8  # token centres
_QUIET = 1e-3
SEAM_OF_VIEWS = 0.5  # as it decides on them: the rims of hollows that a scanner may not see into look like seams
SMOOTHING = 32  # neighbours over which the points' scores are averaged
COLOUR_SMOOTHING, COLOUR_POWER = 24, 4.0  # the same where good scans do not show all, and the power of that mean
OBJECT_SHARE = 0.002  # the object score is the mean of this share of the points, the highest
LIMIT_QUANTILE = 0.999
PRIOR_COUNT = 30.0  # points' worth of trust in the category's overall value, beside the place's own
# Of what most places were seen on held-out samplings: with less nobody knows what is usual, and nothing departs.
LEAST_SEEN, UNKNOWN = 0.25, 1e6
LARGEST = 8.0  # limits
_LEAST_LIMIT = 1e-6  # a channel that is the same everywhere divides nothing by zero
# These never come near zero, so only what exceeds the usual counts; the other channels do.
BASELINE: Mapping[str, float] = {TOKEN: 1.0, SEAM: 1.0}


@dataclass(frozen=True)
class Evidence:
    """Channels of a scan, name -> (n,), at places (n, 3) of the normal surface; NaN where a channel cannot tell."""

    places: DoubleArray
    channels: Mapping[str, DoubleArray]
    from_one_side: bool = False


@dataclass(frozen=True)
class Peak:
    """Of the logarithms of a channel's peaks on held-out good samplings: mean and spread."""

    mean: float
    spread: float

    def above(self, values: DoubleArray) -> DoubleArray:
        """How many spreads values (n,) in units of the channel's limit lie above the usual peak."""
        return np.asarray((np.log(values + _QUIET) - self.mean) / self.spread)


@dataclass(frozen=True)
class Usual:
    """What good parts of a category show: per anchor (a, 3) and channel an RMS value (a,), per channel a limit.

    peaks: how high each channel rises; empty for scans from one side, whose channels are combined as a length.
    by_noise: a scan that is noisier or sparser than the training's is held against as much more.
    """

    anchors: DoubleArray
    values: Mapping[str, DoubleArray]
    limits: Mapping[str, float]
    peaks: Mapping[str, Peak] = field(default_factory=dict)
    by_noise: bool = False

    def noise(self, evidence: Evidence) -> dict[str, float]:
        """For each channel how many times the usual a scan shows nearly everywhere, at least 1."""
        names = [name for name in evidence.channels if name in self.values and name in NOISY]
        usual = self._at(names, evidence.places)
        return {name: _times_usual(evidence.channels[name] / usual[:, i]) for i, name in enumerate(names)}

    def untold(self, evidence: Evidence) -> float:
        """The share of a scan's points at which nothing is judged, as good scans hardly show anything there."""
        name = FIELDS[0]
        if name not in self.values or name not in evidence.channels:
            return 0.0
        unknown = self._at([name], evidence.places)[:, 0] > UNKNOWN / 10
        return float((unknown | np.isnan(evidence.channels[name])).mean())

    def _at(self, names: Sequence[str], places: DoubleArray) -> DoubleArray:
        return spread(np.stack([self.values[name] for name in names], axis=1), self.anchors, places, k=4)

    def exceed(self, evidence: Evidence) -> dict[str, DoubleArray]:
        """Each channel in units of its limit, (n,); capped, so that a few flying pixels do not condemn a part."""
        most = LARGEST if evidence.from_one_side else LOUDEST
        names = [name for name in evidence.channels if name in self.values]
        usual = self._at(names, evidence.places)
        found = {}
        for i, name in enumerate(names):
            ratio = evidence.channels[name] / usual[:, i]
            if self.by_noise and name in NOISY:
                ratio = ratio / _times_usual(ratio)
            ratio = np.maximum(ratio - BASELINE.get(name, 0.0), 0)
            found[name] = np.nan_to_num(np.minimum(ratio / self.limits[name], most), nan=0.0)
        return found


@dataclass(frozen=True)
class Averaging:
    """How the usual value of a place follows from what held-out samplings show around it.

    power: of the mean; 2 is the RMS, and the lower it is, the less a single sampling's outlier says. prior: points'
    worth of trust in the category's overall value. where_seen: nothing departs where hardly a sampling shows anything.
    """

    power: float
    prior: float
    where_seen: bool


MEAN_SQUARE = Averaging(2.0, PRIOR_COUNT, False)
# For whole scans, of which a few partial ones say what is usual; chosen on shapes of our own (benchmarks/README.md).
TYPICAL = Averaging(0.5, 150.0, True)


def _times_usual(ratio: DoubleArray) -> float:
    known = ratio[ratio > _UNTOLD]
    return max(1.0, float(np.median(known))) if len(known) else 1.0


def learn_usual(held_out: Sequence[Evidence], anchors: DoubleArray, chosen: Averaging = MEAN_SQUARE) -> Usual:
    """The usual values from held-out normal samplings, at least one. anchors: (a, 3) places to keep them at.

    Gaps of views are in spacings already and alike everywhere; what few views show at a place says where their rims
    happened to be.
    """
    tree = PointTree(anchors)
    near = [tree.nearest_k(evidence.places, 4)[1] for evidence in held_out]
    places = np.concatenate([indices.ravel() for indices in near])
    values = {}
    for name in held_out[0].channels:
        averaging = MEAN_SQUARE if name == TOKEN else chosen
        raised = [e.channels[name] ** averaging.power for e in held_out]
        overall = float(np.mean([_known_mean(one) for one in raised])) + 1e-12
        if held_out[0].from_one_side and name in GAPS:
            values[name] = np.full(len(anchors), overall ** (1 / averaging.power))
            continue
        told = np.concatenate([np.repeat(one, n.shape[1]) for one, n in zip(raised, near, strict=True)])
        known = ~np.isnan(told)
        count = np.bincount(places[known], minlength=len(anchors))
        sums = np.bincount(places[known], told[known], minlength=len(anchors))
        mean = (sums + averaging.prior * overall) / (count + averaging.prior)
        values[name] = mean ** (1 / averaging.power)
        if averaging.where_seen and name not in OF_THE_WHOLE and (count > 0).any():
            values[name][count < LEAST_SEEN * float(np.median(count[count > 0]))] = UNKNOWN
    by_noise = chosen == TYPICAL
    unlimited = Usual(anchors, values, dict.fromkeys(values, 1.0), by_noise=by_noise)
    uncapped = [unlimited.exceed(evidence) for evidence in held_out]
    limits = {name: float(np.mean([np.quantile(u[name], LIMIT_QUANTILE) for u in uncapped])) for name in values}
    limits = {name: max(limit, _LEAST_LIMIT) for name, limit in limits.items()}
    return Usual(anchors, values, limits, by_noise=by_noise)


def _known_mean(values: DoubleArray) -> float:
    """Of those that are numbers; 0 where none is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def channel_peaks(exceedances: Sequence[Mapping[str, DoubleArray]]) -> DoubleArray:
    """(h, channels) logarithms of the peaks of every channel that decides on held-out samplings, in DECIDE's order."""
    names = [name for name in DECIDE if name in exceedances[0]]
    return np.log(np.array([[_peak(one[name]) for name in names] for one in exceedances]) + _QUIET)


def learn_peaks(exceedances: Sequence[Mapping[str, DoubleArray]]) -> dict[str, Peak]:
    """How high each channel rises on held-out good samplings, each in units of its limits as learned from others."""
    peaks = {}
    for name in exceedances[0]:
        logs = np.log(np.array([_peak(one[name]) for one in exceedances]) + _QUIET)
        own = float(logs.var(ddof=1)) if len(logs) > 1 else PRIOR_SPREAD**2
        variance = (PEAK_PRIOR * PRIOR_SPREAD**2 + len(logs) * own) / (PEAK_PRIOR + len(logs))
        peaks[name] = Peak(float(np.median(logs)), max(float(np.sqrt(variance)), LEAST_SPREAD))
    return peaks


def point_map(
    exceedance: Mapping[str, DoubleArray],
    places: DoubleArray,
    peaks: Mapping[str, Peak] | None = None,
    complete: bool = True,
) -> DoubleArray:
    """(n,) smoothed scores for the points at places (n, 3), from each channel in units of its limit.

    complete: see `object_score`; where good scans show all of the part, gaps, drift and coarse offsets say the most.
    """
    if peaks and not complete:
        deciding = {n: values for n, values in _deciding(exceedance, False).items() if n not in OF_THE_WHOLE}
        rises = np.max([peaks[name].above(values) for name, values in deciding.items()], axis=0)
        around = PointTree(places).nearest_k(places, COLOUR_SMOOTHING)[1]
        raised = np.exp(COLOUR_POWER * PER_SPREAD * rises)
        return np.asarray(raised[around].mean(axis=1) ** (1 / COLOUR_POWER))
    around = PointTree(places).nearest_k(places, SMOOTHING)[1]
    return np.asarray(_length(exceedance, MAP_WEIGHTS)[around].mean(axis=1))


def object_score(
    exceedance: Mapping[str, DoubleArray],
    from_one_side: bool = False,
    peaks: Mapping[str, Peak] | None = None,
    complete: bool = True,
) -> float:
    """One score for the scan, from the highest points of the channels that decide.

    complete: good scans show the whole part; otherwise gaps neither decide nor colour the points.
    """
    if peaks:
        return float(np.exp(PER_SPREAD * max(rises_of(exceedance, peaks, complete).values())))
    weights = {**OBJECT_WEIGHTS, SEAM: SEAM_OF_VIEWS} if from_one_side else OBJECT_WEIGHTS
    scores = np.sort(_length(exceedance, weights))
    return float(scores[-max(1, int(OBJECT_SHARE * len(scores))) :].mean())


def rises_of(
    exceedance: Mapping[str, DoubleArray], peaks: Mapping[str, Peak], complete: bool = True
) -> dict[str, float]:
    """How many spreads each channel that decides rises above its usual peak; of the whole only where it is far off."""
    deciding = _deciding(exceedance, complete)
    rises = {name: float(peaks[name].above(np.array([_peak(values)]))[0]) for name, values in deciding.items()}
    local = any(name not in OF_THE_WHOLE for name in rises)
    return {n: rise for n, rise in rises.items() if not (local and n in OF_THE_WHOLE and rise < LEAST_OF_WHOLE)}


def decisive_shares(
    exceedance: Mapping[str, DoubleArray], peaks: Mapping[str, Peak], complete: bool = True
) -> tuple[float, float]:
    """What the score rests on: shares of the network's and of the surface's evidence, 0 to 1, one in sum.

    At the points that decide: how far the best channel of either rises above what is usual, or, where channels are
    combined as a length, their squares.
    """
    if peaks:
        deciding = _deciding(exceedance, complete)
        parts = {name: np.maximum(peaks[name].above(values), 0) for name, values in deciding.items()}
    else:
        parts = {n: (OBJECT_WEIGHTS[n] * v) ** 2 for n, v in exceedance.items() if n in OBJECT_WEIGHTS}
    together = np.max if peaks else np.sum
    whole = together(list(parts.values()), axis=0)
    decisive = np.argsort(whole)[-max(1, int(OBJECT_SHARE * len(whole))) :]
    network = float(parts[TOKEN][decisive].sum()) if TOKEN in parts else 0.0
    others = [values[decisive] for name, values in parts.items() if name != TOKEN]
    surface = float(together(others, axis=0).sum()) if others else 0.0
    total = network + surface
    if total == 0:
        return (0.0, 1.0) if others else (1.0, 0.0)
    return network / total, surface / total


def _deciding(exceedance: Mapping[str, DoubleArray], complete: bool) -> dict[str, DoubleArray]:
    names = [name for name in DECIDE if complete or name not in GAPS]
    return {name: exceedance[name] for name in names if name in exceedance}


def _peak(values: DoubleArray) -> float:
    count = max(1, int(PEAK_SHARE * len(values)))
    return float(np.partition(values, -count)[-count:].mean())


def _length(exceedance: Mapping[str, DoubleArray], weights: Mapping[str, float]) -> DoubleArray:
    used = [(weights[name] * np.minimum(v, LARGEST)) ** 2 for name, v in exceedance.items() if name in weights]
    return np.asarray(np.sqrt(np.sum(used, axis=0)))


def raw_scores(residuals: DoubleArray, centres: DoubleArray) -> tuple[DoubleArray, float]:
    """Token scores (N,) and an object score without min-max [O]: residuals (N,) smoothed over neighbours in space.

    centres: (N, 3). The object score is the mean of the highest: what the published rule is without its scaling.
    """
    smooth = residuals[PointTree(centres).nearest_k(centres, RAW_SMOOTHING)[1]].mean(axis=1)
    count = max(1, int(OBJECT_SHARE * len(smooth)))
    return np.asarray(smooth), float(np.partition(smooth, -count)[-count:].mean())


def paper_scores(residuals: DoubleArray) -> DoubleArray:
    """(N,) token scores as published: min-max within the instance, then a 1-D Gaussian along the tokens [P].

    The paper's kernel size and sigma were lost with its symbols; sigma 1 over 5 tokens is ours [O].
    """
    low, high = residuals.min(), residuals.max()
    scaled = (residuals - low) / max(float(high - low), 1e-12)
    return np.asarray(gaussian_filter1d(scaled, sigma=1.0, radius=2))
