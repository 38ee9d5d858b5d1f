"""Normal samplings of training parts, compared with the surface of the other parts, as an unseen part would be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sedir_core.config import Config
from sedir_core.errors import Cancelled
from sedir_core.evidence.combination import Evidence, paper_scores, raw_scores
from sedir_core.evidence.fitted_parts import AlignedSampling, FittedParts, hold_out, hold_out_view
from sedir_core.evidence.measuring import deviation_range, measure
from sedir_core.evidence.normal_surface import NormalSurface
from sedir_core.evidence.training_numbers import LIMITS
from sedir_core.geometry.tree import PointTree
from sedir_core.runtime import generator
from sedir_core.types import BoolArray, DoubleArray, Report, Stop


class EvidenceFunction(Protocol):
    """Evidence of an aligned sampling, whole or single-view, and the scores of its tokens alone."""

    def __call__(self, category: str, normal: NormalSurface, sampling: AlignedSampling) -> tuple[Evidence, Residuals]:
        """category: its name. normal: the surface of the category's other parts."""


@dataclass(frozen=True)
class Residuals:
    """Object scores by the rules that use the network's residuals alone, and a high point score by `raw`."""

    paper: float
    raw: float
    raw_point: float

    @staticmethod
    def of(residuals: DoubleArray, centres: DoubleArray) -> Residuals:
        """residuals: (N,) of the tokens at centres (N, 3)."""
        smooth, raw = raw_scores(residuals, centres)
        return Residuals(float(paper_scores(residuals).max()), raw, float(np.quantile(smooth, LIMITS.point_quantile)))


@dataclass(frozen=True)
class HeldOut:
    """A held-out normal sampling of a part: its evidence, alignment residual and the scores of its tokens alone.

    overlap, conflict: alignment residual and disagreement where both the sampling and the surface show something.
    sampling: its index among all held-out samplings. deviations: see `deviation_range`; for whole samplings.
    """

    part: int
    evidence: Evidence
    residual: float
    tokens: Residuals
    overlap: float = np.nan
    conflict: float = np.nan
    sampling: int = 0
    deviations: tuple[float, float] = (np.nan, np.nan)


def hold_out_wholes(
    config: Config,
    name: str,
    fitted: FittedParts,
    evidence_of: EvidenceFunction,
    n_points: int,
    report: Report,
    stop: Stop,
) -> list[HeldOut]:
    """Held-out samplings of every part of a category. Raises Cancelled."""

    def lay(part: int, turn: int) -> AlignedSampling:
        return hold_out(fitted, part, n_points, generator(config.training.seed, "held out", name, part, turn))

    return _held_out(name, name, fitted, turns_of(config, fitted), lay, evidence_of, report, stop)


def hold_out_views(
    config: Config,
    name: str,
    fitted: FittedParts,
    evidence_of: EvidenceFunction,
    n_points: int,
    report: Report,
    stop: Stop,
) -> list[HeldOut]:
    """The same for single-view scans, without those that were aligned wrongly."""

    def lay(part: int, turn: int) -> AlignedSampling:
        return hold_out_view(fitted, part, n_points, generator(config.training.seed, "held out view", name, part, turn))

    turns = LIMITS.view_turns * turns_of(config, fitted)
    return _aligned(_held_out(name, f"views of {name}", fitted, turns, lay, evidence_of, report, stop))


def _held_out(
    name: str,
    what: str,
    fitted: FittedParts,
    turns: int,
    lay: Callable[[int, int], AlignedSampling],
    evidence_of: EvidenceFunction,
    report: Report,
    stop: Stop,
) -> list[HeldOut]:
    """lay: makes the sampling of a part and a turn. what: is calibrated, for the progress display."""
    held_out: list[HeldOut] = []
    for part in range(len(fitted.parts)):
        for turn in range(turns):
            if stop():
                raise Cancelled
            report(len(held_out) / (len(fitted.parts) * turns), f"calibrate {what}")
            laid = lay(part, turn)
            evidence, tokens = evidence_of(name, fitted.others[part], laid)
            deviations = _deviations(fitted.others[part], laid, evidence)
            numbers = laid.residual, tokens, laid.overlap, laid.conflict
            held_out.append(HeldOut(part, evidence, *numbers, len(held_out), deviations))
    return held_out


def _deviations(normal: NormalSurface, laid: AlignedSampling, evidence: Evidence) -> tuple[float, float]:
    """Deviation range of a whole sampling, measured as in an inspection."""
    if laid.view is not None:
        return np.nan, np.nan
    points = laid.points[evidence.picked]

    def again(some: BoolArray) -> DoubleArray:
        return normal.moves(points, points[some])

    moves = evidence.places - points
    return deviation_range(measure(PointTree(points), moves, normal.surface, again, oriented=laid.scan))


def _aligned(held_out: Sequence[HeldOut]) -> list[HeldOut]:
    """Those that are aligned correctly: a single part aligned the wrong way round would make every dent look normal."""
    limit = LIMITS.misaligned * float(np.median([one.residual for one in held_out]))
    return [one for one in held_out if one.residual <= limit]


def turns_of(config: Config, fitted: FittedParts) -> int:
    """Number of held-out samplings of each part."""
    return max(config.training.held_out, LIMITS.samplings_of_one) if fitted.single else config.training.held_out
