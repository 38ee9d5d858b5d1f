"""A scan is judged where more than one training scan says what belongs there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sedir_core.evidence.category import confirmed_from_bits
from sedir_core.evidence.normal_surface import AlignedPart, NormalSurface, merge_parts
from sedir_core.geometry.elastic import no_displacement
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
    parts = [AlignedPart(cloud, no_displacement(controls)) for cloud in clouds]
    return merge_parts(parts, parts)


@pytest.fixture(scope="module")
def surface() -> NormalSurface:
    return merged(plate(0), plate(1), plate(2, and_below=True))


def test_what_one_of_several_scans_shows_alone_is_not_confirmed(surface: NormalSurface) -> None:
    below = surface.surface.points[:, 2] < 0
    assert surface.confirmed is not None
    assert 0.1 < below.mean() < 0.9
    assert not surface.confirmed[below].any()
    assert surface.confirmed[~below].all()
    assert not surface.complete


def test_one_of_two_scans_confirms_its_own() -> None:
    two = merged(plate(0), plate(2, and_below=True))
    assert two.confirmed is not None
    assert two.confirmed.all()


def test_a_dent_is_judged_where_the_surface_is_confirmed_only(surface: NormalSurface) -> None:
    scan = plate(7, and_below=True)
    inside = np.linalg.norm(scan[:, :2], axis=1) < 0.2
    scan[inside, 2] *= 0.8
    channels = surface.depart(scan, np.random.default_rng(0)).channels
    upper, lower = inside & (scan[:, 2] > 0), inside & (scan[:, 2] < 0)
    assert np.nanmedian(channels["field_16"][upper]) == pytest.approx(0.03, rel=0.3)
    for name in ("field_16", "offset_32"):
        assert np.isnan(channels[name][lower]).mean() > 0.95


def test_the_bits_of_a_run_are_as_many_as_its_points() -> None:
    confirmed = np.random.default_rng(0).uniform(size=21) > 0.5
    packed = torch.from_numpy(np.packbits(confirmed))
    found = confirmed_from_bits(packed, 21)
    assert found is not None
    assert np.array_equal(found, confirmed)
    assert confirmed_from_bits(None, 21) is None  # a run of an older version judges everywhere
    for wrong in (packed[:2], packed.float()):
        with pytest.raises(ValueError, match=r"surface\.confirmed"):
            confirmed_from_bits(wrong, 21)
