"""Promise: mutated files never end the process and raise nothing undocumented. Counts what N of them do.

    python benchmarks/fuzz_readers.py --count 100000 --processes 2

Files are made from the valid ones of the tests, each from its own seed, so any can be made again with --first.
A mutation that ends its process is found by the process that vanishes: its batch is named in the summary.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "core" / "io"))
from scan_files import MESHES, VALID, mutated

from sedir_core.errors import UserError
from sedir_core.io.scans import read_scan

CONTENTS = {name: content for name, (content, _) in VALID.items()} | MESHES
NAMES = sorted(CONTENTS)
BATCH = 250


def try_batch(first: int, count: int) -> tuple[Counter[str], float, list[str]]:
    """Outcomes by kind, the longest time of one file in seconds, and what was neither a scan nor a user error."""
    outcomes: Counter[str] = Counter()
    slowest, bugs = 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + count):
            name = NAMES[seed % len(NAMES)]
            path = Path(folder, name)
            path.write_bytes(mutated(CONTENTS[name], np.random.default_rng(seed)))
            start = time.perf_counter()
            try:
                read_scan(path, mesh_points=1000)
                outcomes["scan"] += 1
            except UserError as error:
                outcomes[type(error).__name__] += 1
            except Exception as error:
                outcomes["BUG"] += 1
                bugs.append(f"seed {seed} ({name}): {error!r}")
            slowest = max(slowest, time.perf_counter() - start)
            path.unlink()
    return outcomes, slowest, bugs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first file")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    outcomes: Counter[str] = Counter()
    slowest, troubles = 0.0, []
    start = time.perf_counter()
    with ProcessPoolExecutor(options.processes) as pool:
        ends = options.first + options.count
        batches = {
            pool.submit(try_batch, first, min(BATCH, ends - first)): first
            for first in range(options.first, ends, BATCH)
        }
        for batch in as_completed(batches):
            try:
                counted, longest, bugs = batch.result()
            except BrokenProcessPool:
                troubles.append(f"a process died at or before the batch of seed {batches[batch]}")
                continue
            outcomes += counted
            slowest = max(slowest, longest)
            troubles += bugs
    print(f"{outcomes.total():,} files in {time.perf_counter() - start:.0f} s; slowest {slowest:.2f} s")
    print(", ".join(f"{kind} {count:,}" for kind, count in outcomes.most_common()))
    print("\n".join(troubles[:20]) or "no process died, nothing undocumented was raised")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
