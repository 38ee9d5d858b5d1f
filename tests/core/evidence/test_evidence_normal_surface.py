"""A scan is judged where more than one training scan says what belongs there."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.evidence.aligned_parts import AlignedPart
from sedir_core.evidence.coverage import words_of_absence
from sedir_core.evidence.normal_surface import NormalSurface, merge_parts
from sedir_core.geometry.elastic import SmoothPrior
from sedir_core.geometry.sampling import farthest_points
from sedir_core.types import DoubleArray

NOISE = 0.003


def plate(seed: int, and_below: bool = False) -> DoubleArray:
    """The upper face of a plate as a turntable shows it; of one that lies otherwise the lower face, too."""
    random = np.random.default_rng(seed)
    upper = np.column_stack([random.uniform(-1, 1, (12_000, 2)), np.full(12_000, 0.15)])
    points = np.concatenate([upper, upper * [1, 1, -1]]) if and_below else upper
    return np.asarray(points + NOISE * random.normal(size=points.shape))


def merged(*clouds: DoubleArray) -> NormalSurface:
    controls = clouds[0][farthest_points(clouds[0].astype(np.float32), 32)]
    parts = [AlignedPart(cloud, SmoothPrior(controls).none) for cloud in clouds]
    return merge_parts(parts)


@pytest.fixture(scope="module")
def surface() -> NormalSurface:
    return merged(plate(0), plate(1), plate(2, and_below=True))


def test_what_one_of_several_scans_shows_alone_is_not_confirmed(surface: NormalSurface) -> None:
    below = surface.surface.points[:, 2] < 0
    assert surface.coverage is not None
    assert 0.1 < below.mean() < 0.9
    assert not surface.coverage.confirmed[below].any()
    assert surface.coverage.confirmed[~below].all()
    assert not surface.complete


def test_one_of_two_scans_confirms_its_own() -> None:
    two = merged(plate(0), plate(2, and_below=True))
    assert two.coverage is not None
    assert two.coverage.confirmed.all()
    assert not two.complete


def test_a_dent_is_judged_where_the_surface_is_confirmed_only(surface: NormalSurface) -> None:
    scan = plate(7, and_below=True)
    inside = np.linalg.norm(scan[:, :2], axis=1) < 0.2
    scan[inside, 2] *= 0.8
    channels = surface.depart(scan).channels
    upper, lower = inside & (scan[:, 2] > 0), inside & (scan[:, 2] < 0)
    assert np.nanmedian(channels["field_16"][upper]) == pytest.approx(0.03, rel=0.3)
    for name in ("field_16", "offset_32"):
        assert np.isnan(channels[name][lower]).mean() > 0.95


def test_what_is_cut_off_is_absent_in_one_piece(surface: NormalSurface) -> None:
    whole = plate(7)
    assert surface.depart(whole).absent < 0.001
    assert surface.depart(whole[whole[:, 0] < 0.6]).absent == pytest.approx(0.2, abs=0.05)


def test_scattered_shadows_are_no_absence(surface: NormalSurface) -> None:
    whole = plate(7)
    strips = (whole[:, 0] % 0.4 < 0.04) | (whole[:, 1] % 0.5 < 0.04)
    assert surface.depart(whole[~strips]).absent < 0.01


def test_the_side_that_only_some_scans_show_is_never_absent(surface: NormalSurface) -> None:
    assert surface.depart(plate(8)).absent < 0.001


def test_absence_is_told_in_per_cent() -> None:
    assert words_of_absence(0.152) == "15 % of what all good scans show is missing in one piece"
