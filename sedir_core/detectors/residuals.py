"""A detector's residuals before any scoring rule, for comparing methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sedir_core.config import Config
from sedir_core.detectors.peer_features import Cloud
from sedir_core.types import DoubleArray


@dataclass(frozen=True)
class PlacedResiduals:
    """values: (m,) at places (m, 3) in the category's frame: all points of a cloud, or its token centres."""

    places: DoubleArray
    values: DoubleArray


@runtime_checkable
class ResidualDetector(Protocol):
    """A detector with residuals."""

    def residuals(self, category: str, cloud: Cloud, left_out: int | None = None) -> PlacedResiduals:
        """Residuals of an aligned cloud. left_out: a training part to exclude from the memory, if there is one."""
        ...


def tokens_in_words(config: Config, from_tokens: bool) -> str:
    """Description of the residuals' basis, for tables."""
    if not from_tokens:
        return "points"
    grouping = config.grouping
    return f"{grouping.n_groups} groups of {grouping.group_size}"
