"""Default values of options: from SEDIR_* variables, then the user's configuration file.

`--device` of `sedir inspect` is SEDIR_INSPECT_DEVICE or SEDIR_DEVICE; in the file it is `device` in the table
`[inspect]`, or at the top for every command that has the option.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sedir_core.documents import read_toml
from sedir_core.errors import BadConfig

SWITCHES = ("0", "1", "true", "false", "yes", "no", "on", "off")
# The option means something different in this command: only the full name applies.
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
        found = {one.name: _lookup(inner, one, env, settings) for one in _options(command)}
        defaults[name] = {parameter: value for parameter, value in found.items() if value is not None}
    return defaults


class _Option(NamedTuple):
    """An option of a command: its name, its parameter, and whether it is a flag."""

    written: str
    name: str
    flag: bool

    def takes(self, value: Any) -> bool:
        """Whether a short name may set this option: `json` is a flag in some commands and a file in others."""
        if not self.flag:
            return not isinstance(value, bool | dict)
        return isinstance(value, bool) or str(value).lower() in SWITCHES


def _lookup(path: tuple[str, ...], option: _Option, env: Mapping[str, str], settings: Mapping[str, Any]) -> Any:
    """The value of an option, or None. The environment precedes the file, the full name the short one."""
    table: Any = settings
    for name in path:
        inner = table.get(name)
        table = inner if isinstance(inner, dict) else {}  # `queue` is a command, and also an option of another
    variable = option.written.upper().replace("-", "_")
    short = (*path, option.written) not in FULL_NAME_ONLY
    known = [settings.get(option.written), env.get("SEDIR_" + variable)]
    shared = [value if short and option.takes(value) else None for value in known]
    choices = [
        env.get("_".join(("SEDIR", *path)).upper() + "_" + variable),
        shared[1],
        table.get(option.written),
        shared[0],
    ]
    return next((value for value in choices if value not in (None, "") and not isinstance(value, dict)), None)


def _options(command: Any) -> Iterator[_Option]:
    """The options of a command."""
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            yield _Option(parameter.opts[0].removeprefix("--"), parameter.name, bool(parameter.is_flag))


def _read(file: Path) -> dict[str, Any]:
    return read_toml(file, BadConfig, "correct or remove the file") if file.is_file() else {}


def _refuse_unknown(settings: Mapping[str, Any], group: Any, file: Path, prefix: str = "") -> None:
    options = {option.written for command in _leaves(group) for option in _options(command)}
    for key, value in settings.items():
        if isinstance(value, dict) and key in group.commands and hasattr(group.commands[key], "commands"):
            _refuse_unknown(value, group.commands[key], file, f"{prefix}{key}.")
        elif isinstance(value, dict) and key in group.commands:
            known = {option.written for option in _options(group.commands[key])}
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
