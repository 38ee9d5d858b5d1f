"""Reads each path of standard input in a child process of its own, within 200 MiB, and prints what happened.

One JSON object a line: path, kind and message of the error (kind "ok" without one), seconds, growth in MiB.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

from sedir_core.errors import UserError
from sedir_core.io.scans import read_scan

ALLOWED_MIB = 200


def _resident_mib(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name + ":")) / 1024


def _attempt(path: Path) -> dict[str, object]:
    before = _resident_mib("VmRSS")
    allowed = int((_resident_mib("VmSize") + ALLOWED_MIB) * 2**20)
    resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))
    start = time.process_time()  # a busy machine is not the reader's fault; waiting for ever is caught by the caller
    found = {"kind": "ok", "message": "", "hint": ""}
    try:
        read_scan(path)
    except UserError as error:
        found = {"kind": type(error).__name__, "message": str(error), "hint": error.hint}
    except Exception as error:
        found = {"kind": "BUG", "message": repr(error), "hint": ""}
    seconds = time.process_time() - start
    return found | {"path": str(path), "seconds": seconds, "growth_mib": _resident_mib("VmHWM") - before}


def main() -> None:
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writing, json.dumps(_attempt(path)).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            answer = pipe.read()
        _, status = os.waitpid(child, 0)
        died = json.dumps({"path": str(path), "kind": f"DEAD {status}", "message": "", "hint": ""}).encode()
        print((answer or died).decode(), flush=True)


main()
