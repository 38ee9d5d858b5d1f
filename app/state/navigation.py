"""Requests between workspaces and to the window: one type each, emitted by `Session.navigated`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sedir_core.types import FloatArray


@dataclass(frozen=True)
class ShowWorkspace:
    """key: as in the registry of workspaces."""

    key: str


@dataclass(frozen=True)
class OpenScans:
    """Open these scans in Inspect."""

    paths: tuple[Path, ...]


@dataclass(frozen=True)
class TrainFurther:
    """Prepare a training in Train that continues from this run."""

    run_dir: Path


@dataclass(frozen=True)
class ImportRuns:
    """Import these exported models into the runs."""

    paths: tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class PlacedScan:
    """An inspected scan of the list. token: (d,) global token."""

    id: int
    name: str
    token: FloatArray


@dataclass(frozen=True, eq=False)
class PlaceScans:
    """Show these scans among the training tokens of the model that inspected them."""

    run_dir: Path
    scans: tuple[PlacedScan, ...]


Navigation = ShowWorkspace | OpenScans | TrainFurther | ImportRuns | PlaceScans
