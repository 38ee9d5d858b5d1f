"""Every setting, declared once: the CLI's help, the window's forms and config.toml all read this file.

Sources in the help texts: [P] the paper, [R] the reference code of MC3D-AD, [O] our own choice where no source says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sedir_core.errors import BadConfig

Preset = Literal["paper", "desktop", "tiny"]
Peer = Literal["btf-raw", "btf-fpfh", "patchcore-fpfh", "patchcore-pointmae", "m3dm", "reg3d-ad", "template"]
Method = Literal["sedir", "mc3d-ad", "mc3d-ad-spatial"] | Peer
PEERS: tuple[Peer, ...] = get_args(Peer)
"""Detectors that memorise good parts of each category and learn no network."""
METHODS: tuple[Method, ...] = ("sedir", "mc3d-ad", "mc3d-ad-spatial", *PEERS)
METHOD_NAMES: Mapping[str, str] = {
    "sedir": "SeDiR",
    "mc3d-ad": "MC3D-AD",
    "mc3d-ad-spatial": "MC3D-AD, spatial",
    "btf-raw": "BTF(Raw)",
    "btf-fpfh": "BTF(FPFH)",
    "patchcore-fpfh": "PatchCore(FPFH)",
    "patchcore-pointmae": "PatchCore(PointMAE)",
    "m3dm": "M3DM",
    "reg3d-ad": "Reg3D-AD",
    "template": "Golden template",
}
"""As people read them: the paper's spelling, where it knows the method."""
PRESETS: tuple[Preset, ...] = ("paper", "desktop", "tiny")


def setting(default: Any, help: str, low: float | None = None, high: float | None = None, simple: bool = False) -> Any:  # noqa: A002
    """A field with its help text and range; `simple` ones appear in the window's short form."""
    return Field(default, description=help, ge=low, le=high, json_schema_extra={"simple": simple})


