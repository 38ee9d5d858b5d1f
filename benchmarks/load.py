"""Loads that no test can carry: very many scans, very many points, two exports at once, kills amid every write.

    python benchmarks/load.py many [--scans 10000] [--model RUN]
    python benchmarks/load.py large [--points 10000000] [--model RUN]
    python benchmarks/load.py exports [--scans 40]
    python benchmarks/load.py kills [--times 40]

Prints JSON; the exit status is 1 if the promise is broken. Promises: resident memory grows by at most 10 KiB a scan
(each leaves its result behind, for the table and the JSON); 10 million points take at most 1.5 GiB; every file of
either export is whole; after a kill every file is the old one or the new one. Without a model the roundness detector
of the tests inspects, so that reading, lists and writing are what is measured. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "core"))

from roundness import ball

from sedir_core.io.export import write_points_ply
from sedir_core.io.scans import read_scan
from sedir_core.io.tensor_file import read_tensors

ROOT = Path(__file__).parents[1]
MIB = 2**20
MOST_BYTES_A_SCAN = 10 * 1024
MOST_BYTES_OF_LARGE = 1536 * MIB
LOOK_S = 0.2
# The program, with the detector of the tests where no model is asked for.
PROGRAM = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
if {plain!r}:
    import sedir_core.detectors.base as base
    from roundness import RoundnessDetector
    base.load_detector = lambda run_dir, device="auto": RoundnessDetector()
from sedir_core.cli import main
sys.argv[0] = "sedir"
main()
"""


def main() -> int:
    """Measure and print; 1 if the promise is broken."""
    asked = _parse()
    with tempfile.TemporaryDirectory() as name:
        found, kept = asked.measure(asked, Path(name))
    print(json.dumps(found, indent=2))
    return int(not kept)


def many(asked: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], bool]:
    """One command over many small scans."""
    for i in range(asked.scans):
        write_points_ply(folder / "in" / f"{i:05d}.ply", ball(n_points=300, seed=i % 50))
    out = folder / "out.json"
    with _sedir(asked.model, "inspect", folder / "in", "--json", out, "--csv", folder / "out.csv") as program:
        began, samples = time.monotonic(), _memory_until_end(program)
    held = [n_bytes for _, n_bytes in samples]
    # From a quarter on, when all is loaded, to the end of the work; writing the results comes after it.
    start, end = held[len(held) // 4], held[int(0.95 * len(held))]
    n_done = len(json.loads(out.read_text())["results"])
    a_scan = (end - start) / (0.7 * asked.scans)
    found = {
        "scans": n_done,
        "status": program.returncode,
        "seconds": round(time.monotonic() - began),
        "mib_at_a_quarter": round(start / MIB),
        "mib_near_the_end": round(end / MIB),
        "mib_at_most": round(max(held) / MIB),
        "kib_a_scan": round(a_scan / 1024, 1),
    }
    return found, n_done == asked.scans and a_scan <= MOST_BYTES_A_SCAN


def large(asked: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], bool]:
    """One scan of very many points, with everything that is written of it."""
    write_points_ply(folder / "large.ply", _large(asked.points))
    words = ("inspect", folder / "large.ply", "--export", folder / "out", "--json", folder / "out.json")
    began = time.monotonic()
    with _sedir(asked.model, *words) as program:
        _, status, used = os.wait4(program.pid, 0)
        program.returncode = os.waitstatus_to_exitcode(status)
    most = used.ru_maxrss * 1024
    found = {
        "points": asked.points,
        "status": program.returncode,
        "seconds": round(time.monotonic() - began),
        "mib_at_most": round(most / MIB),
        "exported": sorted(path.name for path in (folder / "out").glob("*")),
    }
    return found, program.returncode == 0 and most <= MOST_BYTES_OF_LARGE


def _large(n_points: int) -> np.ndarray:
    return np.concatenate([ball(n_points=min(n_points - at, 10**6), seed=at) for at in range(0, n_points, 10**6)])


def exports(asked: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], bool]:
    """Two programs that export scans of the same names into one folder."""
    for number, home in enumerate(("a", "b")):
        for i in range(asked.scans):
            write_points_ply(folder / home / f"{i:03d}.ply", ball(n_points=2000 + number, seed=i))
    both = [(folder / home, "--export", folder / "out", "--json", folder / f"{home}.json") for home in ("a", "b")]
    with _sedir(None, "inspect", *both[0]) as one, _sedir(None, "inspect", *both[1]) as other:
        statuses = [one.wait(), other.wait()]
    sizes = {path.name: len(read_scan(path)) for path in (folder / "out").glob("*.ply")}
    sets = [[n for name, n in sizes.items() if name.startswith(f"{i:03d}")] for i in range(asked.scans)]
    found = {
        "scans_each": asked.scans,
        "statuses": statuses,
        "files": len(list((folder / "out").iterdir())),
        "left_over": [path.name for path in (folder / "out").glob(".*")],
        "sets_of_both": sum(len(set(one)) > 1 for one in sets),
    }
    whole = set(sizes.values()) <= {2000, 2001} and not found["left_over"]
    return found, statuses == [0, 0] and whole and len(sizes) == 2 * asked.scans


