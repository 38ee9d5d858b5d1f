"""The report as PDF: a summary, then one A4 page per scan, in a font with more than Latin letters."""

from __future__ import annotations

import io
from pathlib import Path
from xml.sax.saxutils import escape

import matplotlib as mpl
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, KeepTogether, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table

from sedir_core.evaluation.report import Report, Sheet
from sedir_core.names import printable
from sedir_core.units import unbroken

MARGIN = 16 * mm
WIDTH = A4[0] - 2 * MARGIN
FONT, BOLD = "DejaVuSans", "DejaVuSans-Bold"
INK, QUIET, LINE, BAR = HexColor("#1a2230"), HexColor("#5b6675"), HexColor("#d8dee6"), HexColor("#8aa4c8")
VERDICTS = {"OK": HexColor("#0f7b6c"), "NG": HexColor("#c2410c"), "Uncertain": HexColor("#9a6700")}
PICTURE_RATIO = 0.55  # aspect ratio (height to width) of `picture_for_paper`
HISTOGRAM_HEIGHT = 14 * mm
FRAME_PADDING = 6  # padding added by the library inside the margins


NEAR_A_ROW, SECTIONS_A_ROW = 3, 2
SECTION_RATIO = 2.6 / 3.4  # aspect ratio (height to width) of `section_picture`
LOGO = 60 * mm, 18 * mm
HEAD = [
    ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
    ("ALIGN", (1, 0), (1, 0), "RIGHT"),
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 0),
]


def to_pdf(report: Report) -> bytes:
    """The report as PDF bytes."""
    _register_fonts()
    content = io.BytesIO()
    document = SimpleDocTemplate(
        content,
        pagesize=A4,
        leftMargin=MARGIN - FRAME_PADDING,
        rightMargin=MARGIN - FRAME_PADDING,
        topMargin=MARGIN,
        bottomMargin=20 * mm,
        title="Inspection report",
        author="SeDiR Inspect",
    )
    story: list[Flowable] = _summary(report)
    for number, sheet in enumerate(report.pages, 1):
        story += [PageBreak(), *_page(number, sheet)]
    footer = f"SeDiR Inspect · {report.made:%Y-%m-%d %H:%M} · {printable(Path(report.model).name)}"
    document.build(story, canvasmaker=lambda *args, **kwargs: _Numbered(footer, *args, **kwargs))
    return content.getvalue()


def _register_fonts() -> None:
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name in (FONT, BOLD):
        registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


def _style(size: float, colour: Color = INK, bold: bool = False, right: bool = False) -> ParagraphStyle:
    return ParagraphStyle(
        f"{size}{colour}{bold}{right}",
        fontName=BOLD if bold else FONT,
        fontSize=size,
        leading=1.35 * size,
        textColor=colour,
        alignment=TA_RIGHT if right else 0,
        splitLongWords=True,
    )


SMALL = _style(7.5, QUIET)


def _text(words: object, style: ParagraphStyle) -> Paragraph:
    """Escape text such as file names."""
    return Paragraph(escape(printable(words)), style)


def _summary(report: Report) -> list[Flowable]:
    facts = [[_text(title, _style(8, QUIET)), _text(value, _style(9))] for title, value in report.facts.items()]
    counts = [
        [_text(count, _style(17, VERDICTS.get(word, INK), bold=True)) for word, count in report.counts.items()],
        [_text(word, _style(8, QUIET)) for word in report.counts],
    ]
    story: list[Flowable] = [
        Table(
            [[_text("Inspection report", _style(19, bold=True)), _logo(report)]], [0.6 * WIDTH, 0.4 * WIDTH], style=HEAD
        ),
        Spacer(0, 5 * mm),
        Table(facts, colWidths=[36 * mm, WIDTH - 36 * mm], style=_tight()),
        Spacer(0, 5 * mm),
        Table(counts, colWidths=[WIDTH / 4] * 4, style=[("BOX", (i, 0), (i, 1), 0.6, LINE) for i in range(4)]),
        Spacer(0, 6 * mm),
    ]
    if report.sheets:
        rows = [_header("Verdict", "Of the limit", "Part", "Strongest defect", "Scan")]
        for sheet in report.pages:
            word = sheet.word + ("*" if sheet.review.overrules else "")
            verdict = _text(word, _style(8.5, VERDICTS[sheet.word], bold=True))
            cells = (sheet.share, sheet.result["category"], sheet.strongest or "–", sheet.name)
            rows.append([verdict, *(_text(cell, _style(8.5)) for cell in cells)])
        widths = [20 * mm, 22 * mm, 28 * mm, 0.6 * (WIDTH - 70 * mm), 0.4 * (WIDTH - 70 * mm)]
        story.append(Table(rows, colWidths=widths, repeatRows=1, style=_ruled()))
        if any(sheet.review.overrules for sheet in report.sheets):
            note = "* set by an operator against the model's verdict; see the scan's page for who and why."
            story += [Spacer(0, 1.5 * mm), _text(note, _style(7.5, QUIET))]
    if report.errors:
        rows = [_header("Not inspected", "Why")]
        rows += [[_text(e["path"], _style(8)), _text(e["message"], _style(8))] for e in report.errors]
        story += [Spacer(0, 6 * mm), Table(rows, colWidths=[0.4 * WIDTH, 0.6 * WIDTH], repeatRows=1, style=_ruled())]
    return [*story, _signature()]


