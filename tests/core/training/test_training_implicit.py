"""The signed distance that the network expects: right on parts never seen, blind to the scan, the same when stored."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_run import distance_to, part

from sedir_core.errors import Cancelled
from sedir_core.evidence.fitted_parts import FittedParts, fit_parts
from sedir_core.evidence.implicit_fields import IMPLICIT, implicit_fields
from sedir_core.evidence.network_surface import NetworkSurface
from sedir_core.geometry.tree import PointTree
from sedir_core.models.folds import FOLDS, folds_without
from sedir_core.models.implicit import ImplicitSurface
from sedir_core.rundir.stored_nets import restored
from sedir_core.training.implicit_fit import fit_implicit, folds_of
from sedir_core.types import no_report

STEPS = 600
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def fitted() -> FittedParts:
    return fit_parts([part("bracket", seed, 6_000) for seed in range(2)], seed=0)


@pytest.fixture(scope="module")
def surface(fitted: FittedParts) -> ImplicitSurface:
    return fit_implicit({"bracket": fitted}, STEPS, 0, CPU, no_report, lambda: False)


@pytest.fixture(scope="module")
def expected(surface: ImplicitSurface) -> NetworkSurface:
    return NetworkSurface(surface, 0, range(FOLDS))


def test_displaced_points_lie_as_far_off_as_they_were_displaced(fitted: FittedParts, expected: NetworkSurface) -> None:
    points, normals = fitted.whole.surface.points, fitted.whole.surface.normals
    assert np.median(np.abs(expected.distances(points))) < 0.004
    for depth in (-0.02, 0.02):
        assert np.median(expected.distances(points + depth * normals)) == pytest.approx(depth, abs=0.005)


def test_nothing_is_known_far_from_the_part(expected: NetworkSurface) -> None:
    assert np.isnan(expected.distances(np.full((1, 3), 3.0))).all()


def test_a_fold_knows_nothing_of_parts_that_it_did_not_see(fitted: FittedParts) -> None:
    left, right = (side(fitted.parts[0].points) for side in (lambda p: p[p[:, 0] < -0.3], lambda p: p[p[:, 0] > 0.3]))
    surface = ImplicitSurface.around([[torch.from_numpy(left), torch.from_numpy(right)]])
    _, known = surface(0, torch.from_numpy(left))
    assert known[0].all() and not known[1].all()
    assert not known[1][torch.from_numpy(left[:, 0] < -0.6)].any()


def test_a_held_out_part_is_judged_by_the_fold_that_never_saw_it(fitted: FittedParts, surface: ImplicitSurface) -> None:
    points, folds = fitted.parts[0].points, folds_of(fitted)
    assert np.array_equal(folds[1], points)  # one part is its own mean shape
    assert np.allclose(folds[0], fitted.parts[1].points, atol=2e-3)
    assert {len(every) for every in folds[2:]} == {len(folds[0]) + len(folds[1])}
    unseen = NetworkSurface(surface, 0, folds_without(0)).distances
    with torch.no_grad():
        said, known = surface(0, torch.from_numpy(points))
    assert np.allclose(unseen(points), np.where(known[0], said[0], np.nan), equal_nan=True)


def test_its_zero_level_lies_on_the_part_and_covers_it(fitted: FittedParts, expected: NetworkSurface) -> None:
    level, points = expected.points, fitted.whole.surface.points
    assert np.quantile(distance_to(points, level), 0.95) < 0.03
    assert np.quantile(distance_to(level, points), 0.95) < 0.06


def test_it_is_the_same_when_restored(fitted: FittedParts, surface: ImplicitSurface) -> None:
    state = {name: values.clone() for name, values in surface.state_dict().items()}
    again = restored(lambda: ImplicitSurface.restorable(state), state, CPU)
    points = torch.from_numpy(fitted.parts[1].points)
    for own, other in zip(surface(0, points), again(0, points), strict=True):
        assert torch.equal(own, other)
    with pytest.raises(ValueError, match="corners"):
        state["grids.0.0.corners"] = state["grids.0.0.corners"][:-1]
        restored(lambda: ImplicitSurface([[9, 9, 9]]), state, CPU)


def test_a_grown_model_keeps_its_surfaces(fitted: FittedParts, surface: ImplicitSurface) -> None:
    more = fit_parts([part("gear", seed, 1_500) for seed in range(2)], seed=0)
    grown = fit_implicit({"gear": more}, 40, 0, CPU, no_report, lambda: False, surface)
    points = torch.from_numpy(fitted.parts[0].points)
    assert torch.equal(grown(0, points)[0], surface(0, points)[0])
    assert len(grown.grids) == 2


def test_fitting_stops_when_told(fitted: FittedParts) -> None:
    with pytest.raises(Cancelled):
        fit_implicit({"bracket": fitted}, STEPS, 0, CPU, no_report, lambda: True)


def test_the_way_to_it_is_along_its_own_slope(fitted: FittedParts, expected: NetworkSurface) -> None:
    points, normals = fitted.whole.surface.points, fitted.whole.surface.normals
    along, own = expected.toward(points + 0.01 * normals)
    assert np.median(along) == pytest.approx(-0.01, abs=0.004)
    assert np.median((own * normals).sum(axis=1)) > 0.95
    assert np.isnan(expected.toward(np.full((1, 3), 3.0))[0]).all()


def test_it_sees_what_is_missing_of_a_scan(fitted: FittedParts, expected: NetworkSurface) -> None:
    scan = fitted.parts[1].points
    hole = np.linalg.norm(scan - scan[0], axis=1) < 0.25
    assert expected.probes is not None
    whole, holed = (expected.probes.gaps(PointTree(one))["gap_32"] for one in (scan, scan[~hole]))
    rim = np.linalg.norm(scan[~hole] - scan[0], axis=1) < 0.28
    assert holed[rim].max() > 1.25 * whole[~hole][rim].max()
    assert np.median(holed[~rim]) == pytest.approx(np.median(whole), rel=0.05)


def test_a_surface_that_was_hardly_learned_has_no_gaps_to_tell(fitted: FittedParts) -> None:
    surface = fit_implicit({"bracket": fitted}, 1, 0, CPU, no_report, lambda: False)
    expected, normal = NetworkSurface(surface, 0, range(FOLDS)), fitted.whole
    expected.points = np.empty((0, 3))
    points = fitted.parts[1].points
    own = normal.probes.tree.nearest(points)[1]
    found = implicit_fields(expected, normal, points, points, own)
    assert set(found) == set(IMPLICIT) and np.isnan(found["implicit_seam"]).all()
