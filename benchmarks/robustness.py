"""What happens off the beaten track: unknown parts, new good parts, few or many training parts, sparse scans.

    python benchmarks/robustness.py DATASET [--only left-out,fresh,parts,sparse,stray] [--run RUN] [--preset desktop]
        [--parts 1,2,10] [--generator 'sedir synth MESHES {out} --seed {seed}'] [--out build/robustness]

left-out: train on all categories but one, inspect the scans of that one, for each in turn.
fresh: share of new good scans called NG, from a generator that makes data sets as DATASET was made, with other seeds.
parts: training with 1, 2 and 10 parts of each category; those that DATASET lacks come from the generator.
sparse: the test scans with a half and a quarter of their points.
stray: the test scans with stray points about them, normally distributed with half their diagonal.

Trains, inspects and evaluates through the command line, as a user would do it, with the category found out unless said
otherwise; a finished step is not repeated. --run: a run that was trained on DATASET, for fresh, sparse and stray.
Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sedir_core.config import read_config
from sedir_core.datasets import real3d
from sedir_core.datasets.index import open_dataset
from sedir_core.datasets.samples import Dataset, Sample
from sedir_core.datasets.synthesis import pcd_bytes
from sedir_core.runtime import generator
from sedir_core.types import BoolArray, DoubleArray, Scan

SHARES = {"half": 0.5, "quarter": 0.25}
STRAYS = {"0.1 %": 0.001, "2 %": 0.02}
UNREADABLE = 4  # exit status: the other scans were done
Z = 1.96  # of a 95 % interval

Change = Callable[..., tuple[DoubleArray, BoolArray]]
"""A scan, randomness and `share` in; points (n, 3) and which of them are defects, (n,), out."""


@dataclass(frozen=True)
class Asked:
    dataset: Dataset
    run: Path | None
    preset: str
    generator: str | None
    seeds: list[str]
    n_parts: list[int]
    out: Path


def sedir(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "sedir_core", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL)  # its tables are not ours
    if done.returncode not in (0, UNREADABLE):
        sys.exit(f"sedir {' '.join(map(str, arguments))} ended with {done.returncode}")


def train(data: Path, run: Path, preset: str, categories: Iterable[str]) -> Path:
    if not (run / "weights.safetensors").exists():
        words: list[str | Path] = ["--resume", run]
        if not (run / "about.json").exists():
            words = ["--preset", preset, "--categories", ",".join(categories), "--out", run]
        sedir("train", data, *words, "--progress", "none")
    return run


def base_run(asked: Asked) -> Path:
    return asked.run or train(asked.dataset.root, asked.out / "base", asked.preset, asked.dataset.categories)


def inspected(run: Path, samples: Iterable[Sample], result: Path) -> list[dict[str, Any]]:
    """What `inspect --json` says of each scan."""
    if not result.exists():
        result.parent.mkdir(parents=True, exist_ok=True)
        sedir("inspect", *(sample.path for sample in samples), "--model", run, "--json", result)
    found: list[dict[str, Any]] = json.loads(result.read_text())["results"]
    return found


def evaluated(run: Path, data: Path, categories: Iterable[str], result: Path) -> dict[str, Any]:
    if not result.exists():
        sedir("evaluate", run, data, "--categories", ",".join(categories), "--json", result)
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def left_out(asked: Asked) -> None:
    head("left out", "its scans", "category uncertain or unknown", "certain and NG", "certain and OK")
    total = [0, 0, 0, 0]
    for name in asked.dataset.categories:
        others = [other for other in asked.dataset.categories if other != name]
        run = train(asked.dataset.root, asked.out / f"without-{name}", asked.preset, others)
        results = inspected(run, asked.dataset.test(name), asked.out / f"without-{name}.json")
        sure = [one["verdict"] for one in results if not one["uncertain"]]
        counts = [len(results), len(results) - len(sure), sure.count("ng"), sure.count("ok")]
        total = [a + b for a, b in zip(total, counts, strict=True)]
        row(name, counts[0], *(shares(count, counts[0]) for count in counts[1:]))
    row("all", total[0], *(shares(count, total[0]) for count in total[1:]))


def fresh(asked: Asked) -> None:
    run = base_run(asked)
    nominal = read_config(run / "config.toml").scoring.false_alarm_rate
    head(f"new good scans, limits for {nominal:.0%}", "scans", "NG", "category uncertain", "category wrong")
    pooled: list[dict[str, Any]] = []
    for name in asked.dataset.categories:
        normals = [sample for data in generated(asked) for sample in data.samples if is_new_normal(data, sample, name)]
        results = inspected(run, normals, asked.out / f"fresh-{name}.json")
        pooled += [one | {"wrong": one["category"] != name} for one in results]
        fresh_row(name, pooled[len(pooled) - len(results) :])
    fresh_row("all", pooled)


def fresh_row(name: str, results: list[dict[str, Any]]) -> None:
    counts = [sum(one[key] in ("ng", True) for one in results) for key in ("verdict", "uncertain", "wrong")]
    row(name, len(results), *(shares(count, len(results)) for count in counts))


def is_new_normal(data: Dataset, sample: Sample, category: str) -> bool:
    """Scans like those of the test: in one layout, training scans are seen from all around and test scans are not."""
    like_the_test = sample.split == "test" or data.layout != real3d.NAME
    return sample.category == category and sample.anomalous is False and like_the_test


def parts(asked: Asked) -> None:
    evaluation_head("training parts of each category")
    names = asked.dataset.categories
    own = min(len(asked.dataset.train(name)) for name in names)
    for count in sorted({*asked.n_parts, own}):
        if count == own:
            run, data = base_run(asked), asked.dataset.root
        else:
            data = write_once(asked.out / f"parts-{count}-data", partial(take_parts, asked, count))
            run = train(data, asked.out / f"parts-{count}", asked.preset, names)
        found = evaluated(run, data, names, asked.out / f"parts-{count}.json")
        evaluation_row(f"{found['n_train'] / len(names):g}", found)


def take_parts(asked: Asked, count: int, folder: Path) -> None:
    """DATASET with that many training scans of each category, or as many as there are."""
    for name in asked.dataset.categories:
        have = list(asked.dataset.train(name))
        if len(have) < count:
            have += [sample for data in generated(asked) for sample in data.train(name)]
        for i, sample in enumerate(have[:count]):
            target = folder / name / "train" / f"{name}_template{i}{sample.path.suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sample.path, target)
        for sample in asked.dataset.test(name):
            for path in filter(None, (sample.path, sample.labels_path)):
                target = folder / path.relative_to(asked.dataset.root)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


def sparse(asked: Asked) -> None:
    of_changed_scans(asked, "sparse", "points of the test scans", SHARES, thinned)


def stray(asked: Asked) -> None:
    of_changed_scans(asked, "stray", "stray points, of the scan's", STRAYS, with_strays)


def of_changed_scans(asked: Asked, what: str, title: str, shares: Mapping[str, float], change: Change) -> None:
    """A row for the test scans as they are, and one for each share by which they are changed."""
    run, names = base_run(asked), asked.dataset.categories
    evaluation_head(title)
    evaluation_row("as they are", evaluated(run, asked.dataset.root, names, asked.out / "as-they-are.json"))
    for name, share in shares.items():
        place = asked.out / f"{what}-{share}"
        data = write_once(place, partial(write_changed, asked.dataset, partial(change, share=share)))
        evaluation_row(name, evaluated(run, data, names, place.with_name(f"{place.name}.json")))


def thinned(scan: Scan, random: np.random.Generator, share: float) -> tuple[DoubleArray, BoolArray]:
    """A random share of the points."""
    kept = np.sort(random.permutation(len(scan))[: round(share * len(scan))])
    return scan.points[kept], labels_of(scan)[kept]


def with_strays(scan: Scan, random: np.random.Generator, share: float) -> tuple[DoubleArray, BoolArray]:
    """So many points more, anywhere about the part, and not labelled as defects."""
    middle, diagonal = scan.points.mean(axis=0), np.linalg.norm(np.ptp(scan.points, axis=0))
    strays = middle + diagonal / 2 * random.normal(size=(round(share * len(scan)), 3))
    return np.concatenate([scan.points, strays]), np.concatenate([labels_of(scan), np.zeros(len(strays), bool)])


def labels_of(scan: Scan) -> BoolArray:
    return np.zeros(len(scan), bool) if scan.labels is None else scan.labels


def write_changed(dataset: Dataset, change: Change, folder: Path) -> None:
    """The same data set with its test scans changed."""
    for sample in dataset.samples:
        target = folder / sample.path.relative_to(dataset.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        if sample.split == "train":
            shutil.copyfile(sample.path, target)
            continue
        scan = sample.read()
        points, marked = change(scan, generator(0, "changed", sample.category, sample.path.name))
        target.with_suffix(".pcd").write_bytes(pcd_bytes(points))
        if sample.labels_path is not None and scan.labels is not None:
            labels = folder / sample.labels_path.relative_to(dataset.root)
            labels.parent.mkdir(parents=True, exist_ok=True)
            separator = " " if dataset.layout == real3d.NAME else ","
            np.savetxt(labels, np.column_stack([points, marked]), fmt=["%.6f"] * 3 + ["%d"], delimiter=separator)


def generated(asked: Asked) -> list[Dataset]:
    """What the generator makes, once for each seed."""
    if asked.generator is None:
        sys.exit("fresh, and more training parts than there are, need --generator")
    return [
        open_dataset(write_once(asked.out / f"generated-{seed}", make(asked.generator, seed))) for seed in asked.seeds
    ]


def make(command: str, seed: str) -> Callable[[Path], None]:
    def call(folder: Path) -> None:
        words = shlex.split(command.format(out=shlex.quote(str(folder)), seed=seed))
        if words[0] == "sedir":
            words[:1] = [sys.executable, "-m", "sedir_core"]
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True)

    return call


def write_once(folder: Path, write: Callable[[Path], None]) -> Path:
    """A folder that is there only when all of it is."""
    if not folder.exists():
        staging = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(staging, ignore_errors=True)
        staging.parent.mkdir(parents=True, exist_ok=True)
        write(staging)
        staging.rename(folder)
    return folder


def shares(count: int, n: int) -> str:
    """Per cent, and Wilson's 95 % interval."""
    if n == 0:
        return "-"
    centre, width = count / n + Z**2 / (2 * n), Z * math.sqrt(count * (n - count) / n**3 + Z**2 / (4 * n**2))
    low, high = (abs(100 * (centre + sign * width) / (1 + Z**2 / n)) for sign in (-1, 1))  # no -0
    return f"{100 * count / n:.1f} ({low:.0f} to {high:.0f})"


