"""A scan is laid onto a reference once, whoever asks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_run import part

from sedir_core.detectors import reference as module
from sedir_core.detectors.reference import Reference, cached_placement
from sedir_core.geometry.frames import frame_of, gyration, place_on
from sedir_core.geometry.registration import Surface
from sedir_core.runtime import generator


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the scans that a placement was searched for."""
    sizes: list[int] = []

    def search(*arguments: object) -> object:
        sizes.append(len(arguments[3]))  # type: ignore[arg-type]
        return place_on(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "place_on", search)
    monkeypatch.setattr(module, "_found", type(module._found)())
    return sizes


@pytest.fixture
def cup() -> Reference:
    points = part("cup", 0, 1_500)
    frame = frame_of(points)
    return Reference(frame, gyration(points), Surface(frame.enter(points)), 0.01, 1.0, 1.0)


def test_a_placement_is_remembered_as_it_was_found(searches: list[int], cup: Reference) -> None:
    points = part("cup", 1, 1_400)
    placement, residual = place_on(cup.surface, cup.frame, cup.size, points, generator(0, "align"))
    first = cached_placement(cup, points)
    again = cached_placement(replace(cup, residual=0.5, threshold=7.0), points.copy())
    assert again is first
    assert searches == [1_400]
    assert np.array_equal(first[0].enter(points), placement.enter(points))
    assert first[1] == residual and first[2] > 0


def test_another_scan_or_reference_is_searched_for(searches: list[int], cup: Reference) -> None:
    points = part("cup", 1, 1_400)
    for reference, scan in ((cup, points), (cup, points + 1e-9), (replace(cup, size=2 * cup.size), points)):
        cached_placement(reference, scan)
    assert len(searches) == 3


def test_the_oldest_are_forgotten(searches: list[int], cup: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 1)
    points = part("cup", 1, 1_400)
    for scan in (points, points[:1_300], points):
        cached_placement(cup, scan)
    assert searches == [1_400, 1_300, 1_400]
