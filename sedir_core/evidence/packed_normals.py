"""Unit vectors in two bytes: the sphere mapped onto an octahedron, and that onto a square (Cigolle et al. 2014)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sedir_core.types import DoubleArray

_STEPS = 127  # from the square's middle to its edge: within a degree


def packed_normals(normals: DoubleArray) -> Tensor:
    """(n, 3) unit vectors -> (n, 2) int8. Packing unpacked values returns the same bytes."""
    return _packed(unpacked_normals(_packed(normals)))


def unpacked_normals(packed: Tensor) -> DoubleArray:
    """(n, 2) int8 -> (n, 3) unit vectors. Raises ValueError for any other type."""
    if packed.dtype != torch.int8:
        raise ValueError(f"normals are {packed.dtype}, expected {torch.int8}")
    square = np.maximum(packed.numpy().astype(float), -_STEPS) / _STEPS
    height = 1 - np.abs(square).sum(axis=1)
    flat = np.where(height[:, None] < 0, _folded(square), square)
    vectors = np.column_stack([flat, height])
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _packed(normals: DoubleArray) -> Tensor:
    flat = normals[:, :2] / np.abs(normals).sum(axis=1, keepdims=True)
    square = np.where(normals[:, 2:] < 0, _folded(flat), flat)
    return torch.from_numpy(np.round(square * _STEPS).astype(np.int8))


def _folded(square: DoubleArray) -> DoubleArray:
    """(n, 2) folds the square's four corners, the octahedron's lower half, onto its centre or back."""
    return (1 - np.abs(square[:, ::-1])) * np.where(square < 0, -1.0, 1.0)
