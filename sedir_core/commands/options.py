"""Options that mean the same in several commands, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Model = Annotated[str, typer.Option(help="Run directory or name, or a .sedir file.", metavar="RUN")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
Categories = Annotated[str | None, typer.Option(help="Only these, separated by commas.", metavar="A,B")]
PartCategory = Annotated[str, typer.Option("--category", help="What the parts are, or auto.", metavar="NAME|auto")]
FalseAlarmRate = Annotated[
    float | None, typer.Option(help="Share of good scans that may be called NG; by default as trained.", metavar="R")
]
FailOnUncertain = Annotated[
    bool, typer.Option("--fail-on-uncertain", help="The same status for a scan that is neither NG nor surely OK.")
]
ExportFolder = Annotated[
    Path | None, typer.Option("--export", help="Write scored scan, reconstruction and picture of each scan there.")
]
JsonResults = Annotated[
    str | None, typer.Option("--json", help="Write the results there; - is standard output.", metavar="FILE")
]
EvidenceChoice = Annotated[
    Literal["network", "surface", "all"] | None,
    typer.Option("--evidence", help="What verdicts rest on; by default as the model was trained for."),
]
RuleChoice = Annotated[
    Literal["paper", "raw", "calibrated"] | None,
    typer.Option("--rule", help="How scores are made; paper and raw judge the network's residuals alone."),
]
AllowedDeviation = Annotated[
    str | None,
    typer.Option(
        "--tolerance",
        help="Deviation allowed beside the learned limit, in the model's unit: 0.3, or -0.2,0.4.",
        metavar="T",
    ),
]
Columns = Annotated[
    str,
    typer.Option("--columns", help="x, y, z of text tables: names of columns, or numbers from 1.", metavar="X,Y,Z"),
]
Preset = Annotated[
    Literal["paper", "desktop", "tiny"], typer.Option("--preset", help="Sizes: as published, for a CPU, for tests.")
]
Epochs = Annotated[int | None, typer.Option(min=1, help="Passes over the data, instead of the preset's.")]
