"""What a detector knows about one category besides the network: frame, surface and normal statistics."""

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
from sedir_core.geometry.overlap import Fit, lay
from sedir_core.geometry.views import Views, align_view, view_descriptor
from sedir_core.types import DoubleArray, IntArray


@dataclass(frozen=True)
class Limit:
    """The limits of one way of judging; see `Standard`."""

    threshold: float
    point_threshold: float
    held_out: DoubleArray


@dataclass(frozen=True)
class Standard:
    """Statistics of held-out normal scans, and the limits that follow from them.

    residual: of the alignment. threshold: object score above which a scan is NG. point_threshold: point score above
    which a point belongs to a defect. held_out: (h,) the object scores that the threshold follows from. limits: the
    same three for every way of judging, by its name (`evidence.judging`); if empty, all evidence is judged, calibrated.
    overlap: residual over what a scan and the surface both show, conflict: their disagreement there
    (`geometry.overlap.Fit`); NaN for views. owners: (h,) the training part of each held-out score; ranges: (h, 2)
    lowest and highest deviation of each of these scans, in radii, for whole scans only. Runs of older versions lack
    held_out, limits, owners and ranges (empty), overlap and conflict (NaN).
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
        """Raises KeyError if the run does not keep that limit."""
        if judging == Judging() and not self.limits:
            return Limit(self.threshold, self.point_threshold, self.held_out)
        return self.limits[judging.name]

    def with_tokens_scaled(self, ratio: float) -> Standard:
        """The same for a network whose residuals are larger by that factor."""
        values = {**self.statistics.values, TOKEN: self.statistics.values[TOKEN] * ratio}
        return replace(self, statistics=replace(self.statistics, values=values))


@dataclass(frozen=True)
class View:
    """What a single-view scan shows. direction: (3,) in the category's frame. share: of the surface's area."""

    direction: DoubleArray
    share: float


@dataclass(frozen=True)
class Relaid:
    """A scan laid by what it and the surface both show.

    misfit: its residual there, as a multiple of the usual one, infinite if they share too little. scan: in the
    category's frame, with outward normals; None in runs of older versions. conflict: its disagreement there, if that is
    more than usual, else 0.
    """

    placement: Placement
    misfit: float = np.inf
    scan: Oriented | None = None
    conflict: float = 0.0


@dataclass(frozen=True)
class Category:
    """A fitted category.

    size: gyration radius of the reference part in the scan's unit. descriptor: see `shape_descriptor`. whole: the
    standard for scans from all around. view, views: the standard for single-view scans, and what is visible from where;
    None if the model was not trained for such scans. one_sided: the training scans show one side only, as under a fixed
    camera, and `whole` is the standard for those.
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
        """Whether single-view scans can be judged."""
        return self.view is not None

    def standard(self, view: View | None) -> Standard:
        """The standard for a scan with that view."""
        found = self.whole if view is None else self.view
        assert found is not None
        return found

    def place(self, points: DoubleArray, generator: np.random.Generator | None = None) -> tuple[Placement, float]:
        """Align a scan (n, 3), in file coordinates; also its residual, as a multiple of the usual one.

        generator: see `align`.
        """
        placement, residual = place_on(self.normal.surface, self.frame, self.size, points, generator)
        return placement, residual / self.whole.residual

    def relaid(self, points: DoubleArray, placement: Placement) -> Relaid:
        """The placement of a scan (n, 3), or if it is doubtful, a better one by what the scan and the surface both
        show.

        A small residual proves nothing if a scan lies on another side: a plate's underside fits its upper side, but
        features contradict. A scan that shows all of its sides lies on none; contradictions are then defects.
        """
        if not np.isfinite(self.whole.overlap):
            return Relaid(placement)
        scan = Oriented(scaled(points, self.frame, self.size)[2])
        if self.normal.prior.supple:  # a rigid pose tells nothing
            fit = self.normal.better(scan, placement.pose)
        else:
            fit = self.normal.judge(scan, placement.pose)
            plain = fit.residual < IDENTIFICATION.plain_overlap * self.whole.overlap
            if not plain or (self._contradicts(fit) and scan.down is not None):
                fit = self.normal.better(scan, fit.pose)
        laid = scan.moved(fit.pose)
        # A small cube lies well on the face of any large part: of what else that shows, it shows nothing.
        telling = min(fit.shared, self.normal.shown_by(laid)) > IDENTIFICATION.least_shared
        misfit = fit.residual / self.whole.overlap if telling else np.inf
        contradicted = self._contradicts(fit) and not self.normal.prior.supple
        return Relaid(replace(placement, pose=fit.pose), misfit, laid, fit.conflict if contradicted else 0.0)

    def _contradicts(self, fit: Fit) -> bool:
        """Whether a scan in that pose disagrees with the surface more than good ones do."""
        usual = IDENTIFICATION.plain_conflict * self.whole.conflict
        return fit.conflict > usual + IDENTIFICATION.least_conflict

    def is_mirrored(self, laid: Oriented, conflict: float) -> bool:
        """Whether the mirror image of a scan in the category's frame lies plainly, though the scan itself disagrees.

        conflict: its disagreement. Of a part that is nearly its own mirror image only a few features tell.
        """

        def near(fit: Fit) -> bool:
            return fit.residual < IDENTIFICATION.plain_overlap * self.whole.overlap

        def plain(fit: Fit) -> bool:
            return near(fit) and not self._contradicts(fit)

        image = lay(laid.mirrored(), self.normal.oriented, near)
        if not plain(image) or image.conflict > IDENTIFICATION.mirrored_conflict * conflict:
            return False
        return not plain(lay(laid, self.normal.oriented, near))  # it may only lie turned

    def fragment(self, part: Oriented, points: DoubleArray) -> tuple[Placement, float, float, Oriented] | None:
        """The placement of a scan (n, 3) as a fragment of the part: nearly all of it lies on the surface.

        part: the scan with its normals, in file coordinates. Also its residual, as a multiple of the usual one, the
        share of the surface that it covers, and the scan in the category's frame. None if much of the scan lies
        elsewhere, and in runs of older versions.
        """
        if not np.isfinite(self.whole.overlap):
            return None
        origin, unit, _ = scaled(points, self.frame, self.size)
        scan = part.brought(lambda file: (file - origin) * unit / self.frame.radius)
        fit = self.normal.as_fragment(scan, self.whole.overlap)
        if fit.shared < IDENTIFICATION.fragment_shared:
            return None
        laid, placement = scan.moved(fit.pose), Placement(self.frame, origin, unit, fit.pose)
        return placement, fit.residual / self.whole.overlap, self.normal.shown_by(laid), laid

    def place_view(self, points: DoubleArray, generator: np.random.Generator) -> tuple[Placement, float, View]:
        """The same for a single-view scan, with its approximate viewing direction; see `refine_direction`."""
        assert self.views is not None and self.view is not None
        origin, unit, near = scaled(points, self.frame, self.size)
        fit = align_view(near, self.normal.surface, self.views, generator)
        placement = Placement(self.frame, origin, unit, fit.pose)
        return placement, fit.residual / self.view.residual, View(fit.direction, fit.share)

    def view_unlikeness(self, points: DoubleArray, generator: np.random.Generator) -> float:
        """Dissimilarity of a single-view scan, (n, 3) in file coordinates, to this category's most similar view."""
        assert self.views is not None
        return self.views.unlikeness(view_descriptor(scaled(points, self.frame, self.size)[2], generator))
