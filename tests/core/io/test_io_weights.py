"""Weights come back as written; hostile or damaged files give BadWeights and run nothing."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sedir_core.errors import BadWeights
from sedir_core.io.checkpoint_file import read_official_checkpoint
from sedir_core.io.tensor_file import read_notes, read_tensors, write_tensors

TENSORS = {"a.weight": torch.arange(12.0).reshape(3, 4), "steps": torch.tensor(7), "half": torch.ones(2).half()}


class Payload:
    """A pickle that writes a file when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.marker, "w")


def _saved(folder: Path, content: object) -> Path:
    torch.save(content, folder / "model.pth")
    return folder / "model.pth"


def _repacked(path: Path, change: Callable[[str, bytes], bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    """The archive with its members changed."""
    source = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    with zipfile.ZipFile(path, "w", compression) as target:
        for name in source.namelist():
            target.writestr(name, change(name, source.read(name)))
    return path


def test_tensors_and_texts_come_back(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    write_tensors(path, TENSORS, {"seed": "3"})
    found = read_tensors(path)[0]
    assert found.keys() == TENSORS.keys()
    assert all(
        torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype for name, tensor in TENSORS.items()
    )
    assert read_notes(path) == {"seed": "3"}


def test_tied_transposed_and_learned_tensors_are_stored(tmp_path: Path) -> None:
    base = nn.Parameter(torch.arange(6.0).reshape(2, 3))
    write_tensors(tmp_path / "w.safetensors", {"a": base, "b": base, "t": base.T, "row": base[1]}, {})
    found = read_tensors(tmp_path / "w.safetensors")[0]
    assert torch.equal(found["t"], base.detach().T) and torch.equal(found["a"], found["b"])


def _header(text: bytes, length: int | None = None, body: bytes = bytes(48)) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text + body


_ONE = {"dtype": "F32", "shape": [12], "data_offsets": [0, 48]}
BROKEN_SAFETENSORS = {
    "empty": b"",
    "short": b"1234",
    "huge header": _header(b"{}", 2**60),
    "long header": _header(b"{}", 4000),
    "not json": _header(b"{'a'"),
    "nested": _header(b"[" * 100_000),
    "list": _header(b"[]"),
    "offsets": _header(json.dumps({"a": _ONE | {"data_offsets": [0, 4_000_000_000]}}).encode()),
    "shape": _header(json.dumps({"a": _ONE | {"shape": [2**62]}}).encode()),
    "dtype": _header(json.dumps({"a": _ONE | {"dtype": "PICKLE"}}).encode()),
    "cut": _header(json.dumps({"a": _ONE}).encode(), body=bytes(47)),
    "more": _header(json.dumps({"a": _ONE}).encode(), body=bytes(60)),
    "pickle": pickle.dumps({"a": 1}),
}


@pytest.mark.parametrize("name", BROKEN_SAFETENSORS)
def test_broken_safetensors_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(BROKEN_SAFETENSORS[name])
    with pytest.raises(BadWeights) as refused:
        read_tensors(path, checksummed=False)
    assert str(path) in str(refused.value) and refused.value.hint


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_pipe_and_missing_file_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for reader in (read_tensors, read_official_checkpoint):
        for name in ("pipe", "missing"):
            with pytest.raises(BadWeights):
                reader(tmp_path / name)


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        ("module.encoder.first_conv.0.weight", "encoder.first_conv.0.weight"),
        ("module.MAE_encoder.blocks.blocks.0.norm1.bias", "blocks.blocks.0.norm1.bias"),
        ("MAE_encoder.norm.weight", "norm.weight"),
        ("base_model.norm.weight", "norm.weight"),
        ("MAE_decoder.norm.weight", "MAE_decoder.norm.weight"),
        ("cls_token", "cls_token"),
    ],
)
def test_prefixes_are_stripped(stored: str, name: str, tmp_path: Path) -> None:
    tensor = torch.randn(3, 2)
    found = read_official_checkpoint(_saved(tmp_path, {"base_model": {stored: tensor}, "epoch": 300}))
    assert found.keys() == {name} and torch.equal(found[name], tensor)


def test_the_rest_of_a_training_checkpoint_is_passed_over(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(8, 3)).sum().backward()
    optimizer.step()
    content = {
        "base_model": {"module." + name: tensor for name, tensor in model.state_dict().items()},
        "optimizer": optimizer.state_dict(),
        "epoch": 3,
        "metrics": {"acc": torch.tensor(94.0)},
        "best_metrics": {},
    }
    found = read_official_checkpoint(_saved(tmp_path, content))
    assert found.keys() == model.state_dict().keys()
    assert found["1.num_batches_tracked"].dtype == torch.int64


def _strided(shape: tuple[int, ...]) -> Tensor:
    return torch.zeros(1).as_strided(shape, (0,) * len(shape))


NOT_WEIGHTS: dict[str, Any] = {
    "no base_model": {"state_dict": {"a": torch.zeros(2)}},
    "a list": [torch.zeros(2)],
    "a tensor": torch.zeros(2),
    "empty": {"base_model": {}},
    "nested": {"base_model": {"a": {"b": torch.zeros(2)}}},
    "numbers": {"base_model": {"a": 1.0}},
    "numbered": {"base_model": {1: torch.zeros(2)}},
    "nan": {"base_model": {"a": torch.tensor([1.0, float("nan")])}},
    "infinite": {"base_model": {"a": torch.tensor([1.0, float("inf")])}},
    "complex": {"base_model": {"a": torch.zeros(2, dtype=torch.complex64)}},
    "sparse": {"base_model": {"a": torch.zeros(4, 4).to_sparse()}},
    "meta": {"base_model": {"a": torch.zeros(2, device="meta")}},
    "a terabyte of one number": {"base_model": {"a": _strided((10**6, 10**6))}},
    "same name twice": {"base_model": {"module.a": torch.zeros(2), "a": torch.ones(2)}},
    "a module": {"base_model": nn.Linear(2, 2)},
}


@pytest.mark.parametrize("name", NOT_WEIGHTS)
def test_anything_but_plain_finite_tensors_is_refused(name: str, tmp_path: Path) -> None:
    path = _saved(tmp_path, NOT_WEIGHTS[name])
    with pytest.raises(BadWeights) as refused:
        read_official_checkpoint(path)
    assert str(path) in str(refused.value) and refused.value.hint


@pytest.mark.parametrize("legacy", [False, True])
def test_payload_runs_nothing_and_no_unsafe_loading_is_advised(legacy: bool, tmp_path: Path) -> None:
    marker, path = tmp_path / "MARKER", tmp_path / "model.pth"
    content = {"base_model": {"a": torch.zeros(2)}, "metrics": Payload(marker)}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(BadWeights) as refused:
        read_official_checkpoint(path)
    assert "weights_only" not in str(refused.value) and refused.value.__cause__ is None
    assert not marker.exists()


def test_payload_hidden_from_the_list_of_names_runs_nothing(tmp_path: Path) -> None:
    """The same payload in a protocol that builds the name at run time."""
    marker = tmp_path / "MARKER"
    path = _saved(tmp_path, {"base_model": {"a": torch.zeros(2)}})
    hidden = pickle.dumps({"base_model": Payload(marker)}, protocol=4)
    _repacked(path, lambda name, content: hidden if name.endswith("data.pkl") else content)
    with pytest.raises(BadWeights, match="may be code"):
        read_official_checkpoint(path)
    assert not marker.exists()


def test_payload_would_fire(tmp_path: Path) -> None:
    """The control of the tests above: unpickled without care, the payload does leave its marker."""
    (tmp_path / "payload").write_bytes(pickle.dumps(Payload(tmp_path / "MARKER")))
    load = "import pickle, pathlib; pickle.loads(pathlib.Path('payload').read_bytes())"
    subprocess.run([sys.executable, "-c", load], cwd=tmp_path, check=True)
    assert (tmp_path / "MARKER").exists()


def test_zip_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    path = _saved(tmp_path, {"base_model": {"a": torch.zeros(2)}})
    bomb = bytes(100 << 20)
    _repacked(path, lambda name, content: bomb if name.endswith("/data/0") else content, zipfile.ZIP_DEFLATED)
    with pytest.raises(BadWeights, match="unpacks"):
        read_official_checkpoint(path)


def test_cut_and_flipped_checkpoints_give_weights_or_a_user_error(tmp_path: Path) -> None:
    path = _saved(tmp_path, {"base_model": {"a": torch.arange(30.0), "b": torch.ones(2, 2)}})
    whole = path.read_bytes()
    draw = torch.Generator().manual_seed(5)
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for at in torch.randint(len(data), (3,), generator=draw).tolist():
            data[at] = int(torch.randint(256, (1,), generator=draw))
        path.write_bytes(data[: int(torch.randint(len(data) // 2, 2 * len(data), (1,), generator=draw))])
        try:
            read_official_checkpoint(path)
        except BadWeights:
            refused += 1
    assert refused > 30


def test_mutated_safetensors_give_weights_or_a_user_error(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    write_tensors(path, TENSORS, {"seed": "3"})
    whole = path.read_bytes()
    draw = torch.Generator().manual_seed(6)
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for at in torch.randint(len(data), (2,), generator=draw).tolist():
            data[at] = int(torch.randint(256, (1,), generator=draw))
        path.write_bytes(data)
        try:
            read_tensors(path, checksummed=False)
            read_notes(path)
        except BadWeights:
            refused += 1
    assert refused > 30
