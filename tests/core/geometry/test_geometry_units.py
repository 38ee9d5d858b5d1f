"""Unit and place of a scan change nothing beyond rounding, over 24 orders of magnitude: no number is in file units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_run import part

from sedir_core.geometry.frames import frame_of, gyration, shape_descriptor, without_strays
from sedir_core.geometry.neighbours import clusters, has_neighbours, interpolate, surface_reach, typical_spacing
from sedir_core.geometry.sampling import repeatable_order, spread_subset
from sedir_core.geometry.surface import local_variation, normals_and_curvature, smooth_onto_plane
from sedir_core.geometry.visibility import neighbour_distance, seen_from
from sedir_core.types import DoubleArray

PART = part("bracket", 0)
NORMALS = normals_and_curvature(PART)[0]
SOME = np.arange(0, len(PART), 30)
UP = np.array([0.2, 0.3, 0.93])
scales = st.floats(-12, 12).map(lambda exponent: 10.0**exponent)
shifts = st.tuples(*[st.floats(-1e3, 1e3)] * 3).map(np.array)


def moved(scale: float, shift: DoubleArray) -> DoubleArray:
    """The part in another unit, some of its sizes away."""
    return (PART + shift) * scale


def random() -> np.random.Generator:
    return np.random.default_rng(0)


@settings(max_examples=30, deadline=None)
@given(scales, shifts)
def test_lengths_follow_the_unit(scale: float, shift: DoubleArray) -> None:
    there = moved(scale, shift)
    for length in (typical_spacing, surface_reach, gyration, neighbour_distance):
        assert length(there) == pytest.approx(scale * length(PART), rel=1e-3)


@settings(max_examples=30, deadline=None)
@given(scales, shifts)
def test_what_has_no_unit_stays(scale: float, shift: DoubleArray) -> None:
    there = moved(scale, shift)
    normals, curvature = normals_and_curvature(PART)
    normals_there, curvature_there = normals_and_curvature(there)
    assert np.abs(np.einsum("ni,ni->n", normals, normals_there)) == pytest.approx(1, abs=1e-6)
    assert curvature_there == pytest.approx(curvature, abs=1e-6)
    assert local_variation(there, SOME) == pytest.approx(local_variation(PART, SOME), abs=1e-5)
    assert shape_descriptor(there, random()) == pytest.approx(shape_descriptor(PART, random()), abs=1e-6)
    assert frame_of(there).enter(there) == pytest.approx(frame_of(PART).enter(PART), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(scales, shifts)
def test_the_same_points_are_chosen(scale: float, shift: DoubleArray) -> None:
    there = moved(scale, shift)
    assert np.array_equal(has_neighbours(there), has_neighbours(PART))
    assert len(without_strays(there)) == len(without_strays(PART))
    clusters_here, clusters_there = clusters(PART[:500], 3.0), clusters(there[:500], 3.0 * scale)
    assert clusters_there.max() == pytest.approx(clusters_here.max(), rel=0.01)
    assert (seen_from(there, UP, NORMALS) == seen_from(PART, UP, NORMALS)).mean() > 0.99
    same = np.isin(repeatable_order(there)[:1000], repeatable_order(PART)[:1000])
    assert same.mean() > 0.99
    cells = [spread_subset(points, 500, random()) for points in (there, PART)]
    assert np.isin(*cells).mean() > 0.99


@settings(max_examples=30, deadline=None)
@given(scales, shifts)
def test_values_are_spread_the_same(scale: float, shift: DoubleArray) -> None:
    there, values = moved(scale, shift), PART[:300, 0]
    found = interpolate(values, there[:300], there[300:600])
    assert found == pytest.approx(interpolate(values, PART[:300], PART[300:600]), rel=1e-6)
    assert interpolate(values, there[:300], there[:300]) == pytest.approx(values, rel=1e-9)


@settings(max_examples=10, deadline=None)
@given(scales)
def test_smoothing_moves_as_far(scale: float) -> None:
    here, there = smooth_onto_plane(PART, SOME, 24)[0], smooth_onto_plane(PART * scale, SOME, 24)[0]
    assert there / scale == pytest.approx(here, abs=1e-6)


def test_small_lengths_weigh_as_large_ones_do() -> None:
    """A part of a millimetre in a file in metres, its points micrometres apart."""
    sources = np.array([[0.0, 0, 0], [4e-10, 0, 0], [1.0, 0, 0]])
    found = interpolate(np.array([0.0, 1.0, 5.0]), sources, np.array([[1e-10, 0, 0]]), k=2)
    assert found[0] == pytest.approx(0.25)
