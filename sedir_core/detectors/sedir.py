"""SeDiR on one scan: place it, identify it, rebuild it, and measure what departs from normal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sedir_core.config import Config, GroupingConfig
from sedir_core.detectors import run_files
from sedir_core.detectors.category import Category, View, category_from_tensors, category_to_tensors
from sedir_core.detectors.explain import Explanation
from sedir_core.detectors.findings import find_defects, verdict_reason
from sedir_core.detectors.frames import Placement
from sedir_core.detectors.identify import Identified, certainty, identify
from sedir_core.detectors.limits import Calibration, kept
from sedir_core.detectors.normal_surface import Departure, NormalSurface
from sedir_core.detectors.reconstruction import rebuild_surface
from sedir_core.detectors.scoring import TOKEN, Evidence, object_score, paper_scores, point_map
from sedir_core.detectors.stages import (
    LESS_MEMORY,
    VIEW_POINTS,
    Stopwatch,
    below,
    check_enough,
    least_points,
    whole_points,
    working_points,
)
from sedir_core.detectors.stored_nets import restored
from sedir_core.detectors.tokens import tokenize
from sedir_core.errors import BadRun
from sedir_core.geometry.neighbours import in_company, spread, surface_reach
from sedir_core.geometry.sampling import random_subset
from sedir_core.geometry.views import refine_direction
from sedir_core.models.patch_decoder import PatchDecoder
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.models.sedir import Rebuilt, SeDiR, Tokens
from sedir_core.runtime import choose_device, generator, memory_guard
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

SURFACE_POINTS = 20_000  # a whole scan is resampled to this many for the comparison with the surface
FARTHEST_RADII = 16.0  # flying pixels farther out are moved here: a network must not see astronomic numbers


@dataclass(frozen=True)
class Nets:
    """What was learned: the frozen encoder, the network, the decoder that shows its features as points."""

    encoder: LocalEncoder
    network: SeDiR
    patches: PatchDecoder


@dataclass(frozen=True)
class Compared:
    """An aligned scan, (n, 3), its tokens with their residuals (N,), and what both kinds of evidence show of it."""

    aligned: DoubleArray
    tokens: Tokens
    residuals: DoubleArray
    departure: Departure
    evidence: Evidence

    def with_residuals(self, residuals: DoubleArray) -> Compared:
        """The same scan, its tokens' residuals (N,) by another network."""
        at_points = spread(residuals, centres_of(self.tokens), self.departure.points)
        evidence = replace(self.evidence, channels={**self.evidence.channels, TOKEN: at_points})
        return replace(self, residuals=residuals, evidence=evidence)


