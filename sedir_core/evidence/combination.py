"""From evidence to one score per point and one per scan, each relative to the normal statistics of its place.

Every channel of evidence (token residual, offsets, gaps, ...) is divided by its own usual value over held-out normal
samplings, place by place. For whole scans a judge combines them into one channel (`judge`); how high it rises on good
parts, together with the part's size and what is absent of it, is learned from the held-out samplings (`peaks`), and the
largest departure decides. For single-view scans the Euclidean length of all channels decides. Scores are ratios. All of
this is our choice [O]; `paper_scores` is the published rule [P].
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy.ndimage import gaussian_filter1d

from sedir_core.evidence.around import Around
from sedir_core.evidence.channels import TOKEN
from sedir_core.evidence.fields import FIELDS, SPREADS
from sedir_core.evidence.implicit_fields import DRIFT, IMPLICIT, IMPLICIT_GAPS, IMPLICIT_RIDGE
from sedir_core.evidence.judge import ALL, ASKED, JUDGED, OF_THE_WHOLE, SHARES, Judges
from sedir_core.evidence.numbers import SCORES
from sedir_core.evidence.peaks import Peak, peak_of
from sedir_core.evidence.probes import GAPS, SEAM
from sedir_core.geometry.neighbours import interpolate
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray, IntArray

# Of scans from one side: which channels colour the points, and which decide; found on shapes and defects of our own
# making (benchmarks/README.md). Drift and coarse offsets outline a bent end, but vary too much between good parts.
MAP_WEIGHTS: Mapping[str, float] = dict(SCORES.view_map_weights)
OBJECT_WEIGHTS: Mapping[str, float] = dict(SCORES.view_object_weights)
# What is gross by one of these alone needs no judge, who may never have seen the like; and by these and what is said of
# the whole a training part is known to depart from the others.
GROSS = (*FIELDS, "outlier_8", "offset_8", "offset_32", "gap_8", "gap_32", SEAM)
TELLING = (*GROSS, *OF_THE_WHOLE)
_EXTREMES = ("implicit_lowest", "implicit_highest")
_OF_NO_SIZE = (DRIFT, IMPLICIT_RIDGE, *IMPLICIT_GAPS)  # in the scan's own noise or spacing already, or not of points
NOISY = (
    *FIELDS,
    *(name for name in SPREADS if name.startswith("rough")),
    *(name for name in IMPLICIT if not name.startswith(_EXTREMES) and name not in _OF_NO_SIZE),
    "offset_8",
    "offset_32",
)  # what noise and thin sampling raise everywhere
_UNTOLD = 1e-4  # times the usual: where nothing is known, see UNKNOWN
UNKNOWN = 1e6  # where nobody knows what is usual, and nothing departs
_LEAST_LIMIT = 1e-6  # a channel that is the same everywhere divides nothing by zero
# These never come near zero, so only what exceeds the usual counts; the other channels do.
BASELINE: Mapping[str, float] = {TOKEN: 1.0, SEAM: 1.0, f"implicit_{SEAM}": 1.0}


@dataclass(frozen=True)
class Evidence:
    """Channels of a scan, name -> (n,), at places (n, 3) of the normal surface; NaN where a channel is unknown.

    picked: (n,) indices of their aligned points, if known. neighbours: of the places, if known.
    """

    places: DoubleArray
    channels: Mapping[str, DoubleArray]
    from_one_side: bool = False
    picked: IntArray = field(default_factory=lambda: np.empty(0, int))
    neighbours: Around | None = None

    @cached_property
    def around(self) -> Around:
        """Which places are next to which."""
        return self.neighbours or Around.of(self.places)


@dataclass(frozen=True)
class Strangeness:
    """untold: share of a scan's points that are not judged, as good scans hardly show anything there.

    noise: multiple of the usual offset that it shows nearly everywhere, at least 1.
    """

    untold: float
    noise: float


@dataclass(frozen=True)
class NormalStatistics:
    """Statistics of a category's good parts: an RMS value (a,) per anchor (a, 3) and channel, a limit per channel.

    peaks: how high each channel rises; empty for single-view scans and for a single training part, where channels are
    combined by their Euclidean length. by_noise: the statistics grow with a scan that is noisier or sparser than the
    training scans. judges: combine all channels of a whole scan into one, for each kind of evidence.
    """

    anchors: DoubleArray
    values: Mapping[str, DoubleArray]
    limits: Mapping[str, float]
    peaks: Mapping[str, Peak] = field(default_factory=dict)
    by_noise: bool = False
    judges: Judges | None = None

    def strangeness(self, evidence: Evidence) -> Strangeness:
        """How unlike the training scans a scan is, wherever its defects are."""
        name = FIELDS[0]
        if name not in self.values or name not in evidence.channels:
            return Strangeness(0.0, 1.0)
        shown, usual = evidence.channels[name], self._at([name], evidence.places)[:, 0]
        untold = float(((usual > UNKNOWN / 10) | np.isnan(shown)).mean())
        return Strangeness(untold, _times_usual(shown / usual))

    def _at(self, names: Sequence[str], places: DoubleArray) -> DoubleArray:
        return interpolate(np.stack([self.values[name] for name in names], axis=1), self.anchors, places, k=4)

    def standardise(self, evidence: Evidence, kinds: Collection[str] = ASKED) -> dict[str, DoubleArray]:
        """Each channel in units of its limit, (n,); capped, so that a few flying pixels do not condemn a part.

        With what the judges of these kinds of evidence make of them.
        """
        most = SCORES.largest if evidence.from_one_side else SCORES.loudest
        names = [name for name in evidence.channels if name in self.values]
        usual = self._at(names, evidence.places)
        found = {}
        for i, name in enumerate(names):
            ratio = evidence.channels[name] / usual[:, i]
            if self.by_noise and name in NOISY:
                ratio = ratio / _times_usual(ratio)
            ratio = np.maximum(ratio - BASELINE.get(name, 0.0), 0)
            found[name] = np.nan_to_num(np.minimum(ratio / self.limits[name], most), nan=0.0)
        return found | self.judged(found, evidence.around, kinds=kinds) if self.judges else found

    def judged(
        self,
        standardised: Mapping[str, DoubleArray],
        around: Around,
        taught_by: int | None = None,
        kinds: Collection[str] = ASKED,
    ) -> dict[str, DoubleArray]:
        """What the judges make of channels (n,), see `Judges.judged`; nothing where there are none."""
        return {} if self.judges is None else self.judges.judged(standardised, self.peaks, around, taught_by, kinds)

    def judged_by(self, judges: Judges) -> NormalStatistics:
        """The same with these judges."""
        return replace(self, judges=judges)


@dataclass(frozen=True)
class Averaging:
    """How the usual value at a place follows from the held-out samplings around it.

    power: of the mean; 2 is the RMS, and lower values weaken the outliers of a single sampling. prior: weight of the
    category's overall value, in points. where_seen: nothing departs where hardly any sampling shows anything.
    """

    power: float
    prior: float
    where_seen: bool


MEAN_SQUARE = Averaging(2.0, SCORES.prior_count, False)
# For whole scans, of which a few partial ones say what is usual; chosen on shapes of our own (benchmarks/README.md).
TYPICAL = Averaging(SCORES.power_whole, SCORES.prior_count_whole, True)


def _times_usual(ratio: DoubleArray) -> float:
    known = ratio[ratio > _UNTOLD]
    return max(1.0, float(np.median(known))) if len(known) else 1.0


def learn_statistics(
    held_out: Sequence[Evidence], anchors: DoubleArray, chosen: Averaging = MEAN_SQUARE
) -> NormalStatistics:
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
            values[name][count < SCORES.least_seen * float(np.median(count[count > 0]))] = UNKNOWN
    by_noise = chosen == TYPICAL
    unlimited = NormalStatistics(anchors, values, dict.fromkeys(values, 1.0), by_noise=by_noise)
    uncapped = [unlimited.standardise(evidence) for evidence in held_out]
    limits = {name: float(np.mean([np.quantile(u[name], SCORES.limit_quantile) for u in uncapped])) for name in values}
    limits = {name: max(limit, _LEAST_LIMIT) for name, limit in limits.items()}
    return NormalStatistics(anchors, values, limits, by_noise=by_noise)


def _known_mean(values: DoubleArray) -> float:
    """Of those that are numbers; 0 where none is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def point_map(
    standardised: Mapping[str, DoubleArray],
    around: Around,
    peaks: Mapping[str, Peak] | None = None,
    leniency: float = 1.0,
) -> DoubleArray:
    """(n,) smoothed scores for the points, from each channel in units of its limit. leniency: see `object_score`."""
    if peaks:
        raised = np.exp(SCORES.colour_power * SCORES.per_spread * _rise_of_points(standardised, peaks, leniency))
        smooth = raised[around.nearest(SCORES.colour_smoothing)].mean(axis=1) ** (1 / SCORES.colour_power)
    else:
        smooth = _length(standardised, MAP_WEIGHTS)[around.nearest(SCORES.smoothing)].mean(axis=1)
    return np.asarray(smooth / leniency)


