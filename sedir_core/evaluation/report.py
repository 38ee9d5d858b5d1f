"""A report of inspections, to be read, printed and kept: what it says, as one file of HTML or PDF.

Only what is shown is kept of a scan, so that a report of thousands needs no memory for their points.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from sedir_core.errors import CannotWrite
from sedir_core.evaluation.inspection import Inspected, Refused
from sedir_core.evaluation.picture import picture_for_paper
from sedir_core.evaluation.report_style import place
from sedir_core.io.atomic import write_bytes, write_text
from sedir_core.names import printable
from sedir_core.types import VERDICT_WORDS, Decision, Verdict
from sedir_core.units import symbol

N_BINS = 48
MOST_DEFECTS = 12
FORMATS = (".html", ".pdf")


@dataclass(frozen=True)
class Sheet:
    """One scan. result: as in `inspect --json`. picture: PNG. histogram: counts of point scores, to twice the limit."""

    result: Mapping[str, Any]
    picture: bytes
    histogram: tuple[int, ...]

    @property
    def name(self) -> str:
        return printable(Path(self.result["path"]).name)

    @property
    def word(self) -> str:
        """The verdict in one word."""
        verdict: Verdict = self.result["verdict"]
        return VERDICT_WORDS[verdict]

    @property
    def share(self) -> str:
        """The score in per cent of the limit."""
        score, limit = self.result["score"], self.result["threshold"]
        return f"{100 * score / limit:.0f} %" if score is not None and limit else "–"

    @property
    def defects(self) -> Sequence[Mapping[str, Any]]:
        return self.result["defects"][:MOST_DEFECTS]  # type: ignore[no-any-return]

    @property
    def n_more(self) -> int:
        """Defects that are not listed."""
        return max(0, len(self.result["defects"]) - MOST_DEFECTS)

    @property
    def measured_in(self) -> str:
        """In what the table of defects tells sizes and places."""
        unit = symbol(self.result["unit"])
        sizes = f"Areas are in {unit}², extents in {unit}" if unit else "Sizes are in the model's unit"
        return f"{sizes}, centres in the scan's coordinates."

    @property
    def picture_uri(self) -> str:
        return "data:image/png;base64," + base64.b64encode(self.picture).decode()

    @property
    def bars(self) -> list[float]:
        """The histogram's heights, 0..1, on a square root scale: defects are few points among many."""
        heights = np.sqrt(np.array(self.histogram, float))
        return [float(height) for height in heights / max(float(heights.max()), 1.0)]


@dataclass
class Report:
    """model: the run directory; operator, part, lot: empty where nobody said."""

    model: str
    method: str
    operator: str = ""
    part: str = ""
    lot: str = ""
    made: datetime = field(default_factory=lambda: datetime.now().astimezone())
    sheets: list[Sheet] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def add(self, outcome: Inspected | Refused, review: Decision | None = None) -> None:
        """One more scan, or a file that could not be inspected. review: the operator's word, where it was given."""
        if isinstance(outcome, Refused):
            self.errors.append(outcome.to_json())
            return
        found = outcome.detection
        scores = found.point_scores[np.isfinite(found.point_scores)]
        top = 2 * found.point_threshold if found.point_threshold > 0 else 1.0
        histogram = np.histogram(np.minimum(scores, top), bins=N_BINS, range=(0, top))[0]
        picture = picture_for_paper(outcome.scan, found)
        result = outcome.to_json()
        if review is not None and review != found.verdict:
            result |= {"verdict": review, "uncertain": False}
            said = VERDICT_WORDS[found.verdict]
            result["reason"] += f"; set to {VERDICT_WORDS[review]} by the operator, the model said {said}"
        self.sheets.append(Sheet(result, picture, tuple(int(count) for count in histogram)))

    @property
    def counts(self) -> dict[str, int]:
        """How many scans got each verdict, and how many could not be read."""
        words = [sheet.word for sheet in self.sheets]
        found = {word: words.count(word) for word in VERDICT_WORDS.values()}
        return found | {"Not inspected": len(self.errors)}

    @property
    def facts(self) -> dict[str, str]:
        """What stands at the top, by its title; what nobody said is left out."""
        known = {
            "Inspected": f"{self.made:%d %B %Y, %H:%M %Z}",
            "Operator": self.operator,
            "Part": self.part,
            "Lot": self.lot,
            "Model": f"{Path(self.model).name} ({self.method})",
        }
        return {title: value for title, value in known.items() if value}

    def write(self, path: Path) -> None:
        """As HTML or PDF, by the ending of the name. Raises CannotWrite."""
        check_format(path)
        if path.suffix.lower() == ".html":
            write_text(path, self.to_html())
        else:
            from sedir_core.evaluation.report_pdf import to_pdf

            write_bytes(path, to_pdf(self))

    def to_html(self) -> str:
        """One file that needs no other; names of files are text and never markup."""
        from jinja2 import Environment, StrictUndefined

        environment = Environment(
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=lambda value: printable(value) if isinstance(value, str) else value,
        )
        environment.filters["place"] = place
        template = Path(__file__).with_name("report.html").read_text("utf-8")
        return environment.from_string(template).render(report=self)


def check_format(path: Path) -> None:
    """Raises CannotWrite where no report can be written under this name."""
    if path.suffix.lower() not in FORMATS:
        raise CannotWrite(path, "is neither .html nor .pdf", "give the report one of these endings")
