"""Resolves the run a user names: a folder, a name, or an exported file."""

from __future__ import annotations

from pathlib import Path

from sedir_core.places import BUNDLE_SUFFIX, find_run


def find_model(name: str) -> Path:
    """The run directory to load a detector from, see `places.find_run`; a `.sedir` file is unpacked into the cache.

    Raises BadRun if such a file is damaged or not ours, CannotWrite.
    """
    found = find_run(name)
    if found.suffix != BUNDLE_SUFFIX or not found.is_file():
        return found
    from sedir_core.runs.bundle import unpacked  # late: few commands are given a file

    return unpacked(found)