def object_score(
    standardised: Mapping[str, DoubleArray],
    from_one_side: bool = False,
    peaks: Mapping[str, Peak] | None = None,
    leniency: float = 1.0,
) -> float:
    """One score for the scan, from the highest points of what decides.

    leniency: with which a scan is judged that lies otherwise than the training scans, at least 1.
    """
    if peaks:
        rises = rises_of(standardised, peaks, leniency)
        return float(np.exp(SCORES.per_spread * max(rises.values()))) / leniency
    weights = {**OBJECT_WEIGHTS, SEAM: SCORES.seam_of_views} if from_one_side else OBJECT_WEIGHTS
    scores = np.sort(_length(standardised, weights))
    return float(scores[-max(1, int(SCORES.object_share * len(scores))) :].mean()) / leniency


def rises_of(
    standardised: Mapping[str, DoubleArray], peaks: Mapping[str, Peak], leniency: float = 1.0
) -> dict[str, float]:
    """How many spreads what decides rises above its usual peak; what is no judge only where it is far off."""
    deciding = _deciding(standardised)
    rises = {name: float(peaks[name].above(np.array([peak_of(values)]))[0]) for name, values in deciding.items()}
    judged = any(name.startswith(JUDGED) for name in rises)
    return {name: rise for name, rise in rises.items() if not judged or rise >= _least(name, leniency)}


