"""Whether a model that learned further categories is still as good at its old ones.

Fresh samplings of good parts are judged before and after, each by its own network and limits; where the dataset has
test scans of an old category, a few of them are, too.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from sedir_core.datasets.index import Dataset, Sample
from sedir_core.detectors.category import Category
from sedir_core.detectors.fitting import Basis, hold_out
from sedir_core.detectors.scoring import TOKEN, Evidence, object_score
from sedir_core.detectors.sedir import Nets, SedirDetector, centres_of, gather_evidence, residuals_of
from sedir_core.detectors.tokens import tokenize
from sedir_core.errors import Cancelled, UserError
from sedir_core.evaluation.benchmark import evaluate
from sedir_core.geometry.neighbours import spread
from sedir_core.runtime import generator
from sedir_core.training.material import Material
from sedir_core.types import DoubleArray, Report, Stop

log = logging.getLogger(__name__)

SIGMAS = 2.0
LEAST_RISE = 0.1  # of the score as a share of the limit: less is nothing to warn of
RELIABLE = 0.75  # of the old parts recognised before: below, the class predictor never said much
LEAST_FALL = 0.02  # of an AUROC
TESTED = 4  # good and as many defective test scans of each old category, at most


@dataclass(frozen=True)
class Fate:
    """What became of an old category; pairs are (before, after).

    n: good samplings judged, drawn from `source`: scans, or the surface that the model keeps. residual: mean token
    residual. score: mean object score as a share of the limit. recognised: share whose category the network names.
    o_auroc, p_auroc: on n_tests test scans; None where there are none. reasons: in which way it became worse.
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
class _Judged:
    """One good sampling under the old (0) and the new (1) network."""

    evidence: tuple[Evidence, Evidence]
    residual: tuple[float, float]
    recognised: tuple[bool, bool]


@dataclass(frozen=True)
class Check:
    """Evidence gathered before the new limits are known. ratios: how many times the old residual the new one is."""

    judged: Mapping[str, Sequence[_Judged]]
    sources: Mapping[str, str]

    @property
    def ratios(self) -> dict[str, float]:
        return {
            name: float(np.median([one.residual[1] / max(one.residual[0], 1e-12) for one in all_])) if all_ else 1.0
            for name, all_ in self.judged.items()
        }

    def finish(
        self, before: SedirDetector, after: SedirDetector, dataset: Dataset, report: Report, stop: Stop
    ) -> dict[str, Fate]:
        """The verdict on every old category. Raises Cancelled."""
        named = [one.recognised[0] for all_ in self.judged.values() for one in all_]
        says_much = float(np.mean(named)) >= RELIABLE
        fates = {n: self._fate(n, before.known[n], after.known[n], says_much) for n in self.judged}
        for done, name in enumerate(fates):
            report(done / len(fates), f"test {name}")
            fates[name] = _tested(fates[name], name, before, after, dataset, stop)
        return fates

    def _fate(self, name: str, old: Category, new: Category, says_much: bool) -> Fate:
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
        return Fate(
            self.sources[name],
            len(judged),
            _pair(np.mean([one.residual for one in judged], axis=0)),
            _pair(scores.mean(axis=0)),
            _pair(recognised),
            (old.whole.threshold, new.whole.threshold),
            reasons=tuple(reasons),
        )


def worse_names(fates: Mapping[str, Fate]) -> list[str]:
    return [name for name, fate in fates.items() if fate.worse]


def check_old(before: SedirDetector, nets: Nets, material: Material, report: Report, stop: Stop) -> Check:
    """Good samplings of the old categories under both networks. material: bases of these only. Raises Cancelled."""
    judged: dict[str, list[_Judged]] = {}
    sources = {}
    for label, (name, basis) in enumerate(material.bases.items()):
        judged[name] = []
        sources[name] = "surface" if basis.parts[0].points is basis.whole.surface.points else "scans"
        for part in range(len(basis.parts)):
            for turn in range(material.config.training.held_out):
                if stop():
                    raise Cancelled
                report(label / len(material.bases), f"check {name}")
                random = generator(material.config.training.seed, "check", name, part, turn)
                judged[name].append(
                    _judge(before, nets, material, list(material.bases).index(name), basis, part, random)
                )
    return Check(judged, sources)


def _judge(
    before: SedirDetector,
    nets: Nets,
    material: Material,
    label: int,
    basis: Basis,
    part: int,
    random: np.random.Generator,
) -> _Judged:
    points = hold_out(basis, part, material.n_points, random)[0]
    tokens = tokenize(points, material.config.grouping, nets.encoder, material.device)
    with torch.no_grad():
        outs = [network(tokens) for network in (before.nets.network, nets.network)]
    residuals = [residuals_of(tokens, out) for out in outs]
    departure, old = gather_evidence(basis.whole, points, tokens, residuals[0])
    new_tokens = spread(residuals[1], centres_of(tokens), departure.points)
    new = Evidence(old.places, {**old.channels, TOKEN: new_tokens})
    named = [int(out.logits[0].argmax()) == label for out in outs]
    return _Judged((old, new), (float(residuals[0].mean()), float(residuals[1].mean())), (named[0], named[1]))


def _shares(one: _Judged, old: Category, new: Category) -> tuple[float, float]:
    """The object scores as shares of the limits."""
    pairs = zip(one.evidence, (old.whole, new.whole), strict=True)
    first, second = (object_score(standard.usual.exceed(e)) / standard.threshold for e, standard in pairs)
    return first, second


def _tested(fate: Fate, name: str, before: SedirDetector, after: SedirDetector, dataset: Dataset, stop: Stop) -> Fate:
    """Both detectors on a few test scans, where there are good and defective ones."""
    good, bad = ([s for s in dataset.test(name) if s.anomalous is verdict] for verdict in (False, True))
    if not good or not bad:
        return fate
    few = replace(dataset, samples=(*_some(good), *_some(bad)))
    try:
        results = [evaluate(one, few, [name], "given", stop=stop).categories[name] for one in (before, after)]
    except UserError as error:  # the training is done; that a test scan is broken must not lose it
        log.warning("%s is not tested: %s", name, error)
        return fate
    object_, point = (tuple(float(getattr(one, measure)) for one in results) for measure in ("o_auroc", "p_auroc"))
    reasons = list(fate.reasons)
    n = min(results[0].n_normal, results[0].n_anomalous)
    for measure, pair in (("O-AUROC", object_), ("P-AUROC", point)):
        noise = SIGMAS * float(np.sqrt(max(pair[0] * (1 - pair[0]), 0.0) / max(n, 1)))
        if pair[0] - pair[1] > max(noise, LEAST_FALL):
            reasons.append(f"{measure} fell")
    return replace(
        fate,
        n_tests=len(few.samples),
        o_auroc=_finite(object_),
        p_auroc=_finite(point),
        reasons=tuple(reasons),
    )


def _some(samples: Sequence[Sample]) -> list[Sample]:
    """At most TESTED of them, spread evenly."""
    return list(samples)[:: -(-len(samples) // TESTED)]


def _pair(values: DoubleArray) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _finite(pair: tuple[float, ...]) -> tuple[float, float] | None:
    return (pair[0], pair[1]) if all(np.isfinite(value) for value in pair) else None