def _logo(report: Report) -> Flowable:
    """As large as fits, on the right; unreadable pictures have been rejected before."""
    if not report.logo:
        return Spacer(0, 0)
    return Image(io.BytesIO(report.logo), hAlign="RIGHT", kind="proportional", width=LOGO[0], height=LOGO[1])


def _signature() -> Flowable:
    """Signature lines, kept together with their labels."""
    names = [_text(words, _style(7.5, QUIET)) for words in ("Name", "", "Date", "", "Signature")]
    gap = 8 * mm
    rest = WIDTH - 2 * gap
    lines = [("LINEABOVE", (at, 0), (at, 0), 0.6, INK) for at in (0, 2, 4)]
    widths = [0.4 * rest, gap, 0.2 * rest, gap, 0.4 * rest]
    return KeepTogether([Spacer(0, 22 * mm), Table([names], colWidths=widths, style=[*_tight(), *lines])])


def _page(number: int, sheet: Sheet) -> list[Flowable]:
    result = sheet.result
    said = (
        f"{sheet.of_limit} (score {result['score'] or 0:.3g}, limit {result['threshold'] or 0:.3g})   ·   "
        f"{result['category']}, {100 * (result['category_confidence'] or 0):.0f} % sure   ·   "
        f"{result['n_points']:,} points"
    )
    story: list[Flowable] = [
        _text(sheet.word, _style(17, VERDICTS[sheet.word], bold=True)),
        _text(f"{number}   {sheet.name}", _style(12, bold=True)),
        Spacer(0, 1.5 * mm),
        _text(said, _style(9)),
        _text(sheet.reason, _style(9, QUIET)),
        *(_text(note, _style(9, QUIET)) for note in sheet.notes),
    ]
    if sheet.review.words:
        marked = [("LINEBEFORE", (0, 0), (0, 0), 3, VERDICTS["Uncertain"]), ("LEFTPADDING", (0, 0), (0, 0), 8)]
        row = [[_text(sheet.review.words, _style(9.5, bold=True))]]
        story += [Spacer(0, 2 * mm), Table(row, colWidths=[WIDTH], style=[*_tight(), *marked])]
    story += [
        Spacer(0, 3 * mm),
        Image(io.BytesIO(sheet.picture), width=WIDTH, height=PICTURE_RATIO * WIDTH, kind="proportional"),
        *_close_ups(sheet),
        *_sections(sheet),
        *_defects(sheet),
        KeepTogether(
            [
                Spacer(0, 4 * mm),
                _Histogram(sheet),
                Spacer(0, 1.5 * mm),
                _text("Scores of the points, from 0 to twice the limit and above; the line is the limit.", SMALL),
            ]
        ),
    ]
    return story


