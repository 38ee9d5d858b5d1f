"""Options shared by several commands, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Model = Annotated[str, typer.Option(help="Run directory or name, or a .sedir file.", metavar="RUN")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
Categories = Annotated[str | None, typer.Option(help="Only these, separated by commas.", metavar="A,B")]
PartCategory = Annotated[
    str, typer.Option("--category", help="Category of the parts, or auto to identify it.", metavar="NAME|auto")
]
FalseAlarmRate = Annotated[
    float | None,
    typer.Option(help="Share of good scans that may be called NG; by default as trained.", metavar="R"),
]
FailOnUncertain = Annotated[
    bool, typer.Option("--fail-on-uncertain", help="Use the same exit status for an uncertain scan.")
]
ExportFolder = Annotated[
    Path | None, typer.Option("--export", help="Folder for the scored scan, reconstruction and picture of each scan.")
]
JsonResults = Annotated[
    str | None,
    typer.Option("--json", help="Write the results as JSON to this file; - for standard output.", metavar="FILE"),
]
EvidenceChoice = Annotated[
    Literal["network", "surface", "all"] | None,
    typer.Option("--evidence", help="Evidence that verdicts are based on; by default as trained."),
]
RuleChoice = Annotated[
    Literal["paper", "raw", "calibrated"] | None,
    typer.Option("--rule", help="How scores are computed; paper and raw use the network's residuals alone."),
]
AllowedDeviation = Annotated[
    str | None,
    typer.Option(
        "--tolerance",
        help="Deviation allowed in addition to the learned limit, in the model's unit: 0.3, or -0.2,0.4.",
        metavar="T",
    ),
]
ToleranceFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--regions",
        "--tolerance-file",
        help="Regions of a kind of part: ignored, of interest, or with a tolerance; see the user guide; repeatable.",
        metavar="FILE",
    ),
]
Columns = Annotated[
    str,
    typer.Option("--columns", help="Columns x, y, z of text tables: names, or numbers from 1.", metavar="X,Y,Z"),
]
Preset = Annotated[
    Literal["paper", "desktop", "tiny"],
    typer.Option("--preset", help="Model size: as published, for a CPU, for tests."),
]
Epochs = Annotated[int | None, typer.Option(min=1, help="Passes over the data, instead of the preset's.")]