class Section(BaseModel):
    """A frozen group of settings that refuses unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EncoderConfig(Section):
    """The frozen local encoder (Point-MAE)."""

    weights: str = setting("pointmae", "name in `sedir weights list`, or a .safetensors file")
    width: int = setting(384, "token width c [P]", 32, 1024)
    hidden: int = setting(128, "first layer of the mini-PointNet [P]", 16, 512)
    heads: int = setting(6, "attention heads of a block [R]", 1, 32)
    depth: int = setting(4, "transformer blocks used; the token is the normed output of the last [R]", 0, 12)


class GroupingConfig(Section):
    """From a scan to groups of points."""

    n_groups: int = setting(1024, "tokens a scan, N [P]", 16, 16_384, simple=True)
    group_size: int = setting(256, "points of the base neighbourhood, k; beside a finer and a coarser [P]", 8, 512)
    ratio: float = setting(2.0, "the coarser has this many times k points, the finer as many times fewer [P]", 1.1, 8.0)
    working_points: int = setting(0, "resample to this many points before grouping; 0 keeps all [O]", 0, 1_000_000)


class NetworkConfig(Section):
    """The trained network: CFGT and GGD."""

    width: int = setting(256, "model width d [P]", 32, 1024, simple=True)
    depth: int = setting(4, "layers of the encoder and of the decoder [P]", 1, 12)
    heads: int = setting(8, "attention heads [P]", 1, 32)
    feedforward: int = setting(1024, "width inside the feed-forward layers [R]", 32, 4096)
    dropout: float = setting(0.1, "dropout while training [R]", 0.0, 0.9)
    global_token: Literal["cfgt", "act", "mean", "max", "none"] = setting(
        "cfgt", "what says which part it is: all of CFGT [P], or an ablation: a piece of it, or nothing"
    )
    geometric_prior: Literal["bias", "mask", "gate", "none"] = setting(
        "bias", "how local geometry leads the decoder: as a bias on attention [P], or an ablation"
    )
    jitter_scale: float = setting(20.0, "feature jitter while training [P]", 0.0, 100.0)
    jitter_probability: float = setting(1.0, "share of training steps with jitter [P]", 0.0, 1.0)


class LossConfig(Section):
    """Weights of the terms beside the reconstruction loss."""

    supervised_contrastive: float = setting(0.001, "weight of L_scl [P]", 0.0, 10.0)
    classification: float = setting(0.001, "weight of L_cls [P]", 0.0, 10.0)
    cosine: float = setting(0.01, "weight of L_cos [P]", 0.0, 10.0)
    temperature: float = setting(0.07, "temperature of L_scl [O]", 0.01, 1.0)
    buffer_size: int = setting(64, "tokens kept in the contrastive buffer, L [P]", 1, 65_536)


class TrainingConfig(Section):
    """How long and how fast."""

    epochs: int = setting(1000, "passes over the training scans [P]", 1, 100_000, simple=True)
    batch_size: int = setting(1, "scans a step, shared by the processes that train together [P]", 1, 1024)
    samplings: int = setting(1, "different samplings cached of each training scan [O]", 1, 64)
    views: int = setting(
        0,
        "further samplings, seen from one side; 0 if scans always show the whole part [O]",
        0,
        64,
        simple=True,
    )
    held_out: int = setting(4, "further samplings of each training scan, kept for calibration [O]", 1, 64)
    patch_steps: int = setting(1500, "steps for the decoder that draws the reconstruction [O]", 1, 100_000)
    learning_rate: float = setting(1e-4, "AdamW's base rate [R]", 1e-7, 1.0, simple=True)
    schedule: Literal["cosine", "step"] = setting(
        "cosine", "how the rate falls: cosine annealing [P], or to a tenth after four fifths of the steps [R]"
    )
    weight_decay: float = setting(1e-4, "AdamW's weight decay [R]", 0.0, 1.0)
    clip_norm: float = setting(0.1, "gradient norm is clipped to this [R]", 0.0, 100.0)
    precision: Literal["auto", "fp32", "bf16"] = setting("auto", "bf16 where the hardware has it, unless fp32")
    checkpoint_seconds: float = setting(60.0, "at most this long between two checkpoints [O]", 1.0, 3600.0)
    seed: int = setting(0, "everything random follows from it", 0, 2**31 - 1, simple=True)


class BankConfig(Section):
    """What the peers remember: memory banks, and the golden template."""

    coreset: int = setting(10_000, "entries of a memory bank, chosen by greedy k-centre [R]", 16, 100_000)
    candidates: int = setting(0, "features kept before entries are chosen; 0 keeps all [O]", 0, 1_000_000)
    projection: int = setting(128, "wider features are projected to this width while entries are chosen [R]", 8, 1024)
    standardise: Literal["none", "place"] = setting(
        "none", "golden template: distances as they are, or in times of what is usual at their place [O]"
    )


class ScoringConfig(Section):
    """From residuals to a verdict."""

    method: Literal["calibrated", "paper"] = setting("calibrated", "calibrated [O] or as published [P]")
    false_alarm_rate: float = setting(0.05, "share of good parts that may be called NG [O]", 0.001, 0.5, simple=True)


class Config(Section):
    """All settings of a run; `Config()` is the paper's preset."""

    preset: Preset = "paper"
    method: Method = setting("sedir", "detector to train")
    encoder: EncoderConfig = EncoderConfig()
    grouping: GroupingConfig = GroupingConfig()
    network: NetworkConfig = NetworkConfig()
    loss: LossConfig = LossConfig()
    training: TrainingConfig = TrainingConfig()
    bank: BankConfig = BankConfig()
    scoring: ScoringConfig = ScoringConfig()

    @model_validator(mode="after")
    def _heads_divide(self) -> Config:
        if self.network.width % self.network.heads or self.encoder.width % self.encoder.heads:
            raise ValueError("width must be a multiple of heads")
        return self


def preset(name: str, method: str = "sedir", **changes: Mapping[str, Any]) -> Config:
    """The configuration of that name; `changes` override fields by section, e.g. `training={"epochs": 3}`.

    Raises BadConfig for an unknown preset or method, or a value out of range.
    """
    if name not in _PRESETS:
        raise BadConfig(name, "no such preset", "use " + ", ".join(PRESETS))
    if method not in METHODS:
        raise BadConfig(method, "no such method", "use " + ", ".join(METHODS))
    own = _merged(_PRESETS[name], _OF_METHOD[method][name])
    return _validated("preset " + name, _merged({"preset": name, "method": method} | own, changes))


