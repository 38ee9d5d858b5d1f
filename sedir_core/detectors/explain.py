"""Explanations beyond the verdict, for comparing two runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sedir_core.types import FloatArray, Scan


@dataclass(frozen=True)
class Explanation:
    """token: (d,) the global token. rebuilt: (c,) reconstructed features, averaged over the groups.

    residual: mean distance of the groups' features to their reconstruction.
    """

    token: FloatArray
    rebuilt: FloatArray
    residual: float


@runtime_checkable
class Explains(Protocol):
    """A detector with feature reconstruction; for others only `detect` is used."""

    def explain(self, scan: Scan, category: str = "auto") -> Explanation:
        """Token, reconstruction and residual of one scan. Raises as `Detector.detect`."""
        ...
