"""Where a training step goes: the share of matrix products, and what is left of its time.

    python benchmarks/training_step.py [--preset desktop] [--threads 1] [--device cpu]

Prints JSON: milliseconds of a step on the wall and of the processor (other programs make them differ), the share that
torch's profiler sees in matrix products and attention kernels, and the largest of the rest. Tokens are random: a
step's time does not depend on them.
"""

from __future__ import annotations

import argparse
import json
import os
import time

import torch
from torch.profiler import ProfilerActivity, profile

from sedir_core.config import Config, preset
from sedir_core.detectors.sedir_nets import build_network
from sedir_core.models.sedir import SedirObjective, Tokens
from sedir_core.training.loop import descend
from sedir_core.training.state import TrainingState

N_CATEGORIES, N_SCANS = 8, 32
WARM_UP, TIMED, PROFILED = 3, 15, 5
PRODUCTS = ("mm", "matmul", "_scaled_dot_product", "_flash_attention", "_efficient_attention", "gemm")
SHOWN = 8


def main() -> None:
    """Measure and print."""
    asked = _parse()
    torch.set_num_threads(asked.threads)
    config, device = preset(asked.preset), torch.device(asked.device)
    state, batch = _prepare(config, device)

    def step() -> None:
        descend(state, [batch], 1e-3, config.training)

    for _ in range(WARM_UP):
        step()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    for _ in range(TIMED):
        step()
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (device.type == "cuda")
    with profile(activities=activities) as seen:
        for _ in range(PROFILED):
            step()
    share, rest = _shares(seen, device)
    result = {
        "preset": asked.preset, "device": asked.device, "threads": asked.threads, "load": os.getloadavg()[0],
        "step_wall_ms": round(1000 * wall_s / TIMED, 1), "step_cpu_ms": round(1000 * cpu_s / TIMED, 1),
        "share_of_matrix_products": round(share, 3), "largest_of_the_rest": rest,
    }  # fmt: skip
    print(json.dumps(result, indent=2))


def _prepare(config: Config, device: torch.device) -> tuple[TrainingState, tuple[Tokens, torch.Tensor]]:
    torch.manual_seed(0)
    loss, n = config.loss, config.grouping.n_groups
    objective = SedirObjective(
        build_network(config, N_CATEGORIES), loss.supervised_contrastive, loss.classification, loss.cosine,
        loss.temperature, loss.buffer_size,
    ).train()  # fmt: skip
    state = TrainingState(objective, N_SCANS, 1, config.training, device)
    tokens = Tokens(torch.randn(3, 1, n, config.encoder.width), torch.randn(1, n, 3), torch.rand(1, n, 2))
    return state, (tokens, torch.tensor([1]))


def _shares(seen: profile, device: torch.device) -> tuple[float, dict[str, float]]:
    """The share of matrix products in the time of all operators, and the largest other ones."""
    own = "self_device_time_total" if device.type == "cuda" else "self_cpu_time_total"
    spent = {event.key: float(getattr(event, own)) for event in seen.key_averages()}
    total = sum(spent.values())
    products = {key for key in spent if any(word in key for word in PRODUCTS) and not key.startswith("autograd")}
    rest = sorted(((time_us / total, key) for key, time_us in spent.items() if key not in products), reverse=True)
    return sum(spent[key] for key in products) / total, {key: round(part, 3) for part, key in rest[:SHOWN]}


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Where a training step goes.")
    parser.add_argument("--preset", default="desktop", choices=("paper", "desktop", "tiny"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


if __name__ == "__main__":
    main()
