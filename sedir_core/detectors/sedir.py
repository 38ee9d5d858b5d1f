"""SeDiR on one scan: place it, identify it, rebuild it, and measure what departs from normal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from sedir_core.config import Config, GroupingConfig, override
from sedir_core.detectors.explain import Explanation
from sedir_core.errors import BadRun
from sedir_core.evidence.category import Category, View, category_from_tensors, category_to_tensors
from sedir_core.evidence.channels import NETWORK, TOKEN
from sedir_core.evidence.combination import (
    Evidence,
    Usual,
    decisive_shares,
    object_score,
    paper_scores,
    point_map,
    raw_scores,
)
from sedir_core.evidence.coverage import ABSENT, words_of_absence
from sedir_core.evidence.defects import find_defects, limit_that_shows, verdict_reason
from sedir_core.evidence.fields import FIELDS
from sedir_core.evidence.identify import Identified, certainty, identify
from sedir_core.evidence.implicit_fields import implicit_fields
from sedir_core.evidence.judge import OF_THE_WHOLE, Judges, channels_in
from sedir_core.evidence.judging import ALL_JUDGINGS, Judging, judging_of
from sedir_core.evidence.limits import Calibration, kept
from sedir_core.evidence.measuring import Lengths, in_scan, measure
from sedir_core.evidence.network_surface import Distances, distances_by, zero_level
from sedir_core.evidence.normal_surface import CHANNELS, Departure, NormalSurface
from sedir_core.evidence.reconstruction import decoded_points
from sedir_core.evidence.stages import (
    ALL_POINTS,
    LESS_MEMORY,
    VIEW_POINTS,
    Stopwatch,
    below,
    check_enough,
    least_points,
    whole_points,
    working_points,
)
from sedir_core.evidence.tokens import cut_groups, tokenize
from sedir_core.evidence.tolerance import under_tolerance
from sedir_core.evidence.whole_part import SIZE, words_of_size
from sedir_core.geometry.neighbours import has_neighbours, spread, surface_reach
from sedir_core.geometry.overlap import Oriented
from sedir_core.geometry.sampling import random_subset
from sedir_core.geometry.tree import PointTree
from sedir_core.geometry.views import refine_direction
from sedir_core.models.implicit import ImplicitSurface
from sedir_core.models.patch_decoder import PatchDecoder
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.models.sedir import Rebuilt, SeDiR, Tokens
from sedir_core.rundir import files as run_files
from sedir_core.rundir.stored_nets import restored
from sedir_core.runtime import choose_device, generator, memory_guard
from sedir_core.tolerances import parse_tolerance
from sedir_core.types import (
    BoolArray,
    Detection,
    DoubleArray,
    FloatArray,
    IntArray,
    Report,
    Scan,
    Stop,
    never_stop,
    no_report,
)

NETWORK_POINTS = 80_000  # of a whole scan, whose distances the network says
SURFACE_POINTS = 20_000  # a whole scan is resampled to this many for the comparison with the surface
UNSEEN_SHARE = 0.25  # of the points that nobody could judge: no verdict is sure then
TELLING_SHARE, TELLING_NOISE = 0.1, 1.5  # of the points; times the training scans' noise: an operator is told
FARTHEST_RADII = 16.0  # flying pixels farther out are moved here: a network must not see astronomic numbers


@dataclass(frozen=True)
class Nets:
    """What was learned: the frozen encoder, the network, and what shows as points what it expects of a part.

    surface: where it rebuilds from identity and place; patches: else, a decoder of its rebuilt features.
    """

    encoder: LocalEncoder
    network: SeDiR
    surface: ImplicitSurface | None = None
    patches: PatchDecoder | None = None

    def distances(self, category: int, unseen_by: int | None = None) -> Distances | None:
        """Of points from the good surface of a category; None where the network does not know it.

        unseen_by: a training part, whose own fold is not asked.
        """
        return None if self.surface is None else distances_by(self.surface, category, unseen_by)


@dataclass(frozen=True)
class Compared:
    """An aligned scan, (n, 3), its tokens with their residuals (N,), and what both kinds of evidence show of it.

    cut: (N,) tokens of groups that the end of what was scanned cuts.
    """

    aligned: DoubleArray
    tokens: Tokens
    cut: BoolArray
    residuals: DoubleArray
    departure: Departure
    evidence: Evidence

    def with_residuals(self, residuals: DoubleArray) -> Compared:
        """The same scan, its tokens' residuals (N,) by another network."""
        centres = centres_of(self.tokens)
        at_points = np.full(len(self.departure.points), np.nan)
        if not self.cut.all():
            nearest = PointTree(centres).nearest(self.departure.points)[1]
            told = ~self.cut[nearest]
            at_points[told] = spread(residuals[~self.cut], centres[~self.cut], self.departure.points[told])
        evidence = replace(self.evidence, channels={**self.evidence.channels, TOKEN: at_points})
        return replace(self, residuals=residuals, evidence=evidence)


