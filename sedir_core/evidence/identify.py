"""Which category a scan belongs to, and where it lies in that category's frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sedir_core.errors import Cancelled, UnknownCategory
from sedir_core.evidence.alone import Alone, part_alone
from sedir_core.evidence.category import Category, View
from sedir_core.evidence.numbers import IDENTIFICATION, ONE_SIDE
from sedir_core.geometry.frames import Placement, gyration, shape_descriptor, shortlist, without_strays
from sedir_core.geometry.oriented import Oriented
from sedir_core.geometry.own_axes import OwnAxes, box_axes, own_axes
from sedir_core.geometry.views import may_be_view
from sedir_core.runtime import generator
from sedir_core.types import BoolArray, DoubleArray, IntArray, Scan, Stop


@dataclass(frozen=True)
class Identified:
    """misfit: residual as a multiple of the category's usual one. view: None for a scan from all around.

    side_only: it appears to show one side, which this model was not trained for. alone: the part within the scan, if it
    shows more. mirrored: it is a mirror image of the category. scan: a subset in the category's frame with outward
    normals, if computed. n_points: number of points used. resized: the category whose shape it has at another size, and
    how many times the size of good parts that is. fragment: the share of the part that it shows, where that is not all.
    lacking: the share of what a view's camera plainly sees that the scan lacks in one region.
    """

    category: str
    placement: Placement
    misfit: float
    view: View | None = None
    side_only: bool = False
    alone: Alone | None = None
    mirrored: bool = False
    scan: Oriented | None = None
    n_points: int = 0
    resized: tuple[str, float] | None = None
    fragment: float | None = None
    lacking: float = 0.0

    @property
    def too_few(self) -> bool:
        """Whether a scan that fits nothing has so few points that no other reason is given."""
        return self.n_points < IDENTIFICATION.few_points and (self.side_only or not self.known)

    @property
    def known(self) -> bool:
        """Whether the scan fits the category at all."""
        return self.misfit < IDENTIFICATION.unknown_residual

    @property
    def resembles(self) -> bool:
        """Whether it is like the category at all, as it is, mirrored, in part or at another size."""
        alike = self.known or self.mirrored or self.fragment is not None
        return alike or (self.resized is not None and self.resized[0] == self.category)

    def own(self, scan: Scan, some: IntArray) -> IntArray:
        """The subset of these point indices that belongs to the part, if the scan shows more than that."""
        return some if self.alone is None else some[self.alone.keeps(scan.points[some])]


class ScannedPart:
    """The part in a scan while it is identified; what every step needs of it is computed once.

    points: (n, 3). candidates: the categories that it may belong to.
    """

    def __init__(self, points: DoubleArray, candidates: Mapping[str, Category], from_one_side: bool = True) -> None:
        """from_one_side: whether one camera may have seen it; False where that was ruled out."""
        self.points, self.candidates, self._from_one_side = points, candidates, from_one_side
        self._placed: dict[str, Identified] = {}

    @cached_property
    def near(self) -> DoubleArray:
        """Its points (m, 3) without outliers."""
        return without_strays(self.points)

    @cached_property
    def from_one_side(self) -> bool:
        """Whether one camera may have seen nearly all of it."""
        return self._from_one_side and may_be_view(self.near)

    def without_rest(self, own: BoolArray) -> ScannedPart:
        """The same with fewer points: those of a mask (n,)."""
        return ScannedPart(self.points[own], self.candidates, self._from_one_side)

    @cached_property
    def oriented(self) -> Oriented:
        """With outward normals, in file coordinates."""
        return Oriented(self.near)

    @cached_property
    def _descriptor(self) -> DoubleArray:
        return shape_descriptor(self.near, generator(0, "descriptor"))

    def most_similar(self, count: int) -> Sequence[str]:
        """The candidates of the most similar shape, best first."""
        return shortlist(self._descriptor, {name: one.descriptor for name, one in self.candidates.items()}, count)

    def placed(self, name: str) -> Identified:
        """It as a whole part of that category."""
        if name not in self._placed:
            self._placed[name] = Identified(name, *self.candidates[name].place(self.points))
        return self._placed[name]


def identify(
    points: DoubleArray, known: Mapping[str, Category], wanted: str, stop: Stop, from_one_side: bool = True
) -> Identified:
    """points: (n, 3) finite, file coordinates, in random order. wanted: a category, or "auto" to identify it.

    from_one_side: see `ScannedPart`.

    Raises UnknownCategory, Cancelled.
    """
    if wanted != "auto" and wanted not in known:
        raise UnknownCategory(wanted, "the model was not trained on it", "choose one of " + ", ".join(known))
    candidates = known if wanted == "auto" else {wanted: known[wanted]}
    own = _axes_of(points, candidates)
    found, part = _identified(ScannedPart(own.along(points), candidates, from_one_side), stop, part_alone)
    found = replace(found, n_points=len(points))
    if found.misfit > IDENTIFICATION.whole_fit and found.view is None:
        found = found if found.mirrored else _mirrored(found, part)
        if not (found.mirrored or found.too_few):
            found = replace(found, resized=_resized(found, part, stop))
        if not (found.known or found.resized or found.mirrored or found.too_few):
            found = as_fragment(found, part, stop) or found
    alone = None if found.alone is None else replace(found.alone, points=points)
    return replace(found, placement=found.placement.from_file(own), alone=alone, n_points=len(points))


def _axes_of(points: DoubleArray, candidates: Mapping[str, Category]) -> OwnAxes:
    """Axes in which a scan (n, 3) is aligned: its own, so that rotating it changes nothing. Under a fixed camera parts
    lie alike, and starting from their own orientation is worth more than that."""
    return box_axes(points) if any(one.one_sided for one in candidates.values()) else own_axes(points)


def _identified(
    part: ScannedPart, stop: Stop, isolate: Callable[[DoubleArray], Alone | None]
) -> tuple[Identified, ScannedPart]:
    """Also the part itself, which may be less than the given one.

    isolate: finds the part within the scan, if the scan fits no category as it is.
    """
    candidates = part.candidates
    names = part.most_similar(IDENTIFICATION.n_tried)
    views = {name: one for name, one in candidates.items() if one.knows_views} if part.from_one_side else {}
    if len(views) == len(candidates):
        names = names[:1]  # a bowl: views take much longer to try
    found = _best(names, part.placed, stop)
    if views and found.misfit < IDENTIFICATION.plain_fit:
        return found, part
    if not found.known and (alone := _among_others(found, part, stop, isolate)):
        return alone
    if views and not (found.known and candidates[found.category].one_sided):
        view = _best_view(part.points, views, stop)
        whole = part.placed(view.category)
        return (whole if whole.misfit < IDENTIFICATION.whole_fit else view), part
    if part.from_one_side and not found.misfit < IDENTIFICATION.whole_fit and not candidates[found.category].one_sided:
        return replace(found, side_only=True), part
    return _relaid(found, part), part


def _among_others(
    found: Identified, part: ScannedPart, stop: Stop, isolate: Callable[[DoubleArray], Alone | None]
) -> tuple[Identified, ScannedPart] | None:
    """The identification without the table and smaller parts, if that fits a category, and better."""
    alone = isolate(part.points)
    if alone is None:
        return None
    again, rest = _identified(part.without_rest(alone.of_part), stop, lambda _: None)
    return (replace(again, alone=alone), rest) if again.known and again.misfit < found.misfit else None


def _mirrored(found: Identified, part: ScannedPart) -> Identified:
    image = _placed(found.category, part.points * [-1.0, 1.0, 1.0], part.candidates)
    return replace(found, mirrored=image.misfit < min(IDENTIFICATION.plain_fit, IDENTIFICATION.mirrored * found.misfit))


def _resized(found: Identified, part: ScannedPart, stop: Stop) -> tuple[str, float] | None:
    """The category that the scan fits plainly at another size, and that size as a multiple of the category's.

    None where it fits that category as it is, too: its size is judged then.
    """
    own, candidates = part.near, part.candidates
    size = gyration(own)
    if not size > 0:
        return None
    names = part.most_similar(IDENTIFICATION.n_resized)
    best = _best(names, lambda name: _placed(name, own * (candidates[name].size / size), candidates), stop)
    if best.misfit > min(IDENTIFICATION.plain_fit, IDENTIFICATION.mirrored * found.misfit):
        return None
    as_it_is = found if best.category == found.category else part.placed(best.category)
    return None if as_it_is.known else (best.category, size * as_it_is.placement.unit / candidates[best.category].size)


def as_fragment(found: Identified, part: ScannedPart, stop: Stop) -> Identified | None:
    """The scan as a fragment of a category; None if it fits none as such. As a whole, half a part resembles no part."""
    for name in part.most_similar(IDENTIFICATION.n_fragment):
        if stop():
            raise Cancelled
        if fit := part.candidates[name].fragment(part.oriented, part.points):
            placement, misfit, share, scan = fit
            if misfit < IDENTIFICATION.whole_fit and share < IDENTIFICATION.largest_fragment:
                return Identified(name, placement, misfit, alone=found.alone, scan=scan, fragment=share)
    return None


def _placed(name: str, points: DoubleArray, known: Mapping[str, Category]) -> Identified:
    return Identified(name, *known[name].place(points))


def _relaid(found: Identified, part: ScannedPart) -> Identified:
    """The same, realigned by what the scan and the surface both show: it may lie on another side than usual."""
    category = part.candidates[found.category]
    laid = category.relaid(part.points, found.placement)
    mirrored = laid.scan is not None and laid.conflict > 0 and category.is_mirrored(laid.scan, laid.conflict)
    misfit = min(laid.misfit, found.misfit)
    return replace(found, placement=laid.placement, misfit=misfit, scan=laid.scan, mirrored=mirrored)


def _best_view(points: DoubleArray, candidates: Mapping[str, Category], stop: Stop) -> Identified:
    unlike = {name: one.view_unlikeness(points, generator(0, "descriptor")) for name, one in candidates.items()}
    names = sorted(unlike, key=lambda name: (unlike[name], name))[: IDENTIFICATION.n_tried]

    def placed(name: str) -> Identified:
        return Identified(name, *candidates[name].place_view(points, generator(0, "align")))

    return _best(names, placed, stop)


def _best(names: Sequence[str], place: Callable[[str], Identified], stop: Stop) -> Identified:
    """The category that fits best; after a clear fit the remaining ones are not tried."""
    tried: list[Identified] = []
    for name in names:
        if stop():
            raise Cancelled
        tried.append(place(name))
        if tried[-1].misfit < IDENTIFICATION.plain_fit:
            break
    return min(tried, key=lambda one: (one.misfit, one.category))


def why_uncertain(
    found: Identified, probability: float, predicted: str, one_sided: bool = False, condemned: bool = False
) -> str:
    """Why the identification is uncertain, in a user's words; empty if it is certain.

    one_sided: only one side of the category is known. condemned: the scan is NG, which says enough of what it lacks.
    """
    if found.mirrored:
        return f"a mirror image of {found.category}: is it the part for the other side?"
    if found.alone is not None and found.alone.n_parts > 1:
        return f"shows {found.alone.n_parts} parts, of which one was judged: crop the scan, or scan one at a time"
    if found.too_few:
        return f"has only {found.n_points:,} points, too few to tell what it shows: scan the part more densely"
    if found.resized is not None:
        name, size = found.resized
        beside = f"about {100 * abs(size - 1):.0f} % {'larger' if size > 1 else 'smaller'} than"
        beside = beside if 0.5 < size < 2 else f"about {size:.2g} times as large as"
        return f"has the shape of {name}, {beside} good parts: is it another size, or in another unit?"
    if found.fragment is not None:
        shown = f"shows about {100 * found.fragment:.0f} % of {found.category}"
        return f"{shown}: scan all of it, or is the rest broken off?"
    if found.lacking >= ONE_SIDE.most_lacking and not condemned:
        said = f"lacks {100 * found.lacking:.0f} % of what a camera on that side sees of {found.category}, in one piece"
        return f"{said}: scan all of that side, or is it cut or broken off?"
    if found.side_only:
        said = "seems to be seen from one side, but the model was trained for scans from all around"
        return f"{said}: scan it so, or train with training.views above 0"
    if not np.isfinite(found.misfit) or not found.known:
        step = ": choose the model of this part, or train one"
        if one_sided:
            step = ", of which one side is known: does the part lie as in the training scans?"
        return f"fits no known category: {found.misfit:.1f} times the usual distance to {found.category}{step}"
    if predicted != found.category:
        return f"fits {found.category} best, but the network takes it for {predicted} ({100 * probability:.0f} %)"
    return ""