def _close_ups(sheet: Sheet) -> list[Flowable]:
    """Pictures side by side with captions."""
    width = WIDTH / NEAR_A_ROW
    cells: list[list[Flowable]] = [
        [
            Image(io.BytesIO(picture), width=width - 4 * mm, height=width - 4 * mm, hAlign="LEFT"),
            Paragraph(escape(unbroken(f"{at}   {printable(line.sentence)}")), _style(8)),
        ]
        for at, (line, picture) in enumerate(zip(sheet.lines, sheet.close_ups, strict=False), 1)
    ]
    if not cells:
        return []
    cells += [[]] * (-len(cells) % NEAR_A_ROW)
    rows = [cells[at : at + NEAR_A_ROW] for at in range(0, len(cells), NEAR_A_ROW)]
    return [Spacer(0, 3 * mm), Table(rows, colWidths=[width] * NEAR_A_ROW, style=_tight())]


def _sections(sheet: Sheet) -> list[Flowable]:
    """Sections side by side with their names."""
    width = WIDTH / SECTIONS_A_ROW
    cells: list[list[Flowable]] = [
        [
            Image(io.BytesIO(picture), width=width - 4 * mm, height=SECTION_RATIO * (width - 4 * mm), hAlign="LEFT"),
            _text(f"Section {name}: deviation in colours, expected in grey", _style(8)),
        ]
        for name, picture in sheet.sections
    ]
    if not cells:
        return []
    cells += [[]] * (-len(cells) % SECTIONS_A_ROW)
    rows = [cells[at : at + SECTIONS_A_ROW] for at in range(0, len(cells), SECTIONS_A_ROW)]
    return [Spacer(0, 3 * mm), Table(rows, colWidths=[width] * SECTIONS_A_ROW, style=_tight())]


def _defects(sheet: Sheet) -> list[Flowable]:
    if not sheet.lines:
        return []
    rows = [_header("Defect", "Kind", "Depth", "Area", "Size", "Peak", "Centre")]
    for at, line in enumerate(sheet.lines, 1):
        cells = (at, line.kind, line.depth or "–", line.area, line.size, line.peak, line.place)
        rows.append([_text(cell, _style(8)) for cell in cells])
    widths = [14 * mm, WIDTH - 136 * mm, 18 * mm, 18 * mm, 36 * mm, 16 * mm, 34 * mm]
    note = sheet.measured_in + (f" {sheet.n_more} more defects are not listed." if sheet.n_more else "")
    table = Table(rows, colWidths=widths, repeatRows=1, style=_ruled())
    return [Spacer(0, 4 * mm), KeepTogether([table, _text(note, SMALL)])]


def _header(*titles: str) -> list[Paragraph]:
    return [_text(title, _style(8, QUIET)) for title in titles]


def _tight() -> list[tuple[object, ...]]:
    return [("LEFTPADDING", (0, 0), (-1, -1), 0), ("VALIGN", (0, 0), (-1, -1), "TOP"), *_padding(1.5)]


def _ruled() -> list[tuple[object, ...]]:
    return [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        *_padding(3),
    ]


def _padding(points: float) -> list[tuple[object, ...]]:
    return [(f"{side}PADDING", (0, 0), (-1, -1), points) for side in ("TOP", "BOTTOM")]


class _Histogram(Flowable):  # type: ignore[misc]  # the library has no types
    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self.width, self.height, self._bars = WIDTH, HISTOGRAM_HEIGHT, sheet.bars

    def wrap(self, *available: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        step = self.width / len(self._bars)
        for i, height in enumerate(self._bars):
            self.canv.setFillColor(VERDICTS["NG"] if i >= len(self._bars) / 2 else BAR)
            self.canv.rect(i * step, 0, 0.88 * step, max(height * self.height, 0.2 if height else 0), stroke=0, fill=1)
        self.canv.setStrokeColor(INK)
        self.canv.line(self.width / 2, 0, self.width / 2, self.height)


class _Numbered(Canvas):  # type: ignore[misc]  # the library has no types
    """A canvas that prints "page of pages"."""

    def __init__(self, footer: str, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._footer = footer
        self._pages: list[dict[str, object]] = []

    def showPage(self) -> None:  # noqa: N802
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for number, page in enumerate(self._pages, 1):
            self.__dict__.update(page)
            self.setFont(FONT, 7.5)
            self.setFillColor(QUIET)
            self.drawString(MARGIN, 10 * mm, self._footer)
            self.drawRightString(A4[0] - MARGIN, 10 * mm, f"{number} of {len(self._pages)}")
            super().showPage()
        super().save()