@dataclass(frozen=True)
class Judged:
    """One score for each aligned point (n,) and one for the scan, their limits, and what the latter rests on.

    whole: the channels said of the whole part that alone would condemn it.
    """

    point_scores: DoubleArray
    score: float
    threshold: float
    point_threshold: float
    rests_on: Mapping[str, float]
    whole: tuple[str, ...] = ()


class SedirDetector:
    """A fitted SeDiR; see `detectors.base.Detector`."""

    method = "sedir"
    needs_category = False

    def __init__(self, config: Config, nets: Nets, known: Mapping[str, Category], device: torch.device) -> None:
        """Raises BadConfig where evidence and rule do not go together."""
        self.config, self.nets, self.known, self.device = config, nets, dict(known), device
        self.categories = tuple(known)
        self.judging = judging_of(config.scoring.evidence, config.scoring.rule)
        self._levels: dict[str, DoubleArray] = {}

    @property
    def judges(self) -> Judges | None:
        """That make one channel of all those of a whole scan; None where every category has but one training part."""
        return next((one.whole.usual.judges for one in self.known.values() if one.whole.usual.judges), None)

    def detect(
        self, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
    ) -> Detection:
        """Score one scan; see `Detector.detect`."""
        return self._detect(scan, category, report, stop, in_lengths=True, ways=())[0]

    def detect_each(
        self, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
    ) -> tuple[Detection, dict[str, Detection]]:
        """The detection, and by name what every way of judging that the run keeps limits for makes of the same scan.

        The latter lack defects and reasons; where no tolerance asks for them, lengths are left out. Raises as
        `Detector.detect`.
        """
        return self._detect(scan, category, report, stop, bool(self.config.scoring.tolerance), ALL_JUDGINGS)

    def _detect(
        self, scan: Scan, category: str, report: Report, stop: Stop, in_lengths: bool, ways: Sequence[Judging]
    ) -> tuple[Detection, dict[str, Detection]]:
        """in_lengths: also what `Lengths` says. ways: of judging, beside the chosen one."""
        watch = Stopwatch(report, stop)
        valid = np.flatnonzero(scan.finite)
        with watch.stage("align", 0.05):
            found, working, aligned = self.place(scan, category, stop)
        mine = self.known[found.category]
        with watch.stage("tokens", 0.35):
            tokens = self._tokens(aligned, found.view)
        with watch.stage("rebuild", 0.6):
            rebuilt = self._rebuild(tokens)
        with watch.stage("compare", 0.7):
            every = self._every_point(scan, found)
            residuals = residuals_of(tokens, rebuilt)
            distances = self.nets.distances(self.categories.index(found.category))
            compared = compare(mine.normal, aligned, tokens, residuals, found.view, every, found.scan, distances)
            kinds = {judging.evidence for judging in (self.judging, *ways) if judging.rule == "calibrated"}
            exceedance = mine.standard(found.view).usual.exceed(compared.evidence, kinds)
            judged = self.judge(found.category, compared, found.view, self.judging, exceedance)
        near, own = surface_reach(scan.points[working]), _of_part(scan, found, valid)

        def everywhere(scores: DoubleArray) -> FloatArray:
            values = np.full(len(scan), np.nan, dtype=np.float32)
            values[own] = spread(scores, scan.points[working], scan.points[own], within=near)
            return values

        with watch.stage("report", 0.9):
            point_scores = everywhere(judged.point_scores)
            lengths = self._lengths(mine, found, compared.departure, scan, point_scores) if in_lengths else None
            condemned = judged.score > judged.threshold
            limit = limit_that_shows(scan, point_scores, judged.point_threshold, condemned)
            told = () if lengths is None else (lengths.regions, lengths.deviation)
            defects = find_defects(scan, point_scores, judged.point_threshold, condemned, *told)
            reconstruction = found.placement.leave(self._rebuilt_points(found.category, tokens, rebuilt, aligned))
        uncertain, reason, confidence = self._certainty(found, rebuilt)
        usual = mine.standard(found.view).usual
        beside = _beside_the_training(usual, compared.evidence)
        if not uncertain and usual.by_noise and usual.untold(compared.evidence) > UNSEEN_SHARE:
            uncertain, reason = True, "lies otherwise than good scans did: train with two or more that lie like it"
            reason += beside
        said = verdict_reason(judged.score, judged.threshold, defects) + _of_the_whole(judged, compared.departure)
        detection = Detection(
            point_scores=point_scores,
            object_score=judged.score,
            threshold=judged.threshold,
            point_threshold=limit,
            category=found.category,
            category_confidence=confidence,
            uncertain=uncertain,
            reason=(reason or said + beside)
            + _what_was_seen(found)
            + ("" if found.alone is None else found.alone.words(len(valid) - len(own)))
            + _strays(np.isnan(point_scores[own])),
            reconstruction=reconstruction,
            token=rebuilt.identity[0].cpu().numpy(),
            defects=defects,
            seconds=watch.seconds | {"total": sum(watch.seconds.values())},
            from_one_side=found.view is not None,
            unit=self.config.data.unit,
            to_unit=found.placement.to_unit,
            rests_on=judged.rests_on,
            **({} if lengths is None else vars(lengths)),
        )
        each: dict[str, Detection] = {}
        for judging in ways:
            if judging.name in mine.standard(found.view).limits:
                one = self.judge(found.category, compared, found.view, judging, exceedance)
                each[judging.name] = replace(
                    detection,
                    point_scores=everywhere(one.point_scores),
                    object_score=one.score,
                    threshold=one.threshold,
                    point_threshold=one.point_threshold,
                    rests_on=one.rests_on,
                    reason="",
                    defects=(),
                )
        report(1.0, "done")
        return under_tolerance(scan, detection, parse_tolerance(self.config.scoring.tolerance)), each

    def embed(self, scan: Scan, category: str = "auto") -> FloatArray:
        """The (d,) global token of a scan."""
        token: FloatArray = self._rebuild(self.tokens_of(scan, category)).identity[0].cpu().numpy()
        return token

    def explain(self, scan: Scan, category: str = "auto") -> Explanation:
        """See `detectors.explain.Explains`."""
        tokens = self.tokens_of(scan, category)
        out = self._rebuild(tokens)
        rebuilt = out.rebuilt[0].float().mean(dim=0).cpu().numpy()
        return Explanation(out.identity[0].float().cpu().numpy(), rebuilt, float(residuals_of(tokens, out).mean()))

    def calibration(self) -> Calibration:
        """See `evidence.limits.Calibrated`."""
        whole = {name: category.whole.limit(self.judging).held_out for name, category in self.known.items()}
        view = {n: one.view.limit(self.judging).held_out for n, one in self.known.items() if one.view is not None}
        owners = {name: category.whole.owners for name, category in self.known.items() if len(category.whole.owners)}
        return Calibration(self.config.scoring.false_alarm_rate, kept(whole), kept(view), owners)

    def tokens_of(self, scan: Scan, category: str = "auto") -> Tokens:
        """What the network reads of a scan."""
        found, _, aligned = self.place(scan, category, never_stop)
        return self._tokens(aligned, found.view)

    def token_residuals(self, tokens: Tokens) -> DoubleArray:
        """(N,) distance of each token to its reconstruction."""
        return residuals_of(tokens, self._rebuild(tokens))

    def place(self, scan: Scan, category: str, stop: Stop) -> tuple[Identified, IntArray, DoubleArray]:
        """The category, the indices of the points that are compared with its surface, and these in its frame, (n, 3).

        Flying pixels are left out. Raises TooFewPoints, UnreadableScan, UnknownCategory, Cancelled.
        """
        most = whole_points(self.config.grouping)
        every = working_points(scan, self.config.grouping, VIEW_POINTS)
        working = self._in_company(scan, every[:most])
        found = identify(scan.points[working], self.known, category, stop)
        if found.alone is not None:
            working = working[found.alone.of_part]
            check_enough(scan, len(working), self.config.grouping)
        view = found.view
        if view is not None:
            seen = seen_of(max(most, VIEW_POINTS), view, self.config.grouping)
            working = _of_part(scan, found, self._in_company(scan, every))[:seen]
        points = np.clip(found.placement.enter(scan.points[working]), -FARTHEST_RADII, FARTHEST_RADII)
        if view is not None:
            surface = self.known[found.category].normal.surface
            found = replace(found, view=replace(view, direction=refine_direction(points, surface, view.direction)))
        return found, working, points

    def _every_point(self, scan: Scan, found: Identified) -> DoubleArray:
        """All usable points of the scan in the category's frame, (m, 3), up to ALL_POINTS."""
        usable = self._in_company(scan, working_points(scan, self.config.grouping, ALL_POINTS)[:ALL_POINTS])
        usable = _of_part(scan, found, usable)
        return np.clip(found.placement.enter(scan.points[usable]), -FARTHEST_RADII, FARTHEST_RADII)

    def _in_company(self, scan: Scan, some: IntArray) -> IntArray:
        """Those points of the scan that have neighbours. Raises TooFewPoints."""
        kept = some[has_neighbours(scan.points[some])]
        check_enough(scan, len(kept), self.config.grouping)
        return kept

    def _tokens(self, aligned: DoubleArray, view: View | None) -> Tokens:
        grouping = self.config.grouping
        with memory_guard(self.device, LESS_MEMORY):
            return tokenize(for_tokens(aligned, view, grouping), grouping, self.nets.encoder, self.device)

    @torch.no_grad()
    def _rebuild(self, tokens: Tokens) -> Rebuilt:
        with memory_guard(self.device, LESS_MEMORY):
            out: Rebuilt = self.nets.network(tokens)
        return out

    def score(self, category: str, one: Compared, view: View | None) -> tuple[DoubleArray, float]:
        """One score for each aligned point, (n,), and one for the scan."""
        exceedance = self.known[category].standard(view).usual.exceed(one.evidence, {self.judging.evidence})
        judged = self.judge(category, one, view, self.judging, exceedance)
        return judged.point_scores, judged.score

    def judge(
        self,
        category: str,
        one: Compared,
        view: View | None,
        judging: Judging,
        exceedance: Mapping[str, DoubleArray],
    ) -> Judged:
        """What one way of judging makes of a compared scan, whose channels exceed what is usual by that much."""
        standard = self.known[category].standard(view)
        limit = standard.limit(judging)
        whole: tuple[str, ...] = ()
        network = {"network": 1.0, "surface": 0.0}
        if judging.rule == "calibrated":
            peaks = standard.usual.peaks
            exceedance = judging.of(exceedance)
            at_places = point_map(exceedance, one.departure.places, peaks)
            scores = spread(at_places, one.departure.points, one.aligned)
            score = object_score(exceedance, view is not None, peaks)
            shares = decisive_shares(exceedance, peaks)
            said = [name for name in OF_THE_WHOLE if peaks and name in exceedance]
            alone = {name: object_score({name: exceedance[name]}, peaks=peaks) for name in said}
            whole = tuple(name for name in said if alone[name] > limit.threshold)
            network = {"network": shares[0], "surface": shares[1]}
        elif judging.rule == "raw":
            smooth, score = raw_scores(one.residuals, centres_of(one.tokens))
            scores = spread(smooth, centres_of(one.tokens), one.aligned)
        else:
            token_scores = paper_scores(one.residuals)
            scores, score = spread(token_scores, centres_of(one.tokens), one.aligned), float(token_scores.max())
        return Judged(scores, score, limit.threshold, limit.point_threshold, network, whole)

    def _certainty(self, found: Identified, rebuilt: Rebuilt) -> tuple[bool, str, float]:
        probabilities = rebuilt.logits[0].softmax(dim=0).cpu().numpy()
        best = int(probabilities.argmax())
        uncertain, reason = certainty(found, float(probabilities[best]), self.categories[best])
        return uncertain, reason, float(probabilities[self.categories.index(found.category)])

    def _rebuilt_points(self, category: str, tokens: Tokens, rebuilt: Rebuilt, aligned: DoubleArray) -> DoubleArray:
        """What the network rebuilt, (m, 3) in the category's frame, without a look at the normal surface."""
        if self.nets.surface is not None:
            if category not in self._levels:
                self._levels[category] = zero_level(self.nets.surface, self.categories.index(category))
            return self._levels[category]
        assert self.nets.patches is not None
        with torch.no_grad():
            patches = self.nets.patches(rebuilt.rebuilt)[0].double().cpu().numpy()
        return decoded_points(patches, centres_of(tokens), aligned, self.config.grouping.group_size)

    def _lengths(
        self, mine: Category, found: Identified, departure: Departure, scan: Scan, point_scores: FloatArray
    ) -> Lengths:
        normal, points = mine.normal, departure.points

        def again(few: BoolArray) -> DoubleArray:
            return normal.moves(points, points[few], generator(0, "elastic"))

        direction = None if found.view is None else found.view.direction
        measured = measure(points, departure.places - points, normal.surface, again, direction)
        return in_scan(measured, found.placement, scan, point_scores)

    def tensors(self) -> dict[str, Tensor]:
        """Everything `load` needs beside config.toml and about.json."""
        nets: dict[str, nn.Module | None] = {"encoder": self.nets.encoder, "network": self.nets.network}
        nets |= {"surface": self.nets.surface, "patches": self.nets.patches}
        states = {name: net.state_dict() for name, net in nets.items() if net is not None}
        found = {f"{name}.{key}": value for name, state in states.items() for key, value in state.items()}
        if judges := self.judges:
            found |= {f"judge.{key}": value for key, value in judges.tensors().items()}
        for i, category in enumerate(self.known.values()):
            found |= {f"category.{i}.{key}": value for key, value in category_to_tensors(category).items()}
        return {name: value.detach().cpu().contiguous() for name, value in found.items()}

    @classmethod
    def load(
        cls,
        run_dir: Path,
        device: str = "auto",
        evidence: str | None = None,
        rule: str | None = None,
        tolerance: str | None = None,
    ) -> SedirDetector:
        """The detector of a finished run, which may judge otherwise than it was trained for.

        Raises BadRun (also where the run keeps no such limits), BadConfig, DeviceUnavailable.
        """
        config, about = run_files.read_run_config(run_dir), run_files.read_about(run_dir)
        own = config.scoring
        judging = judging_of(evidence or own.evidence, rule or own.rule)
        allowed = own.tolerance if tolerance is None else tolerance
        changes = {"evidence": judging.evidence, "rule": judging.rule, "tolerance": allowed}
        config = override(config, scoring=changes)
        try:
            tensors = run_files.read_run_tensors(run_dir)
            detector = cls.restore(config, about.categories, tensors, choose_device(device)[0])
            for category in detector.known.values():
                if judging.name not in category.whole.limits and (category.whole.limits or judging != Judging()):
                    what = f"keeps no limits for evidence {judging.evidence} and rule {judging.rule}"
                    raise BadRun(run_dir, what, "train it again with this version, or leave both options out")
            return detector
        except (KeyError, ValueError, RuntimeError) as error:
            raise BadRun(run_dir, f"its weights do not fit its configuration: {error}", "train it again") from error

    @classmethod
    def restore(
        cls, config: Config, categories: Sequence[str], tensors: Mapping[str, Tensor], device: torch.device
    ) -> SedirDetector:
        """The inverse of `tensors`. Raises KeyError, ValueError where something is missing or misshapen."""
        enc = config.encoder
        nets = Nets(
            restored(
                lambda: LocalEncoder(enc.width, enc.hidden, enc.heads, enc.depth), below(tensors, "encoder."), device
            ),
            restored(lambda: build_network(config, len(categories)), below(tensors, "network."), device),
            *_drawing(config, tensors, len(categories), device),
        )
        weights, network = below(tensors, "judge."), NETWORK if nets.surface is not None else (TOKEN,)
        judges = Judges.restore(weights, channels_in({*CHANNELS, *network})) if weights else None
        known = {n: category_from_tensors(below(tensors, f"category.{i}."), judges) for i, n in enumerate(categories)}
        return cls(config, nets, known, device)


