"""`python -m sedir_core` is `sedir`. Imports little, so that Ctrl-C is handled quietly from the start."""

import os
import sys
from pathlib import Path


def main() -> None:
    """The console command `sedir`."""
    try:
        _open_missing_streams()
        _forget_working_folder()
        from sedir_core.interrupts import raise_as_ours

        raise_as_ours()
        from sedir_core.cli import main as run

        run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def _open_missing_streams() -> None:
    """Services start programs without stdio: the first opened file would then receive the output."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  as long as the program runs


def _forget_working_folder() -> None:
    """`python -m` puts it first on sys.path, where a folder named `app` or `resources` would shadow ours."""
    home = Path(__file__).resolve().parents[1]
    if not sys.flags.safe_path and sys.path and Path(sys.path[0]).resolve() == Path.cwd() != home:
        del sys.path[0]


if __name__ == "__main__":
    main()
