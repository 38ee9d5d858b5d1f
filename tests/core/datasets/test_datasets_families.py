"""Forty kinds in families of look-alikes: alike within a family, and each with room for every defect."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from sedir_core.datasets.defects import DEFECTS
from sedir_core.datasets.families import FAMILIES, families_of_parts, growing
from sedir_core.datasets.specimen import make_specimen
from sedir_core.geometry.frames import shape_descriptor

KINDS = {name: build for kinds in FAMILIES.values() for name, build in kinds.items()}


def test_there_are_forty_with_names_of_their_own() -> None:
    assert len(KINDS) == 40 == sum(map(len, FAMILIES.values()))
    assert families_of_parts().keys() == KINDS.keys()


def descriptor(name: str, seed: int) -> np.ndarray:
    points = KINDS[name](np.random.default_rng(seed)).sample(3_000, np.random.default_rng(seed))[0]
    return shape_descriptor(points, np.random.default_rng(0))


def test_kinds_of_one_family_look_more_alike_than_those_of_two() -> None:
    names = ["bottle0", "bottle3", "bowl0", "bowl2", "helmet0", "helmet1"]
    found = {name: descriptor(name, 0) for name in names}
    apart = {(a, b): float(np.abs(found[a] - found[b]).sum()) for a, b in combinations(names, 2)}
    within = [value for (a, b), value in apart.items() if a[:3] == b[:3]]
    between = [value for (a, b), value in apart.items() if a[:3] != b[:3]]
    assert max(within) < min(between)


def test_two_parts_of_a_kind_are_more_alike_than_two_kinds() -> None:
    first, again, other = (descriptor(name, seed) for name, seed in (("cap0", 0), ("cap0", 1), ("cap3", 2)))
    assert np.abs(first - again).sum() < np.abs(first - other).sum()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_defect_can_be_put_on_it(family: str) -> None:
    build = next(iter(FAMILIES[family].values()))
    random = np.random.default_rng(0)
    for defect in DEFECTS:
        made = make_specimen(build(random).moved(scale=100.0), defect, 6_000, random)
        assert made.labels.any()


def test_steps_grow_by_some_of_every_family_and_keep_what_they_had() -> None:
    steps = growing((5, 10, 20, 40), sorted(KINDS))
    assert [len(step) for step in steps] == [5, 10, 20, 40]
    assert all(set(small) < set(large) for small, large in pairwise(steps))
    assert len({name.rstrip("0123456789") for name in steps[1]}) == len(FAMILIES)
    assert growing((2,), ["zebra", "ant"]) == [("ant", "zebra")]
