"""Paths: resources shipped with the program, and the user's folders."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

import platformdirs

APP_NAME = "sedir-inspect"
DEFAULT_RUN = "default"
BUNDLE_SUFFIX = ".sedir"
"""Suffix of an exported run."""
RUN_MARK = "about.json"
"""File that every run directory contains from the start."""


def bundled_runs() -> Path:
    """Runs that ship with the program, one folder each."""
    return Path(str(files("resources"))) / "runs"


def demo_scans() -> Path:
    """The scans that ship with the program."""
    return Path(str(files("resources"))) / "demo"


def user_guide() -> Path:
    """The user guide in Markdown, with its pictures beside it."""
    return Path(str(files("resources"))) / "guide" / "guide.md"


def user_runs() -> Path:
    """Default folder of trainings."""
    return platformdirs.user_data_path(APP_NAME, appauthor=False) / "runs"


def user_config() -> Path:
    """The user's configuration file; it need not exist."""
    return platformdirs.user_config_path(APP_NAME, appauthor=False) / "config.toml"


def writable_folders() -> dict[str, Path]:
    """The user's folders by content."""
    return {
        "configuration": platformdirs.user_config_path(APP_NAME, appauthor=False),
        "data": platformdirs.user_data_path(APP_NAME, appauthor=False),
        "cache": platformdirs.user_cache_path(APP_NAME, appauthor=False),
        "log": platformdirs.user_log_path(APP_NAME, appauthor=False),
    }


def bundled_icons() -> Path:
    """Folder of the pictures used in style sheets."""
    return Path(str(files("resources"))) / "icons"


def own_command(*words: str) -> list[str]:
    """The command line that runs `sedir` with these arguments in a separate process.

    With -P (safe path), so that a folder named `app` or `resources` in the working directory does not shadow ours.
    """
    return [sys.executable, "-P", "-m", "sedir_core", *words]


def whole_path(path: Path) -> Path:
    """The absolute path, the same from every working folder: `..` is resolved, links are kept."""
    whole = path.absolute()
    return whole.resolve() if ".." in whole.parts else whole


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; False for names the system rejects, such as too long ones."""
    try:
        return path.is_dir()
    except OSError:
        return False


def find_run(name: str) -> Path:
    """The run directory a user means: a path, or the name of one of the user's runs or a bundled one.

    A folder in the working directory takes precedence over a name only if it looks like a run, and never over the
    default. An explicit path such as ./default is used as given.
    """
    path = Path(name)
    if path.name != name or (name != DEFAULT_RUN and _holds_a_run(path)):
        return path
    for folder in (user_runs(), bundled_runs()):
        if is_folder(folder / name):
            return folder / name
    return bundled_runs() / name if name == DEFAULT_RUN else path


def _holds_a_run(path: Path) -> bool:
    """Whether it is a run directory, finished or not, or an exported run."""
    try:
        return (path / RUN_MARK).exists() or (path.suffix == BUNDLE_SUFFIX and path.is_file())
    except OSError:
        return False
