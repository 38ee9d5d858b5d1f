"""What each kind of evidence is worth: the surface alone, the tokens alone, and both, as the product scores.

    python benchmarks/evidence.py RUN DATASET [RUN DATASET]... [--random-encoder] [--out build/evidence]

Every RUN was trained on the DATASET after it. All rows come from the same fitted run, with the category given: channels
are left out of the score, nothing is learned anew. The product counts only what token residuals exceed the usual by;
"whole residuals" counts all of them, "as published" is the paper's rule.
--random-encoder trains each run once more, with an encoder that has learned nothing. Prints Markdown with the mean over
categories, and its spread where there are several runs; a finished category is not measured again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from sedir_core.config import EncoderConfig, override, read_config, to_toml
from sedir_core.datasets.index import Sample, open_dataset
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.evidence.combination import object_score, paper_scores, point_map
from sedir_core.evidence.comparison import compare
from sedir_core.evidence.judging import EvidenceKind, Judging
from sedir_core.evidence.tokens import centres_of, for_tokens, tokenize
from sedir_core.geometry.neighbours import interpolate
from sedir_core.metrics import auroc
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.rundir.encoder_weights import save_encoder
from sedir_core.rundir.files import read_about
from sedir_core.types import DoubleArray, never_stop

KINDS: dict[str, EvidenceKind] = {"surface": "surface", "tokens": "network", "both": "all"}
PUBLISHED = "tokens, as published"
ROWS = (*KINDS, PUBLISHED)
MEASURES = ("o_auroc", "p_auroc")


def scores_of(detector: SedirDetector, sample: Sample) -> dict[str, tuple[float, DoubleArray]]:
    """For each row the score of the scan, and of its points (n,) with NaN where they are not finite.

    The same steps as `SedirDetector.detect` with the category given.
    """
    scan, mine, grouping = sample.read(), detector.known[sample.category], detector.config.grouping
    placed = detector.place(scan, sample.category, never_stop)
    view, aligned = placed.found.view, placed.aligned
    points = for_tokens(aligned, view, grouping)
    tokens = tokenize(points, grouping, detector.nets.encoder, detector.device)
    residuals = detector.token_residuals(tokens)
    compared = compare(mine.normal, aligned, tokens, residuals, view)
    evidence, places = compared.evidence, scan.points[placed.working]
    normal = mine.standard(view).statistics
    standardised = normal.standardise(evidence)
    chosen = {row: Judging(kind).of(standardised) for row, kind in KINDS.items()}
    scores = {
        name: (
            object_score(channels, view is not None, normal.peaks),
            compared.at_aligned(point_map(channels, evidence.around, normal.peaks)),
        )
        for name, channels in chosen.items()
    }
    published = paper_scores(residuals)
    scores[PUBLISHED] = (float(published.max()), interpolate(published, centres_of(tokens), aligned))
    valid = np.flatnonzero(scan.finite)
    everywhere = np.full((len(ROWS), len(scan)), np.nan)
    everywhere[:, valid] = interpolate(np.stack([scores[name][1] for name in ROWS], 1), places, scan.points[valid]).T
    return {name: (scores[name][0], everywhere[i]) for i, name in enumerate(ROWS)}


def measure_category(detector: SedirDetector, samples: list[Sample]) -> dict[str, dict[str, float]]:
    """Row -> measure -> AUROC, over the test scans of one category."""
    labels, scores = [], []
    for sample in samples:
        truth = sample.read().labels
        if truth is None:
            sys.exit(f"{sample.path} has no labels of its points")
        labels.append(truth)
        scores.append(scores_of(detector, sample))
    anomalous = np.array([bool(sample.anomalous) for sample in samples])
    points = np.concatenate(labels)
    return {
        name: {
            "o_auroc": auroc(anomalous, np.array([one[name][0] for one in scores])),
            "p_auroc": auroc(points, np.concatenate([one[name][1] for one in scores])),
        }
        for name in ROWS
    }


def measure(run: Path, data: Path, out: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Category -> row -> measure -> AUROC."""
    names = read_about(run).categories
    dataset, detector = open_dataset(data, names), None
    found = {}
    for name in names:
        result = out / f"{run.name}-{name}.json"
        if not result.exists():
            detector = detector or SedirDetector.load(run, "cpu")
            samples = [sample for sample in dataset.test(name) if sample.anomalous is not None]
            values = measure_category(detector, samples)
            result.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
            print(f"{run.name}: {name}", file=sys.stderr, flush=True)
        found[name] = json.loads(result.read_text(encoding="utf-8"))
    return found


def with_random_encoder(run: Path, data: Path, out: Path) -> Path:
    """The run's settings, trained again on features of an encoder as it is before any training."""
    twin = out / f"{run.name}-random-encoder"
    if not (twin / "weights.safetensors").exists():
        words: list[str | Path] = ["--resume", twin]
        if not (twin / "about.json").exists():
            config, settings = read_config(run / "config.toml"), out / f"{twin.name}.toml"
            weights = random_encoder(config.encoder, out)
            changed = override(config, encoder={"weights": str(weights.resolve())})
            settings.write_text(to_toml(changed), encoding="utf-8")
            words = ["--config", settings, "--categories", ",".join(read_about(run).categories), "--out", twin]
        command = [sys.executable, "-m", "sedir_core", "train", data, *words, "--progress", "none"]
        subprocess.run(list(map(str, command)), check=True)
    return twin


def random_encoder(cfg: EncoderConfig, out: Path) -> Path:
    path = out / f"random-{cfg.width}-{cfg.depth}.safetensors"
    torch.manual_seed(0)
    save_encoder(path, LocalEncoder(cfg.width, cfg.hidden, cfg.heads, cfg.depth), None, "random, never trained")
    return path


def table(title: str, runs: list[Mapping[str, Mapping[str, Mapping[str, float]]]]) -> None:
    """The mean over categories of each run; over the runs, mean and spread."""
    print(f"\n| {title} | O-AUROC | P-AUROC |\n| --- | ---: | ---: |")
    for name in ROWS:
        cells = []
        for measured in MEASURES:
            means = [100 * float(np.nanmean([one[name][measured] for one in found.values()])) for found in runs]
            deviation = f" ± {statistics.stdev(means):.1f}" if len(means) > 1 else ""
            cells.append(f"{statistics.mean(means):.1f}{deviation}")
        print(f"| {name} | " + " | ".join(cells) + " |")
    print(f"\n| {title}: object / point | " + " | ".join(ROWS) + " |\n| --- |" + " ---: |" * len(ROWS))
    for category in sorted({category for found in runs for category in found}):
        known = [found[category] for found in runs if category in found]
        pairs = (
            " / ".join(f"{100 * statistics.mean(one[name][m] for one in known):.1f}" for m in MEASURES) for name in ROWS
        )
        print(f"| {category} | " + " | ".join(pairs) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, metavar="RUN DATASET")
    parser.add_argument("--random-encoder", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("build/evidence"))
    options = parser.parse_args()
    if len(options.paths) % 2:
        parser.error("every run needs its dataset after it")
    options.out.mkdir(parents=True, exist_ok=True)
    pairs = list(zip(options.paths[::2], options.paths[1::2], strict=True))
    table("pretrained encoder", [measure(run, data, options.out) for run, data in pairs])
    if options.random_encoder:
        twins = [(with_random_encoder(run, data, options.out), data) for run, data in pairs]
        table("random encoder", [measure(run, data, options.out) for run, data in twins])


if __name__ == "__main__":
    main()
