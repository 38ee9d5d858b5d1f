"""Every setting, declared once, for the CLI's help, the window's forms and config.toml.

Sources in the help texts: [P] the paper, [R] the reference code of MC3D-AD, [O] our own choice without a source.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sedir_core.documents import read_toml
from sedir_core.errors import BadConfig
from sedir_core.methods import BY_NAME, TABLE
from sedir_core.presets import PRESET_VALUES
from sedir_core.tolerances import parse_tolerance
from sedir_core.units import Unit

Preset = Literal["paper", "desktop", "tiny"]
METHODS: tuple[str, ...] = tuple(BY_NAME)
PEERS: tuple[str, ...] = tuple(method.name for method in TABLE if not method.learns)
"""Detectors that memorise good parts of each category instead of training a network."""
METHOD_NAMES: Mapping[str, str] = {method.name: method.label for method in TABLE}
"""Display names: the paper's spelling, if it mentions the method."""
PRESETS: tuple[Preset, ...] = ("paper", "desktop", "tiny")


def setting(default: Any, help: str, low: float | None = None, high: float | None = None, simple: bool = False) -> Any:  # noqa: A002
    """A field with its help text and range; `simple` ones appear in the window's short form."""
    return Field(default, description=help, ge=low, le=high, json_schema_extra={"simple": simple})


class Section(BaseModel):
    """A frozen group of settings that rejects unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataConfig(Section):
    """Metadata missing in the training scans' files."""

    unit: Unit = setting("unknown", "unit of the training scans, used for sizes and depths [O]", simple=True)
    columns: str = setting("", "x, y, z of text tables: three names, or numbers from 1; empty: automatic [O]")
    defective_names: Literal["refuse", "learn"] = setting(
        "refuse", "training scans in folders or files named as defective: reject them, or learn them as good [O]"
    )


class EncoderConfig(Section):
    """The frozen local encoder (Point-MAE)."""

    weights: str = setting("pointmae", "name in `sedir weights list`, or a .safetensors file")
    width: int = setting(384, "token width c [P]", 32, 1024)
    hidden: int = setting(128, "first layer of the mini-PointNet [P]", 16, 512)
    heads: int = setting(6, "attention heads of a block [R]", 1, 32)
    depth: int = setting(4, "transformer blocks used; the token is the normed output of the last [R]", 0, 12)


class GroupingConfig(Section):
    """From a scan to groups of points."""

    n_groups: int = setting(1024, "tokens per scan, N [P]", 16, 16_384)
    group_size: int = setting(256, "points of the base neighbourhood, k; with a finer and a coarser one [P]", 8, 512)
    ratio: float = setting(2.0, "ratio between neighbourhood sizes: coarse k * ratio, fine k / ratio [P]", 1.1, 8.0)
    working_points: int = setting(0, "resample to this many points before grouping; 0 keeps all [O]", 0, 1_000_000)
    compared_points: int = setting(
        0,
        "points compared with the normal surface; more suit --evidence surface. 0: as grouped, at most 20,000 [O]",
        0,
        150_000,
    )

    @model_validator(mode="after")
    def _sizes_differ(self) -> GroupingConfig:
        """Checked before the alignment, which takes minutes."""
        finer, coarser = int(self.group_size / self.ratio), int(self.group_size * self.ratio)
        if not 0 < finer < self.group_size < coarser:
            raise ValueError(f"group_size {self.group_size} and ratio {self.ratio:g} do not give three neighbourhoods")
        for name in ("working_points", "compared_points"):
            if 0 < getattr(self, name) < coarser:
                raise ValueError(f"{name} must be 0 or at least the {coarser} points of the coarsest neighbourhood")
        return self


