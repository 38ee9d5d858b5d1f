"""Warm start: extends an existing model by further categories instead of training from scratch.

The model's data on its categories (frames, surfaces, standards) are kept. To prevent forgetting, old categories are
replayed beside the new ones: from their scans if the dataset has these, otherwise from samplings of the stored
surfaces. The old weights are copied into the new run, which is then self-contained.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from sedir_core.config import Config, override
from sedir_core.datasets.index import Dataset, category_names, open_dataset
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.detectors.sedir_nets import build_network
from sedir_core.errors import BadConfig, BadDataset, BadRun, Cancelled
from sedir_core.evidence.aligned_parts import AlignedPart, smooth_way, tolerance_amplitude
from sedir_core.evidence.calibration import limited
from sedir_core.evidence.category import Category, Standard
from sedir_core.evidence.fitted_parts import MOST_POINTS, FittedParts, scanner_of
from sedir_core.geometry.frames import Frame
from sedir_core.geometry.oriented import Oriented
from sedir_core.io.columns import Columns
from sedir_core.models.sedir import SeDiR
from sedir_core.names import printable
from sedir_core.rundir import files as run_files
from sedir_core.rundir.files import About
from sedir_core.runtime import generator
from sedir_core.training.learn_sedir import calibrated, train_network, with_surface
from sedir_core.training.material import Learned, Material, fill_bank, usable_clouds
from sedir_core.training.parts_cache import cached_parts
from sedir_core.training.process_group import ProcessGroup
from sedir_core.training.run import Run
from sedir_core.training.warm_check import check_old, worse_names
from sedir_core.training.warm_config import SHARE
from sedir_core.types import DoubleArray, Report, Stop, no_report

log = logging.getLogger(__name__)

REPLAYED = 4  # most scans per old category
REPLAYED_SURFACES = 2  # samplings that replace missing scans
SAME = 1e-9  # tolerance in radii for frames of the same scan
FIXED = ("method", "encoder", "grouping", "network")
"""Sections that the network's weights depend on."""


@dataclass(frozen=True)
class Origin:
    """The finished run that a new one starts from."""

    run_dir: Path
    about: About
    config: Config

    @property
    def weights(self) -> Path:
        """The file that the new run copies."""
        return self.run_dir / run_files.WEIGHTS


def read_origin(run_dir: Path) -> Origin:
    """Read the parent run. Raises BadRun if it is missing, unfinished, damaged, or not extensible."""
    about, config = run_files.read_about(run_dir), run_files.read_run_config(run_dir)
    if config.method != "sedir":
        raise BadRun(run_dir.name, f"{config.method} does not support warm starts", "train all categories from scratch")
    run_files.read_run_tensors(run_dir)
    return Origin(run_dir, about, config)


def require_same_sizes(config: Config, origin: Origin) -> None:
    """Raises BadConfig if the weights do not fit the settings."""
    for section in FIXED:
        if getattr(config, section) != getattr(origin.config, section):
            raise BadConfig(
                section, f"differs from {origin.run_dir.name}, which is to be continued", "leave it as it is"
            )
    if (config.training.views > 0) != (origin.config.training.views > 0):
        raise BadConfig("training.views", f"must be as in {origin.run_dir.name}", "leave it as it is")


def inheriting(about: About, origin: Origin) -> About:
    """about.json of a run that extends `origin`: the old categories first, in the order of its weights."""
    known = origin.about.categories
    fresh = [name for name in about.categories if name not in known]
    return about.model_copy(
        update={"categories": (*known, *fresh), "parent": printable(origin.run_dir.resolve().name), "inherited": known}
    )


def open_to_grow(path: Path, wanted: Sequence[str] | None, known: Sequence[str], columns: Columns = ()) -> Dataset:
    """The new categories and, for replay, the known ones in the dataset. Raises BadDataset."""
    there = category_names(path)
    names = there if wanted is None else sorted({*wanted, *(name for name in known if name in there)})
    fresh = [name for name in names if name not in known]
    if not fresh:
        what = "has no category that is new to the model"
        raise BadDataset(path, what, "it knows " + ", ".join(known))
    return open_dataset(path, names, columns)


def grow(run: Run, dataset: Dataset, group: ProcessGroup, report: Report, stop: Stop) -> Learned:
    """Train, calibrate and check a run whose about.json names inherited categories. Raises what `train` does."""
    if group.size > 1:
        raise BadConfig("--warm-start", "works in one process", "start it without torchrun")
    config, about = run.config, run.about
    before = _origin_detector(run.path, about, config, group.device)
    fresh = tuple(name for name in dataset.categories if name not in about.inherited)
    old = _all_replayed(before, dataset, config, report, stop)
    new = cached_parts(replace(dataset, categories=fresh), config, report, stop)
    n_points = config.grouping.working_points or MOST_POINTS
    encoder = before.nets.encoder
    bank = fill_bank(old | new, encoder, config, n_points, group.device, report, stop)
    material = Material(config, old | new, encoder, bank, n_points, group)
    result = train_network(_grown(before, config, len(material.fitted)), material, run, report, stop)
    nets = with_surface(replace(material, config=_shorter(config)), result.network, report, stop, before.nets)
    learned = calibrated(nets, tuple(old | new), replace(material, fitted=new), report, stop, before.judges)
    check = check_old(before, nets, replace(material, fitted=old), report, stop)
    known = _limited(config, {name: _carried(before.known[name], check.ratios[name]) for name in old} | learned)
    after = SedirDetector(config, nets, known, group.device)
    fates = check.finish(before, after, dataset, report, stop)
    if worse := worse_names(fates):
        log.warning(
            "%s became worse than in %s: compare the runs before using this one", ", ".join(worse), about.parent
        )
    thresholds = {name: category.whole.threshold for name, category in known.items()}
    metrics = result.fit.summary() | {"old_categories": {name: fate.to_json() for name, fate in fates.items()}}
    return Learned(after.tensors(), thresholds, metrics, result.fit.epoch)


