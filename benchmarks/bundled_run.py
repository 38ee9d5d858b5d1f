"""The run that ships with the program, made anew from the built-in parts.

    OMP_NUM_THREADS=1 python benchmarks/bundled_run.py [--out build/bundled]

Some 25 minutes of a processor. Then it takes the place of resources/runs/default, without the folder's name on this
machine; history keeps every copy of its 19 MB, so commit it rarely. A finished step is not repeated.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from sedir_core.datasets.synthesis import synthesise
from sedir_core.io.atomic import write_bytes, write_text
from sedir_core.places import DEFAULT_RUN, bundled_runs
from sedir_core.rundir import files as run_files

SEED = "0"
SHIPPED = (run_files.CONFIG, run_files.METRICS, run_files.WEIGHTS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/bundled"))
    out: Path = parser.parse_args().out
    dataset, run, shipped = out / "parts", out / "run", bundled_runs() / DEFAULT_RUN
    if not dataset.exists():
        synthesise(None, dataset, "anomaly-shapenet", int(SEED))
    if not (run / run_files.WEIGHTS).exists():
        words = ["--preset", "desktop", "--seed", SEED, "--device", "cpu", "--out", str(run)]
        subprocess.run([sys.executable, "-m", "sedir_core", "train", str(dataset), *words], check=True)
    for name in SHIPPED:
        write_bytes(shipped / name, (run / name).read_bytes())
    about = run_files.read_about(run).model_copy(update={"dataset": ""})
    write_text(shipped / run_files.ABOUT, about.model_dump_json(indent=2) + "\n")


if __name__ == "__main__":
    main()
