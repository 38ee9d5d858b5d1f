"""The patches the local encoder is pretrained on."""

from __future__ import annotations

import pytest
import torch

from sedir_core.training.patches import PatchBatch, PatchStream, prefetched


def stream(seed: int = 0, sizes: tuple[int, ...] = (16,)) -> PatchStream:
    return PatchStream(sizes, shapes=2, groups=24, max_points=2_500, seed=seed)


@pytest.fixture(scope="module")
def batch() -> PatchBatch:
    return stream().draw()


def test_groups_are_sorted_around_their_centre(batch):
    distance = batch.groups.norm(dim=-1)
    assert torch.equal(distance[..., 0], torch.zeros(2, 24))
    assert (distance.diff(dim=-1) >= -1e-6).all()


def test_targets_lie_within_the_patch(batch):
    assert (batch.targets.norm(dim=-1) <= 1.01).float().mean() > 0.99


def test_targets_are_the_surface_of_the_group_but_not_its_points(batch):
    points = batch.groups / batch.groups.norm(dim=-1).amax(-1)[..., None, None]
    nearest = torch.cdist(points, batch.targets).amin(-1)
    assert 0.0 < nearest.median() < 0.3


def test_distances_are_to_the_surface(batch):
    to_sample = (batch.queries[..., None, :] - batch.targets[..., None, :, :]).norm(dim=-1).amin(-1)
    assert (batch.distances <= to_sample + 1e-5).all()
    assert (batch.distances >= 0).all()


def test_centres_fill_about_the_unit_ball(batch):
    assert 0.7 < batch.centers.norm(dim=-1).max() < 1.3


def test_batches_follow_from_the_seed():
    first, second, other = stream(3), stream(3), stream(4)
    for _ in range(2):
        ours, theirs = first.draw(), second.draw()
        assert torch.equal(ours.groups, theirs.groups)
        assert torch.equal(ours.targets, theirs.targets)
    assert not torch.equal(ours.groups, other.draw().groups)


def test_prefetching_keeps_the_order():
    plain = stream()
    expected = [plain.draw() for _ in range(3)]
    with prefetched(stream()) as batches:
        for one in expected:
            assert torch.equal(next(batches).groups, one.groups)


def test_group_sizes_vary():
    source = stream(sizes=(8, 16))
    assert {source.draw().groups.shape[2] for _ in range(8)} == {8, 16}
