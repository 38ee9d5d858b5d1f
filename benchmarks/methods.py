"""All methods side by side over data sets (one a seed): detection, and how far categories are kept apart.

    python benchmarks/methods.py DATASET... [--methods sedir,template] [--preset desktop] [--out build/methods]

Trains, evaluates and compares through the command line, as a user would do it; a finished step is not repeated, also
after an interruption: what was trained, evaluated or compared is kept. Every run is evaluated on the data set it was
trained on; the first data set is trained with seed 1, the next one with seed 2 and so on. Methods that are given the
category are marked by the tables. All runs of a data set begin with the same alignment of its training parts, and all
methods that are given the category with the same placement of a test scan: both are found once
(`training/parts_cache.py`, `detectors/reference.py`).
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
from sedir_core.detectors.memory_bank import RECIPES

SEPARATION = {"silhouette": "silhouette", "knn_purity": "5-NN purity", "probe_accuracy": "probe accuracy"}


def sedir(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sedir_core", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def must(*arguments: str | Path) -> str:
    """What the command prints; ends this script where it fails."""
    done = sedir(*arguments)
    if done.returncode not in (0, 4):  # 4: some scan was unreadable, which the tables leave out
        sys.exit(f"sedir {' '.join(map(str, arguments))}\n{done.stderr}")
    return done.stdout


def train(dataset: Path, method: str, preset: str, seed: int, out: Path) -> Path:
    run = out / f"{dataset.name}-{method}-{preset}"
    if not (run / "weights.safetensors").exists():
        start = time.monotonic()
        begun = (run / "about.json").exists()
        anew = ["--preset", preset, "--method", method, "--seed", str(seed), "--out", run]
        how = ["--resume", run] if begun else anew
        must("train", dataset, *how, "--progress", "none")
        say_minutes(run.name, start)
    return run


def has_tokens(method: str) -> bool:
    return method != "template" and (method not in RECIPES or RECIPES[method].has_tokens)


def separations(runs: dict[str, Path], dataset: Path, out: Path) -> dict[str, dict[str, Any]]:
    """What `sedir ice` says of each run on a data set; it says so of two at a time, so they go in pairs."""
    names = [method for method in runs if has_tokens(method)]
    found: dict[str, dict[str, Any]] = {}
    for i in range(0, len(names), 2):
        first, second = names[i], names[i + 1] if i + 1 < len(names) else names[0]
        result = out / f"{runs[first].name}-beside-{second}-ice.json"
        if not result.exists():
            must("ice", runs[first], runs[second], dataset, "--json", result)
        both = json.loads(result.read_text())
        found |= {second: both["baseline"], first: both["model"]}
    return found


def spread(values: list[float]) -> str:
    deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{deviation}"


def separation_table(runs: dict[str, list[Path]], datasets: list[Path], out: Path) -> str:
    seeds = [
        separations({method: own[i] for method, own in runs.items()}, dataset, out)
        for i, dataset in enumerate(datasets)
    ]
    lines = [f"| | {' | '.join(SEPARATION.values())} |", "| --- |" + " ---: |" * len(SEPARATION)]
    for method in runs:
        known = [seed[method] for seed in seeds if method in seed]
        cells = [spread([one[name] for one in known]) if known else "-" for name in SEPARATION]
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
        method: [train(data, method, options.preset, i + 1, options.out) for i, data in enumerate(options.datasets)]
        for method in methods
    }
    table = options.out / "detection.md"
    start = time.monotonic()
    must("evaluate", *(run for own in runs.values() for run in own), "--table", table)
    say_minutes("evaluation", start)
    print(table.read_text(encoding="utf-8"))
    start = time.monotonic()
    if sum(map(has_tokens, methods)) > 1:
        print(separation_table(runs, options.datasets, options.out))
    else:
        print("Separation of the categories: needs two methods with tokens to compare.")
    say_minutes("comparison", start)


def say_minutes(what: str, since_s: float) -> None:
    print(f"{what}: {(time.monotonic() - since_s) / 60:.1f} minutes", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
