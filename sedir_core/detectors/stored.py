"""How detectors with a given category are stored: one layout of tensors, one reader with one error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from sedir_core.config import Config
from sedir_core.detectors.reference import Reference, reference_from_tensors
from sedir_core.errors import BadRun
from sedir_core.evidence.stages import below
from sedir_core.rundir import files as run_files


@dataclass(frozen=True)
class StoredDetector:
    """A finished run as read from disk. tensors: all by name. parts: by category, without their prefix."""

    config: Config
    tensors: dict[str, Tensor]
    parts: dict[str, dict[str, Tensor]]

    def references(self, ignored: str = "") -> dict[str, Reference]:
        """By category. ignored: prefix of a category's other tensors, spared the conversion. Raises as the reader."""
        kept = {
            name: {key: value for key, value in part.items() if not ignored or not key.startswith(ignored)}
            for name, part in self.parts.items()
        }
        return {name: reference_from_tensors(part) for name, part in kept.items()}


@contextmanager
def stored_detector(run_dir: Path) -> Iterator[StoredDetector]:
    """A finished run. Raises BadRun, also where the block finds that tensors and configuration do not fit."""
    config, about = run_files.read_run_config(run_dir), run_files.read_about(run_dir)
    tensors = run_files.read_run_tensors(run_dir)
    parts = {name: below(tensors, f"category.{i}.") for i, name in enumerate(about.categories)}
    try:
        yield StoredDetector(config, tensors, parts)
    except (KeyError, ValueError, RuntimeError, IndexError) as error:
        raise BadRun(run_dir, f"its weights do not fit its configuration: {error}", "train it again") from error


def to_store(nets: Mapping[str, nn.Module | None], parts: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """What `stored_detector` reads: networks by prefix, where there are any, and the tensors of each category."""
    found = {
        f"{prefix}.{key}": value
        for prefix, net in nets.items()
        if net is not None
        for key, value in net.state_dict().items()
    }
    for i, own in enumerate(parts):
        found |= {f"category.{i}.{key}": value for key, value in own.items()}
    return {name: value.detach().cpu().contiguous() for name, value in found.items()}
