"""How large and how costly a configuration is, counted as the paper's table S1 seems to have been (method section 7).

Multiply-accumulates as fvcore counts them: convolutions and linear layers; 5 per element of a LayerNorm, 2 of a
BatchNorm; both products of an attention, but of one with a mask or bias only the second, because PyTorch fuses the
first into an operation that fvcore does not know. Everything else counts nothing. These rules give MC3D-AD's
439.21 G on 4096 groups. Everything is arithmetic on the configuration's numbers; the tests compare it with the
networks themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from sedir_core.models.cfgt import GlobalToken, overall_width
from sedir_core.models.expectation import PLACE_WIDTH, RebuiltFrom
from sedir_core.models.ggd import GeometricPrior

_LAYER_NORM, _BATCH_NORM = 5, 2
_POINTMAE_BLOCKS = 12
_POINTMAE_CLASSES = 40
_BIAS_HIDDEN = 32  # of the geometric bias's MLP


@dataclass(frozen=True)
class Complexity:
    """Of one scan through the local encoder and the network.

    parameters: what we carry. parameters_paper_equivalent: with what the public code counts and never uses: the rest
    of Point-MAE's twelve blocks and its classifier, a learned query per token in every decoder layer, and (MC3D-AD
    only) a second classifier. macs: every resolution on its own; macs_nested: as `LocalEncoder.nested` does it.
    """

    parameters: int
    parameters_paper_equivalent: int
    macs: int
    macs_nested: int


@dataclass(frozen=True)
class EncoderSize:
    """The numbers of a `LocalEncoder`."""

    width: int = 384
    hidden: int = 128
    heads: int = 6
    depth: int = 4


@dataclass(frozen=True)
class NetworkSize:
    """The numbers of a `SeDiR` or `MC3DAD`."""

    width: int = 256
    depth: int = 4
    heads: int = 8
    feedforward: int = 1024


@dataclass(frozen=True)
class Parts:
    """Which pieces a `SeDiR` has. ratio: of a neighbourhood to the next finer one."""

    global_token: GlobalToken = "cfgt"
    geometric_prior: GeometricPrior = "bias"
    ratio: float = 2.0
    rebuilt_from: RebuiltFrom = "scan"

    @property
    def identifies(self) -> bool:
        """Whether there is a global token to make."""
        return self.global_token != "none"

    @property
    def weighs_geometry(self) -> bool:
        """Whether local geometry passes through layers of its own."""
        return self.geometric_prior in ("bias", "gate")


def sedir_complexity(
    encoder: EncoderSize,
    network: NetworkSize,
    n_groups: int,
    group_size: int,
    n_categories: int,
    parts: Parts | None = None,
) -> Complexity:
    """SeDiR on `n_groups` groups of {k/ratio, k, k * ratio} points, k = group_size. parts: all, by default."""
    parts = parts or Parts()
    own = _sedir_parameters(encoder.width, network, n_categories, parts)
    sizes = (int(group_size / parts.ratio), group_size, int(group_size * parts.ratio))
    blocks = 3 * _blocks_macs(encoder, n_groups)
    rest = blocks + _sedir_macs(encoder.width, network, n_groups, n_categories, parts)
    return Complexity(
        own + _encoder_parameters(encoder, encoder.depth),
        own + _reference_parameters(encoder) + network.depth * n_groups * network.width,
        rest + n_groups * sum(_pointnet_macs(encoder, size) for size in sizes),
        rest + n_groups * _nested_macs(encoder, sizes),
    )


def mc3dad_complexity(
    encoder: EncoderSize, network: NetworkSize, n_groups: int, group_size: int, n_categories: int
) -> Complexity:
    """MC3D-AD on `n_groups` groups of `group_size` points. Its class head counts in `macs`, as in the public code."""
    own = _mc3dad_parameters(encoder.width, network)
    head = _linear(2 * encoder.width, 256) + _linear(256, 256) + _linear(256, n_categories) + 2 * _norm(256)
    macs = n_groups * _pointnet_macs(encoder, group_size) + _blocks_macs(encoder, n_groups)
    macs += _mc3dad_macs(encoder.width, network, n_groups)
    queries = network.depth * n_groups * network.width
    head_macs = 2 * encoder.width * 256 + 256 * 256 + 256 * n_categories + 2 * _LAYER_NORM * 256
    return Complexity(
        own + _encoder_parameters(encoder, encoder.depth),
        own + _reference_parameters(encoder) + queries + head,
        macs + head_macs,
        macs + head_macs,
    )


def _linear(width_in: int, width_out: int) -> int:
    return (width_in + 1) * width_out


def _norm(width: int) -> int:
    return 2 * width


def _attention(width: int) -> int:
    return 4 * _linear(width, width)


def _encoder_parameters(size: EncoderSize, depth: int) -> int:
    h, c = size.hidden, size.width
    first = _linear(3, h) + _norm(h) + _linear(h, 2 * h)
    second = _linear(4 * h, 4 * h) + _norm(4 * h) + _linear(4 * h, c)
    block = 3 * c * c + _linear(c, c) + _linear(c, 4 * c) + _linear(4 * c, c) + 2 * _norm(c)
    return first + second + _linear(3, h) + _linear(h, c) + depth * block + _norm(c)


def _reference_parameters(size: EncoderSize) -> int:
    """The encoder as the public code holds it: all blocks, and the classifier of the fine-tuned Point-MAE."""
    classifier = _linear(2 * size.width, 256) + _linear(256, 256) + _linear(256, _POINTMAE_CLASSES) + 2 * _norm(256)
    return _encoder_parameters(size, _POINTMAE_BLOCKS) + classifier


def _encoder_layer_parameters(size: NetworkSize) -> int:
    d, f = size.width, size.feedforward
    return _attention(d) + _linear(d, f) + _linear(f, d) + 2 * _norm(d)


def _sedir_parameters(token_width: int, size: NetworkSize, n_categories: int, parts: Parts) -> int:
    d, f = size.width, size.feedforward
    overall = overall_width(d, parts.global_token)
    ends = _linear(token_width, d) + _linear(3, d // 2) + _linear(d // 2, d) + _linear(d, token_width)
    heads = _linear(overall, n_categories)
    if parts.identifies:
        heads += d + _linear(overall, 4 * d) + _norm(4 * d) + _linear(4 * d, d)
    # The gate's last layer has a bias where the bias has its strength.
    bias = _linear(2, _BIAS_HIDDEN) + _BIAS_HIDDEN + 1 if parts.weighs_geometry else 0
    expected = 0
    if parts.rebuilt_from == "identity":
        expected = n_categories * d + _linear(d + PLACE_WIDTH, f) + _linear(f, f) + _linear(f, token_width)
    decoder_layer = 2 * _attention(d) + _linear(2 * d, f) + _linear(f, d) + 3 * _norm(d)
    return ends + heads + bias + expected + size.depth * (_encoder_layer_parameters(size) + decoder_layer)


def _mc3dad_parameters(token_width: int, size: NetworkSize) -> int:
    d, f = size.width, size.feedforward
    ends = _linear(token_width, d) + _linear(3, 128) + _linear(128, d) + _norm(d) + _linear(d, token_width)
    decoder_layer = 2 * _attention(d) + _linear(d, f) + _linear(f, d) + 3 * _norm(d)
    return ends + size.depth * (_encoder_layer_parameters(size) + decoder_layer)


def _pointnet_macs(size: EncoderSize, n_points: int) -> int:
    """One group, as Point-MAE writes it: 3 -> h -> 2h, maximum, 4h -> 4h -> c."""
    h = size.hidden
    return n_points * (3 * h + 2 * h * h + 16 * h * h + 4 * h * size.width + _BATCH_NORM * 5 * h)


def _nested_macs(size: EncoderSize, sizes: tuple[int, int, int]) -> int:
    """One group, all sizes: single points once, BatchNorm folded away, the maximum's half of layer three per size."""
    h = size.hidden
    once = sizes[-1] * (3 * h + 2 * h * h + 8 * h * h)
    return once + sum(8 * h * h + n_points * 4 * h * size.width for n_points in sizes)


