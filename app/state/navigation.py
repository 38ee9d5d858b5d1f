"""What one workspace wants of another, or of the window: one typed request each, in `Session.navigated`."""

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
    """Prepare a training in Train that goes on from this run."""

    run_dir: Path


@dataclass(frozen=True)
class ImportRuns:
    """Add these exported models to the runs."""

    paths: tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class PlacedScan:
    """An inspected scan of the list. token: (d,), its global token."""

    id: int
    name: str
    token: FloatArray


@dataclass(frozen=True, eq=False)
class PlaceScans:
    """Show where these scans lie among the tokens of the model that they were inspected with."""

    run_dir: Path
    scans: tuple[PlacedScan, ...]


Navigation = ShowWorkspace | OpenScans | TrainFurther | ImportRuns | PlaceScans
