"""Where things live: what ships with the program, and the user's own folders."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import platformdirs

APP_NAME = "sedir-inspect"
DEFAULT_RUN = "default"
BUNDLE_SUFFIX = ".sedir"
"""Of a run that was exported as one file."""


def bundled_runs() -> Path:
    """Runs that ship with the program, one folder each."""
    return Path(str(files("resources"))) / "runs"


def demo_scans() -> Path:
    """The scans that ship with the program."""
    return Path(str(files("resources"))) / "demo"


def user_guide() -> Path:
    """The user guide, Markdown, its pictures beside it."""
    return Path(str(files("resources"))) / "guide" / "guide.md"


def user_runs() -> Path:
    """Where trainings go unless told otherwise."""
    return platformdirs.user_data_path(APP_NAME, appauthor=False) / "runs"


def user_config() -> Path:
    """The user's configuration file; it need not exist."""
    return platformdirs.user_config_path(APP_NAME, appauthor=False) / "config.toml"


def writable_folders() -> dict[str, Path]:
    """The user's folders by what they hold."""
    return {
        "configuration": platformdirs.user_config_path(APP_NAME, appauthor=False),
        "data": platformdirs.user_data_path(APP_NAME, appauthor=False),
        "cache": platformdirs.user_cache_path(APP_NAME, appauthor=False),
        "log": platformdirs.user_log_path(APP_NAME, appauthor=False),
    }


def bundled_icons() -> Path:
    """Folder of the pictures that style sheets name."""
    return Path(str(files("resources"))) / "icons"


def find_run(name: str) -> Path:
    """The run directory a user means: a path, or the name of one of the user's runs or a bundled one."""
    if not Path(name).exists() and Path(name).name == name:
        for folder in (user_runs(), bundled_runs()):
            if (folder / name).is_dir():
                return folder / name
    return bundled_runs() / name if name == DEFAULT_RUN and not Path(name).exists() else Path(name)
