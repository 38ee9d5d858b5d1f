"""Devices, precision and randomness: the only module that inspects the machine."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import numpy as np
import torch

from sedir_core.errors import DeviceUnavailable


def choose_device(wanted: str = "auto") -> tuple[torch.device, str]:
    """The device for `auto | cpu | cuda[:i] | mps`, and a sentence with the reason.

    Raises DeviceUnavailable if the machine lacks the device.
    """
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda"), f"CUDA: {torch.cuda.get_device_name()}"
        if torch.backends.mps.is_available():
            return torch.device("mps"), "Apple GPU (MPS)"
        return torch.device("cpu"), f"CPU, {_threads()}: no GPU that torch can use"
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise DeviceUnavailable(wanted, "no such device", "use auto, cpu, cuda, cuda:0 or mps") from error
    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        raise DeviceUnavailable(wanted, f"torch sees {torch.cuda.device_count()} CUDA devices", "use --device auto")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceUnavailable(wanted, "torch sees no Apple GPU", "use --device auto")
    if device.type not in ("cpu", "cuda", "mps"):
        raise DeviceUnavailable(wanted, "not supported", "use auto, cpu, cuda, cuda:0 or mps")
    return device, f"{wanted}, as requested"


def devices() -> list[tuple[str, str]]:
    """This machine's devices, best first: name for the command line, and description."""
    found = [
        (f"cuda:{i}", f"{torch.cuda.get_device_name(i)}, {torch.cuda.mem_get_info(i)[1] / 1e9:.0f} GB")
        for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    ]
    if torch.backends.mps.is_available():
        found.append(("mps", "Apple GPU"))
    return [*found, ("cpu", f"CPU, {_threads()}")]


def _threads() -> str:
    count = torch.get_num_threads()
    return f"{count} thread{'' if count == 1 else 's'}"


def generator(*seed: int | str) -> np.random.Generator:
    """A NumPy generator determined by all parts of the seed."""
    words = [part if isinstance(part, int) else int.from_bytes(part.encode(), "little") for part in seed]
    return np.random.default_rng(words)


def torch_generator(device: torch.device | str, *seed: int | str) -> torch.Generator:
    """A torch generator seeded from the same words as `generator`."""
    return torch.Generator(device=device).manual_seed(int(generator(*seed).integers(2**62)))


def seed_everything(seed: int) -> None:
    """Enable deterministic kernels, and seed code that takes no generator (dropout)."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """bf16 autocast if requested (`bf16`, or `auto` on a GPU with support), otherwise full precision."""
    wants = precision == "bf16" or (precision == "auto" and device.type == "cuda" and torch.cuda.is_bf16_supported())
    return torch.autocast(device.type, dtype=torch.bfloat16) if wants else nullcontext()


def peak_memory_bytes(device: torch.device) -> int:
    """Peak memory so far, of the GPU or of this process; 0 if unknown."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if device.type == "mps":
        return int(torch.mps.driver_allocated_memory())
    try:
        # Not getrusage, which on Linux includes the parent process.
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return 1024 * int(found[1]) if found else 0


@contextmanager
def memory_guard(device: torch.device, hint: str) -> Iterator[None]:
    """Turn out-of-memory errors into DeviceUnavailable with `hint`, and release the device's cache."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        if device.type == "cuda":
            torch.cuda.empty_cache()
        raise DeviceUnavailable(str(device), "out of memory", hint) from error


def _out_of_memory(error: BaseException) -> bool:
    # Only CUDA has its own exception type; the CPU's and Apple's allocators raise RuntimeError.
    by_type = isinstance(error, (MemoryError, torch.OutOfMemoryError))
    return by_type or any(sign in str(error) for sign in ("DefaultCPUAllocator: ", "MPS backend out of memory"))
