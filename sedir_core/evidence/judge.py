"""Combines all channels at a place and around it into one: how much it looks like a defect. [O]

Weights set by hand cannot express which channel matters where. A small network learns it from defects planted into good
scans of the same scanner (`planted`) and from the good scans themselves. It serves all categories, since it reads each
channel in spreads above what is usual for the category. There is one for the network's evidence and one for the
surface's; neither sees the other's channels, and the verdict by all evidence is their mean. Each is trained FOLDS
times, each time without some of the training parts: a held-out part is judged by those that never saw it, a new scan by
the mean of all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sedir_core.evidence.around import WIDEST, Around
from sedir_core.evidence.channels import NETWORK
from sedir_core.evidence.coverage import ABSENT
from sedir_core.evidence.numbers import JUDGE
from sedir_core.evidence.peaks import Peak
from sedir_core.evidence.stages import below
from sedir_core.evidence.stored_names import stored_name
from sedir_core.evidence.whole_part import SIZE
from sedir_core.models.folds import FOLDS, folds_without
from sedir_core.models.judge import Judge
from sedir_core.models.steps import take_steps
from sedir_core.rundir.stored_nets import restored
from sedir_core.runtime import torch_generator
from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray, Report, Stop

JUDGED = "judged."
SHARES: Mapping[str, float] = {"network": JUDGE.network_share, "surface": JUDGE.surface_share}
KINDS, ALL = tuple(SHARES), "all"  # of evidence: those that have a judge, and both
ASKED = (*KINDS, ALL)
OF_THE_WHOLE = (SIZE, ABSENT)  # said of a part, not of a place
# The level that a judge assigns to most of a scan is that scan's own quiet level: it rises with noise, with merging
# errors, and for parts that lie on another side. It is capped where places count as damaged. Runs store the values that
# they were trained with.
QUIET = (JUDGE.quiet_share, JUDGE.loudest_quiet)


def rises(standardised: Mapping[str, DoubleArray], peaks: Mapping[str, Peak], channels: Sequence[str]) -> FloatArray:
    """Channels in spreads above their usual peaks, (n, channels)."""
    columns = [np.clip(peaks[name].above(standardised[name]), JUDGE.lowest, JUDGE.highest) for name in channels]
    return np.stack(columns, axis=1).astype(np.float32)


def features_of(raised: FloatArray, around: Around) -> FloatArray:
    """Features (n, 5 channels): values at each point, means over some 8, 32 and 128 points, and maxima over some 32.

    raised: (n, channels). The wider means are means of means, at a tenth of the cost.
    """
    close = _mean_over(raised, around.nearest(8))
    wider = _mean_over(close, around.nearest(32, step=4))
    widest = _mean_over(close, around.nearest(WIDEST, step=8))
    highest = np.full_like(raised, -np.inf)
    for column in around.nearest(32, step=2).T:
        np.maximum(highest, np.take(raised, column, axis=0), out=highest)
    return np.concatenate([raised, close, wider, widest, highest], axis=1)


def _mean_over(values: FloatArray, around: NDArray[np.int32]) -> FloatArray:
    total = np.zeros_like(values)
    for column in around.T:
        total += np.take(values, column, axis=0)
    return np.asarray(total / around.shape[1])


@dataclass(frozen=True)
class Lesson:
    """Points of one sampling of a part: features (k, f) of all channels, and flags of damaged points (k,)."""

    part: int
    features: FloatArray
    damaged: BoolArray


def lesson_of(
    part: int,
    standardised: Mapping[str, DoubleArray],
    peaks: Mapping[str, Peak],
    around: Around,
    damaged: BoolArray,
    good: BoolArray,
    louder: float,
    random: np.random.Generator,
) -> Lesson:
    """Training points from a sampling: damaged ones, good ones, and the good ones that stand out most.

    damaged, good: (n,); points that are neither are not used. louder: all channels are multiplied by a random factor
    between 1 and this, as they are larger on parts that the few training parts do not represent.
    """
    channels = channels_in(standardised)
    gain = random.uniform(1.0, louder)
    raised = rises({name: gain * standardised[name] for name in channels}, peaks, channels)
    bad, sound = np.flatnonzero(damaged), np.flatnonzero(good)
    loud = sound[np.argsort(-raised[sound].max(axis=1), kind="stable")[: JUDGE.most_loud]]
    chosen = np.concatenate(
        [random.permutation(bad)[: JUDGE.most_damaged], random.permutation(sound)[: JUDGE.most_good], loud]
    )
    features = features_of(raised, around)
    return Lesson(part, features[chosen], damaged[chosen])


def channels_in(standardised: Iterable[str]) -> tuple[str, ...]:
    """The channels that describe places, in the order in which judges read them."""
    of_places = (name for name in standardised if name not in OF_THE_WHOLE and not name.startswith(JUDGED))
    return tuple(sorted(of_places, key=stored_name))


@dataclass(frozen=True)
class Judges:
    """FOLDS networks for each kind of evidence; channels: those that the features are made of, in order."""

    channels: tuple[str, ...]
    by_kind: Mapping[str, Sequence[Judge]]

    @torch.no_grad()
    def judged(
        self,
        standardised: Mapping[str, DoubleArray],
        peaks: Mapping[str, Peak],
        around: Around,
        taught_by: int | None = None,
        kinds: Collection[str] = ASKED,
    ) -> dict[str, DoubleArray]:
        """For each of the kinds "judged.<kind>", (n,) positive; for every kind if all evidence is requested.

        Relative to the scan's own quiet level. taught_by: a training part, to be judged only by networks that never saw
        it.
        """
        features = torch.from_numpy(features_of(rises(standardised, peaks, self.channels), around))
        folds = folds_without(taught_by)
        near, logits = around.nearest(JUDGE.smoothing), {}
        for kind in self.by_kind if ALL in kinds else kinds:
            read = features[:, _columns(self.channels, kind)]
            said = torch.stack([self.by_kind[kind][fold](read) for fold in folds]).mean(dim=0)
            logits[kind] = JUDGE.sure * np.tanh(said.double().numpy()[near].mean(axis=1) / JUDGE.sure)
        if ALL in kinds:
            logits[ALL] = np.average(list(logits.values()), axis=0, weights=[SHARES[kind] for kind in logits])
        quiet = {
            kind: min(float(np.quantile(told, JUDGE.quiet_share)), JUDGE.loudest_quiet) for kind, told in logits.items()
        }
        return {JUDGED + kind: np.exp(JUDGE.per_logit * (told - quiet[kind])) for kind, told in logits.items()}

    def tensors(self) -> dict[str, Tensor]:
        """The inverse of `restore`."""
        nets = {f"{kind}.{fold}": net for kind, both in self.by_kind.items() for fold, net in enumerate(both)}
        found = {
            f"{name}.{key}": value.contiguous() for name, net in nets.items() for key, value in net.state_dict().items()
        }
        return found | {"quiet": torch.tensor(QUIET)}

    @staticmethod
    def restore(tensors: Mapping[str, Tensor], channels: tuple[str, ...]) -> Judges:
        """Raises ValueError if weights are missing or misshapen, or if the limits belong to other values of QUIET."""
        nets, kinds = {}, _kinds_in(channels)
        quiet = tensors.get("quiet", torch.empty(0))
        if quiet.shape != (len(QUIET),) or not torch.equal(quiet.float(), torch.tensor(QUIET)):
            raise ValueError("another version judges by it")
        tensors = {name: value for name, value in tensors.items() if name != "quiet"}
        if {name.partition(".")[0] for name in tensors} != set(kinds):
            raise ValueError(f"no judges of {' and '.join(kinds)}")
        for kind in kinds:
            make = partial(Judge, len(_columns(channels, kind)))
            own = [below(tensors, f"{kind}.{fold}.") for fold in range(FOLDS)]
            nets[kind] = [restored(make, weights, torch.device("cpu")) for weights in own]
        return Judges(channels, nets)


def _kinds_in(channels: Sequence[str]) -> list[str]:
    return [kind for kind in KINDS if len(_columns(channels, kind))]


def _columns(channels: Sequence[str], kind: str) -> IntArray:
    """Indices of the features that the judge of a kind reads."""
    return np.flatnonzero(np.tile([(name in NETWORK) == (kind == "network") for name in channels], 5))


def learn_judges(
    lessons: Sequence[Lesson], channels: tuple[str, ...], n_steps: int, seed: int, report: Report, stop: Stop
) -> Judges:
    """Train on planted and good samplings of all categories. Raises Cancelled."""
    kinds = _kinds_in(channels)
    nets: dict[str, list[Judge]] = {kind: [] for kind in kinds}
    for done, (fold, kind) in enumerate((fold, kind) for fold in range(FOLDS) for kind in kinds):
        heard = [one for one in lessons if one.part % FOLDS != fold] or lessons
        features = torch.from_numpy(np.concatenate([one.features for one in heard]))
        damaged = torch.from_numpy(np.concatenate([one.damaged for one in heard])).float()

        def part_of(fraction: float, stage: str, done: int = done) -> None:
            report((done + fraction) / (FOLDS * len(kinds)), stage)

        read = features[:, _columns(channels, kind)]
        nets[kind].append(_learn(read, damaged, n_steps, seed + fold, part_of, stop))
    return Judges(channels, nets)


def _learn(features: Tensor, damaged: Tensor, n_steps: int, seed: int, report: Report, stop: Stop) -> Judge:
    """features: (n, f), damaged: (n,)."""
    torch.manual_seed(seed)
    random = torch_generator("cpu", seed, "judge")
    judge = Judge(features.shape[1])
    judge.mean.copy_(features.mean(dim=0))
    judge.spread.copy_(features.std(dim=0) + 1e-2)
    scaled, weights = judge.scaled(features), 1 + (JUDGE.weight_of_damaged - 1) * damaged
    optimizer = torch.optim.AdamW(judge.parameters(), lr=JUDGE.learning_rate, weight_decay=JUDGE.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, JUDGE.learning_rate, total_steps=n_steps)

    def next_loss() -> Tensor:
        picked = torch.randint(len(features), (JUDGE.batch,), generator=random)
        return F.binary_cross_entropy_with_logits(judge.of_scaled(scaled[picked]), damaged[picked], weights[picked])

    take_steps(n_steps, optimizer, schedule, next_loss, "learn to judge", report, stop)
    return judge.eval().requires_grad_(False)
