"""Weights of the frozen local encoder: lookup, validation, and import of third-party checkpoints."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from sedir_core.config import EncoderConfig
from sedir_core.errors import BadWeights
from sedir_core.io.checkpoint_file import read_official_checkpoint
from sedir_core.io.tensor_file import read_notes, read_tensors, write_tensors
from sedir_core.models.patch_decoder import PatchDecoder
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.names import printable
from sedir_core.places import writable_folders

_M = TypeVar("_M", bound=nn.Module)

log = logging.getLogger(__name__)

OFFICIAL = EncoderConfig(depth=12)
"""The architecture of Point-MAE's released encoders."""
_DECODER = "patch_decoder."
_OFFICIAL_FILES = "choose Point-MAE's released modelnet_8k.pth or pretrain.pth"
_WAY_OUT = "see `sedir weights list`, then run `sedir weights pretrain` or `sedir weights import FILE`"


@dataclass(frozen=True)
class Weights:
    """One entry of `list_weights`: a valid value of `encoder.weights`, its file, and its origin."""

    name: str
    path: Path
    origin: str

    def __str__(self) -> str:
        return "\t".join(map(printable, (self.name, self.origin, self.path)))


def load_encoder(cfg: EncoderConfig) -> LocalEncoder:
    """The local encoder with these settings, on the CPU, in evaluation mode and frozen.

    Raises BadWeights if the file is missing, damaged, of another shape, or not finite.
    """
    path = weights_path(cfg.weights)
    encoder = _unseeded(lambda: LocalEncoder(cfg.width, cfg.hidden, cfg.heads, cfg.depth))
    _fill(encoder, read_tensors(path, checksummed=False)[0], path)
    return encoder


def load_patch_decoder(cfg: EncoderConfig) -> PatchDecoder | None:
    """The patch decoder trained with the encoder, frozen; None if the file has none (Point-MAE's own).

    Raises BadWeights as `load_encoder` does.
    """
    path = weights_path(cfg.weights)
    tensors, _ = read_tensors(path, checksummed=False)
    stored = {name.removeprefix(_DECODER): value for name, value in tensors.items() if name.startswith(_DECODER)}
    if not stored:
        return None
    try:
        hidden, coordinates = stored["layers.0.weight"].shape[0], stored["layers.4.weight"].shape[0]
    except (KeyError, IndexError) as error:
        raise BadWeights(path, "its patch decoder is incomplete", _WAY_OUT) from error
    decoder = _unseeded(lambda: PatchDecoder(cfg.width, coordinates // 3, hidden))
    _fill(decoder, stored, path)
    return decoder


def save_encoder(path: Path, encoder: LocalEncoder, decoder: PatchDecoder | None, origin: str) -> None:
    """Write what `load_encoder` and `load_patch_decoder` read. origin: one line for `list_weights`."""
    tensors = dict(encoder.state_dict())
    if decoder is not None:
        tensors |= {_DECODER + name: value for name, value in decoder.state_dict().items()}
    write_tensors(path, tensors, {"origin": origin})


def import_official(path: Path) -> Path:
    """Check one of Point-MAE's released checkpoints and store its encoder in the user's data folder.

    The fine-tuned classifier (used in the paper) is stored as `pointmae`, the self-supervised model as
    `pointmae-pretrain`, replacing an earlier one. Returns the new file.
    Raises BadWeights, CannotWrite.
    """
    tensors = read_official_checkpoint(path)
    encoder = _unseeded(lambda: LocalEncoder(OFFICIAL.width, OFFICIAL.hidden, OFFICIAL.heads, OFFICIAL.depth))
    _fill(encoder, tensors, path, _OFFICIAL_FILES)
    name = "pointmae-pretrain" if any(key.startswith("MAE_decoder.") for key in tensors) else "pointmae"
    target = user_weights() / f"{name}.safetensors"
    save_encoder(target, encoder, None, f"imported from {path.name}")
    log.info("imported %s as %s", path, target)
    return target


def list_weights() -> list[Weights]:
    """All values of `encoder.weights`, sorted; a bundled file shadows a user's of the same name."""
    found: dict[str, Weights] = {}
    for folder in (user_weights(), bundled_weights()):
        for path in folder.glob("*.safetensors"):
            try:
                origin = read_notes(path).get("origin", "of unknown origin")
            except BadWeights as error:
                origin = f"unreadable: {error.what}"
            found[path.stem] = Weights(path.stem, path, origin)
    return [found[name] for name in sorted(found)]


def weights_path(name: str) -> Path:
    """The file for a name or an explicit .safetensors path. Raises BadWeights if there is none."""
    if name.endswith(".safetensors"):
        candidates = [Path(name).expanduser()]
    else:
        candidates = [folder / f"{name}.safetensors" for folder in (bundled_weights(), user_weights())]
    for path in candidates:
        if path.exists():
            return path
    raise BadWeights(name, "there are no such encoder weights", _WAY_OUT)


def bundled_weights() -> Path:
    """The weights that ship with the program."""
    return Path(str(files("resources"))) / "weights"


def user_weights() -> Path:
    """The weights a user imported or trained."""
    return writable_folders()["data"] / "weights"


def _fill(module: nn.Module, tensors: Mapping[str, Tensor], path: Path, hint: str = _WAY_OUT) -> None:
    """Load by name and freeze; unknown names are ignored, missing ones are an error."""
    expected = module.state_dict()
    missing = sorted(expected.keys() - tensors.keys())
    if missing:
        raise BadWeights(
            path, f"lacks {len(missing)} of {len(expected)} tensors, first {missing[0]!r}: of another model?", hint
        )
    for name, own in expected.items():
        given = tensors[name]
        if given.shape != own.shape:
            raise BadWeights(
                path,
                f"{name} is {tuple(given.shape)}, these settings need {tuple(own.shape)}",
                "set encoder.width, hidden and depth to the file's, or choose other weights",
            )
        if given.is_floating_point() != own.is_floating_point() or not bool(torch.isfinite(given).all()):
            raise BadWeights(path, f"{name} holds values that are not finite numbers", hint)
    module.load_state_dict({name: tensors[name].to(own.dtype) for name, own in expected.items()})
    module.eval().requires_grad_(False)


def _unseeded(make: Callable[[], _M]) -> _M:
    """Build a module whose initialisation is overwritten, without advancing torch's global generator."""
    with torch.random.fork_rng(devices=[]):
        return make()