def build_network(config: Config, n_categories: int) -> SeDiR:
    """The untrained network of a configuration."""
    net = config.network
    return SeDiR(
        width=net.width,
        depth=net.depth,
        heads=net.heads,
        feedforward=net.feedforward,
        dropout=net.dropout,
        token_width=config.encoder.width,
        n_categories=n_categories,
        jitter_scale=net.jitter_scale,
        jitter_probability=net.jitter_probability,
        global_token=net.global_token,
        geometric_prior=net.geometric_prior,
        rebuilt_from=net.rebuilt_from,
    )


def _drawing(
    config: Config, tensors: Mapping[str, Tensor], n_categories: int, device: torch.device
) -> tuple[ImplicitSurface | None, PatchDecoder | None]:
    """Of a run's tensors, the one that it has of what shows the network's expectation. Raises KeyError, ValueError."""
    if config.network.rebuilt_from == "scan":
        width = config.encoder.width
        return None, restored(lambda: PatchDecoder(width), below(tensors, "patches."), device)
    own = below(tensors, "surface.")
    sizes = ImplicitSurface.sizes_in(own)
    if len(sizes) != n_categories:
        raise ValueError(f"surfaces of {len(sizes)} categories, expected {n_categories}")
    return restored(lambda: ImplicitSurface(sizes), own, device), None


