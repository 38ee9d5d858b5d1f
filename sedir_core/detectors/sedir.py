"""SeDiR on one scan: place it, identify it, rebuild it, and measure what departs from normal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sedir_core.config import Config, override
from sedir_core.detectors.evaluated import EvaluatedScan
from sedir_core.detectors.explain import Explanation
from sedir_core.detectors.sedir_nets import Nets
from sedir_core.errors import BadRun
from sedir_core.evidence.category import Category, View
from sedir_core.evidence.category_tensors import category_from_tensors, category_to_tensors
from sedir_core.evidence.channels import NETWORK, TOKEN
from sedir_core.evidence.combination import Strangeness
from sedir_core.evidence.comparison import Compared, compare
from sedir_core.evidence.defects import find_defects, limit_that_shows, verdict_reason
from sedir_core.evidence.identify import Identified, identify, why_uncertain
from sedir_core.evidence.judge import Judges, channels_in
from sedir_core.evidence.judging import ALL_JUDGINGS, Judging, judging_of
from sedir_core.evidence.limits import Calibration, kept
from sedir_core.evidence.measuring import Lengths, in_scan, measure
from sedir_core.evidence.normal_surface import CHANNELS, Company
from sedir_core.evidence.numbers import RESOLUTION
from sedir_core.evidence.one_side import camera_view
from sedir_core.evidence.reconstruction import decoded_points
from sedir_core.evidence.remarks import beside_the_training, hardly_judged, left_out, of_the_whole, too_sparse
from sedir_core.evidence.report_numbers import REPORT
from sedir_core.evidence.stages import (
    LESS_MEMORY,
    Stopwatch,
    below,
    check_enough,
    compared_points,
    whole_points,
    working_points,
)
from sedir_core.evidence.tokens import centres_of, for_tokens, residuals_of, seen_of, tokenize
from sedir_core.evidence.tolerance import under_tolerance
from sedir_core.evidence.verdict import ScoredScan, coloured_by, judge
from sedir_core.geometry.neighbours import has_neighbours
from sedir_core.geometry.views import refine_direction
from sedir_core.models.sedir import Rebuilt, Tokens
from sedir_core.rundir import files as run_files
from sedir_core.runtime import choose_device, memory_guard
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


@dataclass(frozen=True)
class RegisteredScan:
    """A scan laid on the surface of its category.

    usable: indices of its finite points, each place once, up to RESOLUTION.all_points or what the configuration looks
    at. working: (n,) indices of those that are compared with the surface; aligned: (n, 3) these, in the category's
    frame.
    """

    found: Identified
    usable: IntArray
    working: IntArray
    aligned: DoubleArray


class SedirDetector:
    """A fitted SeDiR; see `detectors.base.Detector`."""

    method = "sedir"
    needs_category = False

    def __init__(self, config: Config, nets: Nets, known: Mapping[str, Category], device: torch.device) -> None:
        """Raises BadConfig where evidence and rule do not go together."""
        self.config, self.nets, self.known, self.device = config, nets, dict(known), device
        self.categories = tuple(known)
        self.judging = judging_of(config.scoring.evidence, config.scoring.rule)

    @property
    def judges(self) -> Judges | None:
        """That make one channel of all those of a whole scan; None where every category has but one training part."""
        return next((one.whole.statistics.judges for one in self.known.values() if one.whole.statistics.judges), None)

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
        with watch.stage("align", 0.05):
            placed = self.place(scan, category, stop)
        found, aligned = placed.found, placed.aligned
        standard = self.known[found.category].standard(found.view)
        with watch.stage("tokens", 0.35):
            tokens = self._tokens(aligned, found.view)
        with watch.stage("rebuild", 0.6):
            rebuilt = self._rebuild(tokens)
        with watch.stage("compare", 0.7):
            every = self._every(scan, placed)
            compared = self._compared(placed, tokens, rebuilt, every)
            kinds = {judging.evidence for judging in (self.judging, *ways) if judging.rule == "calibrated"}
            standardised = standard.statistics.standardise(compared.evidence, kinds)
            strangeness = standard.statistics.strangeness(compared.evidence)

            def judged_by(judging: Judging) -> tuple[ScoredScan, Compared]:
                judged = judge(compared, standard, judging, standardised, strangeness)
                drawn = placed.aligned[judged.point_scores > judged.point_threshold]
                if not len(drawn) or judging.rule != "calibrated" or found.view is not None:
                    return judged, compared
                again = self._compared(placed, tokens, rebuilt, every, drawn, compared.departure.company)
                return coloured_by(again, judged, standard, judging, strangeness), again

            judged, told = judged_by(self.judging)
        with watch.stage("report", 0.9):
            evaluated = EvaluatedScan(scan, found, placed.working, rebuilt, told, strangeness)
            detection = self._described(evaluated, judged, in_lengths)
        detection = replace(detection, seconds=watch.seconds | {"total": sum(watch.seconds.values())})
        each = {
            judging.name: evaluated.otherwise(detection, judged_by(judging)[0])
            for judging in ways
            if judging.name in standard.limits
        }
        report(1.0, "done")
        return under_tolerance(scan, detection, parse_tolerance(self.config.scoring.tolerance)), each

    def _described(self, one: EvaluatedScan, judged: ScoredScan, in_lengths: bool) -> Detection:
        """The verdict at all points of the scan, in lengths and in words."""
        scan, found, departure = one.scan, one.found, one.compared.departure
        point_scores, beside = one.everywhere_beside(judged.point_scores)
        lengths = self._lengths(one, point_scores, beside) if in_lengths else None
        limit = limit_that_shows(scan, point_scores, judged.point_threshold, judged.condemned)
        told = () if lengths is None else (lengths.regions, lengths.deviation)
        defects = find_defects(scan, point_scores, judged.point_threshold, judged.condemned, *told)
        normal, whole = self.known[found.category].normal, found.view is None
        statistics = self.known[found.category].standard(found.view).statistics
        strangeness = one.strangeness if statistics.by_noise else Strangeness(0.0, 1.0)
        doubt, confidence = self._doubt(one, strangeness, judged)
        reason = doubt or (
            verdict_reason(judged.score, judged.threshold, defects)
            + (of_the_whole(departure, judged.whole, normal.probes.places) if judged.condemned and whole else "")
            + beside_the_training(strangeness)
        )
        others = int(scan.finite.sum()) - int(one.own.sum())
        strays = int((np.isnan(point_scores) & one.own).sum())
        return Detection(
            point_scores=point_scores,
            object_score=judged.score,
            threshold=judged.threshold,
            point_threshold=limit,
            category=found.category,
            category_confidence=confidence,
            uncertain=bool(doubt),
            reason=reason + left_out(found, others, strays),
            reconstruction=found.placement.leave(self._rebuilt_points(found.category, one.compared, one.rebuilt)),
            token=one.rebuilt.identity[0].cpu().numpy(),
            defects=defects,
            from_one_side=found.view is not None,
            unit=self.config.data.unit,
            to_unit=found.placement.to_unit,
            rests_on=judged.rests_on,
            whole=judged.of_whole,
            **({} if lengths is None else vars(lengths)),
        )

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
        known = {name: category for name, category in self.known.items() if len(category.whole.ranges)}
        ranges = {name: category.frame.radius * category.whole.ranges for name, category in known.items()}
        return Calibration(self.config.scoring.false_alarm_rate, kept(whole), kept(view), owners, ranges)

    def tokens_of(self, scan: Scan, category: str = "auto") -> Tokens:
        """What the network reads of a scan."""
        placed = self.place(scan, category, never_stop)
        return self._tokens(placed.aligned, placed.found.view)

    def token_residuals(self, tokens: Tokens) -> DoubleArray:
        """(N,) distance of each token to its reconstruction."""
        return residuals_of(tokens, self._rebuild(tokens))

    def place(self, scan: Scan, category: str, stop: Stop) -> RegisteredScan:
        """The category, and which points are compared with its surface: flying pixels are left out.

        Raises TooFewPoints, UnreadableScan, UnknownCategory, Cancelled.
        """
        placed = self._placed(scan, category, stop)
        if (view := placed.found.view) is None:
            return placed
        seen = camera_view(placed.aligned, self.known[placed.found.category].normal.surface, view.direction)
        if not seen.from_one_side:
            return self._placed(scan, category, stop, from_one_side=False)
        return replace(placed, found=replace(placed.found, lacking=seen.lacking))

    def _placed(self, scan: Scan, category: str, stop: Stop, from_one_side: bool = True) -> RegisteredScan:
        """from_one_side: see `identify`."""
        most = whole_points(self.config.grouping)
        usable = working_points(scan, self.config.grouping, RESOLUTION.all_points)
        every = usable[: max(most, RESOLUTION.view_points)]
        working = self._with_neighbours(scan, every[:most])
        found = identify(scan.points[working], self.known, category, stop, from_one_side)
        if found.alone is not None:
            working = working[found.alone.of_part]
            check_enough(scan, len(working), self.config.grouping)
        view = found.view
        if view is not None:
            seen = seen_of(max(most, RESOLUTION.view_points), view, self.config.grouping)
            working = found.own(scan, self._with_neighbours(scan, every))[:seen]
        elif (more := compared_points(self.config.grouping)) > most:
            working = found.own(scan, self._with_neighbours(scan, usable[:more]))
        points = _entered(found, scan.points[working])
        if view is not None:
            surface = self.known[found.category].normal.surface
            found = replace(found, view=replace(view, direction=refine_direction(points, surface, view.direction)))
        return RegisteredScan(found, usable, working, points)

    def _every(self, scan: Scan, placed: RegisteredScan) -> DoubleArray:
        """All usable points (m, 3) of the scan's part, up to RESOLUTION.all_points, in the category's frame."""
        found = placed.found
        usable = self._with_neighbours(scan, placed.usable[: RESOLUTION.all_points])
        return _entered(found, scan.points[found.own(scan, usable)])

    def _compared(
        self,
        placed: RegisteredScan,
        tokens: Tokens,
        rebuilt: Rebuilt,
        every: DoubleArray,
        defects: DoubleArray | None = None,
        company: Company | None = None,
    ) -> Compared:
        """With what is expected of its category. every: see `_every`; defects, company: see `comparison.compare`."""
        found = placed.found
        normal, residuals = self.known[found.category].normal, residuals_of(tokens, rebuilt)
        expected = self.nets.surface_of(self.categories.index(found.category))
        scan, most = found.scan, compared_points(self.config.grouping)
        return compare(
            normal, placed.aligned, tokens, residuals, found.view, every, scan, expected, defects, most, company
        )

    def _with_neighbours(self, scan: Scan, some: IntArray) -> IntArray:
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

    def score(self, category: str, compared: Compared, view: View | None) -> tuple[DoubleArray, float]:
        """One score for each aligned point, (n,), and one for the scan."""
        standard, evidence = self.known[category].standard(view), compared.evidence
        standardised = standard.statistics.standardise(evidence, {self.judging.evidence})
        strangeness = standard.statistics.strangeness(evidence)
        judged = judge(compared, standard, self.judging, standardised, strangeness)
        return judged.point_scores, judged.score

    def _doubt(self, one: EvaluatedScan, strangeness: Strangeness, judged: ScoredScan) -> tuple[str, float]:
        """Why the verdict is not sure, empty where it is, and how sure the network is of the category.

        Of what resembles none of them it knows nothing, and yet would name one of them with conviction.
        """
        probabilities = one.rebuilt.logits[0].softmax(dim=0).cpu().numpy()
        best, own = int(probabilities.argmax()), self.categories.index(one.found.category)
        known, predicted = self.known[one.found.category], self.categories[best]
        sure = float(probabilities[own]) if one.found.resembles else 0.0
        doubt = why_uncertain(one.found, float(probabilities[best]), predicted, known.one_sided, judged.condemned)
        if one.found.view is not None or why_uncertain(one.found, 1.0, one.found.category, known.one_sided):
            return doubt or hardly_judged(strangeness), sure
        usual = min(len(known.normal.surface.points) / REPORT.parts_of_surface, compared_points(self.config.grouping))
        taken_for = predicted if best != own else ""
        sparse = too_sparse(len(one.compared.aligned), usual, judged.score / judged.threshold, taken_for)
        return sparse or doubt or hardly_judged(strangeness), sure

    def _rebuilt_points(self, category: str, compared: Compared, rebuilt: Rebuilt) -> DoubleArray:
        """What the network rebuilt, (m, 3) in the category's frame, without a look at the normal surface."""
        if expected := self.nets.surface_of(self.categories.index(category)):
            return expected.points
        assert self.nets.patches is not None
        with torch.no_grad():
            patches = self.nets.patches(rebuilt.rebuilt)[0].double().cpu().numpy()
        return decoded_points(patches, centres_of(compared.tokens), compared.aligned, self.config.grouping.group_size)

    def _lengths(self, one: EvaluatedScan, point_scores: FloatArray, beside: NDArray[np.int32]) -> Lengths:
        normal, found, few = self.known[one.found.category].normal, one.found, one.compared.few

        def again(some: BoolArray) -> DoubleArray:
            return normal.moves(few.points, few.points[some])

        direction = None if found.view is None else found.view.direction
        moves = one.compared.departure.places - few.points
        measured = measure(few, moves, normal.surface, again, direction, found.scan)
        return in_scan(measured, found.placement, one.scan, point_scores, beside)

    def tensors(self) -> dict[str, Tensor]:
        """Everything `load` needs beside config.toml and about.json."""
        found = self.nets.tensors()
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
        nets = Nets.restore(config, len(categories), tensors, device)
        weights, network = below(tensors, "judge."), NETWORK if nets.surface is not None else (TOKEN,)
        judges = Judges.restore(weights, channels_in({*CHANNELS, *network})) if weights else None
        known = {n: category_from_tensors(below(tensors, f"category.{i}."), judges) for i, n in enumerate(categories)}
        return cls(config, nets, known, device)


def _entered(found: Identified, points: DoubleArray) -> DoubleArray:
    """Points (n, 3) of a scan in its category's frame; flying pixels are moved in."""
    return np.clip(found.placement.enter(points), -RESOLUTION.farthest, RESOLUTION.farthest)
