"""Starts the whole program and closes its window at a chosen moment: `python closing.py MOMENT PATH...`.

Used by the test of promise 7 and by `benchmarks/closing.py`. The program tells when it was closed; whoever started it
sees when it ends, with which status, and what it leaves behind.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

MOMENTS = ("load", "read", "inspect", "export")
ROOT = Path(__file__).parents[2]
TIMEOUT_S = 180


@dataclass(frozen=True)
class Ending:
    """status: of the process. seconds: from the close to its end. orphans: processes it left. log: what it wrote."""

    status: int
    seconds: float
    orphans: list[int]
    log: str


def close_during(moment: str, scan: Path, folder: Path) -> Ending:
    """Run the program with its own settings under `folder`, close it at that moment, wait for its end."""
    own = {f"XDG_{name}_HOME": str(folder / name) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    program = subprocess.Popen(
        [sys.executable, __file__, moment, str(scan)], env=os.environ | own | {"PYTHONPATH": path}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        out, err = program.communicate(timeout=TIMEOUT_S)
        end = time.time()
    finally:
        program.kill()
    closed_at = float(out.split()[-1]) if out.strip() else end
    return Ending(program.returncode, end - closed_at, _of_session(program.pid), err)


def _of_session(leader: int) -> list[int]:
    """Processes that live on in the session of one that ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def main(moment: str, scan: str) -> int:
    """The program itself, with a window that closes at that moment."""
    from app import __main__ as program
    from app import main_window

    class Window(main_window.MainWindow):
        gone = False

        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)
            if moment == "export":
                self.model.batch_finished.connect(self._export)
            elif moment != "load":
                self.model.progress_changed.connect(self._follow)

        def _prepare(self) -> None:
            super()._prepare()
            if moment == "load":
                self._leave()

        def _follow(self, progress: object) -> None:
            if progress is not None and (progress.stage.startswith("reading") or progress.stage != "loading the model"):
                reading = progress.stage.startswith("reading")
                if reading == (moment == "read"):
                    self._leave()

        def _export(self, *_: object) -> None:
            entry = self.session.current_entry
            for number in range(3):
                self.exporter.write(Path(scan).with_name(f"out{number}.ply"), lambda path: write(path, entry))
            self._leave()

        def _leave(self) -> None:
            if not self.gone:
                self.gone = True
                print(time.time(), flush=True)
                self.close()

    def write(path: Path, entry: object) -> None:
        from sedir_core.io.export import write_scored_ply

        write_scored_ply(path, entry.scan, entry.detection.point_scores)

    if moment in ("read", "export"):  # no model's business: a quick detector will do
        from app_helpers import SphereDetector, loader

        program.load = loader(SphereDetector())
    program.MainWindow = Window
    return program.main(["--new-window", scan])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