def seen_of(n_points: int, view: View, grouping: GroupingConfig) -> int:
    """How many points of a view are as dense as that many of the whole part, and enough to be grouped."""
    return max(round(n_points * view.share), least_points(grouping))


def for_tokens(aligned: DoubleArray, view: View | None, grouping: GroupingConfig) -> DoubleArray:
    """The points (m, 3) that are grouped, of those (n, 3), in random order, that are compared with the surface.

    A scan from one side is thinned to the density of a whole one: then groups are as large as in training.
    """
    return aligned if view is None else aligned[: seen_of(whole_points(grouping), view, grouping)]


def compare(
    normal: NormalSurface,
    aligned: DoubleArray,
    tokens: Tokens,
    residuals: DoubleArray,
    view: View | None = None,
    every: DoubleArray | None = None,
    scan: Oriented | None = None,
    distances: Distances | None = None,
) -> Compared:
    """Both kinds of evidence on the same points: tokens (N residuals) and distances of the network, and surface.

    every: (m, 3) all points of the scan, aligned; by default those (n, 3) that are compared. scan: see
    `NormalSurface.depart`.
    """
    most = SURFACE_POINTS if view is None else round(VIEW_POINTS * view.share)
    picked = random_subset(len(aligned), most, generator(0, "surface"))
    few = aligned[picked]
    departure = normal.depart(few, generator(0, "elastic"), None if view is None else view.direction, every, scan)
    channels = departure.channels
    if distances is not None and view is None:
        judged = (few if every is None else every)[~departure.other_face][:NETWORK_POINTS]
        channels = channels | implicit_fields(normal.probes.places, judged, distances(judged), departure.own)
    shown = Evidence(departure.places, channels, view is not None, picked)
    cut = cut_groups(few, centres_of(tokens))
    return Compared(aligned, tokens, cut, residuals, departure, shown).with_residuals(residuals)


