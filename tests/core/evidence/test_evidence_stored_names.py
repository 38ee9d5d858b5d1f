"""Runs keep the names and the order of channels that they were written with."""

from __future__ import annotations

from sedir_core.evidence.channels import NETWORK
from sedir_core.evidence.judge import channels_in
from sedir_core.evidence.normal_surface import CHANNELS
from sedir_core.evidence.stored_names import current_name, stored_name

EVERY = {*CHANNELS, *NETWORK}


def test_every_name_comes_back() -> None:
    assert {current_name(stored_name(name)) for name in EVERY} == EVERY


def test_gaps_and_outliers_are_stored_as_they_were() -> None:
    assert {stored_name(name) for name in EVERY} - EVERY == {
        *(f"{before}bare_{k}" for before in ("", "implicit_") for k in (4, 8, 32)),
        "stray_8",
    }


def test_judges_read_the_channels_in_the_order_of_the_stored_names() -> None:
    """Their weights are columns in that order."""
    stored = [stored_name(name) for name in channels_in(EVERY)]
    assert stored == sorted(stored)
    assert stored[0] == "bare_32"
