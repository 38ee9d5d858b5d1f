"""The window closed during loading, reading, inspecting and saving, many times: does it always end soon and clean?

    xvfb-run -s "-screen 0 1280x800x24" python benchmarks/closing.py [--times 100]

Prints JSON: for each moment how often, the longest and the median time from the close to the end of the process, other
exit statuses than 0, and orphans. Promise: status 0 within 5 s, no orphan.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "window"))


def main() -> int:
    """Measure and print; 1 if the promise is broken."""
    from app_helpers import dented_sphere, save_ply
    from closing import MOMENTS, close_during

    times = _parse().times
    results: dict[str, dict[str, object]] = {}
    broken = False
    for moment in MOMENTS:
        endings = []
        for _ in range(times):
            with tempfile.TemporaryDirectory() as name:
                scan = save_ply(Path(name) / "scan.ply", dented_sphere(8_000).points)
                endings.append(close_during(moment, scan, Path(name)))
        seconds = [ending.seconds for ending in endings]
        wrong = [ending.status for ending in endings if ending.status]
        orphans = sum(len(ending.orphans) for ending in endings)
        broken |= bool(wrong) or orphans > 0 or max(seconds) > 5
        results[moment] = {
            "times": times,
            "longest_s": round(max(seconds), 2),
            "median_s": round(median(seconds), 2),
            "other_statuses": wrong,
            "orphans": orphans,
        }
    print(json.dumps(results, indent=2))
    return int(broken)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Close the window in the middle of work.")
    parser.add_argument("--times", type=int, default=100)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
