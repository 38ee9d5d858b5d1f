"""Settings that make no sense together are refused when they are read, not after minutes of aligning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedir_core.config import override, preset
from sedir_core.errors import BadConfig
from sedir_core.evidence.tokens import resolutions


@pytest.mark.parametrize(
    ("grouping", "reason"),
    [
        ({"group_size": 8, "ratio": 1.1}, "not give three neighbourhoods"),
        ({"group_size": 512, "ratio": 8.0}, "at least the 4096 points"),
        ({"working_points": 50}, "at least the 64 points"),
        ({"compared_points": 50}, "at least the 64 points"),
    ],
)
def test_neighbourhoods_that_cannot_be(grouping: dict[str, float], reason: str) -> None:
    with pytest.raises(BadConfig, match=reason):
        preset("tiny", grouping=grouping)
    with pytest.raises(BadConfig, match=reason):
        override(preset("tiny"), grouping=grouping)


def test_a_patch_larger_than_the_cloud_is_refused() -> None:
    with pytest.raises(BadConfig, match="512 of 128 points"):
        preset("tiny", "imrnet", imrnet={"points": 128, "patch_size": 512})


@given(st.integers(8, 512), st.floats(1.1, 8.0), st.integers(0, 5000))
def test_what_is_accepted_gives_three_neighbourhoods(group_size: int, ratio: float, working_points: int) -> None:
    try:
        config = preset("tiny", grouping={"group_size": group_size, "ratio": ratio, "working_points": working_points})
    except BadConfig:
        return
    finer, base, coarser = resolutions(config.grouping)
    assert 0 < finer < base < coarser
    assert working_points == 0 or coarser <= working_points
