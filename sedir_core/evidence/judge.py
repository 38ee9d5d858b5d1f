"""From all channels at a place and around it to one: how much it looks like a defect. [O]

A sum of weights set by hand cannot know which channel means something where. A small network does, that has seen
defects planted into good parts of this very scanner (`planted`) beside the good parts as they are; one for all
categories, since it reads each channel in spreads above what is usual for the category. One for each kind of evidence:
what is judged by the network's evidence alone has never seen the surface's. And each of them twice, taught by every
other training part: a held-out part is judged by the one that never saw it, a new scan by the mean of both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sedir_core.evidence.coverage import ABSENT
from sedir_core.evidence.peaks import Peak
from sedir_core.evidence.stages import below
from sedir_core.evidence.whole_part import SIZE
from sedir_core.geometry.tree import PointTree
from sedir_core.models.judge import Judge
from sedir_core.models.steps import take_steps
from sedir_core.rundir.stored_nets import restored
from sedir_core.runtime import torch_generator
from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray, Report, Stop

JUDGED, SILENT = "judged.", "silent"
KINDS = ("network", "surface", "all")  # of evidence
OF_THE_WHOLE = (SIZE, ABSENT)  # said of a part, not of a place
LOWEST, HIGHEST = -5.0, 15.0  # spreads above the usual peak: where a channel says nothing, and where it ends
AROUND = 128  # points
SMOOTHING = 8  # points over which logits are averaged
PER_LOGIT = 0.25  # how much the logarithm of a score grows with each
SURE = 25.0  # logits that are hardly exceeded: beyond, a network that is sure only exaggerates
FOLDS = 2
MOST_DAMAGED, MOST_GOOD, MOST_LOUD = 1_200, 1_500, 400  # points of a sampling to learn from
WEIGHT_OF_DAMAGED = 2.0
SILENCED = 0.25  # of the points that teach to judge by all evidence: the network's is kept from them
BATCH, LEARNING_RATE, WEIGHT_DECAY = 2_048, 4e-3, 1e-2


def rises(exceedance: Mapping[str, DoubleArray], peaks: Mapping[str, Peak], channels: Sequence[str]) -> FloatArray:
    """(n, channels) in spreads above the usual peak."""
    columns = [np.clip(peaks[name].above(exceedance[name]), LOWEST, HIGHEST) for name in channels]
    return np.stack(columns, axis=1).astype(np.float32)


def features_of(raised: FloatArray, around: IntArray) -> FloatArray:
    """(n, 5 channels): at each point, its means over some 8, 32 and 128 points, and its highest over some 32.

    raised: (n, channels). around: (n, AROUND) each point's neighbours, the nearest first. The wider means are of means,
    which costs a tenth.
    """
    close = raised[around[:, :8]].mean(axis=1)
    wider = _mean_over(close, around[:, :32:4])
    widest = _mean_over(close, around[:, ::8])
    highest = raised[around[:, 0]]
    for column in range(2, 32, 2):
        np.maximum(highest, raised[around[:, column]], out=highest)
    return np.concatenate([raised, close, wider, widest, highest], axis=1)


def _mean_over(values: FloatArray, around: IntArray) -> FloatArray:
    total = np.zeros_like(values)
    for column in around.T:
        total += values[column]
    return np.asarray(total / around.shape[1])


@dataclass(frozen=True)
class Lesson:
    """Points of one sampling of a part: features (k, f) of all channels, and which of them are damaged (k,)."""

    part: int
    features: FloatArray
    damaged: BoolArray


def lesson_of(
    part: int,
    exceedance: Mapping[str, DoubleArray],
    peaks: Mapping[str, Peak],
    places: DoubleArray,
    damaged: BoolArray,
    good: BoolArray,
    louder: float,
    random: np.random.Generator,
) -> Lesson:
    """Some of the points of a sampling: damaged ones, good ones, and the good ones that stand out most.

    damaged, good: (n,); what is neither teaches nothing. louder: all channels are raised by a factor of 1 to that, as
    they are on parts that the few training parts do not stand for.
    """
    channels = channels_in(exceedance)
    gain = random.uniform(1.0, louder)
    raised = rises({name: gain * exceedance[name] for name in channels}, peaks, channels)
    bad, sound = np.flatnonzero(damaged), np.flatnonzero(good)
    loud = sound[np.argsort(-raised[sound].max(axis=1), kind="stable")[:MOST_LOUD]]
    chosen = np.concatenate([random.permutation(bad)[:MOST_DAMAGED], random.permutation(sound)[:MOST_GOOD], loud])
    features = features_of(raised, _around(places))
    return Lesson(part, features[chosen], damaged[chosen])


def channels_in(exceedance: Iterable[str]) -> tuple[str, ...]:
    """Those that say something of a place, in the order in which judges read them."""
    return tuple(sorted(name for name in exceedance if name not in OF_THE_WHOLE and not name.startswith(JUDGED)))


def _around(places: DoubleArray) -> IntArray:
    return PointTree(places).nearest_k(places, AROUND)[1]


@dataclass(frozen=True)
class Judges:
    """By kind of evidence FOLDS networks; the channels they read, in order; token: which of these the network says."""

    channels: tuple[str, ...]
    token: str
    by_kind: Mapping[str, Sequence[Judge]]

    @property
    def says(self) -> tuple[str, ...]:
        """What `judged` gives, without its prefix."""
        silent = (SILENT,) if "all" in self.by_kind and self.token in self.channels else ()
        return (*self.by_kind, *silent)

    def columns(self, kind: str) -> IntArray:
        """Of the features, those that the judge of a kind reads."""
        return _columns(self.channels, self.token, kind)

    @torch.no_grad()
    def judged(
        self,
        exceedance: Mapping[str, DoubleArray],
        peaks: Mapping[str, Peak],
        places: DoubleArray,
        taught_by: int | None = None,
        kinds: Collection[str] = KINDS,
    ) -> dict[str, DoubleArray]:
        """For each of the kinds "judged.<kind>", (n,) positive; with "all" "judged.silent", without the network.

        taught_by: a training part, which only those judge that never saw it.
        """
        around = _around(places)
        features = torch.from_numpy(features_of(rises(exceedance, peaks, self.channels), around))
        chosen = [fold for fold in range(FOLDS) if taught_by is None or taught_by % FOLDS != fold]

        def asked(kind: str) -> Tensor:
            read = features[:, self.columns(kind)]
            return torch.stack([self.by_kind[kind][fold](read) for fold in chosen]).mean(dim=0)

        found = {kind: asked(kind) for kind in self.by_kind if kind in kinds}
        if SILENT in self.says and "all" in found:
            features[:, self.columns("network")] = LOWEST
            found[SILENT] = asked("all")
        near = around[:, :SMOOTHING]
        logits = {kind: values.double().numpy()[near].mean(axis=1) for kind, values in found.items()}
        return {JUDGED + kind: np.exp(PER_LOGIT * SURE * np.tanh(values / SURE)) for kind, values in logits.items()}

    def tensors(self) -> dict[str, Tensor]:
        """The inverse of `restore`."""
        nets = {f"{kind}.{fold}": net for kind, both in self.by_kind.items() for fold, net in enumerate(both)}
        return {
            f"{name}.{key}": value.contiguous() for name, net in nets.items() for key, value in net.state_dict().items()
        }

    @staticmethod
    def restore(tensors: Mapping[str, Tensor], channels: tuple[str, ...], token: str) -> Judges:
        """Raises ValueError where weights are missing or misshapen."""
        kinds = sorted({name.partition(".")[0] for name in tensors})
        if not kinds or not set(kinds) <= set(KINDS):
            raise ValueError(f"judges of {', '.join(kinds) or 'nothing'}")
        nets = {}
        for kind in kinds:
            make = partial(Judge, len(_columns(channels, token, kind)))
            own = [below(tensors, f"{kind}.{fold}.") for fold in range(FOLDS)]
            nets[kind] = [restored(make, weights, torch.device("cpu")) for weights in own]
        return Judges(channels, token, nets)


def _columns(channels: Sequence[str], token: str, kind: str) -> IntArray:
    wanted = np.array([kind == "all" or (name == token) == (kind == "network") for name in channels])
    return np.flatnonzero(np.tile(wanted, 5))


def learn_judges(
    lessons: Sequence[Lesson],
    channels: tuple[str, ...],
    token: str,
    n_steps: int,
    seed: int,
    report: Report,
    stop: Stop,
) -> Judges:
    """From planted and good samplings of all categories. Raises Cancelled."""
    kinds = [kind for kind in KINDS if len(_columns(channels, token, kind))]
    nets: dict[str, list[Judge]] = {kind: [] for kind in kinds}
    for done, (fold, kind) in enumerate((fold, kind) for fold in range(FOLDS) for kind in kinds):
        heard = [one for one in lessons if one.part % FOLDS == fold] or lessons
        features = torch.from_numpy(np.concatenate([one.features for one in heard]))
        damaged = torch.from_numpy(np.concatenate([one.damaged for one in heard])).float()

        def part_of(fraction: float, stage: str, done: int = done) -> None:
            report((done + fraction) / (FOLDS * len(kinds)), stage)

        columns = _columns(channels, token, kind)
        own = np.isin(columns, _columns(channels, token, "network")) & (kind == "all")
        nets[kind].append(
            _learn(features[:, columns], damaged, torch.from_numpy(own), n_steps, seed + fold, part_of, stop)
        )
    return Judges(channels, token, nets)


def _learn(
    features: Tensor, damaged: Tensor, silenced: Tensor, n_steps: int, seed: int, report: Report, stop: Stop
) -> Judge:
    """features: (n, f), damaged: (n,). silenced: (f,) which of the features now and then say nothing."""
    torch.manual_seed(seed)
    random = torch_generator("cpu", seed, "judge")
    judge = Judge(features.shape[1])
    judge.mean.copy_(features.mean(dim=0))
    judge.spread.copy_(features.std(dim=0) + 1e-2)
    weights = 1 + (WEIGHT_OF_DAMAGED - 1) * damaged
    optimizer = torch.optim.AdamW(judge.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=n_steps)

    def next_loss() -> Tensor:
        picked = torch.randint(len(features), (BATCH,), generator=random)
        batch = features[picked]
        if silenced.any():
            batch[(torch.rand(BATCH, 1, generator=random) < SILENCED) & silenced] = LOWEST
        return F.binary_cross_entropy_with_logits(judge(batch), damaged[picked], weights[picked])

    take_steps(n_steps, optimizer, schedule, next_loss, "learn to judge", report, stop)
    return judge.eval().requires_grad_(False)
