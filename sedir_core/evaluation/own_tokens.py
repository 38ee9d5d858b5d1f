"""Tokens of what a model considers normal, among which a scan can be placed.

A run stores no training scans but the surface of every category, from which scans are sampled at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from sedir_core.detectors.base import Detector
from sedir_core.errors import BadRun, Cancelled
from sedir_core.evidence.category import Category
from sedir_core.runtime import generator
from sedir_core.types import FloatArray, IntArray, Report, Scan, Stop, never_stop, no_report

N_DRAWN = 5  # samples per category
SHARE = 0.6  # share of the surface's points per sample


@runtime_checkable
class SurfaceDetector(Protocol):
    """A detector that stores the normal surface of every category."""

    known: Mapping[str, Category]


@dataclass(frozen=True, eq=False)
class OwnTokens:
    """tokens: (n, d). labels: (n,) index into categories."""

    categories: tuple[str, ...]
    tokens: FloatArray
    labels: IntArray

    def nearest(self, token: FloatArray) -> list[tuple[str, float]]:
        """Categories by distance of their nearest token from this one (d,), relative to the scatter.

        The scatter is the median distance of a token to the nearest other one of its category.
        """
        away = np.linalg.norm(self.tokens - token, axis=1)
        by_kind = [(name, float(away[self.labels == at].min())) for at, name in enumerate(self.categories)]
        scatter = self._scatter()
        return sorted(((name, length / scatter) for name, length in by_kind), key=lambda pair: pair[1])

    def _scatter(self) -> float:
        between = np.linalg.norm(self.tokens[:, None] - self.tokens, axis=2)
        between[self.labels[:, None] != self.labels] = np.inf
        np.fill_diagonal(between, np.inf)
        nearest = between.min(axis=1)
        return max(float(np.median(nearest[np.isfinite(nearest)])), 1e-12)


def own_tokens(detector: Detector, seed: int = 0, report: Report = no_report, stop: Stop = never_stop) -> OwnTokens:
    """Sample the tokens. Raises BadRun if the detector has no surfaces, Cancelled."""
    if not isinstance(detector, SurfaceDetector):
        raise BadRun(detector.method, "has no surfaces of good parts", "use a model of method sedir")
    draw = generator(seed, "own tokens")
    tokens: list[FloatArray] = []
    labels: list[int] = []
    for at, (name, category) in enumerate(detector.known.items()):
        points = category.normal.surface.points * category.frame.radius + category.frame.centre
        for _ in range(N_DRAWN):
            if stop():
                raise Cancelled
            report(len(tokens) / (N_DRAWN * len(detector.known)), f"tokens of {name}")
            kept = np.sort(draw.choice(len(points), max(1, round(SHARE * len(points))), replace=False))
            tokens.append(detector.embed(Scan(points[kept], name), name))
            labels.append(at)
    return OwnTokens(tuple(detector.known), np.stack(tokens).astype(np.float32), np.array(labels, np.int64))