def override(config: Config, **changes: Mapping[str, Any] | Any) -> Config:
    """The same configuration with some fields changed, validated again."""
    return _validated("settings", _merged(config.model_dump(), changes))


def read_config(path: Path) -> Config:
    """config.toml of a run. Raises BadConfig if it is not TOML or does not fit the schema."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfig(path, f"not readable as TOML: {error}") from error
    return _validated(path, raw)


def to_toml(config: Config) -> str:
    """The text of config.toml."""
    return tomli_w.dumps(config.model_dump())


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        nested = isinstance(value, Mapping)
        merged[key] = _merged(merged.get(key, {}), value) if nested else value
    return merged


def _validated(where: Path | str, raw: Mapping[str, Any]) -> Config:
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "settings"
        raise BadConfig(where, f"{place}: {first['msg']}") from error


_SMALL_ENCODER = {"weights": "small", "width": 192, "hidden": 64, "heads": 6, "depth": 2}

_PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "desktop": {
        "encoder": _SMALL_ENCODER,
        "grouping": {"n_groups": 512, "group_size": 64, "working_points": 20_000},
        "network": {"width": 128, "depth": 2, "heads": 4, "feedforward": 512, "jitter_scale": 10.0},
        # Far fewer steps than the paper's 48,000, so the small terms must weigh more to have any say.
        "loss": {"supervised_contrastive": 0.02, "classification": 0.05},
        "training": {"epochs": 40, "samplings": 4, "views": 3, "held_out": 2, "learning_rate": 1e-3, "clip_norm": 1.0},
    },
    "tiny": {
        "encoder": _SMALL_ENCODER,
        "grouping": {"n_groups": 128, "group_size": 32, "working_points": 4_000},
        "network": {"width": 32, "depth": 1, "heads": 4, "feedforward": 64},
        "training": {
            "epochs": 4,
            "samplings": 1,
            "held_out": 2,
            "patch_steps": 30,
            "learning_rate": 1e-3,
            "clip_norm": 1.0,
        },
    },
}

# What MC3D-AD does differently [R]: one neighbourhood, whole scans only, a rate that falls once. The sizes of the
# smaller presets are SeDiR's own, so that both are compared on the same tokens.
_BASELINE: dict[str, dict[str, Any]] = {
    "paper": {"grouping": {"group_size": 128}, "training": {"schedule": "step"}},
    "desktop": {"training": {"schedule": "step", "views": 0}},
    "tiny": {"training": {"schedule": "step"}},
}

# The peers know whole scans only. Point-MAE's features are taken as published in the preset `paper` [R].
_PEER: dict[str, dict[str, Any]] = {
    "paper": {},
    "desktop": {"training": {"views": 0}, "bank": {"coreset": 2_000, "candidates": 20_000}},
    "tiny": {"bank": {"coreset": 200, "candidates": 1_000}},
}
_POINTMAE_PEER: dict[str, dict[str, Any]] = {
    "paper": {"encoder": {"depth": 12}, "grouping": {"n_groups": 16_384, "group_size": 128}},
    "desktop": _PEER["desktop"] | {"grouping": {"n_groups": 2_048}},
    "tiny": _PEER["tiny"],
}
_OF_METHOD: dict[str, dict[str, dict[str, Any]]] = {
    "sedir": {name: {} for name in PRESETS},
    "mc3d-ad": _BASELINE,
    "mc3d-ad-spatial": _BASELINE,
    "btf-raw": _PEER,
    "btf-fpfh": _PEER,
    "patchcore-fpfh": _PEER,
    "patchcore-pointmae": _POINTMAE_PEER,
    "m3dm": _POINTMAE_PEER,
    "reg3d-ad": _POINTMAE_PEER,
    "template": _PEER,
}