class NetworkConfig(Section):
    """The trained network: CFGT and GGD."""

    width: int = setting(256, "model width d [P]", 32, 1024)
    depth: int = setting(4, "layers of the encoder and of the decoder [P]", 1, 12)
    heads: int = setting(8, "attention heads [P]", 1, 32)
    feedforward: int = setting(1024, "width inside the feed-forward layers [R]", 32, 4096)
    dropout: float = setting(0.1, "dropout while training [R]", 0.0, 0.9)
    global_token: Literal["cfgt", "act", "mean", "max", "none"] = setting(
        "cfgt", "source of the category identity: all of CFGT [P], or an ablation: part of it, or none"
    )
    geometric_prior: Literal["bias", "mask", "gate", "none"] = setting(
        "bias", "how local geometry guides the decoder: attention bias [P], or an ablation"
    )
    rebuilt_from: Literal["scan", "identity"] = setting(
        "scan",
        "decoder input: the scan's own tokens [P], which leak defects, or the expectation from identity and "
        "position [O]",
    )
    jitter_scale: float = setting(20.0, "feature jitter while training [P]", 0.0, 100.0)
    jitter_probability: float = setting(1.0, "share of training steps with jitter [P]", 0.0, 1.0)


class LossConfig(Section):
    """Weights of the terms besides the reconstruction loss."""

    supervised_contrastive: float = setting(0.001, "weight of L_scl [P]", 0.0, 10.0)
    classification: float = setting(0.001, "weight of L_cls [P]", 0.0, 10.0)
    cosine: float = setting(0.01, "weight of L_cos [P]", 0.0, 10.0)
    temperature: float = setting(0.07, "temperature of L_scl [O]", 0.01, 1.0)
    buffer_size: int = setting(64, "tokens kept in the contrastive buffer, L [P]", 1, 65_536)


class TrainingConfig(Section):
    """Duration and learning rate."""

    epochs: int = setting(1000, "passes over the training scans [P]", 1, 100_000, simple=True)
    batch_size: int = setting(1, "scans per step, over all processes of distributed training [P]", 1, 1024)
    samplings: int = setting(1, "different samplings cached per training scan [O]", 1, 64)
    views: int = setting(
        0,
        "additional single-view samplings; 0 if scans always show the whole part [O]",
        0,
        64,
        simple=True,
    )
    seen: Literal["auto", "all round", "one side"] = setting(
        "auto",
        "what the training scans show: the whole part, or what a fixed camera sees of it; auto finds out for each kind "
        "of part [O]",
    )
    held_out: int = setting(4, "further samplings of each training scan, kept for calibration [O]", 1, 64)
    patch_steps: int = setting(1500, "steps for the decoder that draws what is rebuilt from the scan [O]", 1, 100_000)
    surface_steps: int = setting(
        2000, "steps that fit the surface the network expects, where it reads identity and place [O]", 1, 100_000
    )
    expectation_steps: int = setting(
        1500, "steps that fit the expectation at each place, if the network reads it [O]", 1, 100_000
    )
    judge_steps: int = setting(500, "training steps of each judge on planted defects [O]", 1, 100_000)
    learning_rate: float = setting(1e-4, "AdamW's base rate [R]", 1e-7, 1.0)
    schedule: Literal["cosine", "step", "late-cosine", "constant"] = setting(
        "cosine",
        "learning-rate schedule: cosine annealing [P]; to a tenth after four fifths of the steps [R]; constant for "
        "the first hundredth, then cosine to a thousandth, as in PO3AD [R]; constant, as in R3D-AD [R]",
    )
    weight_decay: float = setting(1e-4, "AdamW's weight decay [R]", 0.0, 1.0)
    clip_norm: float = setting(0.1, "gradient norm is clipped to this [R]", 0.0, 100.0)
    precision: Literal["auto", "fp32", "bf16"] = setting("auto", "bf16 if the hardware supports it, unless fp32")
    checkpoint_seconds: float = setting(60.0, "longest time between two checkpoints [O]", 1.0, 3600.0)
    seed: int = setting(0, "seed of all randomness", 0, 2**31 - 1, simple=True)


class BankConfig(Section):
    """Memory banks of the peer methods, and the golden template."""

    coreset: int = setting(10_000, "entries of a memory bank, selected by greedy k-centre [R]", 16, 100_000)
    candidates: int = setting(0, "features kept before selection; 0 keeps all [O]", 0, 1_000_000)
    projection: int = setting(128, "wider features are projected to this width for the selection [R]", 8, 1024)
    standardise: Literal["none", "place"] = setting(
        "none", "golden template: raw distances, or relative to normal statistics at their place [O]"
    )


