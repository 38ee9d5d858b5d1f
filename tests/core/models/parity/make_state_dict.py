"""Rebuild the deterministic weights of the parity fixtures. NumPy and torch only; no code of the peers.

    python make_state_dict.py pointmae out.pth [--flavour finetuned|pretrain] [--no-module-prefix]
    python make_state_dict.py uniad    out.pth [--feature-size 64] [--cls-num 12]
    python make_state_dict.py check            # compare against checksums.json next to this file

`pointmae` writes a file with the layout of Point-MAE's released checkpoints: a dict with `base_model`
(name -> tensor), `optimizer`, `epoch`, `metrics`, `best_metrics`.
  finetuned  like modelnet_8k.pth: names of the classifier `PointTransformer` (cls_token, encoder.*, blocks.*, ...)
  pretrain   like pretrain.pth: the same encoder under `MAE_encoder.*`, plus the decoder's own names
Both put `module.` in front of every name, as DataParallel does. A loader strips `module.` anywhere in a name, then a
leading `MAE_encoder.` or `base_model.`, and takes the names it knows.

Recipe: value(name) = rule(RandomState(crc32(scope + name)).standard_normal(shape)), float64, cast to float32;
scope is "pointmae/" or "uniad/", name is the bare module name, without prefixes. See rule() for the rest.
RandomState's stream is frozen by NumPy's policy, so the values do not depend on the NumPy version.
"""

import argparse
import json
import math
import zlib
from pathlib import Path

import numpy as np
import torch

Spec = dict[str, tuple[int, ...]]


def _linear(spec: Spec, name: str, fan_in: int, fan_out: int, bias: bool = True) -> None:
    spec[f"{name}.weight"] = (fan_out, fan_in)
    if bias:
        spec[f"{name}.bias"] = (fan_out,)


def _conv1(spec: Spec, name: str, fan_in: int, fan_out: int) -> None:
    spec[f"{name}.weight"] = (fan_out, fan_in, 1)
    spec[f"{name}.bias"] = (fan_out,)


def _norm(spec: Spec, name: str, width: int) -> None:
    spec[f"{name}.weight"] = (width,)
    spec[f"{name}.bias"] = (width,)


def _batch_norm(spec: Spec, name: str, width: int) -> None:
    _norm(spec, name, width)
    spec[f"{name}.running_mean"] = (width,)
    spec[f"{name}.running_var"] = (width,)
    spec[f"{name}.num_batches_tracked"] = ()


def _attention(spec: Spec, name: str, width: int) -> None:
    spec[f"{name}.in_proj_weight"] = (3 * width, width)
    spec[f"{name}.in_proj_bias"] = (3 * width,)
    _linear(spec, f"{name}.out_proj", width, width)


def _blocks(spec: Spec, name: str, depth: int, width: int = 384) -> None:
    for i in range(depth):
        block = f"{name}.{i}"
        _norm(spec, f"{block}.norm1", width)
        _norm(spec, f"{block}.norm2", width)
        _linear(spec, f"{block}.mlp.fc1", width, 4 * width)
        _linear(spec, f"{block}.mlp.fc2", 4 * width, width)
        _linear(spec, f"{block}.attn.qkv", width, 3 * width, bias=False)
        _linear(spec, f"{block}.attn.proj", width, width)


def pointmae_encoder_spec() -> Spec:
    """The part a detector uses: mini-PointNet, position MLP, 12 blocks, final norm (21,825,024 parameters)."""
    spec: Spec = {}
    _conv1(spec, "encoder.first_conv.0", 3, 128)
    _batch_norm(spec, "encoder.first_conv.1", 128)
    _conv1(spec, "encoder.first_conv.3", 128, 256)
    _conv1(spec, "encoder.second_conv.0", 512, 512)
    _batch_norm(spec, "encoder.second_conv.1", 512)
    _conv1(spec, "encoder.second_conv.3", 512, 384)
    _linear(spec, "pos_embed.0", 3, 128)
    _linear(spec, "pos_embed.2", 128, 384)
    _blocks(spec, "blocks.blocks", 12)
    _norm(spec, "norm", 384)
    return spec


def pointmae_head_spec(classes: int = 40) -> Spec:
    """What the fine-tuned classifier adds."""
    spec: Spec = {"cls_token": (1, 1, 384), "cls_pos": (1, 1, 384)}
    _linear(spec, "cls_head_finetune.0", 768, 256)
    _batch_norm(spec, "cls_head_finetune.1", 256)
    _linear(spec, "cls_head_finetune.4", 256, 256)
    _batch_norm(spec, "cls_head_finetune.5", 256)
    _linear(spec, "cls_head_finetune.8", 256, classes)
    return spec


def pointmae_decoder_spec() -> Spec:
    """What the masked autoencoder adds (group size 32)."""
    spec: Spec = {"mask_token": (1, 1, 384)}
    _linear(spec, "decoder_pos_embed.0", 3, 128)
    _linear(spec, "decoder_pos_embed.2", 128, 384)
    _blocks(spec, "MAE_decoder.blocks", 4)
    _norm(spec, "MAE_decoder.norm", 384)
    _conv1(spec, "increase_dim.0", 384, 96)
    return spec


