"""Which category a scan belongs to, and where it lies in that category's frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sedir_core.errors import Cancelled, UnknownCategory
from sedir_core.evidence.alone import Alone, part_alone
from sedir_core.evidence.category import Category, View
from sedir_core.evidence.numbers import IDENTIFICATION
from sedir_core.geometry.frames import Placement, gyration, shape_descriptor, shortlist, without_strays
from sedir_core.geometry.oriented import Oriented
from sedir_core.geometry.own_axes import OwnAxes, box_axes, own_axes
from sedir_core.geometry.views import may_be_view
from sedir_core.runtime import generator
from sedir_core.types import DoubleArray, IntArray, Scan, Stop


@dataclass(frozen=True)
class Identified:
    """misfit: residual as a multiple of the category's usual one. view: None for a scan from all around.

    side_only: it appears to show one side, which this model was not trained for. alone: the part within the scan, if it
    shows more. mirrored: it is a mirror image of the category. scan: a subset in the category's frame with outward
    normals, if computed. n_points: number of points used. resized: the category whose shape it has at another size, and
    how many times the size of good parts that is. fragment: the share of the part that it shows, where that is not all.
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

    @property
    def too_few(self) -> bool:
        """Whether a scan that fits nothing has so few points that no other reason is given."""
        return self.n_points < IDENTIFICATION.few_points and (self.side_only or not self.known)

    @property
    def known(self) -> bool:
        """Whether the scan fits the category at all."""
        return self.misfit < IDENTIFICATION.unknown_residual

    def own(self, scan: Scan, some: IntArray) -> IntArray:
        """The subset of these point indices that belongs to the part, if the scan shows more than that."""
        return some if self.alone is None else some[self.alone.keeps(scan.points[some])]


def identify(points: DoubleArray, known: Mapping[str, Category], wanted: str, stop: Stop) -> Identified:
    """points: (n, 3) finite, file coordinates, in random order. wanted: a category, or "auto" to identify it.

    Raises UnknownCategory, Cancelled.
    """
    if wanted != "auto" and wanted not in known:
        raise UnknownCategory(wanted, "the model was not trained on it", "choose one of " + ", ".join(known))
    candidates = known if wanted == "auto" else {wanted: known[wanted]}
    own = _axes_of(points, candidates)
    along = own.along(points)
    found = _identified(along, candidates, stop, part_alone)
    if found.misfit > IDENTIFICATION.whole_fit and found.view is None:
        found = _mirrored(found, along, known)
        if not found.mirrored:
            found = replace(found, resized=_resized(found, along, candidates, stop))
        if not found.known and found.resized is None and not found.mirrored:
            found = as_fragment(found, along, candidates, stop) or found
    alone = None if found.alone is None else replace(found.alone, points=points)
    return replace(found, placement=found.placement.from_file(own), alone=alone, n_points=len(points))


def _axes_of(points: DoubleArray, candidates: Mapping[str, Category]) -> OwnAxes:
    """Axes in which a scan (n, 3) is aligned: its own, so that rotating it changes nothing. Under a fixed camera parts
    lie alike, and starting from their own orientation is worth more than that."""
    return box_axes(points) if any(one.one_sided for one in candidates.values()) else own_axes(points)


def _identified(
    points: DoubleArray, candidates: Mapping[str, Category], stop: Stop, isolate: Callable[[DoubleArray], Alone | None]
) -> Identified:
    """isolate: finds the part within the scan, if the scan fits no category as it is."""
    near = without_strays(points)
    from_one_side = may_be_view(near)
    descriptor = shape_descriptor(near, generator(0, "descriptor"))
    names = shortlist(descriptor, {name: one.descriptor for name, one in candidates.items()}, IDENTIFICATION.n_tried)
    views = {name: one for name, one in candidates.items() if one.knows_views} if from_one_side else {}
    if len(views) == len(candidates):
        names = names[:1]  # a bowl: views take much longer to try
    found = _best(names, lambda name: _placed(name, points, candidates), stop)
    if views and found.misfit < IDENTIFICATION.plain_fit:
        return found
    if not found.known and (alone := _among_others(found, points, candidates, stop, isolate)):
        return alone
    if views and not (found.known and candidates[found.category].one_sided):
        view = _best_view(points, views, stop)
        whole = found if found.category == view.category else _placed(view.category, points, candidates)
        return whole if whole.misfit < IDENTIFICATION.whole_fit else view
    if from_one_side and not found.misfit < IDENTIFICATION.whole_fit and not candidates[found.category].one_sided:
        return replace(found, side_only=True)
    return _relaid(found, points, candidates)


