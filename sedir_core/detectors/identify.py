"""Which category a scan belongs to, and where it lies in that category's frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sedir_core.detectors.category import Category
from sedir_core.detectors.frames import Placement, shape_descriptor, shortlist, without_strays
from sedir_core.errors import Cancelled, UnknownCategory
from sedir_core.runtime import generator
from sedir_core.types import DoubleArray, Stop

N_TRIED = 4  # categories that are registered after the descriptors' shortlist
PLAIN_FIT = 1.1  # times the usual residual: what fits like this needs no comparison
UNKNOWN_RESIDUAL = 2.0  # times the usual: a bent or broken part stays below, another part does not


@dataclass(frozen=True)
class Identified:
    """misfit: residual in times of the category's usual one."""

    category: str
    placement: Placement
    misfit: float

    @property
    def known(self) -> bool:
        return self.misfit < UNKNOWN_RESIDUAL


def identify(points: DoubleArray, known: Mapping[str, Category], wanted: str, stop: Stop) -> Identified:
    """points: (n, 3) finite, file coordinates. wanted: a category, or "auto" to find it out.

    Raises UnknownCategory, Cancelled.
    """
    if wanted != "auto":
        if wanted not in known:
            raise UnknownCategory(wanted, "the model was not trained on it", "choose one of " + ", ".join(known))
        placement, misfit = known[wanted].place(points, generator(0, "align"))
        return Identified(wanted, placement, misfit)
    descriptor = shape_descriptor(without_strays(points), generator(0, "descriptor"))
    names = shortlist(descriptor, {name: category.descriptor for name, category in known.items()}, N_TRIED)
    tried: list[Identified] = []
    for name in names:
        if stop():
            raise Cancelled
        tried.append(Identified(name, *known[name].place(points, generator(0, "align"))))
        if tried[-1].misfit < PLAIN_FIT:
            break
    return min(tried, key=lambda one: (one.misfit, one.category))


def certainty(found: Identified, probability: float, predicted: str) -> tuple[bool, str]:
    """Is the category uncertain, and why, in a user's words; the reason is empty where all is well."""
    if not np.isfinite(found.misfit) or not found.known:
        return True, f"fits no known category: {found.misfit:.1f} times the usual distance to {found.category}"
    if predicted != found.category:
        return True, f"fits {found.category} best, but the network takes it for {predicted} ({probability:.0%})"
    return False, ""
