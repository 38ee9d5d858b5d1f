"""Robust statistics: a defect must sway neither a scale nor a fit."""

from __future__ import annotations

import numpy as np

from sedir_core.types import DoubleArray, FloatArray

SIGMA_PER_MEDIAN = 1.4826  # standard deviations of a normal distribution in a median absolute deviation
TUKEY_WIDTH = 4.685  # standard deviations: 95 % efficient if residuals are normal


def sigma(residuals: FloatArray | DoubleArray) -> float:
    """Standard deviation of residuals about zero, estimated from their median."""
    return SIGMA_PER_MEDIAN * float(np.median(np.abs(residuals)))


def tukey(residuals: DoubleArray, width: float | DoubleArray) -> DoubleArray:
    """Weights 0..1 of residuals, 0 from that width on, in the same unit. Source: Beaton and Tukey 1974 (biweight)."""
    return np.asarray(np.clip(1 - (residuals / width) ** 2, 0, None) ** 2)
