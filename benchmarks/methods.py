"""All methods side by side over data sets (one a seed): detection, and how far categories are kept apart.

    python benchmarks/methods.py DATASET... [--methods sedir,template] [--preset desktop] [--out build/methods]

Trains, evaluates and compares through the command line, as a user would do it; a finished step is not repeated. Every
run is evaluated on the data set it was trained on. Methods that are told the category are marked by the tables.
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

from sedir_core.config import METHOD_NAMES, METHODS

SEPARATION = {"silhouette": "silhouette", "knn_purity": "5-NN purity", "probe_accuracy": "probe accuracy"}
NO_TOKEN = "no global token"


def sedir(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sedir_core", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def must(*arguments: str | Path) -> str:
    """What the command prints; ends this script where it fails."""
    done = sedir(*arguments)
    if done.returncode not in (0, 4):  # 4: some scan was unreadable, which the tables leave out
        sys.exit(f"sedir {' '.join(map(str, arguments))}\n{done.stderr}")
    return done.stdout


def train(dataset: Path, method: str, preset: str, out: Path) -> Path:
    run = out / f"{dataset.name}-{method}-{preset}"
    if not (run / "weights.safetensors").exists():
        start = time.monotonic()
        begun = (run / "about.json").exists()
        how = ["--resume", run] if begun else ["--preset", preset, "--method", method, "--out", run]
        must("train", dataset, *how, "--progress", "none")
        print(f"{run.name}: {(time.monotonic() - start) / 60:.1f} minutes", file=sys.stderr, flush=True)
    return run


def separation(run: Path, reference: Path, dataset: Path, out: Path) -> dict[str, Any] | None:
    """What `sedir ice` says of a run; None where the method has no tokens. reference: any other run that has."""
    result = out / f"{run.name}-ice.json"
    if not result.exists():
        done = sedir("ice", run, reference, dataset, "--json", result)
        if NO_TOKEN in done.stderr:
            return None
        if done.returncode not in (0, 4):
            sys.exit(done.stderr)
    found: dict[str, Any] = json.loads(result.read_text())["model"]
    return found


def spread(values: list[float]) -> str:
    deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{deviation}"


def separation_table(runs: dict[str, list[Path]], datasets: list[Path], out: Path) -> str:
    lines = [f"| | {' | '.join(SEPARATION.values())} |", "| --- |" + " ---: |" * len(SEPARATION)]
    for method, own in runs.items():
        others = runs["sedir" if method != "sedir" else "mc3d-ad"]
        seeds = [separation(*three, out) for three in zip(own, others, datasets, strict=True)]
        known = [seed for seed in seeds if seed is not None]
        cells = [spread([seed[name] for seed in known]) if known else "-" for name in SEPARATION]
        lines.append(f"| {METHOD_NAMES[method]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--methods", default=",".join(METHODS), help="separated by commas")
    parser.add_argument("--preset", default="desktop")
    parser.add_argument("--out", type=Path, default=Path("build/methods"))
    options = parser.parse_args()
    methods = options.methods.split(",")
    runs = {
        method: [train(data, method, options.preset, options.out) for data in options.datasets] for method in methods
    }
    table = options.out / "detection.md"
    must("evaluate", *(run for own in runs.values() for run in own), "--table", table)
    print(table.read_text(encoding="utf-8"))
    if {"sedir", "mc3d-ad"} <= runs.keys():
        print(separation_table(runs, options.datasets, options.out))
    else:
        print("Separation of the categories: needs runs of sedir and mc3d-ad to compare with.")


if __name__ == "__main__":
    main()
