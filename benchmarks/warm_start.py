"""A category added to a model, against training everything from nothing: the time, and what it does to the old ones.

    python benchmarks/warm_start.py [--preset tiny] [--old 3] [--out build/warm_start]

Built-in parts; goes through the command line, as a user would do it. Three ways: all categories from nothing, the last
one added with the old ones' scans at hand, and added without them. A finished step is not repeated. Minutes are of the
processor, so that other programs do not count. What a training keeps in the user's cache serves the next one, as it
would there; only the one from nothing has an empty cache.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from sedir_core.datasets.synthesis import built_in_parts, write_dataset

NAMES = ("bracket", "cup", "gear", "vase", "bottle", "flange", "pulley", "bowl")


def sedir(*arguments: str | Path, cache: Path) -> float:
    """Seconds of the processor that the command took. cache: the user's cache folder."""
    start = os.times()
    command = [sys.executable, "-m", "sedir_core", *map(str, arguments)]
    subprocess.run(command, check=True, env={**os.environ, "XDG_CACHE_HOME": str(cache.absolute())})
    end = os.times()
    return end.children_user + end.children_system - start.children_user - start.children_system


def dataset(folder: Path, names: tuple[str, ...]) -> Path:
    if not folder.exists():
        parts = built_in_parts()
        write_dataset({name: parts[name] for name in names}, folder, "anomaly-shapenet", 0)
    return folder


def trained(out: Path, name: str, *words: str | Path, cache: str = "cache") -> tuple[Path, float]:
    """The run, and the minutes that its training took."""
    run, clock = out / name, out / f"{name}.minutes"
    if not (run / "weights.safetensors").exists():
        seconds = sedir("train", *words, "--out", run, "--progress", "none", cache=out / cache)
        clock.write_text(str(seconds / 60))
    return run, float(clock.read_text())


def measured(run: Path, data: Path, categories: tuple[str, ...]) -> dict[str, Any]:
    result = run / "evaluation.json"
    if not result.exists():
        sedir("evaluate", run, data, "--categories", ",".join(categories), "--record", cache=run.parent / "cache")
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--old", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build/warm_start"))
    options = parser.parse_args()
    old, names, out = NAMES[: options.old], NAMES[: options.old + 1], options.out
    everything, alone = dataset(out / "all", names), dataset(out / "new", names[-1:])
    preset = ("--preset", options.preset)
    base, base_minutes = trained(out, f"base-{options.preset}", everything, "--categories", ",".join(old), *preset)
    runs = {
        "from nothing": trained(out, f"scratch-{options.preset}", everything, *preset, cache="empty"),
        "added, old scans at hand": trained(out, f"warm-{options.preset}", everything, "--warm-start", base),
        "added, old scans gone": trained(out, f"alone-{options.preset}", alone, "--warm-start", base),
    }
    before = measured(base, everything, old)
    print(f"the model of {len(old)}: {base_minutes:.2f} minutes")
    print("| | minutes | old: O-AUROC, P-AUROC, false alarms | new: O-AUROC, P-AUROC | told apart |")
    print("| --- | --- | --- | --- | --- |")
    for way, (run, minutes) in {"before": (base, base_minutes), **runs}.items():
        found = before if run == base else measured(run, everything, names)
        rows = found["categories"]
        mean = [sum(rows[n][m] for n in old) / len(old) for m in ("o_auroc", "p_auroc")]
        new = [rows[n][m] for n in names[-1:] if n in rows for m in ("o_auroc", "p_auroc")]
        cells = (", ".join(f"{100 * v:.1f}" for v in values) for values in ([*mean, found["false_alarm_rate"]], new))
        print(f"| {way} | {minutes:.2f} | {' | '.join(cells)} | {100 * found['category_accuracy']:.1f} |")
        for name, fate in json.loads((run / "metrics.json").read_text()).get("old_categories", {}).items():
            said = {key: fate[key] for key in ("residual", "score", "recognised", "reasons")}
            print(f"    {name} ({fate['source']}): {said}", file=sys.stderr)


if __name__ == "__main__":
    main()
