"""Reads third-party weights safely: .pth files, which are pickles. Our own format is in tensor_file.py."""

from __future__ import annotations

import hashlib
import pickletools
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from sedir_core.errors import BadWeights, UserError
from sedir_core.io.guard import COPY_AGAIN, Source, open_regular
from sedir_core.io.zips import is_zip, open_zip, read_member

_MAX_PICKLE_BYTES = 8 << 20
_OFFICIAL = "choose Point-MAE's released modelnet_8k.pth or pretrain.pth, or a .safetensors file"
# The only globals a checkpoint of plain tensors needs; torch's own list is longer and allows sparse tensors.
_PLAIN_GLOBALS = frozenset(
    {"collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter"}
    | {
        f"torch {kind}Storage"
        for kind in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Byte", "Bool")
    }
)
_PLAIN_DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32)


def read_official_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors under `base_model` of a Point-MAE .pth file, prefixes stripped from their names.

    `module.` is removed everywhere, then a leading `MAE_encoder.` or `base_model.`. No code in the file is run: its
    pickle may refer to plain tensors only, is then loaded with `weights_only`, and every tensor must be dense, on the
    CPU, of a standard type, no larger than the file and finite. Raises BadWeights.
    """
    with open_regular(path, BadWeights) as source:
        content, n_bytes = _content(source, _OFFICIAL)
        tensors = _base_model(source, content)
        _check_tensors(source, tensors, n_bytes, _OFFICIAL)
        return _stripped(source, tensors)


def read_state_dict(path: Path, hint: str) -> dict[str, Tensor]:
    """The tensors of a .pth file with nothing else in it, read as safely. hint: which file to choose.

    Raises BadWeights.
    """
    with open_regular(path, BadWeights) as source:
        content, n_bytes = _content(source, hint)
        if not isinstance(content, dict) or not content:
            raise source.fail("is not a set of tensors", hint)
        tensors = {str(name): tensor for name, tensor in content.items() if isinstance(tensor, Tensor)}
        if len(tensors) < len(content):
            raise source.fail("holds more than tensors", hint)
        _check_tensors(source, tensors, n_bytes, hint)
        return {name: tensor.detach().contiguous() for name, tensor in tensors.items()}


def read_known(path: Path, sha256: str, hint: str) -> dict[str, Tensor]:
    """The tensors of a .pth file with a known checksum, in any torch format. Raises BadWeights for any other."""
    with open_regular(path, BadWeights) as source:
        if hashlib.sha256(source.file.read()).hexdigest() != sha256:
            raise source.fail("does not match the expected checksum", hint)
        content = _load(source, hint)
        assert isinstance(content, dict)
        return content


def _content(source: Source, hint: str) -> tuple[object, int]:
    """The pickle, and the number of bytes of tensor data in the file."""
    if not is_zip(source.head()):
        raise source.fail("is not a checkpoint as torch 1.6 and later write it", hint)
    with open_zip(source) as archive:
        _check_pickle(source, archive, hint)
        n_bytes = sum(member.file_size for member in archive.infolist())
    return _load(source, hint), n_bytes


def _check_pickle(source: Source, archive: zipfile.ZipFile, hint: str) -> None:
    """Scan the pickle, without running it, for anything other than plain tensors."""
    found = [member for member in archive.infolist() if member.filename.endswith("/data.pkl")]
    if len(found) != 1 or found[0].file_size > _MAX_PICKLE_BYTES:
        raise source.fail("does not hold one set of tensors", hint)
    try:
        for opcode, argument, _ in pickletools.genops(read_member(source, archive, found[0])):
            if opcode.name == "GLOBAL" and argument not in _PLAIN_GLOBALS:
                raise source.fail(f"holds {str(argument)[:80]!r} beside tensors, which may be code", hint)
            if opcode.name in ("STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"):
                raise source.fail("holds Python objects beside tensors, which may be code", hint)
    except (ValueError, IndexError, UnicodeDecodeError) as broken:
        raise source.fail("its list of tensors is damaged", COPY_AGAIN) from broken


def _load(source: Source, hint: str) -> object:
    source.file.seek(0)
    try:
        return torch.load(source.file, map_location="cpu", weights_only=True)
    except (UserError, MemoryError):
        raise
    except Exception as refused:
        # A damaged pickle makes torch raise nearly anything, with a text that recommends unsafe loading: show neither.
        raise source.fail(f"torch cannot read it safely ({type(refused).__name__})", hint) from None


def _base_model(source: Source, content: object) -> dict[str, Tensor]:
    tensors = content.get("base_model") if isinstance(content, dict) else None
    if not isinstance(tensors, dict) or not tensors:
        raise source.fail("has no 'base_model'", _OFFICIAL)
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise source.fail(f"its base_model holds {str(name)[:60]!r}, which is not a tensor", _OFFICIAL)
    return tensors


def _check_tensors(source: Source, tensors: Mapping[str, Tensor], n_bytes: int, hint: str) -> None:
    for name, tensor in tensors.items():
        dense = tensor.layout is torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
        if not dense or tensor.dtype not in _PLAIN_DTYPES:
            raise source.fail(f"{name[:60]!r} is not a plain dense tensor", hint)
    # A tensor with zero strides may claim any size, so check before touching the values.
    if sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) > n_bytes:
        raise source.fail("its tensors claim more data than the file holds", hint)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise source.fail(f"{name[:60]!r} holds values that are not finite", hint)


def _stripped(source: Source, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    result: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        plain = name.replace("module.", "").removeprefix("MAE_encoder.").removeprefix("base_model.")
        if plain in result:
            raise source.fail(f"has two tensors named {plain[:60]!r}", _OFFICIAL)
        result[plain] = tensor.detach().contiguous()
    return result
