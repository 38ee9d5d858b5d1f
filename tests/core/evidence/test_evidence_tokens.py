"""From a cloud to tokens: as many as asked, the same each time, from neighbourhoods of three sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sedir_core.config import GroupingConfig
from sedir_core.errors import TooFewPoints
from sedir_core.evidence.tokens import resolutions, tokenize
from sedir_core.geometry.neighbours import nearest_groups
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.models.sedir import Tokens
from sedir_core.types import DoubleArray

CPU = torch.device("cpu")
GROUPING = GroupingConfig(n_groups=64, group_size=16)


@pytest.fixture(scope="module")
def encoder() -> LocalEncoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LocalEncoder(width=32, hidden=16, heads=2, depth=1).eval()


def cloud(n: int) -> DoubleArray:
    points = np.random.default_rng(0).normal(size=(n, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def tokens(encoder: LocalEncoder, n: int) -> Tokens:
    return tokenize(cloud(n), GROUPING, encoder, CPU)


def test_there_are_as_many_tokens_as_asked(encoder: LocalEncoder) -> None:
    found = tokens(encoder, 1_000)
    assert found.features.shape == (3, 1, 64, 32)
    assert found.geometry.shape == (1, 64, 2)


def test_a_scan_of_fewer_points_has_fewer_tokens(encoder: LocalEncoder) -> None:
    assert tokens(encoder, 50).centers.shape == (1, 50, 3)


def test_a_scan_of_fewer_points_than_a_neighbourhood_is_refused(encoder: LocalEncoder) -> None:
    with pytest.raises(TooFewPoints, match="31 points, the model groups 32"):
        tokens(encoder, 31)


def test_centres_are_points_of_the_scan(encoder: LocalEncoder) -> None:
    centres = tokens(encoder, 1_000).centers[0].numpy()
    assert nearest_groups(cloud(1_000).astype(np.float32), centres, 1)[0].max() == 0


def test_each_resolution_is_the_encoding_of_its_neighbourhoods(encoder: LocalEncoder) -> None:
    found, points = tokens(encoder, 1_000), cloud(1_000).astype(np.float32)
    centres = found.centers[0].numpy()
    for features, size in zip(found.features, resolutions(GroupingConfig(group_size=16)), strict=True):
        groups = torch.from_numpy(points[nearest_groups(points, centres, size)[1]] - centres[:, None])[None]
        with torch.no_grad():
            assert torch.allclose(encoder(groups, found.centers), features, atol=1e-5)


def test_the_same_cloud_gives_the_same_tokens(encoder: LocalEncoder) -> None:
    assert torch.equal(tokens(encoder, 1_000).features, tokens(encoder, 1_000).features)


@pytest.mark.parametrize(("ratio", "sizes"), [(2.0, (8, 16, 32)), (4.0, (4, 16, 64)), (1.5, (10, 16, 24))])
def test_the_ratio_sets_the_finer_and_the_coarser_neighbourhood(ratio: float, sizes: tuple[int, ...]) -> None:
    assert resolutions(GroupingConfig(group_size=16, ratio=ratio)) == sizes
