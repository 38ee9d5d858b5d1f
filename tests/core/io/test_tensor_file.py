"""Tensor files come back exactly or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch

from sedir_core.errors import BadWeights
from sedir_core.io.tensor_file import digest, read_tensors, write_tensors

TENSORS = {
    "scalar": torch.tensor(1.5),
    "empty": torch.zeros(0, 3),
    "half": torch.arange(6, dtype=torch.bfloat16).reshape(2, 3),
    "mask": torch.tensor([True, False]),
    "count": torch.tensor([2**60], dtype=torch.int64),
    "transposed": torch.arange(6.0).reshape(2, 3).T,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_tensors(tmp_path / "file", TENSORS, {"format": "1"})
    return tmp_path / "file"


def test_tensors_and_notes_come_back(path: Path) -> None:
    tensors, meta = read_tensors(path)
    assert meta == {"format": "1"}
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert all(tensors[name].dtype == TENSORS[name].dtype for name in TENSORS)


def test_equal_tensors_and_notes_are_equal_files(tmp_path: Path) -> None:
    notes = {name: name for name in ("format", "device", "progress", "origin")}
    contents = set()
    for number in range(20):
        write_tensors(tmp_path / str(number), TENSORS, dict(sorted(notes.items(), reverse=number % 2 == 1)))
        contents.add((tmp_path / str(number)).read_bytes())
    assert len(contents) == 1
    assert read_tensors(tmp_path / "0")[1] == notes


def test_what_is_sorted_is_still_a_safetensors_file(path: Path) -> None:
    with safetensors.safe_open(path, "pt") as file:
        assert file.metadata().keys() == {"format", "sha256"}
        assert torch.equal(file.get_tensor("count"), TENSORS["count"])
    length = int.from_bytes(path.read_bytes()[:8], "little")
    assert length % 8 == 0


def test_tensors_that_share_memory_are_stored(tmp_path: Path) -> None:
    tied = torch.ones(3)
    write_tensors(tmp_path / "file", {"a": tied, "b": tied})
    assert torch.equal(read_tensors(tmp_path / "file")[0]["b"], tied)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9, 1.0])
def test_a_flipped_bit_anywhere_is_noticed(path: Path, place: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(place * (len(content) - 1))] ^= 4
    path.write_bytes(content)
    with pytest.raises(BadWeights):
        read_tensors(path)


def test_a_file_cut_short_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadWeights):
        read_tensors(path)


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadWeights, match="pipe"):
        read_tensors(tmp_path / "pipe")


def test_the_digest_knows_names_types_and_shapes() -> None:
    flat = torch.zeros(6)
    digests = {digest(t) for t in ({"a": flat}, {"b": flat}, {"a": flat.reshape(2, 3)}, {"a": flat.int()})}
    assert len(digests) == 4


def test_the_digest_does_not_depend_on_the_order() -> None:
    assert digest(TENSORS) == digest(dict(reversed(TENSORS.items())))


def test_a_file_without_a_checksum_is_taken_only_where_that_is_said(tmp_path: Path) -> None:
    safetensors.torch.save_file({"w": torch.ones(2)}, tmp_path / "file")
    assert torch.equal(read_tensors(tmp_path / "file", checksummed=False)[0]["w"], torch.ones(2))
    with pytest.raises(BadWeights, match="checksum"):
        read_tensors(tmp_path / "file")