def _blocks_macs(size: EncoderSize, n: int) -> int:
    c = size.width
    position = n * (3 * size.hidden + size.hidden * c)
    block = n * 12 * c * c + 2 * n * n * c + 2 * n * c * _LAYER_NORM
    return position + size.depth * block + n * c * _LAYER_NORM


def _encoder_layer_macs(size: NetworkSize, n: int, products: int) -> int:
    d = size.width
    return n * (4 * d * d + 2 * d * size.feedforward) + products * n * n * d + 2 * n * d * _LAYER_NORM


def _sedir_macs(token_width: int, size: NetworkSize, n: int, n_categories: int, parts: Parts) -> int:
    d, hidden = size.width, size.width // 2
    overall = overall_width(d, parts.global_token)
    sequences = (n, n + 1, n) if parts.identifies else (n,)
    embedding = len(sequences) * n * token_width * d + n * (3 * hidden + hidden * d)
    encoder = sum(_encoder_layer_macs(size, tokens, 2) for tokens in sequences)
    heads = overall * n_categories
    if parts.identifies:
        heads += overall * 4 * d + 4 * d * _LAYER_NORM + 4 * d * d
    bias = n * 3 * _BIAS_HIDDEN if parts.weighs_geometry else 0
    products = 2 if parts.geometric_prior in ("bias", "mask") else 4  # fvcore does not see the first of a biased one
    decoder = n * (8 * d * d + 3 * d * size.feedforward) + products * n * n * d + 3 * n * d * _LAYER_NORM
    f = size.feedforward
    expected = 0
    if parts.rebuilt_from == "identity":
        expected = n_categories * d + n * ((d + PLACE_WIDTH) * f + f * f + f * token_width + token_width * d)
    return embedding + size.depth * (encoder + decoder) + heads + bias + expected + n * d * token_width


def _mc3dad_macs(token_width: int, size: NetworkSize, n: int) -> int:
    d = size.width
    ends = n * (2 * token_width * d + 3 * 128 + 128 * d) + n * d * _LAYER_NORM
    encoder = _encoder_layer_macs(size, n, 1)
    decoder = n * (8 * d * d + 2 * d * size.feedforward) + 3 * n * n * d + 3 * n * d * _LAYER_NORM
    return ends + size.depth * (encoder + decoder)
