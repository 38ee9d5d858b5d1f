"""Elastic fit of the smooth variation between good parts, so that the remaining deviation is a defect.

A Gaussian-process displacement field on a few control points, fitted to point-to-plane distances with Tukey
weights. Its prior keeps it from following a dent: the correlation length is a third of the part, the amplitude about a
hundredth of its radius. Source of the model: Luethi et al. 2018, Gaussian process morphable models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sedir_core.types import BoolArray, DoubleArray

Toward = Callable[[DoubleArray], tuple[DoubleArray, DoubleArray]]
"""Of points (n, 3) the signed way (n,) onto a surface, and the unit normals (n, 3) that it is measured along.

The way is not a number where nobody knows it.
"""

LENGTH = 0.35  # correlation length, as a share of the part's radius
AMPLITUDE = 0.01  # prior standard deviation, as a share of the part's radius
NOISE = 0.01  # residuals are correlated, so each weighs less than sensor noise alone would imply
CUTOFF = 0.004  # lower bound of the robust scale
STEPS = 5
_AT_ONCE = 2_048  # points: so many kernels stay in a processor's cache, which takes a third of the time


@dataclass(frozen=True)
class Elastic:
    """A displacement field: controls (c, 3), weights (c, 3)."""

    controls: DoubleArray
    weights: DoubleArray

    def __call__(self, points: DoubleArray) -> DoubleArray:
        """Displacements (n, 3) at points (n, 3)."""
        found = np.empty_like(points)
        for start in range(0, len(points), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            found[some] = _kernel(points[some], self.controls) @ self.weights
        return found


def no_displacement(controls: DoubleArray) -> Elastic:
    """The zero field."""
    return Elastic(controls, np.zeros_like(controls))


def random_displacement(controls: DoubleArray, amplitude: float, generator: np.random.Generator) -> Elastic:
    """A sample from the prior with that standard deviation: a plausible part-to-part variation."""
    factor = np.linalg.cholesky(_prior(controls))
    noise = generator.standard_normal(controls.shape)
    return Elastic(controls, amplitude * np.linalg.solve(factor.T, noise))


def fit_elastic(points: DoubleArray, toward: Toward, controls: DoubleArray) -> Elastic:
    """Fit the field that moves aligned points (n, 3) onto a surface, both in units of the part's radius."""
    basis = _kernel(points, controls)
    prior = np.kron(_prior(controls), np.eye(3)) / AMPLITUDE**2
    weights: DoubleArray = np.zeros((len(controls), 3))
    for _ in range(STEPS):
        moves = basis @ weights
        along, normals = toward(points + moves)
        known = ~np.isnan(along)
        if not known.any():
            return no_displacement(controls)
        trust = _tukey(along, known) / NOISE**2
        goal = np.where(known, along, 0.0) + np.einsum("ij,ij->i", moves, normals)
        hessian, gradient = _normal_equations(basis, normals, trust, goal)
        weights = np.asarray(np.linalg.solve(hessian + prior, gradient)).reshape(-1, 3)
    return Elastic(controls, weights)


def _normal_equations(
    basis: DoubleArray, normals: DoubleArray, trust: DoubleArray, goal: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    n_controls = basis.shape[1]
    hessian = np.empty((n_controls, 3, n_controls, 3))
    gradient = np.empty((n_controls, 3))
    for i in range(3):
        gradient[:, i] = basis.T @ (trust * normals[:, i] * goal)
        for j in range(i, 3):
            block = basis.T @ (basis * (trust * normals[:, i] * normals[:, j])[:, None])
            hessian[:, i, :, j] = hessian[:, j, :, i] = block
    return hessian.reshape(3 * n_controls, -1), gradient.reshape(-1)


def _tukey(residuals: DoubleArray, known: BoolArray) -> DoubleArray:
    scale = max(1.4826 * float(np.median(np.abs(residuals[known]))), CUTOFF)
    weights = np.clip(1 - (residuals / (4.685 * scale)) ** 2, 0, None) ** 2
    return np.asarray(np.where(known, weights, 0.0))


def _prior(controls: DoubleArray) -> DoubleArray:
    return _kernel(controls, controls) + 1e-6 * np.eye(len(controls))


def _kernel(a: DoubleArray, b: DoubleArray) -> DoubleArray:
    # The exponent is one product: -(|a|² - 2 a·b + |b|²), by the width.
    left = np.column_stack([(a**2).sum(axis=1), a, np.ones(len(a))])
    right = np.vstack([-np.ones(len(b)), 2 * b.T, -(b**2).sum(axis=1)]) / (2 * LENGTH**2)
    exponent = np.minimum(left @ right, 0.0)
    return np.asarray(np.exp(exponent, out=exponent))