class PlaceConfig(Section):
    """Detectors that compare descriptors only at the same place."""

    entries: int = setting(20_000, "descriptors of good parts kept per category [O]", 100, 1_000_000)
    neighbours: int = setting(32, "number of spatially nearest descriptors to compare a point with [O]", 1, 1_024)


class CpmfConfig(Section):
    """CPMF alone."""

    backbone: Literal["lite0", "resnet18-file", "resnet18-random"] = setting(
        "lite0", "backbone for the pictures: EfficientNet-Lite0 [O], CPMF's own ResNet-18 [R], or a control"
    )
    file: str = setting("", "ResNet-18 checkpoint for resnet18-file, as released by torchvision or timm")
    views: Literal["sphere", "published"] = setting(
        "sphere", "27 pictures from all around the part [O], or within 15 degrees of its front [R]"
    )


class Group3adConfig(Section):
    """Group3AD only."""

    agcs: Literal["departure", "variation", "off"] = setting(
        "departure",
        "half of a scan's groups lie where its variation differs from the template's, or is highest [O]",
    )
    projector_epochs: int = setting(50, "epochs of the projector over cached tokens [O]", 1, 10_000)


class ImrnetConfig(Section):
    """IMRNet only; widths are the local encoder's."""

    depth: int = setting(12, "transformer blocks of the encoder [R]", 1, 24)
    decoder_depth: int = setting(4, "transformer blocks of the decoder [R]", 1, 12)
    points: int = setting(4_096, "points sampled per scan [O]", 128, 65_536)
    patches: int = setting(128, "patches per scan [O]", 8, 2_048)
    patch_size: int = setting(64, "points per patch [P]", 8, 512)
    clouds: int = setting(1, "training clouds a step [O]", 1, 256)
    ratio: float = setting(0.4, "mask ratio of the patches [P]", 0.05, 0.95)
    rounds: int = setting(3, "iterations of masking and reconstruction per scan [P]", 1, 16)
    masks: Literal["cover", "random"] = setting("cover", "every patch is masked once [O], or at random")
    object_score: Literal["top", "max"] = setting("top", "object score: mean of the highest hundredth, or maximum")

    @model_validator(mode="after")
    def _patches_fit(self) -> ImrnetConfig:
        if self.patch_size > self.points:
            raise ValueError(f"a patch cannot have {self.patch_size} of {self.points} points")
        return self


class IsmpConfig(Section):
    """ISMP alone."""

    order: Literal["depth", "published"] = setting(
        "depth", "visible in a pixel: the point nearest to the plane [O], or the last one [R]"
    )
    weights: Literal["published", "balanced"] = setting(
        "published", "feature blocks unscaled [R], or each divided by its mean norm [O]"
    )
    normalise: Literal["network", "published"] = setting(
        "network", "pictures normalised as in the network's training [O], or 0 to 255 [R]"
    )


class Po3adConfig(Section):
    """PO3AD alone."""

    pseudo: Literal["published", "af"] = setting(
        "published", "pseudo-defects to undo: one moved patch [R], or a family of defects and cuts, after AF3AD [O]"
    )
    normals: Literal["published", "true"] = setting(
        "published", "moved along |normal|, component by component [R], or along the oriented normal [O]"
    )
    norm: Literal["frame", "published"] = setting(
        "frame", "normalisation: by the category [O], or by each scan [R], which rescales a broken part"
    )
    rotate: Literal["published", "none"] = setting(
        "published", "rotate training parts at random [R], or not, since scans are aligned [O]"
    )
    points: int = setting(20_000, "points per training cloud [O]", 1_000, 200_000)
    clouds: int = setting(32, "training clouds a step [R]", 1, 256)
    voxel: float = setting(0.03, "voxel size, in radii [R]", 0.005, 0.05)
    width: Literal["8", "16", "32", "64"] = setting("32", "channels of the first layer, 32 [R]; others in proportion")
    blocks: Literal["published", "one"] = setting(
        "published", "residual blocks: MinkUNet34C's [R], or one per stage [O]"
    )


