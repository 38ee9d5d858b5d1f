"""The core on one device, by itself: milliseconds a scan, agreement with the CPU, training steps a second, memory.

    PYTHONPATH=. python benchmarks/cuda_core.py [--device auto] [--preset paper] [--points 150000] [--json FILE]

Needs torch and numpy only, so that it runs on any machine that has a GPU. Timed is what the core computes with torch:
from the groups of a scan on the host to the residuals of its tokens on the host, and training steps on its tokens.
What it computes without torch (sampling, grouping, local geometry, alignment, comparison with the surface) is not
timed here; `sedir bench` times all of it. Groups are those of a real sampling, made with numpy before; geometry and
weights are random, and the network has learned the scan for a few steps, so that residuals are not those of chance.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from sedir_core.models.pointmae import LocalEncoder
from sedir_core.models.sedir import SeDiR, SedirObjective, Tokens
from sedir_core.runtime import autocast, choose_device, peak_memory_bytes, seed_everything

# config.py needs pydantic, so its presets are repeated here; a test compares them.
ENCODERS = {"paper": (384, 128, 6, 4), "desktop": (192, 64, 6, 2)}  # width, hidden, heads, depth
GROUPINGS = {"paper": (1024, 256), "desktop": (512, 64)}  # groups, points of the base neighbourhood
NETWORKS = {"paper": (256, 4, 8, 1024, 20.0), "desktop": (128, 2, 4, 512, 10.0)}  # width, depth, heads, hidden, jitter
LOSSES = {"paper": (0.001, 0.001, 0.01), "desktop": (0.02, 0.05, 0.01)}  # contrastive, classification, cosine
DESCENTS = {"paper": (1e-4, 0.1), "desktop": (1e-3, 1.0)}  # learning rate, clip
DROPOUT, TEMPERATURE, BUFFER, WEIGHT_DECAY = 0.1, 0.07, 64, 1e-4
N_CATEGORIES = 12
PAPER_STEPS = 48_000  # 1000 epochs of Real3D-AD's 48 training scans
BOUND = 1e-3  # on scores; residuals are divided by what is usual, so here by their mean
WARM_UP = 2
NOT_HERE = "sampling, grouping, local geometry: on the CPU, without torch (fpsample, scipy); not part of this script"

Precision = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Scan:
    """What the host hands over. groups (1, N, 2k, 3) minus their centres, nearest first; centers (1, N, 3);
    geometry (1, N, 2)."""

    groups: Tensor
    centers: Tensor
    geometry: Tensor
    sizes: tuple[int, int, int]


@dataclass(frozen=True)
class Core:
    """The frozen encoder and the network, on one device."""

    encoder: LocalEncoder
    network: SeDiR
    device: torch.device

    @torch.no_grad()
    def tokens(self, scan: Scan, precision: AbstractContextManager[object]) -> Tokens:
        groups, centers = scan.groups.to(self.device), scan.centers.to(self.device)
        with precision:
            features = self.encoder.nested(groups, centers, scan.sizes)
        return Tokens(features.float(), centers, scan.geometry.to(self.device))

    @torch.no_grad()
    def residuals(self, tokens: Tokens, precision: AbstractContextManager[object]) -> Tensor:
        """(N,) on the device."""
        with precision:
            rebuilt: Tensor = self.network(tokens).rebuilt[0]
        distances: Tensor = (tokens.features[1, 0] - rebuilt.float()).norm(dim=-1)
        return distances

    def score(self, scan: Scan, encoding: Precision, rebuilding: Precision) -> Tensor:
        """(N,) residuals on the host."""
        return self.residuals(self.tokens(scan, encoding()), rebuilding()).cpu()


def make_scan(n_points: int, n_groups: int, group_size: int) -> Scan:
    """A bumpy sphere of radius about 1 with a sensor's noise, grouped as the core does it."""
    random = np.random.default_rng(0)
    points = random.normal(size=(n_points, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points *= 0.85 + 0.1 * np.sin(5 * points[:, :1]) * np.cos(4 * points[:, 1:2])
    cloud = (points + random.normal(0, 0.002, points.shape)).astype(np.float32)
    sizes = (group_size // 2, group_size, 2 * group_size)
    centres = cloud[_farthest(cloud, n_groups)]
    groups = np.stack([cloud[_nearest(cloud, centre, sizes[-1])] - centre for centre in centres])
    geometry = random.random((n_groups, 2), dtype=np.float32)
    parts = [torch.from_numpy(array)[None] for array in (groups, centres, geometry)]
    return Scan(parts[0], parts[1], parts[2], sizes)


def _farthest(cloud: np.ndarray, count: int) -> np.ndarray:
    picked = np.zeros(count, np.int64)
    reach = np.full(len(cloud), np.inf, np.float32)
    for i in range(1, count):
        np.minimum(reach, ((cloud - cloud[picked[i - 1]]) ** 2).sum(axis=1), out=reach)
        picked[i] = reach.argmax()
    return picked


def _nearest(cloud: np.ndarray, centre: np.ndarray, k: int) -> np.ndarray:
    squares = ((cloud - centre) ** 2).sum(axis=1)
    near = np.argpartition(squares, k - 1)[:k]
    return near[np.argsort(squares[near])]


def build(preset: str, device: torch.device) -> Core:
    width, hidden, heads, depth = ENCODERS[preset]
    encoder = LocalEncoder(width, hidden, heads, depth).eval().requires_grad_(False)
    own_width, own_depth, own_heads, feedforward, jitter = NETWORKS[preset]
    network = SeDiR(own_width, own_depth, own_heads, feedforward, DROPOUT, width, N_CATEGORIES, jitter, 1.0)
    return Core(encoder.to(device), network.to(device), device)


def fewer_bits(device: torch.device) -> dict[str, Precision]:
    """Ways to compute with fewer bits than fp32 that this device has, by name."""
    found: dict[str, Precision] = {}
    if device.type == "cuda":
        found["tf32"] = TensorFloat
        found["fp16"] = lambda: torch.autocast("cuda", dtype=torch.float16)
    if device.type == "cpu" or (device.type == "cuda" and torch.cuda.is_bf16_supported()):
        found["bf16"] = lambda: autocast(device, "bf16")
    if device.type == "mps":
        found["fp16"] = lambda: torch.autocast("mps", dtype=torch.float16)
    return found


class TensorFloat:
    """Matrix products of fp32 tensors with 10 bits of mantissa, on CUDA."""

    def __enter__(self) -> None:
        torch.backends.cuda.matmul.allow_tf32 = True

    def __exit__(self, *error: object) -> None:
        torch.backends.cuda.matmul.allow_tf32 = False


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def median_ms(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    spent = []
    for turn in range(WARM_UP + repeats):
        wait_for(device)
        start = time.perf_counter()
        work()
        wait_for(device)
        if turn >= WARM_UP:
            spent.append(1000 * (time.perf_counter() - start))
    return statistics.median(spent)


def time_training(core: Core, tokens: Tokens, preset: str, precision: str, steps: int) -> dict[str, float]:
    """Steps as `training.loop` does them; the network has learned afterwards and is in evaluation mode."""
    device, (rate, clip) = core.device, DESCENTS[preset]
    objective = SedirObjective(core.network, *LOSSES[preset], TEMPERATURE, BUFFER).to(device).train()
    parameters = [parameter for parameter in objective.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=WEIGHT_DECAY, fused=True)
    noise, category = torch.Generator(device=device).manual_seed(0), torch.tensor([1], device=device)
    _forget_peak(device)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with autocast(device, precision):
            losses = objective(tokens, category, noise)
        losses.total.backward()
        norm = clip_grad_norm_(parameters, clip)
        torch.stack([*losses, norm]).tolist()  # the loop looks at every loss, which waits for the device
        optimizer.step()
        objective.settle(lambda mine: mine)

    step_ms = median_ms(step, device, steps)
    core.network.eval()
    return {
        "step_ms": step_ms,
        "steps_per_second": 1000 / step_ms,
        "hours_for_48000_steps": PAPER_STEPS * step_ms / 3.6e6,
        "peak_mib": peak_memory_bytes(device) / 2**20,
    }


def time_scan(core: Core, scan: Scan, precision: Precision, repeats: int) -> dict[str, float]:
    """Milliseconds of each stage by itself and of all without waiting in between, and the memory they take."""
    device = core.device
    _forget_peak(device)
    tokens = core.tokens(scan, precision())
    residuals = core.residuals(tokens, precision())
    return {
        "copy the groups to the device": median_ms(lambda: scan.groups.to(device), device, repeats),
        "groups on the host to tokens": median_ms(lambda: core.tokens(scan, precision()), device, repeats),
        "tokens to residuals": median_ms(lambda: core.residuals(tokens, precision()), device, repeats),
        "copy the residuals to the host": median_ms(residuals.cpu, device, repeats),
        "groups on the host to residuals on the host": median_ms(
            lambda: core.score(scan, precision, precision), device, repeats
        ),
        "peak_mib": peak_memory_bytes(device) / 2**20,
    }


def _forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def difference(found: Tensor, reference: Tensor) -> dict[str, Any]:
    """How far residuals are apart, in units of the mean residual: scores are residuals divided by what is usual."""
    largest = float((found - reference).abs().max() / reference.mean())
    return {"max_difference": largest, "within_bound": largest <= BOUND}


def compare(core: Core, scan: Scan, preset: str) -> dict[str, dict[str, Any]]:
    """Scores of this device against the CPU's, and of fewer bits, everywhere or in one half, against fp32."""
    full = core.score(scan, nullcontext, nullcontext)
    found = {}
    if core.device.type != "cpu":
        twin = build(preset, torch.device("cpu"))
        twin.encoder.load_state_dict(core.encoder.state_dict())
        twin.network.load_state_dict(core.network.state_dict())
        twin.network.eval()
        found[f"fp32, {core.device} against the CPU"] = difference(full, twin.score(scan, nullcontext, nullcontext))
    for name, precision in fewer_bits(core.device).items():
        found[name] = difference(core.score(scan, precision, precision), full)
        found[f"{name} in the encoder only"] = difference(core.score(scan, precision, nullcontext), full)
        found[f"{name} in the network only"] = difference(core.score(scan, nullcontext, precision), full)
    return found


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    device, why = choose_device(asked.device)
    n_groups, group_size = GROUPINGS[asked.preset]
    scan = make_scan(asked.points, asked.groups or n_groups, asked.group_size or group_size)
    seed_everything(0)
    core = build(asked.preset, device)
    tokens = core.tokens(scan, nullcontext())
    training = {"fp32": time_training(core, tokens, asked.preset, "fp32", asked.steps)}
    if device.type == "cuda":
        training["auto"] = time_training(core, tokens, asked.preset, "auto", asked.steps)
    share = (core.residuals(tokens, nullcontext()) / tokens.features[1, 0].norm(dim=-1)).mean()
    modes: dict[str, Precision] = {"fp32": nullcontext, **fewer_bits(device)}
    return {
        "device": f"{device}: {why}", "torch": torch.__version__, "threads": torch.get_num_threads(),
        "preset": asked.preset, "points": asked.points, "groups": scan.centers.shape[1], "sizes": list(scan.sizes),
        "not_part_of_this": NOT_HERE, "residual_to_feature": float(share),
        "scan_ms": {name: time_scan(core, scan, precision, asked.repeats) for name, precision in modes.items()},
        "agreement": compare(core, scan, asked.preset), "bound": BOUND, "training": training,
    }  # fmt: skip


def show(found: dict[str, Any]) -> None:
    print(f"{found['device']}; torch {found['torch']}, {found['threads']} threads; preset {found['preset']}, ", end="")
    print(f"{found['points']} points, {found['groups']} groups of {found['sizes']}")
    print(f"\n{NOT_HERE}\n")
    modes = list(found["scan_ms"])
    print("| milliseconds a scan | " + " | ".join(modes) + " |")
    print("| --- |" + " ---: |" * len(modes))
    for stage in found["scan_ms"]["fp32"]:
        title = "peak memory, MiB" if stage == "peak_mib" else stage
        print(f"| {title} | " + " | ".join(f"{found['scan_ms'][mode][stage]:.2f}" for mode in modes) + " |")
    share = found["residual_to_feature"]
    print(f"\nResiduals are {share:.2f} of the features. Scores against fp32:\n")
    print(f"| | largest difference | within {BOUND:g} |")
    print("| --- | ---: | --- |")
    for name, one in found["agreement"].items():
        print(f"| {name} | {one['max_difference']:.2g} | {'yes' if one['within_bound'] else 'NO'} |")
    print("\n| training | ms a step | steps a second | hours for 48,000 | peak memory, MiB |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, one in found["training"].items():
        print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in one.values()) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--preset", default="paper", choices=sorted(ENCODERS))
    parser.add_argument("--points", type=int, default=150_000)
    parser.add_argument("--groups", type=int, help="instead of the preset's")
    parser.add_argument("--group-size", type=int, help="instead of the preset's")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--steps", type=int, default=50, help="of training")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = measure(asked)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    show(found)


if __name__ == "__main__":
    main()
