"""Elastic fit of the smooth variation between good parts, so that the remaining deviation is a defect.

A Gaussian-process displacement field on a few control points, fitted to point-to-plane distances with Tukey weights.
Its prior keeps it from following a dent: the amplitude is learned from good parts of the category, and a dent is
shorter than the correlation length. Source of the model: Luethi et al. 2018, Gaussian process morphable models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sedir_core.geometry.numbers import ELASTIC
from sedir_core.geometry.robust import TUKEY_WIDTH, sigma, tukey
from sedir_core.types import BoolArray, DoubleArray

Toward = Callable[[DoubleArray], tuple[DoubleArray, DoubleArray]]
"""Maps points (n, 3) to their signed distances (n,) to a surface, and the unit normals (n, 3) these are measured along.

Distances are NaN where they are unknown.
"""

MOST_AMPLITUDE, MOST_LENGTH = 1.0, 2.0  # radii that a prior may be stored with
_AT_ONCE = 2_048  # points: so many kernels stay in a processor's cache, which takes a third of the time


@dataclass(frozen=True)
class SmoothPrior:
    """How good parts of a category differ: displacements with that standard deviation, in radii, at controls (c, 3).

    supple_length: correlation length, in radii, of parts that vary by nature. held: a more restrained prior, which
    follows no more than good parts require; by default this one.
    """

    controls: DoubleArray
    amplitude: float = ELASTIC.stiff
    supple_length: float = ELASTIC.supple_length
    held: SmoothPrior | None = None

    @property
    def length(self) -> float:
        """The correlation length, in radii."""
        return self.supple_length if self.supple else ELASTIC.stiff_length

    @property
    def reach(self) -> float:
        """The largest plausible displacement of a good part, in radii."""
        return ELASTIC.reach * self.amplitude

    @property
    def supple(self) -> bool:
        """Whether good parts vary by nature, more than machined or moulded ones."""
        return self.amplitude > ELASTIC.stiff

    @property
    def comparing(self) -> SmoothPrior:
        """The prior for comparing scans. Poses need more freedom, or true ones leave as much as wrong ones."""
        return self if self.held is None else self.held

    @classmethod
    def learned(cls, controls: DoubleArray, numbers: DoubleArray) -> SmoothPrior:
        """The inverse of `numbers`. Raises ValueError."""
        most = (MOST_AMPLITUDE, MOST_AMPLITUDE, MOST_LENGTH)
        if numbers.shape not in ((1,), (3,)) or not ((numbers > 0) & (numbers < most[: len(numbers)])).all():
            raise ValueError(f"{numbers.tolist()} are no smooth differences in radii")
        held = cls(controls, float(numbers[1]), float(numbers[2])) if len(numbers) > 1 else None
        return cls(controls, float(numbers[0]), held=held)

    @property
    def numbers(self) -> DoubleArray:
        """(1,) or (3,), in radii: everything learned from good parts, except the controls."""
        held = [] if self.held is None else [self.held.amplitude, self.held.supple_length]
        return np.array([self.amplitude, *held])

    @property
    def none(self) -> Elastic:
        """The zero field."""
        return Elastic(self, np.zeros_like(self.controls))

    def with_amplitude(self, amplitude: float) -> SmoothPrior:
        """The same with that amplitude, but at least that of a stiff prior."""
        return replace(self, amplitude=max(amplitude, ELASTIC.stiff))

    def draw(self, amplitude: float, generator: np.random.Generator) -> Elastic:
        """A random field of that standard deviation, a plausible difference between parts."""
        factor = np.linalg.cholesky(self._correlations)
        noise = generator.standard_normal(self.controls.shape)
        return Elastic(self, amplitude * np.linalg.solve(factor.T, noise))

    def fit(self, points: DoubleArray, toward: Toward, steps: int = ELASTIC.steps) -> Elastic:
        """The field that moves aligned points (n, 3) onto a surface, both in units of the part's radius."""
        basis = _kernel(points, self.controls, self.length)
        prior = np.kron(self._correlations, np.eye(3)) / self.amplitude**2
        moves = np.zeros_like(points)
        for _ in range(steps):
            along, normals = toward(points + moves)
            known = ~np.isnan(along)
            if not known.any():
                return self.none
            trust = _tukey(along, known) / ELASTIC.noise**2
            goal = np.where(known, along, 0.0) + np.einsum("ij,ij->i", moves, normals)
            hessian, gradient = _normal_equations(basis, normals, trust, goal)
            weights = np.asarray(np.linalg.solve(hessian + prior, gradient)).reshape(-1, 3)
            before, moves = moves, basis @ weights
            if np.abs(moves - before).max() < ELASTIC.settled:
                break
        return Elastic(self, weights)

    @property
    def _correlations(self) -> DoubleArray:
        return _kernel(self.controls, self.controls, self.length) + 1e-6 * np.eye(len(self.controls))


@dataclass(frozen=True)
class Elastic:
    """A displacement field: weights (c, 3) of a prior's controls."""

    prior: SmoothPrior
    weights: DoubleArray

    def __call__(self, points: DoubleArray) -> DoubleArray:
        """Displacements (n, 3) at points (n, 3)."""
        found = np.empty_like(points)
        for start in range(0, len(points), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            found[some] = _kernel(points[some], self.prior.controls, self.prior.length) @ self.weights
        return found


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
    scale = max(sigma(residuals[known]), ELASTIC.cutoff)
    weights = tukey(residuals, TUKEY_WIDTH * scale)
    return np.asarray(np.where(known, weights, 0.0))


def _kernel(a: DoubleArray, b: DoubleArray, length: float) -> DoubleArray:
    # The exponent is one product: -(|a|² - 2 a·b + |b|²), by the width.
    left = np.column_stack([(a**2).sum(axis=1), a, np.ones(len(a))])
    right = np.vstack([-np.ones(len(b)), 2 * b.T, -(b**2).sum(axis=1)]) / (2 * length**2)
    exponent = np.minimum(left @ right, 0.0)
    return np.asarray(np.exp(exponent, out=exponent))
