"""Options not given on the command line: from SEDIR_* variables, then the user's configuration file.

`--device` of `sedir inspect` is SEDIR_INSPECT_DEVICE or SEDIR_DEVICE; in the file it is `device` in the table
`[inspect]`, or at the top for every command that has the option.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sedir_core.errors import BadConfig

# There the word means something else than in the other commands: only the full name reaches it.
FULL_NAME_ONLY = {("info", "json"), ("evaluate", "category")} | {
    ("history", command, option)
    for command in ("list", "export", "drift", "show")
    for option in ("category", "model", "operator", "lot", "json", "csv", "export")
}


def option_defaults(group: Any, env: Mapping[str, str], file: Path) -> dict[str, Any]:
    """Typer's `default_map` for every command below `group` (a Typer command group).

    Raises BadConfig if the file is not TOML, or names a command or an option that does not exist.
    """
    settings = _read(file)
    _refuse_unknown(settings, group, file)
    return _defaults(group, (), env, settings)


def _defaults(group: Any, path: tuple[str, ...], env: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, Any]:
    defaults: dict[str, Any] = {}
    for name, command in group.commands.items():
        inner = (*path, name)
        if hasattr(command, "commands"):
            defaults[name] = _defaults(command, inner, env, settings)
            continue
        found = {parameter: _lookup(inner, option, env, settings) for option, parameter in _options(command)}
        defaults[name] = {parameter: value for parameter, value in found.items() if value is not None}
    return defaults


def _lookup(path: tuple[str, ...], option: str, env: Mapping[str, str], settings: Mapping[str, Any]) -> Any:
    """The value of an option, or None: the environment before the file, the full name before the short one."""
    table: Any = settings
    for name in path:
        table = table.get(name, {})
    variable = option.upper().replace("-", "_")
    short = (*path, option) not in FULL_NAME_ONLY
    choices = [
        env.get("_".join(("SEDIR", *path)).upper() + "_" + variable),
        env.get("SEDIR_" + variable) if short else None,
        table.get(option),
        settings.get(option) if short else None,
    ]
    return next((value for value in choices if value not in (None, "")), None)


def _options(command: Any) -> Iterator[tuple[str, str]]:
    """Name as written and name of the parameter, of each option of a command."""
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            yield parameter.opts[0].removeprefix("--"), parameter.name


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfig(file, f"not readable as TOML: {error}", "correct or remove the file") from error


def _refuse_unknown(settings: Mapping[str, Any], group: Any, file: Path, prefix: str = "") -> None:
    options = {option for command in _leaves(group) for option, _ in _options(command)}
    for key, value in settings.items():
        if isinstance(value, dict) and key in group.commands and hasattr(group.commands[key], "commands"):
            _refuse_unknown(value, group.commands[key], file, f"{prefix}{key}.")
        elif isinstance(value, dict) and key in group.commands:
            known = {option for option, _ in _options(group.commands[key])}
            unknown = sorted(set(value) - known)
            if unknown:
                raise BadConfig(file, f"{prefix}{key}.{unknown[0]}: no such option", "known: " + _listed(known))
        elif isinstance(value, dict) or key not in options:
            raise BadConfig(file, f"{prefix}{key}: no such command or option", "known: " + _listed(group.commands))


def _leaves(group: Any) -> Iterator[Any]:
    for command in group.commands.values():
        if hasattr(command, "commands"):
            yield from _leaves(command)
        else:
            yield command


def _listed(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"
