"""`python -m sedir_core` is `sedir`. Hardly anything is imported here: Ctrl-C is quiet from the first moment."""

import os
import sys
from pathlib import Path


def main() -> None:
    """The console command `sedir`."""
    try:
        _open_missing_streams()
        _forget_working_folder()
        from sedir_core.cli import main as run

        run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def _open_missing_streams() -> None:
    """Services start programs without them: then the first file that is opened would get what is written there."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  as long as the program runs


def _forget_working_folder() -> None:
    """`python -m` puts it first on the path, where a folder called `app` or `resources` would hide ours."""
    home = Path(__file__).resolve().parents[1]
    if not sys.flags.safe_path and sys.path and Path(sys.path[0]).resolve() == Path.cwd() != home:
        del sys.path[0]


if __name__ == "__main__":
    main()
