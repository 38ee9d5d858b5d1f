"""Loads that no test can carry: very many scans, very many points, two exports at once, kills and full disks.

    python benchmarks/load.py many [--scans 10000] [--model RUN]
    python benchmarks/load.py large [--points 10000000] [--model RUN]
    python benchmarks/load.py exports [--scans 40]
    python benchmarks/load.py kills [--times 40]
    python benchmarks/load.py full [--mib 1]        as root: it mounts a disk of that size

Prints JSON; the exit status is 1 if the promise is broken. Promises: resident memory grows by at most 10 KiB a scan
(each leaves its result behind, for the table and the JSON); 10 million points take at most 1.5 GiB; every file of
either export is there; after a kill, and on a full disk, every file is the old one or the new one. Without a model
the roundness detector of the tests inspects, so that reading, lists and writing are what is measured. Linux only: it
reads /proc.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "core"))

from roundness import ball

from sedir_core.errors import UserError
from sedir_core.io.append import AppendedLines
from sedir_core.io.atomic import atomic_folder, synced_file
from sedir_core.io.export import write_csv, write_json, write_points_ply
from sedir_core.io.scans import read_scan
from sedir_core.io.tensor_file import read_tensors, write_tensors

ROOT = Path(__file__).parents[1]
MIB = 2**20
MOST_BYTES_A_SCAN = 10 * 1024
MOST_BYTES_OF_LARGE = 1536 * MIB
LOOK_S = 0.1
LENGTHS = range(1_000, 200_000, 39_800)  # of what is written while it is killed
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
    """One command over many small scans, and one over a tenth of them, which needs as much to begin with."""
    few, all_of_them = (_inspected(asked.model, folder / str(n), n) for n in (asked.scans // 10, asked.scans))
    a_scan = (all_of_them["most_bytes"] - few["most_bytes"]) / (asked.scans - asked.scans // 10)
    found = {"few": few, "all": all_of_them, "kib_a_scan": round(a_scan / 1024, 1)}
    return found, all_of_them["scans"] == asked.scans and a_scan <= MOST_BYTES_A_SCAN


def _inspected(model: Path | None, folder: Path, n_scans: int) -> dict[str, Any]:
    for i in range(n_scans):
        write_points_ply(folder / "in" / f"{i:05d}.ply", ball(n_points=300, seed=i % 50))
    out = folder / "out.json"
    ended = _sedir_ended(model, "inspect", folder / "in", "--json", out, "--csv", folder / "out.csv")
    return {"scans": len(json.loads(out.read_text())["results"])} | ended


def large(asked: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], bool]:
    """One scan of very many points, with everything that is written of it."""
    write_points_ply(folder / "large.ply", _large(asked.points))
    words = ("inspect", folder / "large.ply", "--export", folder / "out", "--json", folder / "out.json")
    ended = _sedir_ended(asked.model, *words)
    found = {"points": asked.points, "exported": sorted(path.name for path in (folder / "out").glob("*"))} | ended
    return found, ended["status"] == 0 and ended["most_bytes"] <= MOST_BYTES_OF_LARGE


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
    found = {
        "scans_each": asked.scans,
        "statuses": statuses,
        "clouds_of_each": [sum(n == 2000 + number for n in sizes.values()) for number in range(2)],
        "pictures": len(list((folder / "out").glob("*.png"))),
        "left_over": [path.name for path in (folder / "out").glob(".*")],
    }
    everything = found["clouds_of_each"] == [2 * asked.scans] * 2 and found["pictures"] == 2 * asked.scans
    return found, statuses == [0, 0] and everything and not found["left_over"]


def _write_scan(path: Path, n: int) -> None:
    write_points_ply(path, ball(n_points=n))


def _is_scan(path: Path) -> bool:
    return len(read_scan(path)) in LENGTHS


def _write_table(path: Path, n: int) -> None:
    write_csv(path, [["row", "of"], *([i, n] for i in range(n))])


def _is_table(path: Path) -> bool:
    rows = path.read_text().split()
    return rows[-1] == f"{len(rows) - 2},{len(rows) - 1}"


def _write_json(path: Path, n: int) -> None:
    write_json(path, {"n": n, "rows": list(range(n))})


def _is_json(path: Path) -> bool:
    found = json.loads(path.read_text())
    return len(found["rows"]) == found["n"]


def _write_weights(path: Path, n: int) -> None:
    write_tensors(path, {"a": torch.zeros(n)}, {"n": str(n)})


def _is_weights(path: Path) -> bool:
    tensors, meta = read_tensors(path)
    return len(tensors["a"]) == int(meta["n"])


def _write_line(path: Path, n: int) -> None:
    lines = AppendedLines(path)
    lines.append(json.dumps({"n": n, "rows": list(range(n))}))
    lines.close()


def _has_whole_lines(path: Path) -> bool:
    """The last may be torn: the next that opens the file cuts it off."""
    rows = [json.loads(line) for line in path.read_text().split("\n")[:-1]]
    return all(len(row["rows"]) == row["n"] for row in rows)


def _write_folder(path: Path, n: int) -> None:
    """As a run is imported."""
    with atomic_folder(path / uuid.uuid4().hex) as staging, synced_file(staging / "all") as file:
        file.write(n.to_bytes(8) + bytes(n))


def _has_whole_folders(path: Path) -> bool:
    contents = [(one / "all").read_bytes() for one in path.iterdir() if not one.name.startswith(".")]
    return all(len(content) == 8 + int.from_bytes(content[:8]) for content in contents)


WRITES: dict[str, tuple[Callable[[Path, int], None], Callable[[Path], bool]]] = {
    "scan": (_write_scan, _is_scan),
    "table": (_write_table, _is_table),
    "json": (_write_json, _is_json),
    "weights": (_write_weights, _is_weights),
    "lines": (_write_line, _has_whole_lines),
    "folder": (_write_folder, _has_whole_folders),
}
"""Each kind of write, with contents of changing length, and what shows that one is whole."""


def kills(asked: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], bool]:
    """kill -9 at random times amid every kind of write."""
    chance = random.Random(0)
    found = {}
    for kind, (write, is_whole) in WRITES.items():
        (folder / kind).mkdir()
        path, torn = folder / kind / "target.ply", 0
        for _ in range(asked.times):
            writer = multiprocessing.get_context("fork").Process(target=_write_on, args=(write, path))
            writer.start()
            time.sleep(chance.uniform(0.0, 0.5))
            writer.kill()
            writer.join()
            torn += path.exists() and not _holds(is_whole, path)
        found[kind] = {"kills": asked.times, "torn": torn, "left_over": len(list((folder / kind).rglob(".*")))}
    return found, not any(one["torn"] for one in found.values())


def full(asked: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], bool]:
    """Every kind of write on a disk that has no more room."""
    found = {}
    for kind, (write, is_whole) in WRITES.items():
        with _small_disk(folder / kind, asked.mib) as disk:
            path = disk / "target.ply"
            said = _written_until_full(write, path)
            left_over = [one.name for one in disk.rglob(".*")]
            found[kind] = {"said": said, "torn": not _holds(is_whole, path), "left_over": left_over}
    return found, all(one["said"] and not one["torn"] and not one["left_over"] for one in found.values())


@contextmanager
def _small_disk(disk: Path, mib: int) -> Iterator[Path]:
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", disk], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def _written_until_full(write: Callable[[Path, int], None], path: Path) -> str:
    """What is said of the first write that has no room; "" if none of many is refused."""
    for n in itertools.islice(itertools.cycle(LENGTHS), 100):
        try:
            write(path, n)
        except UserError as error:
            return str(error)
    return ""


def _holds(is_whole: Callable[[Path], bool], path: Path) -> bool:
    try:
        return is_whole(path)
    except (ValueError, UserError):
        return False


def _write_on(write: Callable[[Path, int], None], path: Path) -> None:
    for n in itertools.cycle(LENGTHS):
        write(path, n)


@contextmanager
def _sedir(model: Path | None, *words: object) -> Iterator[subprocess.Popen[bytes]]:
    source = PROGRAM.format(root=str(ROOT), tests=str(ROOT / "tests" / "core"), plain=model is None)
    command = [sys.executable, "-c", source, *map(str, words), *(("--model", str(model)) if model else ())]
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield program
    finally:
        program.kill()
        program.wait()


def _sedir_ended(model: Path | None, *words: object) -> dict[str, int]:
    """Its exit status, the seconds it took and the most that was resident, by the kernel's own mark.

    What `wait4` says of it would be no less than this process holds.
    """
    began, most = time.monotonic(), 0
    with _sedir(model, *words) as program:
        while program.poll() is None:
            status = Path(f"/proc/{program.pid}/status").read_text()
            most = max([most, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))])
            time.sleep(LOOK_S)
    return {"status": program.returncode, "seconds": round(time.monotonic() - began), "most_bytes": most * 1024}


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure under load.")
    kinds = parser.add_subparsers(required=True)
    for measure, option, usual in (
        (many, "--scans", 10_000), (large, "--points", 10_000_000), (exports, "--scans", 40), (kills, "--times", 40),
        (full, "--mib", 1),
    ):  # fmt: skip
        kind = kinds.add_parser(measure.__name__, help=measure.__doc__)
        kind.add_argument(option, type=int, default=usual)
        if measure in (many, large):
            kind.add_argument("--model", type=Path, default=None)
        kind.set_defaults(measure=measure)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