def evaluation_head(title: str) -> None:
    head(title, "O-AUROC", "P-AUROC", "O-AUROC, given", "P-AUROC, given", "false alarms", "category right")


def evaluation_row(name: str, found: dict[str, Any]) -> None:
    means = (found["mean"], found["category_given"]["mean"])
    values = [mean[measure] for mean in means for measure in ("o_auroc", "p_auroc")]
    values += [found["false_alarm_rate"], found["category_accuracy"]]
    row(name, *("-" if value is None else f"{100 * value:.1f}" for value in values))


def head(*cells: str) -> None:
    row(*cells)
    row("---", *["---:"] * (len(cells) - 1))


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


EXPERIMENTS: dict[str, Callable[[Asked], None]] = {
    "left-out": left_out,
    "fresh": fresh,
    "parts": parts,
    "sparse": sparse,
    "stray": stray,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--only", default=",".join(EXPERIMENTS), help="experiments, separated by commas")
    parser.add_argument("--categories", help="of DATASET, separated by commas; all by default")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--preset", default="desktop")
    parser.add_argument("--generator", help="a command line with {out} and {seed}")
    parser.add_argument("--seeds", default="101,102", help="for the generator")
    parser.add_argument("--parts", default="1,2,10", help="how many training parts, beside all that DATASET has")
    parser.add_argument("--out", type=Path, default=Path("build/robustness"))
    options = parser.parse_args()
    names = options.only.split(",")
    if unknown := set(names) - set(EXPERIMENTS):
        parser.error(f"no such experiment: {', '.join(sorted(unknown))}")
    dataset = open_dataset(options.dataset, options.categories and options.categories.split(","))
    seeds, n_parts = options.seeds.split(","), [int(word) for word in options.parts.split(",")]
    asked = Asked(dataset, options.run, options.preset, options.generator, seeds, n_parts, options.out)
    for name in names:
        print(f"\n{name}, per cent (95 % interval)\n", flush=True)
        EXPERIMENTS[name](asked)


if __name__ == "__main__":
    main()
