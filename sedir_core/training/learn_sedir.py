"""SeDiR's training: the network, the surface decoder, and the normal statistics of good parts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from sedir_core.detectors.sedir import SedirDetector
from sedir_core.detectors.sedir_nets import Nets, build_network
from sedir_core.errors import Cancelled
from sedir_core.evidence.calibration import calibrate
from sedir_core.evidence.category import Category
from sedir_core.evidence.combination import Evidence
from sedir_core.evidence.comparison import compare
from sedir_core.evidence.fitted_parts import AlignedSampling
from sedir_core.evidence.held_out import Residuals
from sedir_core.evidence.judge import Judges
from sedir_core.evidence.normal_surface import NormalSurface
from sedir_core.evidence.stages import compared_points
from sedir_core.evidence.tokens import centres_of, for_tokens, residuals_of, tokenize
from sedir_core.models.sedir import SeDiR, SedirObjective, Tokens
from sedir_core.rundir.stored_nets import rounded
from sedir_core.training.expectation_fit import fit_expectation
from sedir_core.training.implicit_fit import fit_implicit
from sedir_core.training.loop import FitResult, fit
from sedir_core.training.material import Learned, Material
from sedir_core.training.patch_fit import fit_patch_decoder
from sedir_core.training.previews import specimens, token_previews
from sedir_core.training.run import Run
from sedir_core.types import DoubleArray, Report, Stop

log = logging.getLogger(__name__)


def learn_sedir(material: Material, run: Run, report: Report, stop: Stop) -> Learned | None:
    """None in a non-leading process. Raises what `loop.fit` raises, and Cancelled."""
    config, device = material.config, material.device
    torch.manual_seed(config.training.seed)
    trained = train_network(build_network(config, len(material.fitted)).to(device), material, run, report, stop)
    if not material.group.leads:
        return None
    nets = with_surface(material, trained.network, report, stop)
    detector = SedirDetector(config, nets, calibrated(nets, tuple(material.fitted), material, report, stop), device)
    thresholds = {name: category.whole.threshold for name, category in detector.known.items()}
    return Learned(detector.tensors(), thresholds, trained.fit.summary(), trained.fit.epoch)


def with_surface(material: Material, network: SeDiR, report: Report, stop: Stop, before: Nets | None = None) -> Nets:
    """Train what shows the network's expectation. before: networks of a model that is extended. Raises Cancelled."""
    config, device = material.config, material.device
    if network.rebuilt_from == "scan":
        start = None if before is None else before.patches
        patches = fit_patch_decoder(
            material.fitted, material.encoder, config, material.n_points, device, report, stop, start=start
        )
        return Nets(material.encoder, network, patches=patches)
    start_surface = None if before is None else before.surface
    known = 0 if start_surface is None else len(start_surface.grids)
    fresh = dict(list(material.fitted.items())[known:])
    n_steps, seed = config.training.surface_steps, config.training.seed
    surface = fit_implicit(fresh, n_steps, seed, device, report, stop, start_surface)
    return Nets(material.encoder, network, surface)


@dataclass(frozen=True)
class Trained:
    """A trained, frozen network with the training's summary."""

    network: SeDiR
    fit: FitResult


def train_network(network: SeDiR, material: Material, run: Run, report: Report, stop: Stop) -> Trained:
    """Train a network in place, resuming if possible. Raises what `loop.fit` raises, and Cancelled."""
    config, device, loss = material.config, material.device, material.config.loss
    going_on = run.load_state() is not None
    n_steps, seed = config.training.expectation_steps, config.training.seed
    fit_expectation(network, material.bank, n_steps, seed, going_on, report, stop)
    objective = SedirObjective(
        network, loss.supervised_contrastive, loss.classification, loss.cosine, loss.temperature, loss.buffer_size
    ).to(device)

    def residuals(tokens: Tokens) -> DoubleArray:
        placed = tokens.to(device)
        return residuals_of(placed, network(placed))

    on_epoch = token_previews(specimens(material), objective, residuals, run, config.training.epochs)
    result = fit(objective, material.bank, config.training, run, device, stop, on_epoch, material.group)
    if result.status == "interrupted":
        raise Cancelled
    return Trained(rounded(network.eval().requires_grad_(False)), result)


def calibrated(
    nets: Nets,
    categories: Sequence[str],
    material: Material,
    report: Report,
    stop: Stop,
    judges: Judges | None = None,
) -> dict[str, Category]:
    """Normal statistics and limits of the material's categories. categories: all that the networks know.

    judges: see `calibrate`. Raises Cancelled.
    """
    config, device, most = material.config, material.device, compared_points(material.config.grouping)

    def evidence_of(category: str, normal: NormalSurface, sampling: AlignedSampling) -> tuple[Evidence, Residuals]:
        points, view = sampling.points, sampling.view
        tokens = tokenize(for_tokens(points, view, config.grouping), config.grouping, nets.encoder, device)
        with torch.no_grad():
            residuals = residuals_of(tokens, nets.network(tokens))
        expected = nets.surface_of(categories.index(category), unseen_by=sampling.part)
        every, scan = sampling.every, sampling.scan
        compared = compare(normal, points, tokens, residuals, view, every, scan, expected, most=most)
        return compared.evidence, Residuals.of(residuals, centres_of(tokens))

    log.info("calibrate")
    return calibrate(config, material.fitted, evidence_of, material.n_points, report, stop, judges)