def _least(name: str, leniency: float) -> float:
    """Spreads above the usual peak, from which a channel has a say."""
    return -np.inf if name.startswith(JUDGED) else SCORES.least_alone * leniency


def decisive_shares(
    standardised: Mapping[str, DoubleArray], peaks: Mapping[str, Peak] | None = None
) -> tuple[float, float]:
    """What the score rests on: shares of the network's and of the surface's evidence, 0 to 1, one in sum.

    At the points that decide: how much each judge's say rises above what it says of most points; of scans from one
    side, whose channels are combined as a length, their squares.
    """
    if peaks:
        if JUDGED + ALL not in standardised:
            return (1.0, 0.0) if JUDGED + "network" in standardised else (0.0, 1.0)
        told = standardised[JUDGED + ALL]
        decisive = np.argsort(told)[-max(1, int(SCORES.object_share * len(told))) :]
        rises = {
            k: SHARES[k] * _rise_at(decisive, standardised[JUDGED + k]) for k in SHARES if JUDGED + k in standardised
        }
        total = sum(rises.values())
        share = rises.get("network", 0.0) / total if total > 0 else 0.0
        return share, 1.0 - share
    parts = {n: (OBJECT_WEIGHTS[n] * v) ** 2 for n, v in standardised.items() if n in OBJECT_WEIGHTS}
    whole = np.sum(list(parts.values()), axis=0)
    decisive = np.argsort(whole)[-max(1, int(SCORES.object_share * len(whole))) :]
    network = float(parts[TOKEN][decisive].sum()) if TOKEN in parts else 0.0
    surface = float(sum(values[decisive].sum() for name, values in parts.items() if name != TOKEN))
    total = network + surface
    if total == 0:
        return (1.0, 0.0) if set(parts) == {TOKEN} else (0.0, 1.0)
    return network / total, surface / total


def _rise_at(decisive: IntArray, judged: DoubleArray) -> float:
    told = np.log(judged)
    return max(float(told[decisive].mean() - np.median(told)), 0.0)


def _deciding(standardised: Mapping[str, DoubleArray]) -> dict[str, DoubleArray]:
    """Of a whole scan: what the judges say together, what may be gross, and what is said of the part as a whole."""
    judged = [name for name in standardised if name.startswith(JUDGED)]
    together = [JUDGED + ALL] if JUDGED + ALL in judged else judged
    return {name: standardised[name] for name in (*together, *GROSS, *OF_THE_WHOLE) if name in standardised}


def _rise_of_points(standardised: Mapping[str, DoubleArray], peaks: Mapping[str, Peak], leniency: float) -> DoubleArray:
    """(n,) what the judge says, in spreads, or a channel that is gross."""
    rises = {n: peaks[n].above(v) for n, v in _deciding(standardised).items() if n not in OF_THE_WHOLE}
    highest = [np.where(rise >= _least(name, leniency), rise, -np.inf) for name, rise in rises.items()]
    return np.asarray(np.max(highest, axis=0))


def _length(standardised: Mapping[str, DoubleArray], weights: Mapping[str, float]) -> DoubleArray:
    used = [(weights[name] * np.minimum(v, SCORES.largest)) ** 2 for name, v in standardised.items() if name in weights]
    return np.asarray(np.sqrt(np.sum(used, axis=0)))


def raw_scores(residuals: DoubleArray, centres: DoubleArray) -> tuple[DoubleArray, float]:
    """Token scores (N,) and an object score without min-max [O]: residuals (N,) smoothed over neighbours in space.

    centres: (N, 3). The object score is the mean of the highest: what the published rule is without its scaling.
    """
    smooth = residuals[PointTree(centres).nearest_k(centres, SCORES.raw_smoothing)[1]].mean(axis=1)
    count = max(1, int(SCORES.object_share * len(smooth)))
    return np.asarray(smooth), float(np.partition(smooth, -count)[-count:].mean())


def paper_scores(residuals: DoubleArray) -> DoubleArray:
    """(N,) token scores as published: min-max within the instance, then a 1-D Gaussian along the tokens [P].

    The paper's kernel size and sigma were lost with its symbols; sigma 1 over 5 tokens is ours [O].
    """
    low, high = residuals.min(), residuals.max()
    scaled = (residuals - low) / max(float(high - low), 1e-12)
    return np.asarray(gaussian_filter1d(scaled, sigma=1.0, radius=2))
