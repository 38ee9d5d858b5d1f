"""Checks an extended model for forgetting: whether it is still as good at its old categories.

Fresh samplings of good parts are evaluated by the old and the new network, each with its own limits, as are a few test
scans of old categories, if available. Surfaces of old categories are unchanged, so surface evidence is computed once;
only the tokens are evaluated by both networks.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from sedir_core.datasets.index import Dataset, Sample
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.detectors.sedir_nets import Nets
from sedir_core.errors import Cancelled, UserError
from sedir_core.evidence.category import Category
from sedir_core.evidence.combination import Evidence, object_score
from sedir_core.evidence.comparison import compare
from sedir_core.evidence.fitted_parts import draw_sampling
from sedir_core.evidence.judging import Judging
from sedir_core.evidence.normal_surface import NormalSurface
from sedir_core.evidence.stages import compared_points
from sedir_core.evidence.tokens import for_tokens, residuals_of, tokenize
from sedir_core.metrics import auroc
from sedir_core.runtime import generator
from sedir_core.training.material import Material
from sedir_core.types import BoolArray, DoubleArray, Report, Stop

log = logging.getLogger(__name__)

SIGMAS = 2.0
LEAST_RISE = 0.1  # change of the score, as a share of the limit, that triggers a warning
RELIABLE = 0.75  # identification rate below which the class predictor was never reliable
LEAST_FALL = 0.02  # decrease of an AUROC that triggers a warning
TESTED = 3  # most good, and most defective, test scans per old category


@dataclass(frozen=True)
class CategoryChange:
    """Change of an old category; pairs are (before, after).

    n: good samplings evaluated, drawn from `source`: scans, or the stored surface. residual: mean token residual.
    score: mean object score as a share of the limit. recognised: share correctly identified by the network. o_auroc,
    p_auroc: on n_tests test scans; None without any. reasons: in which respects it became worse.
    """

    source: str
    n: int
    residual: tuple[float, float]
    score: tuple[float, float]
    recognised: tuple[float, float]
    limit: tuple[float, float]
    n_tests: int = 0
    o_auroc: tuple[float, float] | None = None
    p_auroc: tuple[float, float] | None = None
    reasons: tuple[str, ...] = ()

    @property
    def worse(self) -> bool:
        return bool(self.reasons)

    def to_json(self) -> dict[str, Any]:
        """For metrics.json."""
        return asdict(self) | {"worse": self.worse}


@dataclass(frozen=True)
class _UnderBoth:
    """One good sampling under the old (0) and the new (1) network."""

    evidence: tuple[Evidence, Evidence]
    residual: tuple[float, float]
    recognised: tuple[bool, bool]


@dataclass(frozen=True)
class Check:
    """Evidence collected before the new limits are known. ratios: new residual over old residual."""

    judged: Mapping[str, Sequence[_UnderBoth]]
    sources: Mapping[str, str]

    @property
    def ratios(self) -> dict[str, float]:
        """Median over the good samplings, by category."""
        return {
            name: float(np.median([one.residual[1] / max(one.residual[0], 1e-12) for one in all_])) if all_ else 1.0
            for name, all_ in self.judged.items()
        }

    def finish(
        self, before: SedirDetector, after: SedirDetector, dataset: Dataset, report: Report, stop: Stop
    ) -> dict[str, CategoryChange]:
        """The change of every old category. Raises Cancelled."""
        named = [one.recognised[0] for all_ in self.judged.values() for one in all_]
        says_much = float(np.mean(named)) >= RELIABLE
        fates = {n: self._fate(n, before.known[n], after.known[n], says_much) for n in self.judged}
        for done, name in enumerate(fates):
            report(done / len(fates), f"test {name}")
            fates[name] = _tested(fates[name], name, before, after, dataset, stop)
        return fates

    def _fate(self, name: str, old: Category, new: Category, says_much: bool) -> CategoryChange:
        judged = self.judged[name]
        scores = np.array([_shares(one, old, new) for one in judged])  # (n, 2)
        recognised = np.mean([one.recognised for one in judged], axis=0)
        logs = np.log(np.maximum(scores, 1e-9))
        noise = SIGMAS * float(logs[:, 0].std(ddof=1)) / np.sqrt(len(logs)) if len(logs) > 1 else np.inf
        reasons = []
        if float((logs[:, 1] - logs[:, 0]).mean()) > max(noise, LEAST_RISE):
            reasons.append("good parts come nearer to the limit")
        if says_much and (recognised[0] - recognised[1]) * len(judged) > 1:
            reasons.append("it is recognised less often")
        return CategoryChange(
            self.sources[name],
            len(judged),
            _pair(np.mean([one.residual for one in judged], axis=0)),
            _pair(scores.mean(axis=0)),
            _pair(recognised),
            (old.whole.threshold, new.whole.threshold),
            reasons=tuple(reasons),
        )


def worse_names(fates: Mapping[str, CategoryChange]) -> list[str]:
    return [name for name, fate in fates.items() if fate.worse]


def check_old(before: SedirDetector, nets: Nets, material: Material, report: Report, stop: Stop) -> Check:
    """Evaluate good samplings of the old categories with both networks. material: with only these. Raises Cancelled."""
    judged: dict[str, list[_UnderBoth]] = {}
    sources = {}
    for label, (name, fitted) in enumerate(material.fitted.items()):
        judged[name] = []
        sources[name] = "surface" if fitted.parts[0].points is fitted.whole.surface.points else "scans"
        for part in range(len(fitted.parts)):
            if stop():
                raise Cancelled
            report(label / len(material.fitted), f"check {name}")
            # No registration: the alignment error is part of a drawn sampling, and the same for both.
            random = generator(material.config.training.seed, "check", name, part)
            most = max(material.n_points, compared_points(material.config.grouping))
            points = draw_sampling(fitted, part, most, random)
            judged[name].append(_judge(before, nets, material, label, before.known[name].normal, points))
    return Check(judged, sources)


def _judge(
    before: SedirDetector, nets: Nets, material: Material, label: int, normal: NormalSurface, points: DoubleArray
) -> _UnderBoth:
    grouping = material.config.grouping
    tokens = tokenize(for_tokens(points, None, grouping), grouping, nets.encoder, material.device)
    with torch.no_grad():
        outs = [network(tokens) for network in (before.nets.network, nets.network)]
    residuals = [residuals_of(tokens, out) for out in outs]
    most = compared_points(grouping)
    old = compare(normal, points, tokens, residuals[0], expected=before.nets.surface_of(label), most=most)
    new = old.with_residuals(residuals[1])
    named = [int(out.logits[0].argmax()) == label for out in outs]
    return _UnderBoth(
        (old.evidence, new.evidence), (float(residuals[0].mean()), float(residuals[1].mean())), (named[0], named[1])
    )


def _shares(one: _UnderBoth, old: Category, new: Category) -> tuple[float, float]:
    """The object scores as shares of the limits."""
    pairs = zip(one.evidence, (old, new), strict=True)
    first, second = (_share(evidence, category) for evidence, category in pairs)
    return first, second


def _share(evidence: Evidence, category: Category) -> float:
    statistics = category.whole.statistics
    score = object_score(Judging().of(statistics.standardise(evidence)), peaks=statistics.peaks)
    return score / category.whole.threshold


@dataclass(frozen=True)
class _Scored:
    """A test scan scored by the old (0) and the new (1) detector. labels: (n,) of its points, None if unknown.

    points: two scores (n,) each.
    """

    anomalous: bool
    labels: BoolArray | None
    objects: tuple[float, ...]
    points: tuple[DoubleArray, ...]


def _tested(
    fate: CategoryChange, name: str, before: SedirDetector, after: SedirDetector, dataset: Dataset, stop: Stop
) -> CategoryChange:
    """Evaluate both detectors on a few test scans, if there are good and defective ones."""
    good, bad = ([s for s in dataset.test(name) if s.anomalous is verdict] for verdict in (False, True))
    if not good or not bad:
        return fate
    samples = (*_some(good), *_some(bad))
    try:
        scored = [_score_both(sample, before, after, stop) for sample in samples]
    except UserError as error:  # the training is finished and must not be lost because of a broken test scan
        log.warning("%s is not tested: %s", name, error)
        return fate
    truth = np.array([one.anomalous for one in scored])
    known = [one for one in scored if one.labels is not None]
    labels = np.concatenate([np.zeros(0, bool), *(one.labels for one in known if one.labels is not None)])
    object_ = tuple(auroc(truth, np.array([one.objects[i] for one in scored])) for i in (0, 1))
    point = tuple(auroc(labels, np.concatenate([np.zeros(0), *(one.points[i] for one in known)])) for i in (0, 1))
    reasons = list(fate.reasons)
    for measure, pair in (("O-AUROC", object_), ("P-AUROC", point)):
        n = min(len(_some(good)), len(_some(bad)))
        noise = SIGMAS * float(np.sqrt(max(pair[0] * (1 - pair[0]), 0.0) / n))
        if pair[0] - pair[1] > max(noise, LEAST_FALL):
            reasons.append(f"{measure} fell")
    return replace(fate, n_tests=len(samples), o_auroc=_finite(object_), p_auroc=_finite(point), reasons=tuple(reasons))


def _score_both(sample: Sample, before: SedirDetector, after: SedirDetector, stop: Stop) -> _Scored:
    """Score a test scan of given category with both detectors; it is aligned and compared once."""
    if stop():
        raise Cancelled
    scan, name = sample.read(), sample.category
    placed = before.place(scan, name, stop)
    view, grouping = placed.found.view, before.config.grouping
    tokens = tokenize(for_tokens(placed.aligned, view, grouping), grouping, before.nets.encoder, before.device)
    first, second = (detector.token_residuals(tokens) for detector in (before, after))
    expected = before.nets.surface_of(before.categories.index(name))
    most, normal = compared_points(grouping), before.known[name].normal
    old = compare(normal, placed.aligned, tokens, first, view, expected=expected, most=most)
    pairs = ((before, old), (after, old.with_residuals(second)))
    scored = [detector.score(name, compared, view) for detector, compared in pairs]
    labels = None if scan.labels is None else scan.labels[placed.working]
    objects, points = [score for _, score in scored], [scores for scores, _ in scored]
    return _Scored(bool(sample.anomalous), labels, tuple(objects), tuple(points))


def _some(samples: Sequence[Sample]) -> list[Sample]:
    """At most TESTED of them, evenly spaced."""
    return list(samples)[:: -(-len(samples) // TESTED)]


def _pair(values: DoubleArray) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _finite(pair: tuple[float, ...]) -> tuple[float, float] | None:
    return (pair[0], pair[1]) if all(np.isfinite(value) for value in pair) else None
