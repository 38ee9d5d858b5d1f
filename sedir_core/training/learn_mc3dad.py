"""The baseline MC3D-AD from the same material: its network, and limits from held-out normal scans.

The published code has no limits; ours are set like SeDiR's, so that verdicts can be compared, too.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sedir_core.detectors.mc3dad import BaselineNets, Mc3dadDetector, build_baseline, coin_of, maskable_tokens
from sedir_core.detectors.reference import Reference
from sedir_core.errors import Cancelled
from sedir_core.evidence.fitted_parts import FittedParts, hold_out
from sedir_core.evidence.limits import object_limits
from sedir_core.evidence.training_numbers import LIMITS
from sedir_core.models.mc3dad import BaselineObjective, MaskableTokens
from sedir_core.models.sedir import Tokens
from sedir_core.runtime import generator
from sedir_core.training.loop import fit
from sedir_core.training.material import Learned, Material, SamplingBank
from sedir_core.training.patch_fit import fit_patch_decoder
from sedir_core.training.previews import specimens, token_previews
from sedir_core.training.run import Run
from sedir_core.types import DoubleArray, Report, Stop

log = logging.getLogger(__name__)


class MaskableBank:
    """Base-resolution tokens of every sampling with the variation used for masking; see `training.loop.Bank`."""

    def __init__(self, bank: SamplingBank) -> None:
        self.n_samplings = bank.n_samplings
        self._categories = bank.categories
        self._tokens = [[maskable_tokens(tokens.to("cpu")) for tokens in row] for row in bank.tokens]

    def __len__(self) -> int:
        return len(self._tokens)

    def draw(self, scan: int, sampling: int) -> tuple[MaskableTokens, Tensor]:
        """See `training.loop.Bank`."""
        return self._tokens[scan][sampling], torch.tensor([self._categories[scan]])


def learn_mc3dad(material: Material, run: Run, report: Report, stop: Stop) -> Learned | None:
    """None in a non-leading process. Raises what `loop.fit` raises, and Cancelled."""
    config, device = material.config, material.device
    torch.manual_seed(config.training.seed)
    network = build_baseline(config).to(device)
    bank = MaskableBank(material.bank)
    objective = BaselineObjective(network).to(device)

    def residuals(tokens: Tokens) -> DoubleArray:
        placed = maskable_tokens(tokens.to(device))
        # The published mask is random per scan; previews use a fixed one, so that epochs are comparable.
        rebuilt = network(placed.features, placed.centers, placed.hidden(True))[0]
        return np.asarray((placed.features[0] - rebuilt).norm(dim=-1).double().cpu().numpy())

    on_epoch = token_previews(specimens(material), objective, residuals, run, config.training.epochs)
    result = fit(objective, bank, config.training, run, device, stop, on_epoch, material.group)
    if result.status == "interrupted":
        raise Cancelled
    if not material.group.leads:
        return None
    patches = fit_patch_decoder(material.fitted, material.encoder, config, material.n_points, device, report, stop)
    nets = BaselineNets(material.encoder, network.eval().requires_grad_(False), patches)
    detector = _limited(nets, material, report, stop)
    thresholds = {name: reference.threshold for name, reference in detector.known.items()}
    return Learned(detector.tensors(), thresholds, result.summary(), result.epoch)


@dataclass(frozen=True)
class _HeldOut:
    """Of a category's held-out normal scans: object scores (h,), residuals (h,), and all their point scores."""

    scores: DoubleArray
    residuals: DoubleArray
    points: DoubleArray


def _limited(nets: BaselineNets, material: Material, report: Report, stop: Stop) -> Mc3dadDetector:
    log.info("calibrate")
    detector = Mc3dadDetector(material.config, nets, {}, material.device)
    known: dict[str, Reference] = {}
    scores: dict[str, DoubleArray] = {}
    for done, (name, fitted) in enumerate(material.fitted.items()):
        report(done / len(material.fitted), f"calibrate {name}")
        found = _held_out(detector, name, fitted, material, stop)
        scores[name] = found.scores
        point_threshold = float(np.quantile(found.points, LIMITS.point_quantile))
        residual = float(np.median(found.residuals))
        known[name] = Reference(fitted.frame, fitted.size, fitted.whole.surface, residual, np.nan, point_threshold)
    limits = object_limits(scores, material.config.scoring.false_alarm_rate)
    known = {
        name: replace(reference, threshold=limits[name], held_out=scores[name]) for name, reference in known.items()
    }
    return Mc3dadDetector(material.config, nets, known, material.device)


def _held_out(detector: Mc3dadDetector, name: str, fitted: FittedParts, material: Material, stop: Stop) -> _HeldOut:
    training = material.config.training
    scores, residuals, maps = [], [], []
    for part in range(len(fitted.parts)):
        for turn in range(training.held_out):
            if stop():
                raise Cancelled
            random = generator(training.seed, "held out", name, part, turn)
            sampling = hold_out(fitted, part, material.n_points, random)
            tokens = detector.maskable(sampling.points)
            errors = detector.nets.rebuild(tokens, detector.method, coin_of(sampling.points))[2]
            found = detector.point_scores(errors, tokens.centers[0].double().cpu().numpy(), sampling.points)
            scores.append(float(found.max()))
            residuals.append(sampling.residual)
            maps.append(found)
    return _HeldOut(np.array(scores), np.array(residuals), np.concatenate(maps))