class SedirDetector:
    """A fitted SeDiR; see `detectors.base.Detector`."""

    method = "sedir"
    needs_category = False

    def __init__(self, config: Config, nets: Nets, known: Mapping[str, Category], device: torch.device) -> None:
        self.config, self.nets, self.known, self.device = config, nets, dict(known), device
        self.categories = tuple(known)

    def detect(
        self, scan: Scan, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
    ) -> Detection:
        """Score one scan; see `Detector.detect`."""
        watch = Stopwatch(report, stop)
        valid = np.flatnonzero(scan.finite)
        with watch.stage("align", 0.05):
            found, working, aligned = self.place(scan, category, stop)
        mine = self.known[found.category]
        standard = mine.standard(found.view)
        with watch.stage("tokens", 0.35):
            tokens = self._tokens(aligned, found.view)
        with watch.stage("rebuild", 0.6):
            rebuilt = self._rebuild(tokens)
        with watch.stage("compare", 0.7):
            residuals = residuals_of(tokens, rebuilt)
            compared = compare(mine.normal, aligned, tokens, residuals, found.view)
            scores, score = self.score(found.category, compared, found.view)
        with watch.stage("report", 0.9):
            everywhere = np.full(len(scan), np.nan, dtype=np.float32)
            near = surface_reach(scan.points[working])
            everywhere[valid] = spread(scores, scan.points[working], scan.points[valid], within=near)
            defects = find_defects(scan, everywhere, standard.point_threshold, condemned=score > standard.threshold)
            surface = self._reconstruction(mine, found.placement, aligned, tokens, rebuilt, compared.departure)
        uncertain, reason, confidence = self._certainty(found, rebuilt)
        detection = Detection(
            point_scores=everywhere,
            object_score=score,
            threshold=standard.threshold,
            point_threshold=standard.point_threshold,
            category=found.category,
            category_confidence=confidence,
            uncertain=uncertain,
            reason=(reason or verdict_reason(score, standard.threshold, defects))
            + _what_was_seen(found)
            + _strays(np.isnan(everywhere[valid])),
            reconstruction=surface,
            token=rebuilt.identity[0].cpu().numpy(),
            defects=defects,
            seconds=watch.seconds | {"total": sum(watch.seconds.values())},
            from_one_side=found.view is not None,
        )
        report(1.0, "done")
        return detection

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
        """See `detectors.limits.Calibrated`."""
        whole = {name: category.whole.held_out for name, category in self.known.items()}
        view = {name: one.view.held_out for name, one in self.known.items() if one.view is not None}
        return Calibration(self.config.scoring.false_alarm_rate, kept(whole), kept(view))

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
        view = found.view
        if view is not None:
            seen = seen_of(max(most, VIEW_POINTS), view, self.config.grouping)
            working = self._in_company(scan, every)[:seen]
        points = np.clip(found.placement.enter(scan.points[working]), -FARTHEST_RADII, FARTHEST_RADII)
        if view is not None:
            surface = self.known[found.category].normal.surface
            found = replace(found, view=replace(view, direction=refine_direction(points, surface, view.direction)))
        return found, working, points

    def _in_company(self, scan: Scan, some: IntArray) -> IntArray:
        """Those points of the scan that have neighbours. Raises TooFewPoints."""
        kept = some[in_company(scan.points[some])]
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
        if self.config.scoring.method == "paper":
            token_scores = paper_scores(one.residuals)
            return spread(token_scores, centres_of(one.tokens), one.aligned), float(token_scores.max())
        exceedance = self.known[category].standard(view).usual.exceed(one.evidence)
        at_points = point_map(exceedance, one.departure.places)
        return spread(at_points, one.departure.points, one.aligned), object_score(exceedance, view is not None)

    def _certainty(self, found: Identified, rebuilt: Rebuilt) -> tuple[bool, str, float]:
        probabilities = rebuilt.logits[0].softmax(dim=0).cpu().numpy()
        best = int(probabilities.argmax())
        uncertain, reason = certainty(found, float(probabilities[best]), self.categories[best])
        return uncertain, reason, float(probabilities[self.categories.index(found.category)])

    @torch.no_grad()
    def _reconstruction(
        self,
        mine: Category,
        placement: Placement,
        aligned: DoubleArray,
        tokens: Tokens,
        rebuilt: Rebuilt,
        departure: Departure,
    ) -> DoubleArray:
        patches = self.nets.patches(rebuilt.rebuilt)[0].double().cpu().numpy()
        k = self.config.grouping.group_size
        return placement.leave(rebuild_surface(patches, centres_of(tokens), aligned, k, mine.normal, departure))

    def tensors(self) -> dict[str, Tensor]:
        """Everything `load` needs beside config.toml and about.json."""
        nets = {"encoder": self.nets.encoder, "network": self.nets.network, "patches": self.nets.patches}
        found = {f"{name}.{key}": value for name, net in nets.items() for key, value in net.state_dict().items()}
        for i, category in enumerate(self.known.values()):
            found |= {f"category.{i}.{key}": value for key, value in category_to_tensors(category).items()}
        return {name: value.detach().cpu().contiguous() for name, value in found.items()}

    @classmethod
    def load(cls, run_dir: Path, device: str = "auto") -> SedirDetector:
        """The detector of a finished run. Raises BadRun, DeviceUnavailable."""
        config, about = run_files.read_run_config(run_dir), run_files.read_about(run_dir)
        try:
            return cls.restore(config, about.categories, run_files.read_run_tensors(run_dir), choose_device(device)[0])
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
            restored(lambda: PatchDecoder(enc.width), below(tensors, "patches."), device),
        )
        known = {name: category_from_tensors(below(tensors, f"category.{i}.")) for i, name in enumerate(categories)}
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
    )


def seen_of(n_points: int, view: View, grouping: GroupingConfig) -> int:
    """How many points of a view are as dense as that many of the whole part, and enough to be grouped."""
    return max(round(n_points * view.share), least_points(grouping))


def for_tokens(aligned: DoubleArray, view: View | None, grouping: GroupingConfig) -> DoubleArray:
    """The points (m, 3) that are grouped, of those (n, 3), in random order, that are compared with the surface.

    A scan from one side is thinned to the density of a whole one: then groups are as large as in training.
    """
    return aligned if view is None else aligned[: seen_of(whole_points(grouping), view, grouping)]


def compare(
    normal: NormalSurface, aligned: DoubleArray, tokens: Tokens, residuals: DoubleArray, view: View | None = None
) -> Compared:
    """Both kinds of evidence on the same points: tokens (N residuals) and surface."""
    most = SURFACE_POINTS if view is None else round(VIEW_POINTS * view.share)
    few = aligned[random_subset(len(aligned), most, generator(0, "surface"))]
    departure = normal.depart(few, generator(0, "elastic"), None if view is None else view.direction)
    shown = Evidence(departure.places, departure.channels, view is not None)
    return Compared(aligned, tokens, residuals, departure, shown).with_residuals(residuals)


def _what_was_seen(found: Identified) -> str:
    return "" if found.view is None else "; seen from one side, the rest was not evaluated"


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
