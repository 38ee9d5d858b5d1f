"""Mutated scans: each gives a scan or a user error. benchmarks/fuzz_readers.py does 100,000."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scan_files import MESHES, VALID, mutated
from table_files import UNCLEAR, VARIANTS

from sedir_core.errors import UserError
from sedir_core.io.scans import read_labelled, read_scan

CONTENTS = {name: content for name, (content, _) in VALID.items()} | MESHES | UNCLEAR
CONTENTS |= {f"{name}.txt": content for name, content in VARIANTS.items()}
ROUNDS = 6


@pytest.mark.parametrize("name", CONTENTS)
def test_mutated_scan_gives_points_or_a_user_error(name: str, tmp_path: Path) -> None:
    draw = np.random.default_rng([len(name), *name.encode()])
    path = tmp_path / name
    for _ in range(ROUNDS):
        path.write_bytes(mutated(CONTENTS[name], draw))
        for read in (lambda: read_scan(path, mesh_points=500), lambda: read_labelled(path)):
            try:
                scan = read()
            except UserError as error:
                assert str(path) in str(error) and error.hint
            else:
                assert scan.points.dtype == np.float64 and scan.finite.sum() >= 64