WRITES: dict[str, str] = {
    "scan": "write_points_ply(target, ball(n_points=n))",
    "table": "write_csv(target, [['a', 'b'], *[[i, n] for i in range(n)], ['end', n]])",
    "json": "write_json(target, {'n': n, 'rows': list(range(n))})",
    "weights": "write_tensors(target, {'a': torch.full((n,), float(n))}, {'n': str(n)})",
    "picture": "write_bytes(target, painted(n))",
    "lines": "lines.append(json.dumps({'n': n, 'rows': list(range(n))}))",
}
"""Each kind of write, over and over on one target, with a content that says how long it has to be."""
WRITER = """
import io, itertools, json, sys
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
import torch
from matplotlib import image
from roundness import ball
import numpy as np
from sedir_core.io.append import AppendedLines
from sedir_core.io.atomic import write_bytes
from sedir_core.io.export import write_csv, write_json, write_points_ply
from sedir_core.io.tensor_file import write_tensors
target = Path(sys.argv[1])
lines = AppendedLines(target) if {write!r}.startswith("lines") else None

def painted(n):
    content = io.BytesIO()
    image.imsave(content, np.full((n // 50, 50, 3), 0.5))
    return content.getvalue()

print("ready", flush=True)
for n in itertools.cycle(range(1000, 60_000, 7919)):
    {write}
"""


def kills(asked: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], bool]:
    """kill -9 at random times amid every kind of write."""
    chance = random.Random(0)
    found = {kind: {"kills": asked.times, "torn": 0, "left_over": 0} for kind in WRITES}
    for kind, write in WRITES.items():
        home = folder / kind
        home.mkdir()
        source = WRITER.format(root=str(ROOT), tests=str(ROOT / "tests" / "core"), write=write)
        for _ in range(asked.times):
            command = [sys.executable, "-c", source, str(home / "target.ply")]
            program = subprocess.Popen(command, stdout=subprocess.PIPE)
            assert program.stdout is not None
            program.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.3))
            program.send_signal(signal.SIGKILL)
            program.communicate()
            found[kind]["torn"] += not _whole(kind, home / "target.ply")
        found[kind]["left_over"] = len(list(home.glob(".*")))
    return found, not any(one["torn"] for one in found.values())


def _whole(kind: str, path: Path) -> bool:
    """Whether what a kill left can be read, and is as long as it says; nothing at all is whole, too."""
    if not path.exists():
        return True
    return (kind == "lines" and path.stat().st_size == 0) or CHECKS[kind](path)


def _is_picture(path: Path) -> bool:
    return path.read_bytes().endswith(b"IEND\xaeB`\x82")


def _is_json(path: Path) -> bool:
    found = json.loads(path.read_text())
    return len(found["rows"]) == found["n"]


def _has_whole_lines(path: Path) -> bool:
    """The last may be torn: the next that opens the file cuts it off."""
    rows = [json.loads(line) for line in path.read_text().split("\n")[:-1]]
    return all(len(row["rows"]) == row["n"] for row in rows)


def _is_table(path: Path) -> bool:
    rows = path.read_text().split()
    return rows[-1] == f"end,{len(rows) - 2}"


def _is_tensors(path: Path) -> bool:
    tensors, meta = read_tensors(path)
    return len(tensors["a"]) == int(meta["n"])


CHECKS: dict[str, Callable[[Path], bool]] = {
    "scan": lambda path: len(read_scan(path)) >= 1000,
    "table": _is_table,
    "json": _is_json,
    "weights": _is_tensors,
    "picture": _is_picture,
    "lines": _has_whole_lines,
}


@contextmanager
def _sedir(model: Path | None, *words: object) -> Iterator[subprocess.Popen[bytes]]:
    source = PROGRAM.format(root=str(ROOT), tests=str(ROOT / "tests" / "core"), plain=model is None)
    command = [sys.executable, "-c", source, *map(str, words), *(("--model", str(model)) if model else ())]
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield program
    finally:
        if program.returncode is None:
            program.kill()
            program.wait()


def _memory_until_end(program: subprocess.Popen[bytes]) -> list[tuple[float, int]]:
    """(seconds, resident bytes), until the program ends."""
    began, samples = time.monotonic(), []
    statm, page = Path(f"/proc/{program.pid}/statm"), os.sysconf("SC_PAGE_SIZE")
    while program.poll() is None:
        fields = statm.read_text().split()
        samples.append((time.monotonic() - began, int(fields[1]) * page))
        time.sleep(LOOK_S)
    return samples


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure under load.")
    kinds = parser.add_subparsers(required=True)
    for measure, option, usual in (
        (many, "--scans", 10_000), (large, "--points", 10_000_000), (exports, "--scans", 40), (kills, "--times", 40)
    ):  # fmt: skip
        kind = kinds.add_parser(measure.__name__, help=measure.__doc__)
        kind.add_argument(option, type=int, default=usual)
        if measure in (many, large):
            kind.add_argument("--model", type=Path, default=None)
        kind.set_defaults(measure=measure)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
