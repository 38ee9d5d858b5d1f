"""Detection accuracy over data sets (one a seed): train, evaluate, print a table with mean and spread.

    python benchmarks/detection.py DATASET... [--preset desktop] [--out build/detection]

Everything goes through the command line, as a user would do it; a finished step is not repeated.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MEASURES = ("o_auroc", "p_auroc", "o_aupr", "p_aupr")


def sedir(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "sedir_core", *map(str, arguments)], check=True)


def measure(dataset: Path, preset: str, out: Path) -> dict[str, Any]:
    """The evaluation of a run trained on one data set, category found out and given."""
    run, result = out / f"{dataset.name}-{preset}", out / f"{dataset.name}-{preset}.json"
    if not (run / "weights.safetensors").exists():
        start = time.monotonic()
        resume = ["--resume", run] if (run / "about.json").exists() else ["--preset", preset, "--out", run]
        sedir("train", dataset, *resume, "--progress", "none")
        print(f"{dataset.name}: trained in {(time.monotonic() - start) / 60:.1f} minutes", flush=True)
    if not result.exists():
        sedir("evaluate", run, dataset, "--json", result)
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def row(name: str, values: list[list[float]]) -> str:
    cells = []
    for column in zip(*values, strict=True):
        spread = f" ± {100 * statistics.stdev(column):.1f}" if len(column) > 1 else ""
        cells.append(f"{100 * statistics.mean(column):.1f}{spread}")
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--preset", default="desktop")
    parser.add_argument("--out", type=Path, default=Path("build/detection"))
    options = parser.parse_args()
    found = [measure(dataset, options.preset, options.out) for dataset in options.datasets]
    print("| | O-AUROC | P-AUROC | O-AUPR | P-AUPR |\n| --- | --- | --- | --- | --- |")
    print(row("category auto", [[one["mean"][m] for m in MEASURES] for one in found]))
    print(row("category given", [[one["category_given"]["mean"][m] for m in MEASURES] for one in found]))
    for name in found[0]["categories"]:
        print(row(f"{name} (auto)", [[one["categories"][name][m] for m in MEASURES] for one in found]))
    print("\ncategory accuracy:", [round(one["category_accuracy"], 3) for one in found])
    print("false alarms at the stored threshold:", [round(one["false_alarm_rate"], 3) for one in found])
    print("seconds a scan:", [round(one["seconds_per_scan"], 2) for one in found])
    print("\n| category given | called NG | O-AUROC | P-AUROC |\n| --- | --- | --- | --- |")
    for kind in found[0]["defects"]:
        ones = [one["category_given"]["defects"][kind] for one in found]
        called = f"{sum(one['n_found'] for one in ones)} of {sum(one['n'] for one in ones)}"
        print(row(f"{kind} | {called}", [[one["o_auroc"], one["p_auroc"]] for one in ones]))


if __name__ == "__main__":
    main()
