"""After Group3AD: its losses by hand, what its projector learns, where it looks, and what is left without it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from peers import memorise
from tiny_run import TinyRun, part, scan_of
from torch import nn

from sedir_core.config import override
from sedir_core.detectors.base import load_detector
from sedir_core.detectors.group3ad import Group3adDetector, projected, suspicious_centres
from sedir_core.detectors.memory_bank import MemoryBankDetector
from sedir_core.geometry.sampling import farthest_points
from sedir_core.models.group3ad import N_CLUSTERS, GroupObjective, alignment, cluster_centres, k_means, uniformity
from sedir_core.training.learn_group3ad import GROUPS_A_STEP, fit_projector


def test_uniformity_of_a_square_and_of_one_place() -> None:
    square = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    assert uniformity(square).item() == pytest.approx(math.log((2 * math.exp(-4) + math.exp(-8)) / 3), abs=1e-5)
    assert uniformity(square[:1].expand(5, 2)).item() == pytest.approx(0, abs=1e-6)


def test_alignment_is_nothing_on_the_centres_and_four_at_most() -> None:
    vectors = nn.functional.normalize(torch.randn(40, 8), dim=1)
    assert alignment(vectors, vectors).item() == 0
    assert alignment(vectors, -vectors).item() == pytest.approx(4, abs=1e-5)


def test_k_means_finds_clusters_and_keeps_their_numbers() -> None:
    random = torch.Generator().manual_seed(0)
    truth = torch.randint(4, (400,), generator=random)
    corners = torch.eye(4)
    vectors = nn.functional.normalize(corners[truth] + 0.1 * torch.randn(400, 4, generator=random), dim=1)
    found = k_means(vectors, nn.functional.normalize(corners + 0.3, dim=1))
    assert torch.equal(found, truth)
    assert torch.allclose(cluster_centres(vectors, found, 4), corners, atol=0.1)


def blobs(seed: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    middles = torch.randn(12, 64, generator=torch.Generator().manual_seed(9))
    return middles[torch.randint(12, (3_000,), generator=random)] + 0.3 * torch.randn(3_000, 64, generator=random)


class OneShelf:
    """As much of a shelf as a projector asks for."""

    def __init__(self, epochs: int) -> None:
        from sedir_core.config import preset

        self.config = preset("tiny", "group3ad", group3ad={"projector_epochs": epochs})


def spread_and_tightness(projector: nn.Module, tokens: torch.Tensor) -> tuple[float, float]:
    with torch.no_grad():
        seen = projector(tokens)
    clusters = k_means(seen, seen[:N_CLUSTERS])
    centres = cluster_centres(seen, clusters)
    there = centres[torch.bincount(clusters, minlength=N_CLUSTERS) > 0]
    return float(torch.pdist(there).mean()), float(alignment(seen, centres[clusters]))


def test_clusters_of_unseen_good_tokens_lie_farther_apart_and_tighter_than_before() -> None:
    fitted = fit_projector(blobs(0), OneShelf(15), "cup", lambda: False)  # type: ignore[arg-type]
    torch.manual_seed(0)
    fresh = GroupObjective(64).eval().projector
    before, after = (spread_and_tightness(one, blobs(1)) for one in (fresh, fitted))
    assert after[0] > before[0]
    assert after[1] / after[0] ** 2 < before[1] / before[0] ** 2


def test_the_same_seed_gives_the_same_projector() -> None:
    one, other = (fit_projector(blobs(0), OneShelf(2), "cup", lambda: False) for _ in range(2))  # type: ignore[arg-type]
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_one_token_more_than_a_step_takes_is_learned_too() -> None:
    tokens = blobs(0)[: GROUPS_A_STEP + 1]
    fitted = fit_projector(tokens, OneShelf(1), "cup", lambda: False)  # type: ignore[arg-type]
    assert torch.isfinite(fitted(tokens)).all()


def test_more_groups_lie_where_the_surface_departs() -> None:
    points = np.random.default_rng(0).normal(size=(4_000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    bulge = points[:, 2] > 0.95
    centres = suspicious_centres(points, np.where(bulge, 1.0, 0.1 * points[:, 0]), 400)
    plain = farthest_points(points.astype(np.float32), 400)
    assert bulge[centres].mean() > 1.5 * bulge[plain].mean()
    assert len(np.unique(centres)) == len(centres) <= 400


def test_without_projector_and_plain_groups_it_is_reg3d_ad(tiny: TinyRun, tmp_path: Path) -> None:
    run = memorise("reg3d-ad", tiny, tmp_path / "run")
    plain = load_detector(run, "cpu")
    assert isinstance(plain, MemoryBankDetector)
    config = override(plain.config, method="group3ad", group3ad={"agcs": "off"})
    memories = {
        name: projected(memory, nn.Identity(), plain.known[name].surface) for name, memory in plain.memories.items()
    }
    same = Group3adDetector(config, plain.extractor, plain.known, memories)
    scan = scan_of(part("bracket", 100))
    expected, found = (one.detect(scan, "bracket") for one in (plain, same))
    assert np.allclose(found.point_scores, expected.point_scores, atol=1e-6)
    assert found.object_score == pytest.approx(expected.object_score, abs=1e-6)
