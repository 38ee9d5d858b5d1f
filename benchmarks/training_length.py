"""Minutes against accuracy: the same training with fewer epochs, and what each reaches.

    python benchmarks/training_length.py DATASET [--preset desktop] [--shares 1/8,1/4,1/2,1] [--out FOLDER]

Trains and evaluates through the command line, as a user would do it; a finished step is not repeated. Minutes are the
processor's, of the whole command: other programs on the machine do not change them. Local features are cached, so only
the first training pays for encoding; which one did can be read from the column. Encoding and steps are given their part
of the processor's time by their part of the time on the wall. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from sedir_core.config import preset
from sedir_core.training.events import StageEvent, read_events

MEASURES = ("o_auroc", "p_auroc")


def sedir(*arguments: str | Path) -> float:
    """Processor minutes that the command took."""
    before = _children_s()
    subprocess.run([sys.executable, "-m", "sedir_core", *map(str, arguments)], stdout=subprocess.DEVNULL, check=True)
    return (_children_s() - before) / 60


def _children_s() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system


def trained(run: Path, dataset: Path, epochs: int, options: argparse.Namespace) -> float:
    """Processor minutes of a run, finished afterwards. One that was broken off begins anew, to be timed as a whole."""
    clock = run.with_name(f"{run.name}.minutes")
    if not clock.exists():
        shutil.rmtree(run, ignore_errors=True)
        words = ["--preset", options.preset, "--epochs", epochs, "--seed", options.seed, "--out", run]
        words += ["--categories", options.categories] if options.categories else []
        clock.write_text(str(sedir("train", dataset, *words, "--device", "cpu", "--progress", "none")))
    return float(clock.read_text())


def evaluated(run: Path, dataset: Path, options: argparse.Namespace) -> dict[str, Any]:
    result = run.with_name(f"{run.name}.json")
    if not result.exists():
        words = ["--categories", options.categories] if options.categories else []
        sedir("evaluate", run, dataset, *words, "--json", result)
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def parts_of_wall(run: Path) -> tuple[float, float]:
    """The parts of a training's time on the wall that went into encoding and into steps."""
    spent: dict[str, float] = defaultdict(float)
    for event, after in pairwise(read_events(run / "events.jsonl")):
        kind = event.stage.split()[0] if isinstance(event, StageEvent) else event.event
        spent[kind] += after.time - event.time
    total = sum(spent.values())
    return spent["encode"] / total, spent["step"] / total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--categories", help="of DATASET, separated by commas; all by default")
    parser.add_argument("--preset", default="desktop")
    parser.add_argument("--shares", default="1/8,1/4,1/2,1", help="of the preset's epochs")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--out", type=Path, default=Path("build/training_length"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    whole = preset(options.preset).training.epochs
    print("| epochs | processor minutes | encoding | steps | O-AUROC / P-AUROC, auto | given | false alarms |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for share in map(Fraction, options.shares.split(",")):
        epochs = max(1, round(whole * share))
        run = options.out / f"{options.dataset.name}-{options.preset}-{epochs}"
        minutes = trained(run, options.dataset, epochs, options)
        found = evaluated(run, options.dataset, options)
        encoding, steps = (f"{minutes * part:.1f}" for part in parts_of_wall(run))
        means = (found["mean"], found["category_given"]["mean"])
        pairs = (" / ".join(f"{100 * mean[measured]:.1f}" for measured in MEASURES) for mean in means)
        cells = (epochs, f"{minutes:.1f}", encoding, steps, *pairs, f"{100 * found['false_alarm_rate']:.1f}")
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