def uniad_spec(feature_size: int = 64, cls_num: int = 12, inplanes: int = 384, width: int = 256) -> Spec:
    """MC3D-AD's reconstruction network: 4 encoder and 4 decoder layers, 8 heads, feed-forward 1024."""
    spec: Spec = {}
    _linear(spec, "pos_embed.0", 3, 128)
    _linear(spec, "pos_embed.2", 128, width)
    for i in range(4):
        layer = f"transformer.encoder.layers.{i}"
        _attention(spec, f"{layer}.self_attn", width)
        _linear(spec, f"{layer}.linear1", width, 1024)
        _linear(spec, f"{layer}.linear2", 1024, width)
        _norm(spec, f"{layer}.norm1", width)
        _norm(spec, f"{layer}.norm2", width)
    for i in range(4):
        layer = f"transformer.decoder.layers.{i}"
        spec[f"{layer}.learned_embed.weight"] = (feature_size, width)  # never read by the forward pass
        _attention(spec, f"{layer}.self_attn", width)
        _attention(spec, f"{layer}.multihead_attn", width)
        _linear(spec, f"{layer}.linear1", width, 1024)
        _linear(spec, f"{layer}.linear2", 1024, width)
        for norm in ("norm1", "norm2", "norm3"):
            _norm(spec, f"{layer}.{norm}", width)
    _norm(spec, "transformer.decoder.norm", width)
    _linear(spec, "input_proj", inplanes, width)
    _linear(spec, "output_proj", width, inplanes)
    _linear(spec, "cls_head_finetune.0", 2 * inplanes, 256)
    _norm(spec, "cls_head_finetune.1", 256)
    _linear(spec, "cls_head_finetune.4", 256, 256)
    _norm(spec, "cls_head_finetune.5", 256)
    _linear(spec, "cls_head_finetune.8", 256, cls_num)
    return spec


def rule(name: str, shape: tuple[int, ...], noise: np.ndarray) -> np.ndarray:
    """Scale the noise so that every layer keeps its signal at about unit size."""
    if name.endswith("running_mean"):
        return 0.1 * noise
    if name.endswith("running_var"):
        return 1.0 + 0.2 * np.abs(noise)
    if name.endswith("bias"):  # in_proj_bias too
        return 0.05 * noise
    if name.endswith(("cls_token", "cls_pos", "mask_token", "learned_embed.weight")):
        return 0.02 * noise
    if len(shape) == 1:  # weight of a norm layer
        return 1.0 + 0.1 * noise
    return noise / math.sqrt(math.prod(shape[1:]))


def tensor(scope: str, name: str, shape: tuple[int, ...]) -> torch.Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(1000, dtype=torch.int64)
    noise = np.random.RandomState(zlib.crc32((scope + name).encode())).standard_normal(shape)
    return torch.from_numpy(rule(name, shape, noise).astype(np.float32))


def state_dict(scope: str, spec: Spec) -> dict[str, torch.Tensor]:
    return {name: tensor(scope, name, shape) for name, shape in spec.items()}


def pointmae_state(flavour: str = "encoder") -> dict[str, torch.Tensor]:
    """`encoder` has bare names; the two others have the released files' names, without `module.`."""
    encoder = state_dict("pointmae/", pointmae_encoder_spec())
    if flavour == "encoder":
        return encoder
    if flavour == "finetuned":
        return state_dict("pointmae/", pointmae_head_spec()) | encoder
    if flavour == "pretrain":
        prefixed = {f"MAE_encoder.{name}": value for name, value in encoder.items()}
        return prefixed | state_dict("pointmae/", pointmae_decoder_spec())
    raise ValueError(f"unknown flavour: {flavour}")


def uniad_state(feature_size: int = 64, cls_num: int = 12) -> dict[str, torch.Tensor]:
    return state_dict("uniad/", uniad_spec(feature_size, cls_num))


def checkpoint(flavour: str, module_prefix: bool = True) -> dict[str, object]:
    prefix = "module." if module_prefix else ""
    weights = {prefix + name: value for name, value in pointmae_state(flavour).items()}
    return {"base_model": weights, "optimizer": {}, "epoch": 0, "metrics": {}, "best_metrics": {}}


def checksums() -> dict[str, dict[str, int]]:
    def crc(state: dict[str, torch.Tensor]) -> dict[str, int]:
        return {name: zlib.crc32(np.ascontiguousarray(value.numpy()).tobytes()) for name, value in state.items()}

    return {"pointmae": crc(pointmae_state("finetuned")), "uniad_64_12": crc(uniad_state())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["pointmae", "uniad", "check"])
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--flavour", choices=["finetuned", "pretrain"], default="finetuned")
    parser.add_argument("--no-module-prefix", action="store_true")
    parser.add_argument("--feature-size", type=int, default=64)
    parser.add_argument("--cls-num", type=int, default=12)
    args = parser.parse_args()
    if args.what == "check":
        expected = json.loads((Path(__file__).parent / "checksums.json").read_text())
        wrong = [
            name for scope, names in checksums().items() for name, crc in names.items() if expected[scope][name] != crc
        ]
        print("all checksums match" if not wrong else f"{len(wrong)} differ, first: {wrong[:3]}")
        raise SystemExit(bool(wrong))
    if args.out is None:
        parser.error("say where to write the file")
    if args.what == "pointmae":
        torch.save(checkpoint(args.flavour, not args.no_module_prefix), args.out)
    else:
        torch.save(uniad_state(args.feature_size, args.cls_num), args.out)
    print(f"wrote {args.out}, {args.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
