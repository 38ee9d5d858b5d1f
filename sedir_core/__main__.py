"""`python -m sedir_core` is `sedir`."""

from sedir_core.cli import main

main()
