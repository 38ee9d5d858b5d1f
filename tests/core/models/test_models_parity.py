"""Known answers of the reference encoder (Point-MAE) and baseline (MC3D-AD); parity/README.md says where from."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sedir_core.models.mc3dad import MC3DAD, geometry_variation, hidden_tokens
from sedir_core.models.pointmae import LocalEncoder

FOLDER = Path(__file__).parent / "parity"
FIXTURE = FOLDER / "spot_5000_g64_k32.npz"
TOLERANCE = 1e-5  # of each array's maximum

Arrays = Mapping[str, np.ndarray]
MASKS = ("high", "low", "none")


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_state_dict", FOLDER / "make_state_dict.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def known() -> Arrays:
    with np.load(FIXTURE) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def groups(known) -> Tensor:
    return torch.from_numpy(known["points"][known["group_index"]] - known["centers"][:, None])[None]


@pytest.fixture(scope="module")
def centers(known) -> Tensor:
    return torch.from_numpy(known["centers"])[None]


@pytest.fixture(scope="module")
def full_encoder(recipe) -> LocalEncoder:
    """All twelve blocks, to look at each of them."""
    return filled(LocalEncoder(depth=12), recipe.pointmae_state()).eval()


@pytest.fixture(scope="module")
def encoder(recipe) -> LocalEncoder:
    return filled(LocalEncoder(), recipe.pointmae_state()).eval()


@pytest.fixture
def baseline(recipe) -> MC3DAD:
    return filled(MC3DAD(), recipe.uniad_state()).eval()


@pytest.fixture(scope="module")
def feature(known) -> Tensor:
    return torch.from_numpy(known["feature"])[None]


def filled(module: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    module.load_state_dict({name: state[name] for name in module.state_dict()})
    return module


def hidden_as(known: Arrays, name: str) -> Tensor | None:
    return None if name == "none" else torch.from_numpy(known[f"mask_{name}"])[None]


def assert_agrees(found: Tensor, expected: np.ndarray) -> None:
    difference = np.abs(found.detach().double().numpy() - expected.astype(np.float64)).max()
    assert difference <= TOLERANCE * np.abs(expected).max()


def test_every_encoder_weight_has_its_place(recipe):
    state, module = recipe.pointmae_state(), LocalEncoder(depth=12)
    assert {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()} == {
        name: tuple(tensor.shape) for name, tensor in state.items()
    }


def test_farthest_points_follow_the_reference_s_rule(known):
    points, chosen = known["points"], [0]
    distance = np.full(len(points), np.inf, dtype=np.float32)
    for _ in range(63):
        distance = np.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(1))
        chosen.append(int(distance.argmax()))
    assert chosen == known["center_index"].tolist()


def test_groups_are_the_sorted_nearest(known):
    distance = np.linalg.norm(known["points"][:, None].astype(np.float64) - known["centers"][None], axis=2)
    assert np.array_equal(distance.argsort(0)[:32].T, known["group_index"])


@torch.inference_mode()
def test_pointnet_tokens(known, encoder, groups):
    assert_agrees(encoder.encoder(groups[0]), known["pointnet_tokens"])


@torch.inference_mode()
def test_feature_of_the_fourth_block(known, encoder, groups, centers):
    assert_agrees(encoder(groups, centers)[0], known["feature"])


@torch.inference_mode()
def test_nested_feature_of_the_fourth_block(known, encoder, groups, centers):
    assert_agrees(encoder.nested(groups, centers, (8, 16, 32))[2, 0], known["feature"])


@torch.inference_mode()
def test_every_block(known, full_encoder, groups, centers):
    norms: list[Tensor] = []
    hooks = [
        block.register_forward_hook(lambda _m, _i, out: norms.append(out[0].norm(dim=1)))
        for block in full_encoder.blocks["blocks"]
    ]
    assert_agrees(full_encoder(groups, centers)[0], known["block12_normed"])
    for hook in hooks:
        hook.remove()
    assert_agrees(torch.stack(norms), known["block_norms"])


def test_baseline_leaves_out_only_what_nothing_reads(recipe):
    unused = set(recipe.uniad_state()) - set(MC3DAD().state_dict())
    assert all("learned_embed" in name or name.startswith("cls_head_finetune") for name in unused)


def test_geometry_variation(known, centers):
    assert_agrees(geometry_variation(centers[0]), known["geo_variation"])


@pytest.mark.parametrize(("name", "highest"), [("high", True), ("low", False)])
def test_mask_where_no_variation_ties_with_the_cut(known, centers, name, highest):
    """23 centres of the fixture share one variation, and the reference's choice among them is its sort's own."""
    variation = known["geo_variation"]
    kept = variation[known[f"mask_{name}"]]
    clear = np.abs(variation - (kept.min() if highest else kept.max())) > 1e-7
    found = hidden_tokens(geometry_variation(centers[0]), highest).numpy()
    assert np.array_equal(found[clear], known[f"mask_{name}"][clear])
    assert found.sum() == 25


@torch.inference_mode()
def test_baseline_encoder(known, baseline, feature, centers):
    assert_agrees(baseline.encode(feature, centers, hidden_as(known, "high"))[0], known["encoder_out"])


@torch.inference_mode()
@pytest.mark.parametrize("layer", [0, 3])
def test_baseline_decoder_layers(known, baseline, feature, centers, layer):
    seen: list[Tensor] = []
    baseline.transformer.decoder.layers[layer].register_forward_hook(lambda _m, _i, out: seen.append(out[0]))
    baseline(feature, centers, hidden_as(known, "high"))
    assert_agrees(seen[0], known[f"decoder_layer{layer}_out"])


@torch.inference_mode()
@pytest.mark.parametrize("name", MASKS)
def test_baseline_reconstruction(known, baseline, feature, centers, name):
    assert_agrees(baseline(feature, centers, hidden_as(known, name))[0], known[f"rec_{name}"])


@torch.inference_mode()
@pytest.mark.parametrize("name", MASKS)
def test_baseline_residuals(known, baseline, feature, centers, name):
    rebuilt = baseline(feature, centers, hidden_as(known, name))
    assert_agrees((rebuilt - feature)[0].norm(dim=1), known[f"pred_{name}"])


def loss_of(known: Arrays, baseline: MC3DAD, feature: Tensor, centers: Tensor) -> Tensor:
    return nn.functional.mse_loss(baseline(feature, centers, hidden_as(known, "high")), feature)


def test_baseline_training_gradients(known, baseline, feature, centers):
    loss = loss_of(known, baseline, feature, centers)
    loss.backward()
    assert loss.item() == pytest.approx(float(known["train_loss"]), rel=TOLERANCE)
    norms = {name: parameter.grad.norm() for name, parameter in baseline.named_parameters()}
    expected = dict(zip(known["train_grad_names"].tolist(), known["train_grad_norms"], strict=True))
    assert set(norms) == set(expected)
    assert_agrees(torch.stack([norms[name] for name in expected]), known["train_grad_norms"])
    assert torch.stack(list(norms.values())).norm().item() == pytest.approx(
        float(known["train_grad_norm"]), rel=TOLERANCE
    )


def test_baseline_training_step(known, baseline, feature, centers):
    optimizer = torch.optim.AdamW(baseline.parameters(), lr=1e-4, weight_decay=1e-4)
    loss_of(known, baseline, feature, centers).backward()
    nn.utils.clip_grad_norm_(baseline.parameters(), 0.1)
    optimizer.step()
    after = loss_of(known, baseline, feature, centers).item()
    assert after == pytest.approx(float(known["train_loss_after_step"]), rel=TOLERANCE)
