"""The data of a printable report of inspections; `report_file` writes it.

Points of the scans are not kept, so that a report of thousands needs little memory.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from sedir_core.config import METHOD_NAMES
from sedir_core.drawing.close_up import close_up
from sedir_core.drawing.colours import calibrated
from sedir_core.drawing.deviation_scale import DeviationScale, default_band, default_far
from sedir_core.drawing.drawn_scan import DrawnScan, Patch
from sedir_core.drawing.picture import picture_for_paper
from sedir_core.drawing.section_picture import section_picture
from sedir_core.errors import CannotWrite
from sedir_core.evaluation.inspection import Inspected, Refused
from sedir_core.evaluation.report_style import Line, Review, defect_lines, measured_words, sentence
from sedir_core.evidence.wording import of_limit, percent
from sedir_core.geometry.neighbours import middle_and_radius
from sedir_core.names import printable
from sedir_core.types import VERDICT_WORDS, Detection, FloatArray, IntArray, Scan, Tolerance, Verdict
from sedir_core.units import NAMES, UNKNOWN, symbol

N_BINS = 48
MOST_DEFECTS, MOST_CLOSE_UPS = 12, 6
LOGOS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}
"""Signatures of image formats supported by both HTML and PDF."""
MOST_LOGO_BYTES = 2_000_000
ORDER: tuple[Verdict, ...] = ("ng", "uncertain", "ok")
"""Readers of a report look for the bad scans first."""


@dataclass(frozen=True, eq=False)
class DrawnSection:
    """A plane section of a scan. outline: (k, 2) of its points, rows: (k,) their indices.

    expected: (m, 2) of the expected surface; all in plane coordinates, in the scan's unit.
    """

    name: str
    outline: FloatArray
    rows: IntArray
    expected: FloatArray


@dataclass(frozen=True)
class Sheet:
    """One scan. result: as in `inspect --json`, with the effective verdict. picture: PNG.

    histogram: counts of point scores, up to twice the limit. lines: one per defect. close_ups: PNGs of the first ones.
    sections: names and PNGs. review: the operator's. unit: symbol for lengths, empty if unknown. notes: additional
    remarks.
    """

    result: Mapping[str, Any]
    picture: bytes
    histogram: tuple[int, ...]
    lines: tuple[Line, ...] = ()
    close_ups: tuple[bytes, ...] = ()
    sections: tuple[tuple[str, bytes], ...] = ()
    review: Review = field(default_factory=Review)
    unit: str = ""
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return printable(Path(self.result["path"]).name)

    @property
    def verdict(self) -> Verdict:
        """The effective verdict."""
        return self.result["verdict"]  # type: ignore[no-any-return]

    @property
    def word(self) -> str:
        """The verdict as a word."""
        return VERDICT_WORDS[self.verdict]

    @property
    def share(self) -> str:
        """The score in per cent of the limit."""
        return self._score(percent)

    @property
    def of_limit(self) -> str:
        """The same in words that need no heading."""
        return self._score(of_limit)

    def _score(self, words: Callable[[float], str]) -> str:
        score, limit = self.result["score"], self.result["threshold"]
        return words(score / limit) if score is not None and limit else "–"

    @property
    def reason(self) -> str:
        return sentence(self.result["reason"])

    @property
    def strongest(self) -> str:
        """Short text on the first defect; empty if there is none."""
        more = f"; {len(self.lines) + self.n_more - 1} more" if len(self.lines) > 1 else ""
        return f"{self.lines[0].sentence}{more}" if self.lines else ""

    @property
    def n_more(self) -> int:
        """Number of defects not listed."""
        return max(0, len(self.result["defects"]) - MOST_DEFECTS)

    @property
    def measured_in(self) -> str:
        """Note on the units in the table of defects."""
        sizes = f"Depths and sizes are in {self.unit}, areas in {self.unit}²" if self.unit else "The unit is not known"
        return (
            f"{sizes}; places are in the scan's coordinates. Depth: the largest deviation in the defect, from the "
            "surface fitted to this part; local means average the points around each, with part-to-part variation. "
            "Peak: the highest point score, of the limit."
        )

    @property
    def picture_uri(self) -> str:
        return uri(self.picture)

    @property
    def shown(self) -> list[tuple[Line, str]]:
        """Defects with a close-up, and its picture."""
        return [(line, uri(content)) for line, content in zip(self.lines, self.close_ups, strict=False)]

    @property
    def cuts(self) -> list[tuple[str, str]]:
        """Sections by name, with their pictures."""
        return [(name, uri(content)) for name, content in self.sections]

    @property
    def bars(self) -> list[float]:
        """Histogram heights, 0..1, on a square-root scale: defects are few points among many."""
        heights = np.sqrt(np.array(self.histogram, float))
        return [float(height) for height in heights / max(float(heights.max()), 1.0)]


@dataclass
class Report:
    """model: the run directory; operator, part, lot: empty if not given.

    unit: the user's name of the scan unit; a model's own unit takes precedence. logo: PNG or JPEG, or empty.
    """

    model: str
    method: str
    operator: str = ""
    part: str = ""
    lot: str = ""
    unit: str = ""
    logo: bytes = b""
    made: datetime = field(default_factory=lambda: datetime.now().astimezone())
    sheets: list[Sheet] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        outcome: Inspected | Refused,
        review: Review | None = None,
        band: Tolerance | None = None,
        notes: Sequence[str] = (),
        sections: Sequence[DrawnSection] = (),
        known: Patch | None = None,
    ) -> None:
        """Add a scan, or a file that could not be inspected.

        review: the operator's, if any. band: the deviations that are green, in the unit of the
        report; by default the model's tolerance, or the default band. notes: additional remarks.
        sections: to be drawn. known: the scan's surface, if it has been meshed already.
        """
        if isinstance(outcome, Refused):
            self.errors.append(outcome.to_json())
            return
        found, scan = outcome.detection, outcome.scan
        unit = self.unit if found.unit == UNKNOWN else symbol(found.unit)
        factor = 1.0 if found.unit == UNKNOWN else found.to_unit
        scale = _scale(scan, found, factor, band)
        scores = found.point_scores[np.isfinite(found.point_scores)]
        top = 2 * found.point_threshold if found.point_threshold > 0 else 1.0
        histogram = np.histogram(np.minimum(scores, top), bins=N_BINS, range=(0, top))[0]
        said = review or Review()
        result = outcome.to_json()
        if said.verdict is not None:
            result |= {"verdict": said.verdict, "uncertain": False}
        drawn, near = DrawnScan(scan, found, known), found.defects[:MOST_CLOSE_UPS]
        self.sheets.append(
            Sheet(
                result,
                picture_for_paper(drawn, found, scale, factor, unit),
                tuple(int(count) for count in histogram),
                defect_lines(found, factor, unit)[:MOST_DEFECTS],
                tuple(close_up(drawn, found, defect, scale, factor, unit) for defect in near),
                tuple((one.name, _drawn(one, found, scale, factor, unit)) for one in sections),
                said.of_model(found.verdict),
                unit,
                (*measured_words(found, factor, unit), *notes),
            )
        )

    @property
    def pages(self) -> list[Sheet]:
        """The sheets in reading order: NG first, then uncertain."""
        return sorted(self.sheets, key=lambda sheet: ORDER.index(sheet.verdict))

    @property
    def counts(self) -> dict[str, int]:
        """Number of scans by verdict, and of unreadable ones."""
        words = [sheet.word for sheet in self.sheets]
        found = {word: words.count(word) for word in VERDICT_WORDS.values()}
        return found | {"Not inspected": len(self.errors)}

    @property
    def facts(self) -> dict[str, str]:
        """Header lines by title, without empty ones."""
        units = sorted({sheet.unit for sheet in self.sheets if sheet.unit})
        overruled = sum(sheet.review.overrules for sheet in self.sheets)
        known = {
            "Inspected": f"{self.made:%d %B %Y, %H:%M %Z}",
            "Operator": self.operator,
            "Part": self.part,
            "Lot": self.lot,
            "Model": f"{Path(self.model).name} ({METHOD_NAMES.get(self.method, self.method)})",
            "Unit": ", ".join(NAMES.get(unit, unit) for unit in units),  # type: ignore[call-overload]
            "Overridden by operators": str(overruled) if overruled else "",
        }
        return {title: value for title, value in known.items() if value}

    @property
    def logo_uri(self) -> str:
        return uri(self.logo) if self.logo else ""


def read_logo(path: Path | None) -> bytes:
    """Read the logo; empty if none is given. Raises CannotWrite."""
    if path is None:
        return b""
    try:
        content = path.read_bytes() if path.stat().st_size <= MOST_LOGO_BYTES else b""
    except OSError as error:
        raise CannotWrite(path, f"the logo cannot be read: {error.strerror or error}", "choose another") from error
    if not any(content.startswith(head) for head in LOGOS):
        raise CannotWrite(path, "the logo is not a PNG or JPEG of at most 2 MB", "choose another")
    return content


def uri(picture: bytes) -> str:
    """A picture as a data URI."""
    kind = next((kind for head, kind in LOGOS.items() if picture.startswith(head)), "png")
    return f"data:image/{kind};base64," + base64.b64encode(picture).decode()


def _drawn(section: DrawnSection, found: Detection, scale: DeviationScale | None, factor: float, unit: str) -> bytes:
    if scale is None or found.deviation is None:
        colours = calibrated(found.point_threshold).colours(found.point_scores[section.rows])
    else:
        colours = scale.colours(found.deviation[section.rows])
    return section_picture(section.outline, colours, section.expected, factor, unit)


def _scale(scan: Scan, found: Detection, factor: float, band: Tolerance | None) -> DeviationScale | None:
    """The window's deviation scale, in the scan's own unit; None without a deviation."""
    if found.deviation is None:
        return None
    radius = factor * middle_and_radius(scan.points[scan.finite])[1]
    green = band or found.tolerance or default_band(radius)
    return DeviationScale(green, default_far(radius)).times(1.0 / factor)
