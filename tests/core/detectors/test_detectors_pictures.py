"""CPMF's pictures and ISMP's projections, against what their public codes make of the same points."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sedir_core.config import IsmpConfig, preset
from sedir_core.detectors.bank import MemoryBank
from sedir_core.detectors.inside import INSIDE_WIDTH, inside_vector, slices
from sedir_core.detectors.memory_bank import RECIPES, Memory, MemoryBankDetector, PatchDistances, weighted_maximum
from sedir_core.detectors.peer_features import Cloud, FeatureExtractor, Patches, blurred
from sedir_core.detectors.pictures import BACKGROUND, SIDE, published_turns, seen_features, turns_around, view
from sedir_core.geometry.surface import normals_and_curvature
from sedir_core.models.efficientnet import EfficientNetLite0, ResNet18
from sedir_core.models.pointmae import LocalEncoder

FEW = np.array([[0, 0, 0], [1, 0, 1], [0, 1, 2], [1, 1, 4], [0.5, 0.5, 3]], dtype=np.float64)


def ellipsoid(n: int = 20_000) -> np.ndarray:
    i = np.arange(n)
    polar, azimuth = np.arccos(1 - 2 * (i + 0.5) / n), np.pi * (1 + np.sqrt(5)) * (i + 0.5)
    round_ = np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=1)
    return round_ * (1, 0.8, 0.6)


def own_bounds(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return points.min(axis=0), points.max(axis=0)


def lit(picture: np.ndarray) -> set[tuple[int, int, int]]:
    return {(int(row), int(column), int(picture[row, column])) for row, column in np.argwhere(picture)}


def test_projections_of_five_points_are_the_known_ones() -> None:
    found = [lit(one) for one in slices(FEW, "published", own_bounds(FEW))]
    assert found == [
        {(0, 223, 63), (111, 111, 191), (223, 0, 127), (223, 223, 255)},
        {(0, 0, 255), (0, 223, 191), (111, 111, 63), (223, 0, 127)},
        {(111, 111, 127), (223, 0, 255)},
        {(0, 223, 127), (223, 0, 255)},
    ]


def test_projections_of_an_ellipsoid_are_the_known_ones() -> None:
    points = ellipsoid()
    found = slices(points, "published", own_bounds(points))
    assert [int((one > 0).sum()) for one in found] == [15_730, 15_738, 9_538, 9_547]
    assert [int(one.sum(dtype=np.float64)) for one in found] == [1_860_966, 2_154_522, 1_173_199, 1_169_285]


def test_our_projections_do_not_depend_on_the_order_of_the_points() -> None:
    points = ellipsoid(3_000)
    shuffled = points[np.random.default_rng(0).permutation(len(points))]
    assert np.array_equal(slices(points), slices(shuffled))
    assert not np.array_equal(slices(points, "published"), slices(shuffled, "published"))


@pytest.mark.parametrize("normalise", ["network", "published"])
def test_a_scan_becomes_one_vector(normalise: str) -> None:
    backbone = EfficientNetLite0().eval()
    cfg = IsmpConfig(normalise=normalise)
    vector = inside_vector(slices(ellipsoid(2_000)), backbone, cfg, torch.device("cpu"))
    assert vector.shape == (INSIDE_WIDTH,)


def test_there_are_27_views_and_the_first_of_the_published_ones_is_straight() -> None:
    for turns in (published_turns(), turns_around()):
        assert turns.shape == (27, 3, 3)
        assert np.allclose(np.einsum("vij,vkj->vik", turns, turns), np.eye(3))
        assert np.allclose(np.linalg.det(turns), 1)
    assert np.array_equal(published_turns()[0], np.eye(3))


def test_the_front_hides_the_back_and_shading_follows_the_slope() -> None:
    points = ellipsoid(8_000)
    seen = view(points, normals_and_curvature(points, 30)[0], np.eye(3))
    front = points[:, 2] > 0.1
    assert seen.seen[front].mean() > 0.99
    assert seen.seen[points[:, 2] < -0.1].mean() < 0.2
    middle = seen.picture[SIDE // 2, SIDE // 2]
    rim = seen.picture[SIDE // 2, int(SIDE / 2 + 0.42 * SIDE)]
    assert 0.4 < middle <= 0.5 and rim < middle
    assert seen.picture[0, 0] == BACKGROUND


def test_a_point_is_seen_alike_wherever_it_stands_in_the_list() -> None:
    torch.manual_seed(0)
    points, backbone = ellipsoid(1_500), ResNet18().eval()
    order = np.random.default_rng(0).permutation(len(points))
    turns = published_turns()[:2]
    straight = seen_features(points, backbone, turns, torch.device("cpu"))
    shuffled = seen_features(points[order], backbone, turns, torch.device("cpu"))
    assert straight.shape == (1_500, 448)
    assert np.allclose(straight[order], shuffled, atol=1e-3)


def test_the_weighted_maximum_is_the_published_one() -> None:
    entries = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [3, 3, 0, 0]], dtype=np.float32)
    patches = np.array([[0, 0, 0, 0.5], [2, 0, 0, 0]], dtype=np.float32)
    bank = MemoryBank(entries, np.zeros(5, dtype=np.int64))
    distances, nearest = bank.nearest(patches)
    assert distances.tolist() == pytest.approx([0.5, 1.0])
    score = weighted_maximum(PatchDistances(Patches(patches, np.arange(2)), distances, nearest), bank)
    assert score == pytest.approx(0.714612, abs=1e-6)


def extractor(method: str) -> FeatureExtractor:
    torch.manual_seed(0)
    config = preset("tiny", method)
    encoder = LocalEncoder(192, 64, 6, 2).eval()
    return FeatureExtractor(config, encoder, EfficientNetLite0().eval(), torch.device("cpu"))


def test_cpmf_s_patches_are_about_unit_vectors_and_a_bank_of_them_knows_them() -> None:
    points = ellipsoid(2_000)
    patches = extractor("cpmf").extract("views", Cloud(points, points))
    assert patches.features.shape == (784, 176 + 33)
    assert np.linalg.norm(patches.features, axis=1).max() <= np.sqrt(2) + 1e-5
    bank = MemoryBank(patches.features, np.zeros(784, dtype=np.int64))
    assert np.abs(bank.nearest(patches.features)[0]).max() < 1e-6


def test_ismp_s_vector_ends_with_reg3d_s() -> None:
    points = ellipsoid(2_000)
    extract = extractor("ismp").extract
    long, tokens = extract("slices and groups", Cloud(points, points)), extract("groups", Cloud(points, points))
    assert long.features.shape[1] == 320 + 33 + tokens.features.shape[1]
    assert np.array_equal(long.picked, tokens.picked)
    assert np.allclose(long.features[:, 353:], tokens.features, atol=1e-6)
    assert np.ptp(long.features[:, :320], axis=0).max() == 0


def test_ismp_s_vector_has_the_published_width() -> None:
    config = preset("tiny", "ismp", grouping={"n_groups": 16})
    whole = LocalEncoder(384, 128, 6, 12).eval()
    points = ellipsoid(1_000)
    extract = FeatureExtractor(config, whole, EfficientNetLite0().eval(), torch.device("cpu")).extract
    assert extract("slices and groups", Cloud(points, points)).features.shape == (16, 1_505)


def test_ismp_of_tokens_and_coordinates_alone_is_reg3d_ad() -> None:
    parts, scan = (ellipsoid(n) for n in (2_000, 1_500))
    bulged = scan * (1 + 0.1 * (scan[:, 2:] > 0.5))
    found = []
    for method, gains in (("ismp", np.repeat([0.0, 1.0], [353, 384]).astype(np.float32)), ("reg3d-ad", None)):
        own = extractor(method)
        owners = [np.zeros(n, dtype=np.int64) for n in (128, 2_000)]
        first, second = (own.extract(channel, Cloud(parts, parts)).features for channel in RECIPES[method].channels)
        banks = (MemoryBank(first if gains is None else first * gains, owners[0], gains), MemoryBank(second, owners[1]))
        memory = Memory(banks, np.array([[0.0, 2.0], [0.0, 0.5]]))
        detector = MemoryBankDetector(own.config, own, {}, {"cup": memory})
        found.append(detector.score_cloud("cup", Cloud(bulged, bulged)))
    assert np.allclose(found[0].scores, found[1].scores, rtol=1e-6, atol=1e-6)
    assert found[0].object_score == pytest.approx(found[1].object_score, rel=1e-6)
    assert np.ptp(found[0].scores) > 0


def test_gains_of_zero_leave_a_part_out() -> None:
    random = np.random.default_rng(0)
    entries, asked = random.normal(size=(50, 20)).astype(np.float32), random.normal(size=(9, 20)).astype(np.float32)
    gains = np.repeat([0.0, 1.0], 10).astype(np.float32)
    owners = np.zeros(50, dtype=np.int64)
    whole, part = MemoryBank(entries * gains, owners, gains), MemoryBank(entries[:, 10:].copy(), owners)
    assert np.allclose(whole.nearest(asked)[0], part.nearest(asked[:, 10:].copy())[0], atol=1e-6)


def test_a_blur_keeps_a_constant_and_spreads_a_peak() -> None:
    points = ellipsoid(2_000)
    assert np.allclose(blurred(np.full(2_000, 2.0), points, 0.1), 2.0)
    peak = np.zeros(2_000)
    peak[7] = 1.0
    assert 0 < blurred(peak, points, 0.1)[7] < 0.5
