"""From a method's name to its code, imported on demand, so that the window starts without torch."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sedir_core.config import Config
from sedir_core.errors import BadRun
from sedir_core.methods import BY_NAME, TABLE, Method
from sedir_core.rundir.files import read_method

if TYPE_CHECKING:
    from sedir_core.detectors.base import Detector

__all__ = ["BY_NAME", "TABLE", "Method", "code", "label_of", "load", "method_of", "parameters_a_category"]


def load(run_dir: Path, device: str = "auto") -> Detector:
    """The detector saved in a run directory, on `device`. Raises BadRun, DeviceUnavailable."""
    found: Detector = code(method_of(run_dir).detector).load(run_dir, device)
    return found


def method_of(run_dir: Path) -> Method:
    """The method of a run. Raises BadRun."""
    name = read_method(run_dir)
    if name not in BY_NAME:
        raise BadRun(run_dir, f"holds a detector unknown to this version: {name}", "update SeDiR Inspect")
    return BY_NAME[name]


def label_of(config: Config) -> str:
    """The method's label, or that of the variant selected by the settings."""
    method = BY_NAME[config.method]
    own = getattr(config, method.section, None)
    return next(
        (label for (name, value), label in method.variants.items() if getattr(own, name) == value), method.label
    )


def parameters_a_category(config: Config) -> int:
    """Number of parameters per category of a method with a network each."""
    import torch

    with torch.device("meta"):  # meta tensors, without memory
        network = code(BY_NAME[config.method].detector).build(config)
    return sum(parameter.numel() for parameter in network.parameters())


def code(target: str) -> Any:
    """Resolve a "module:name" of the table; a test resolves all of them."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
