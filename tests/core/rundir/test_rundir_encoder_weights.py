"""Finding, checking and importing the local encoder's weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sedir_core.config import EncoderConfig
from sedir_core.errors import BadWeights
from sedir_core.io.tensor_file import read_tensors, write_tensors
from sedir_core.models.patch_decoder import PatchDecoder
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.rundir import encoder_weights
from sedir_core.rundir.encoder_weights import (
    OFFICIAL,
    import_official,
    list_weights,
    load_encoder,
    load_patch_decoder,
    save_encoder,
    weights_path,
)

CFG = EncoderConfig(weights="mine", width=32, hidden=16, heads=4, depth=1)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Own folders for what is bundled and what is the user's."""
    made = {"bundled": tmp_path / "bundled", "user": tmp_path / "user"}
    monkeypatch.setattr(encoder_weights, "bundled_weights", lambda: made["bundled"])
    monkeypatch.setattr(encoder_weights, "user_weights", lambda: made["user"])
    return made


@pytest.fixture
def encoder() -> LocalEncoder:
    return LocalEncoder(32, 16, 4, 1)


@pytest.fixture
def stored(folders, encoder) -> Path:
    path = folders["user"] / "mine.safetensors"
    save_encoder(path, encoder, PatchDecoder(32, 8, 24), "made by a test")
    return path


def damaged(path: Path, **changes: torch.Tensor | None) -> None:
    tensors = read_tensors(path)[0]
    for name, value in changes.items():
        tensors.pop(name.replace("__", "."))
        if value is not None:
            tensors[name.replace("__", ".")] = value
    write_tensors(path, tensors, {})


def test_loaded_encoder_is_the_saved_one(stored, encoder):
    loaded = load_encoder(CFG)
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in encoder.state_dict().items())


def test_loaded_encoder_is_frozen_and_evaluating(stored):
    loaded = load_encoder(CFG)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_patch_decoder_comes_with_it(stored):
    decoder = load_patch_decoder(CFG)
    assert decoder is not None
    assert decoder.n_points == 8


def test_a_file_without_a_patch_decoder_gives_none(folders, encoder):
    save_encoder(folders["user"] / "mine.safetensors", encoder, None, "")
    assert load_patch_decoder(CFG) is None


def test_fewer_blocks_than_stored_can_be_used(folders):
    save_encoder(folders["user"] / "mine.safetensors", LocalEncoder(32, 16, 4, 3), None, "")
    assert len(load_encoder(CFG).blocks["blocks"]) == 1


def test_a_path_can_be_given(stored):
    assert weights_path(str(stored)) == stored


def test_bundled_comes_before_the_user_s(folders, stored, encoder):
    save_encoder(folders["bundled"] / "mine.safetensors", encoder, None, "bundled")
    assert weights_path("mine").parent == folders["bundled"]
    assert [entry.origin for entry in list_weights()] == ["bundled"]


def test_loading_leaves_the_global_generator_alone(stored):
    before = torch.get_rng_state()
    load_encoder(CFG)
    assert torch.equal(torch.get_rng_state(), before)


def test_unknown_name_says_the_way_out():
    with pytest.raises(BadWeights, match="pretrain"):
        load_encoder(EncoderConfig(weights="nobody"))


def test_missing_tensor_is_named(stored):
    damaged(stored, norm__bias=None)
    with pytest.raises(BadWeights, match=r"lacks 1 of .*'norm\.bias'"):
        load_encoder(CFG)


def test_other_shape_is_refused(stored):
    with pytest.raises(BadWeights, match="need"):
        load_encoder(EncoderConfig(weights="mine", width=64, hidden=16, heads=4, depth=1))


def test_values_that_are_not_finite_are_refused(stored):
    damaged(stored, norm__bias=torch.full((32,), torch.nan))
    with pytest.raises(BadWeights, match="finite"):
        load_encoder(CFG)


def test_integers_in_place_of_weights_are_refused(stored):
    damaged(stored, norm__bias=torch.zeros(32, dtype=torch.int64))
    with pytest.raises(BadWeights, match=r"norm\.bias"):
        load_encoder(CFG)


def test_half_a_patch_decoder_is_refused(stored):
    damaged(stored, patch_decoder__layers__0__weight=None)
    with pytest.raises(BadWeights, match="patch decoder"):
        load_patch_decoder(CFG)


def test_unreadable_file_is_listed_as_such(folders):
    folders["user"].mkdir()
    (folders["user"] / "broken.safetensors").write_bytes(b"nothing")
    assert "unreadable" in str(list_weights()[0])


@pytest.mark.parametrize(("prefix", "name"), [("module.", "pointmae"), ("module.MAE_encoder.", "pointmae-pretrain")])
def test_official_checkpoints_are_imported(tmp_path, prefix, name):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        official = LocalEncoder(OFFICIAL.width, OFFICIAL.hidden, OFFICIAL.heads, OFFICIAL.depth)
    state = {prefix + key: value for key, value in official.state_dict().items()}
    if "MAE" in prefix:
        state["module.MAE_decoder.norm.bias"] = torch.zeros(384)
    torch.save({"base_model": state, "epoch": 0}, tmp_path / "official.pth")
    assert import_official(tmp_path / "official.pth").stem == name
    loaded = load_encoder(EncoderConfig(weights=name))
    assert torch.equal(loaded.blocks["blocks"][3].attn.qkv.weight, official.blocks["blocks"][3].attn.qkv.weight)


def test_a_checkpoint_of_something_else_is_refused(tmp_path, folders):
    torch.save({"base_model": {"module.fc.weight": torch.zeros(2, 2)}}, tmp_path / "other.pth")
    with pytest.raises(BadWeights, match=r"lacks 156 .*modelnet_8k"):
        import_official(tmp_path / "other.pth")
    assert not folders["user"].exists()