class R3dadConfig(Section):
    """R3D-AD alone."""

    variant: Literal["released", "paper"] = setting(
        "released",
        "distance to a sample, as in the released code [R]; or the displacement described in the paper",
    )
    rotate: Literal["published", "none"] = setting(
        "published", "rotate training parts at random [R], or not, since scans are aligned [O]"
    )
    points: int = setting(2_048, "points per cloud [R]", 128, 16_384)
    clouds: int = setting(128, "training clouds a step [R]", 2, 1_024)
    draws: int = setting(4, "diffusion samples per scan over which scores are averaged [O]", 1, 32)


class ScoringConfig(Section):
    """From residuals to a verdict."""

    evidence: Literal["network", "surface", "all"] = setting(
        "all", "evidence for verdicts: the network's residuals [P], the distance to the normal surface [O], or both"
    )
    rule: Literal["paper", "raw", "calibrated"] = setting(
        "calibrated",
        "as published [P], the same without min-max, or standardised at each place [O]",
    )
    false_alarm_rate: float = setting(0.05, "share of good parts that may be called NG [O]", 0.001, 0.5, simple=True)
    tolerance: str = setting("", "allowed deviation, in data.unit: 0.3, or -0.2,0.4 for minus and plus; empty: any [O]")

    @field_validator("tolerance")
    @classmethod
    def _is_tolerance(cls, text: str) -> str:
        try:
            parse_tolerance(text)
        except BadConfig as error:
            raise ValueError(f"{error.what}: {error.hint}") from error
        return text


class Config(Section):
    """All settings of a run; `Config()` is the paper's preset."""

    preset: Preset = "paper"
    method: str = setting("sedir", "detector to train, see `sedir methods`")
    data: DataConfig = DataConfig()
    encoder: EncoderConfig = EncoderConfig()
    grouping: GroupingConfig = GroupingConfig()
    network: NetworkConfig = NetworkConfig()
    loss: LossConfig = LossConfig()
    training: TrainingConfig = TrainingConfig()
    bank: BankConfig = BankConfig()
    cpmf: CpmfConfig = CpmfConfig()
    group3ad: Group3adConfig = Group3adConfig()
    imrnet: ImrnetConfig = ImrnetConfig()
    ismp: IsmpConfig = IsmpConfig()
    place: PlaceConfig = PlaceConfig()
    po3ad: Po3adConfig = Po3adConfig()
    r3dad: R3dadConfig = R3dadConfig()
    scoring: ScoringConfig = ScoringConfig()

    @model_validator(mode="after")
    def _known_method(self) -> Config:
        if self.method not in BY_NAME:
            raise ValueError(f"no such method: {self.method}")
        return self

    @model_validator(mode="after")
    def _network_fits(self) -> Config:
        if self.network.width % self.network.heads or self.encoder.width % self.encoder.heads:
            raise ValueError("width must be a multiple of heads")
        return self

    def settings(self) -> dict[str, Any]:
        """As plain data, without sections the method does not read."""
        return self.model_dump(include=set(read_by(self.method)))


def read_by(method: str) -> tuple[str, ...]:
    """The configuration fields a method reads, without other methods' sections."""
    others = {one.section for one in TABLE} - {BY_NAME[method].section}
    return tuple(name for name in Config.model_fields if name not in others)


def preset(name: str, method: str = "sedir", **changes: Mapping[str, Any]) -> Config:
    """The preset of that name; `changes` override fields by section, e.g. `training={"epochs": 3}`.

    Raises BadConfig for an unknown preset or method, or a value out of range.
    """
    if name not in PRESET_VALUES:
        raise BadConfig(name, "no such preset", "use " + ", ".join(PRESETS))
    if method not in METHODS:
        raise BadConfig(method, "no such method", "use " + ", ".join(METHODS))
    own = _merged(PRESET_VALUES[name], BY_NAME[method].presets[name])
    return _validated("preset " + name, _merged({"preset": name, "method": method} | own, changes))


def override(config: Config, **changes: Mapping[str, Any] | Any) -> Config:
    """The configuration with some fields changed and revalidated."""
    return _validated("settings", _merged(config.model_dump(), changes))


def read_config(path: Path) -> Config:
    """Read a run's config.toml. Raises BadConfig if it is not TOML or does not match the schema."""
    return _validated(path, read_toml(path, BadConfig))


def to_toml(config: Config) -> str:
    """The text of config.toml."""
    return tomli_w.dumps(config.settings())


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
