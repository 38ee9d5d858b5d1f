"""All a detector knows of one category besides the network: frame, surface, and what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from sedir_core.evidence.channels import TOKEN
from sedir_core.evidence.combination import NormalStatistics
from sedir_core.evidence.judging import Judging
from sedir_core.evidence.normal_surface import NormalSurface
from sedir_core.evidence.numbers import IDENTIFICATION
from sedir_core.geometry.frames import Frame, Placement, place_on, scaled
from sedir_core.geometry.oriented import Oriented
from sedir_core.geometry.views import Views, align_view, view_descriptor
from sedir_core.types import DoubleArray, IntArray


@dataclass(frozen=True)
class Limit:
    """Where one way of judging draws the line; see `Standard`."""

    threshold: float
    point_threshold: float
    held_out: DoubleArray


@dataclass(frozen=True)
class Standard:
    """What is usual for held-out normal scans, and what no longer is.

    residual: what alignment leaves. threshold: object score above which a scan is NG. point_threshold: point score
    above which a point belongs to a defect. held_out: (h,) the object scores that the threshold follows from; empty in
    runs of older versions. limits: the same three for every way of judging, by its name (`evidence.judging`); empty in
    runs of older versions, which are judged by all evidence, calibrated. overlap: what alignment leaves of what a scan
    and the surface both show, conflict: how much they disagree there (`geometry.overlap.Fit`); not numbers for views,
    and in runs of older versions. owners: (h,) which training part each held-out score is of; ranges: (h, 2) the lowest
    and the highest deviation of each of these scans, in radii, of whole scans only. Both are empty in such runs, too.
    """

    statistics: NormalStatistics
    residual: float
    threshold: float
    point_threshold: float
    held_out: DoubleArray = field(default_factory=lambda: np.empty(0))
    limits: Mapping[str, Limit] = field(default_factory=dict)
    overlap: float = np.nan
    conflict: float = np.nan
    owners: IntArray = field(default_factory=lambda: np.empty(0, int))
    ranges: DoubleArray = field(default_factory=lambda: np.empty((0, 2)))

    def limit(self, judging: Judging) -> Limit:
        """Raises KeyError where the run does not keep that limit."""
        if judging == Judging() and not self.limits:
            return Limit(self.threshold, self.point_threshold, self.held_out)
        return self.limits[judging.name]

    def with_tokens_scaled(self, ratio: float) -> Standard:
        """The same for a network whose residuals are that many times as large."""
        values = {**self.statistics.values, TOKEN: self.statistics.values[TOKEN] * ratio}
        return replace(self, statistics=replace(self.statistics, values=values))


@dataclass(frozen=True)
class View:
    """What a scan from one side shows. direction: (3,) in the category's frame. share: of the surface, by area."""

    direction: DoubleArray
    share: float


@dataclass(frozen=True)
class Category:
    """A fitted category.

    size: gyration radius of the reference part in the scan's unit. descriptor: see `shape_descriptor`.
    whole: the standard of scans from all around. view, views: the standard of scans from one side and what is seen
    from where; None where the model was not trained for such scans. one_sided: the training scans show one side only,
    as under a fixed camera, and `whole` is the standard of those.
    """

    frame: Frame
    size: float
    descriptor: DoubleArray
    normal: NormalSurface
    whole: Standard
    view: Standard | None = None
    views: Views | None = None
    one_sided: bool = False

    @property
    def knows_views(self) -> bool:
        """Whether scans from one side can be judged."""
        return self.view is not None

    def standard(self, view: View | None) -> Standard:
        """What a scan seen like that is held against."""
        found = self.whole if view is None else self.view
        assert found is not None
        return found

    def place(self, points: DoubleArray, generator: np.random.Generator | None = None) -> tuple[Placement, float]:
        """Align a scan (n, 3), in file coordinates; also how many times the usual residual is left.

        generator: see `align`.
        """
        placement, residual = place_on(self.normal.surface, self.frame, self.size, points, generator)
        return placement, residual / self.whole.residual

    def relaid(self, points: DoubleArray, placement: Placement) -> tuple[Placement, float, Oriented | None]:
        """A placement of a scan (n, 3), or a better one by what the scan and the surface both show, if it is in doubt.

        Also how many times the usual residual is left there, infinite where they share too little to say, and the
        scan in the category's frame, with its outer sides; None in runs of older versions. What fits is no proof where
        a scan lies on another side: a plate's underside fits its upper side, and features contradict. What shows all
        of its sides lies on none, and is defective where it contradicts.
        """
        if not np.isfinite(self.whole.overlap):
            return placement, np.inf, None
        scan = Oriented(scaled(points, self.frame, self.size)[2])
        if self.normal.prior.supple:  # a rigid pose tells nothing
            fit = self.normal.better(scan, placement.pose)
        else:
            fit = self.normal.judge(scan, placement.pose)
            plain = fit.residual < IDENTIFICATION.plain_overlap * self.whole.overlap
            contradicted = (
                fit.conflict > IDENTIFICATION.plain_conflict * self.whole.conflict + IDENTIFICATION.least_conflict
            )
            if not plain or (contradicted and scan.down is not None):
                fit = self.normal.better(scan, fit.pose)
        misfit = fit.residual / self.whole.overlap if fit.shared > IDENTIFICATION.least_shared else np.inf
        return replace(placement, pose=fit.pose), misfit, scan.moved(fit.pose)

    def place_view(self, points: DoubleArray, generator: np.random.Generator) -> tuple[Placement, float, View]:
        """The same for a scan from one side, and about which side that is; see `refine_direction`."""
        assert self.views is not None and self.view is not None
        origin, unit, near = scaled(points, self.frame, self.size)
        fit = align_view(near, self.normal.surface, self.views, generator)
        placement = Placement(self.frame, origin, unit, fit.pose)
        return placement, fit.residual / self.view.residual, View(fit.direction, fit.share)

    def view_unlikeness(self, points: DoubleArray, generator: np.random.Generator) -> float:
        """How little a scan from one side, (n, 3) in file coordinates, resembles any view of this category."""
        assert self.views is not None
        return self.views.unlikeness(view_descriptor(scaled(points, self.frame, self.size)[2], generator))