def _among_others(
    found: Identified,
    points: DoubleArray,
    candidates: Mapping[str, Category],
    stop: Stop,
    isolate: Callable[[DoubleArray], Alone | None],
) -> Identified | None:
    """The identification without the table and smaller parts, if that fits a category, and better."""
    alone = isolate(points)
    if alone is None:
        return None
    again = _identified(points[alone.of_part], candidates, stop, lambda _: None)
    return replace(again, alone=alone) if again.known and again.misfit < found.misfit else None


def _mirrored(found: Identified, points: DoubleArray, known: Mapping[str, Category]) -> Identified:
    own = points if found.alone is None else points[found.alone.of_part]
    image = _placed(found.category, own * [-1.0, 1.0, 1.0], known)
    return replace(found, mirrored=image.misfit < min(IDENTIFICATION.plain_fit, IDENTIFICATION.mirrored * found.misfit))


def _resized(
    found: Identified, points: DoubleArray, candidates: Mapping[str, Category], stop: Stop
) -> tuple[str, float] | None:
    """The category that the scan fits plainly at another size, and that size as a multiple of the category's.

    None where it fits that category as it is, too: its size is judged then.
    """
    own = without_strays(points if found.alone is None else points[found.alone.of_part])
    size = gyration(own)
    if not size > 0:
        return None
    descriptor = shape_descriptor(own, generator(0, "descriptor"))
    names = shortlist(descriptor, {name: one.descriptor for name, one in candidates.items()}, IDENTIFICATION.n_resized)
    best = _best(names, lambda name: _placed(name, own * (candidates[name].size / size), candidates), stop)
    if best.misfit > min(IDENTIFICATION.plain_fit, IDENTIFICATION.mirrored * found.misfit):
        return None
    as_it_is = found if best.category == found.category else _placed(best.category, own, candidates)
    return None if as_it_is.known else (best.category, size * as_it_is.placement.unit / candidates[best.category].size)


def as_fragment(
    found: Identified, points: DoubleArray, candidates: Mapping[str, Category], stop: Stop
) -> Identified | None:
    """The scan as a fragment of a category; None if it fits none as such. As a whole, half a part resembles no part."""
    own = points if found.alone is None else points[found.alone.of_part]
    descriptor = shape_descriptor(without_strays(own), generator(0, "descriptor"))
    names = shortlist(descriptor, {name: one.descriptor for name, one in candidates.items()}, IDENTIFICATION.n_fragment)
    for name in names:
        if stop():
            raise Cancelled
        if fit := candidates[name].fragment(own):
            placement, misfit, share, scan = fit
            if misfit < IDENTIFICATION.whole_fit and share < IDENTIFICATION.largest_fragment:
                return Identified(name, placement, misfit, alone=found.alone, scan=scan, fragment=share)
    return None


def _placed(name: str, points: DoubleArray, known: Mapping[str, Category]) -> Identified:
    return Identified(name, *known[name].place(points))


def _relaid(found: Identified, points: DoubleArray, known: Mapping[str, Category]) -> Identified:
    """The same, realigned by what the scan and the surface both show: it may lie on another side than usual."""
    placement, misfit, scan = known[found.category].relaid(points, found.placement)
    return replace(found, placement=placement, misfit=min(misfit, found.misfit), scan=scan)


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


def why_uncertain(found: Identified, probability: float, predicted: str, one_sided: bool = False) -> str:
    """Why the identification is uncertain, in a user's words; empty if it is certain.

    one_sided: only one side of the category is known.
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
