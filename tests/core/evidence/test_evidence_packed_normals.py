"""Normals in two bytes: within a degree, of unit length, and the same when packed again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sedir_core.evidence.packed_normals import packed_normals, unpacked_normals


def test_normals_keep_their_direction() -> None:
    vectors = np.random.default_rng(0).normal(size=(5_000, 3))
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    vectors = np.concatenate([vectors / np.linalg.norm(vectors, axis=1, keepdims=True), axes])
    found = unpacked_normals(packed_normals(vectors))
    assert np.linalg.norm(found, axis=1) == pytest.approx(1)
    angles = np.degrees(np.arccos(np.clip((found * vectors).sum(axis=1), -1, 1)))
    assert angles.max() < 1
    assert angles[-6:] == pytest.approx(0, abs=1e-6)


def test_packing_again_changes_nothing() -> None:
    codes = torch.from_numpy(np.stack(np.meshgrid(*2 * [np.arange(-127, 128, dtype=np.int8)]), -1).reshape(-1, 2))
    once = packed_normals(unpacked_normals(codes))
    assert torch.equal(packed_normals(unpacked_normals(once)), once)


def test_other_types_are_refused() -> None:
    with pytest.raises(ValueError, match="int16"):
        unpacked_normals(torch.zeros((2, 2), dtype=torch.int16))