def _of_part(scan: Scan, found: Identified, some: IntArray) -> IntArray:
    """Those of some points that are of the part, where the scan shows more than it."""
    return some if found.alone is None else some[found.alone.keeps(scan.points[some])]


def _of_the_whole(judged: Judged, departure: Departure) -> str:
    said = {SIZE: words_of_size(departure.size_difference), ABSENT: words_of_absence(departure.absent)}
    return "".join(f"; {said[name]}" for name in judged.whole)


def _what_was_seen(found: Identified) -> str:
    return "" if found.view is None else "; seen from one side, the rest was not evaluated"


def _beside_the_training(usual: Usual, evidence: Evidence) -> str:
    """What the scan shows that the training scans do not, and how much noisier it is; empty where it is like them."""
    if not usual.by_noise:
        return ""
    said, untold = "", usual.untold(evidence)
    noise = usual.noise(evidence).get(FIELDS[0], 1.0)
    if untold > TELLING_SHARE:
        said += f"; {100 * untold:.0f} % of it is hardly shown by good scans and was not evaluated"
    if noise > TELLING_NOISE:
        said += f"; {noise:.1f} times as noisy as the training scans"
    return said


def _strays(left_out: BoolArray) -> str:
    count = int(left_out.sum())
    points = "stray point was" if count == 1 else "stray points were"
    return f"; {count:,} {points} not evaluated" if count else ""


def residuals_of(tokens: Tokens, rebuilt: Rebuilt) -> DoubleArray:
    """(N,) L2 distances of the base tokens to their reconstruction."""
    return np.asarray((tokens.features[1, 0] - rebuilt.rebuilt[0]).norm(dim=-1).double().cpu().numpy())


def centres_of(tokens: Tokens) -> DoubleArray:
    """(N, 3) group centres of a batch of one."""
    return np.asarray(tokens.centers[0].double().cpu().numpy())
