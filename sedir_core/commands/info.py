"""`sedir info`: size of a configuration, and provenance of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sedir_core.commands.console import echo, write_json
from sedir_core.names import printable
from sedir_core.runs.models import find_model

if TYPE_CHECKING:
    from sedir_core.config import Config
    from sedir_core.models.complexity import Complexity

PAPER_CATEGORIES = 12  # categories of Real3D-AD, as in the paper's counts; a preset has none


def info(
    run: Annotated[str | None, typer.Argument(help="Run directory, name of a run, or .sedir file.")] = None,
    preset_name: Annotated[
        Literal["paper", "desktop", "tiny"] | None, typer.Option("--preset", help="Describe a preset instead of a run.")
    ] = None,
    method: Annotated[str, typer.Option(help="Method of the preset, as in `sedir train`.", metavar="NAME")] = "sedir",
    tolerance: Annotated[
        str,
        typer.Option(help="Also the share of good parts that this tolerance, 0.3 or -0.2,0.4, calls NG.", metavar="T"),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON on standard output.")] = False,
) -> None:
    """Print size, configuration, the numbers behind a verdict and, for a run, the hash of its data."""
    if run is not None and preset_name is not None:
        raise typer.BadParameter("name a run or a preset, not both")
    if run is None and preset_name is None:
        raise typer.BadParameter("name a run, or a preset with --preset")
    if run is None and tolerance:
        raise typer.BadParameter("--tolerance needs a run")
    document = _of_run(run) if run is not None else _of_preset(str(preset_name), method)
    if run is not None and tolerance:
        document = {**document, "out_of_tolerance": _out_of_tolerance(run, tolerance)}
    if as_json:
        write_json("-", document)
        return
    for name, value in document.items():
        if name not in ("config", "numbers"):
            echo(printable(f"{name:<28} {_readable(value)}"))
    for section, values in document["config"].items():
        fields = values.items() if isinstance(values, dict) else [("", values)]
        for name, value in fields:
            echo(printable(f"{'.'.join(filter(None, (section, name))):<28} {value}"))
    if "numbers" in document:
        _print_numbers(document["numbers"])


def _print_numbers(groups: Mapping[str, Mapping[str, Any]]) -> None:
    from sedir_core.evidence.numbers import meanings

    echo("\nnumbers that this version judges by; no settings, as limits are learned with them")
    meant = meanings()
    for group, numbers in groups.items():
        for name, value in numbers.items():
            echo(f"{group + '.' + name:<28} {_number(value):<8} {meant[f'{group}.{name}']}")


def _number(value: object) -> str:
    """A number, or several of them."""
    if not isinstance(value, tuple):
        return str(value)
    return " ".join(f"({_number(one)})" if isinstance(one, tuple) else str(one) for one in value)


def _of_preset(name: str, method: str) -> dict[str, Any]:
    from sedir_core.config import preset

    config = preset(name, method)
    return {"preset": name, "method": method} | _sizes(config, PAPER_CATEGORIES) | _numbers(config)


def _of_run(name: str) -> dict[str, Any]:
    from sedir_core.rundir.files import read_about, read_run_config

    run_dir = find_model(name)
    about, config = read_about(run_dir), read_run_config(run_dir)
    origin = about.model_dump(mode="json", exclude={"format"})
    return {"run": str(run_dir)} | _sizes(config, len(about.categories)) | origin | _numbers(config)


def _numbers(config: Config) -> dict[str, Any]:
    """The settings, and for SeDiR the tuned numbers of the installed version."""
    from sedir_core.evidence.numbers import all_numbers

    found: dict[str, Any] = {"config": config.settings()}
    return found | {"numbers": all_numbers()} if config.method == "sedir" else found


def _out_of_tolerance(name: str, text: str) -> dict[str, float]:
    """Share of good parts out of tolerance by category, estimated from held-out scans. Raises BadConfig, BadRun."""
    from sedir_core.detectors.base import load_detector
    from sedir_core.errors import BadRun
    from sedir_core.evidence.limits import Calibrated
    from sedir_core.tolerances import parse_tolerance

    run_dir, tolerance = find_model(name), parse_tolerance(text)
    detector = load_detector(run_dir, "cpu")
    known = detector.calibration() if isinstance(detector, Calibrated) else None
    if tolerance is None or known is None or not known.ranges:
        raise BadRun(run_dir, "does not keep how far good parts deviate", "train it again")
    return {category: float(f"{known.rate_of(tolerance, category):.2g}") for category in known.ranges}


def _sizes(config: Config, n_categories: int) -> dict[str, int]:
    """Parameter counts of the network described by `config`; memorising methods have none."""
    from sedir_core.methods import BY_NAME

    method = BY_NAME[config.method]
    if not method.learns:
        return {}
    if not method.from_tokens:
        from sedir_core.detectors.registry import parameters_a_category

        return {"parameters": n_categories * parameters_a_category(config)}
    from sedir_core.models.complexity import EncoderSize, NetworkSize, Parts, mc3dad_complexity, sedir_complexity

    encoder = EncoderSize(config.encoder.width, config.encoder.hidden, config.encoder.heads, config.encoder.depth)
    sizes = config.network
    network = NetworkSize(sizes.width, sizes.depth, sizes.heads, sizes.feedforward)
    counted = (encoder, network, config.grouping.n_groups, config.grouping.group_size, n_categories)
    found: Complexity
    if config.method == "sedir":
        parts = Parts(sizes.global_token, sizes.geometric_prior, config.grouping.ratio, sizes.rebuilt_from)
        found = sedir_complexity(*counted, parts)
    else:
        found = mc3dad_complexity(*counted)
    return dataclasses.asdict(found)


def _readable(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1_000_000:
        scale, unit = (1e9, "G") if value >= 1_000_000_000 else (1e6, "M")
        return f"{value / scale:.2f} {unit}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)