def _origin_detector(run_dir: Path, about: About, config: Config, device: torch.device) -> SedirDetector:
    from sedir_core.io.tensor_file import read_tensors

    path = run_dir / run_files.ORIGIN
    tensors, meta = read_tensors(path)
    run_files.check_format(path, meta)
    try:
        return SedirDetector.restore(config, about.inherited, tensors, device)
    except (KeyError, ValueError, RuntimeError) as error:
        raise BadRun(path, f"does not fit this run: {error}", "start again from the model") from error


def _all_replayed(
    before: SedirDetector, dataset: Dataset, config: Config, report: Report, stop: Stop
) -> dict[str, FittedParts]:
    """The fitted parts of the old categories, to sample from.

    If the dataset still has the scans a category was fitted to, the fit is repeated, usually from the cache, which also
    has the samplings' features. Other scans are aligned to the stored surface.
    """
    all_fitted = {}
    for done, (name, category) in enumerate(before.known.items()):
        report(done / len(before.known), f"recall {name}")
        parts: list[AlignedPart] = []
        if dataset.train(name):
            fitted = cached_parts(replace(dataset, categories=(name,)), config, no_report, stop)[name]
            if _same_frame(fitted.frame, category.frame):
                log.info("replay %s from %d scans", name, min(len(fitted.parts), REPLAYED))
                all_fitted[name] = _some_parts(fitted)
                continue
            few = replace(dataset, samples=dataset.train(name)[:REPLAYED])
            random = generator(config.training.seed, "replay", name)
            parts = [_placed(category, cloud, random, stop) for cloud in usable_clouds(few, name, config, stop)]
        log.info("replay %s from %s", name, f"{len(parts)} other scans" if parts else "the stored surface")
        all_fitted[name] = replayed_parts(category, parts, config.training.views > 0)
    return all_fitted


def _same_frame(one: Frame, other: Frame) -> bool:
    """Whether both frames come from the same reference scan."""
    apart = np.append(one.centre - other.centre, one.radius - other.radius)
    return bool(np.abs(apart).max() < SAME * other.radius)


def _some_parts(fitted: FittedParts) -> FittedParts:
    scanner = None if fitted.scanner is None else replace(fitted.scanner, parts=fitted.scanner.parts[:REPLAYED])
    first = slice(REPLAYED)
    return replace(
        fitted, parts=fitted.parts[first], others=fitted.others[first], unseen=fitted.unseen[first], scanner=scanner
    )


def replayed_parts(category: Category, parts: Sequence[AlignedPart], from_one_side: bool) -> FittedParts:
    """A fitted category for drawing normal samplings; without parts, from its surface."""
    surface = category.normal.surface
    drawn = list(parts) or [AlignedPart(surface.points, category.normal.prior.none)] * REPLAYED_SURFACES
    scanner = None
    if from_one_side and category.views is not None:
        random = generator(0, "replayed views")
        scanner = scanner_of(surface, [part.points for part in drawn], category.views, random)
    return FittedParts(
        category.frame,
        category.size,
        category.descriptor,
        tuple(drawn),
        category.normal,
        (category.normal,) * len(drawn),
        tuple(part.points for part in drawn),
        tolerance_amplitude(parts),
        scanner,
        one_sided=category.one_sided,
    )


def _placed(category: Category, cloud: DoubleArray, random: np.random.Generator, stop: Stop) -> AlignedPart:
    if stop():
        raise Cancelled
    thinned = cloud[np.sort(random.permutation(len(cloud))[:MOST_POINTS])]
    placement = category.relaid(thinned, category.place(thinned, random)[0]).placement
    points = placement.enter(thinned)
    normal = category.normal
    return AlignedPart(points, smooth_way(normal.prior, Oriented(points), normal.oriented, normal.surface))


def _grown(before: SedirDetector, config: Config, n_categories: int) -> SeDiR:
    """The old network with additional rows in the class predictor for the new categories."""
    torch.manual_seed(config.training.seed)
    network = build_network(config, n_categories).to(before.device)
    grown = network.state_dict()
    for name, value in before.nets.network.state_dict().items():
        (grown[name] if value.ndim == 0 else grown[name][: len(value)]).copy_(value)
    network.load_state_dict(grown)
    return network


def _shorter(config: Config) -> Config:
    return override(config, training={"patch_steps": max(1, config.training.patch_steps // SHARE)})


def _carried(category: Category, ratio: float) -> Category:
    """The category data with token residual statistics of the new network."""
    view = None if category.view is None else category.view.with_tokens_scaled(ratio)
    return replace(category, whole=category.whole.with_tokens_scaled(ratio), view=view)


def _limited(config: Config, known: Mapping[str, Category]) -> dict[str, Category]:
    """Limits from the held-out scores of all categories together, if the old run stored them."""
    whole = _standards(config, {name: category.whole for name, category in known.items()})
    views = _standards(config, {name: c.view for name, c in known.items() if c.view is not None})
    return {name: replace(c, whole=whole[name], view=views.get(name)) for name, c in known.items()}


def _standards(config: Config, standards: Mapping[str, Standard]) -> dict[str, Standard]:
    if all(one.limits for one in standards.values()):
        return limited(config, standards)
    return dict(standards)
