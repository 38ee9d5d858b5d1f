"""Reports say what was found, as HTML and as PDF, and take no file name for markup."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from measured_ball import MeasuringDetector
from roundness import RoundnessDetector, ball

from sedir_core.errors import CannotWrite, UnreadableScan
from sedir_core.evaluation.inspection import Inspected, Refused
from sedir_core.evaluation.report import MOST_CLOSE_UPS, MOST_DEFECTS, N_BINS, Report, read_logo
from sedir_core.evaluation.report_file import save_report, to_html
from sedir_core.evaluation.report_style import Review, place
from sedir_core.types import Scan, Tolerance

HOSTILE = "<script>alert(1)<b>&amp;.ply"


class Looking(HTMLParser):
    """Collects tags and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def inspected(name: str, dent: float) -> Inspected:
    points = ball(dent=dent, seed=1)
    points[3] = np.nan
    scan = Scan(points, name)
    return Inspected(Path("line") / name, scan, RoundnessDetector().detect(scan), {"read": 0.1, "total": 0.2})


@pytest.fixture(scope="module")
def report() -> Report:
    found = Report("runs/mine", "roundness", operator="Ada", lot="7 <b>")
    found.add(inspected("good.ply", 0.0))
    found.add(inspected(HOSTILE, 0.1))
    found.add(Refused(Path("torn.ply"), UnreadableScan("torn.ply", "ends too early", "scan again")))
    return found


def test_it_counts_the_verdicts(report: Report) -> None:
    assert report.counts == {"OK": 1, "NG": 1, "Uncertain": 0, "Not inspected": 1}
    assert report.facts["Operator"] == "Ada"
    assert "Part" not in report.facts


def test_a_sheet_shows_how_the_scores_lie(report: Report) -> None:
    good, bad = report.sheets
    assert len(good.histogram) == N_BINS
    assert sum(good.histogram) == len(ball(seed=1)) - 1  # a point that was not measured has no score
    assert sum(good.histogram[N_BINS // 2 :]) == 0 < sum(bad.histogram[N_BINS // 2 :])
    assert max(bad.bars) == 1.0


def test_html_holds_everything_and_runs_nothing(report: Report) -> None:
    looking = Looking()
    looking.feed(to_html(report))
    assert "script" not in looking.tags
    assert looking.tags.count("img") == 3  # the overview of either scan, and the defect from near by
    for words in ("Ada", "7 <b>", HOSTILE, "ends too early", "NG", "OK"):
        assert words in looking.text
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", to_html(report))


def test_pdf_has_a_page_for_the_summary_and_each_scan(report: Report, tmp_path: Path) -> None:
    save_report(report, tmp_path / "r.pdf")
    content = (tmp_path / "r.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", content)) == 3


def test_html_is_written_whole(report: Report, tmp_path: Path) -> None:
    save_report(report, tmp_path / "r.HTML")
    assert (tmp_path / "r.HTML").read_text("utf-8") == to_html(report)


def test_another_ending_is_refused(report: Report, tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match=r"neither .html nor .pdf"):
        save_report(report, tmp_path / "r.docx")
    assert list(tmp_path.iterdir()) == []


def test_a_thousand_scans_and_defects_stay_readable() -> None:
    one = inspected("a.ply", 0.1)
    found = Report("run", "roundness")
    found.add(one)
    sheet = found.sheets[0]
    sheet.result["defects"][:] = sheet.result["defects"] * 40  # type: ignore[index]
    assert sheet.n_more == 40 - MOST_DEFECTS
    found.sheets *= 60
    assert to_html(found).count("<section") == 60
    from sedir_core.evaluation.report_pdf import to_pdf

    assert to_pdf(found).startswith(b"%PDF")


def test_the_operators_word_counts_and_is_named() -> None:
    found = Report("run", "roundness")
    found.add(inspected("a.ply", 0.1), Review("ok", "Ada", "a stain"))
    assert found.counts["OK"] == 1
    assert found.sheets[0].review.words == "Set to OK by Ada, the model said NG: “a stain”"
    assert found.facts["Overridden by operators"] == "1"
    text = to_html(found)
    assert "OK*" in text and "Set to OK by Ada, the model said NG: “a stain”" in text


def test_a_word_that_agrees_is_no_overruling() -> None:
    found = Report("run", "roundness")
    found.add(inspected("a.ply", 0.1), Review("ng", "Ada"))
    found.add(inspected("b.ply", 0.0), Review(None, "Bo", "dusty"))
    assert [sheet.review.words for sheet in found.sheets] == ["NG confirmed by Ada", "Comment by Bo: “dusty”"]
    assert not any(sheet.review.overrules for sheet in found.sheets)
    assert "Overridden by operators" not in found.facts


def test_ng_comes_first(report: Report) -> None:
    assert [sheet.word for sheet in report.sheets] == ["OK", "NG"]
    assert [sheet.word for sheet in report.pages] == ["NG", "OK"]
    text = to_html(report)
    assert text.index("<h2>&lt;script&gt;") < text.index("<h2>good.ply")


def measured(tolerance: str = "") -> Report:
    """A ball of one metre with a dent, inspected in millimetres."""
    scan = Scan(ball(dent=0.05, seed=1), "a.ply")
    detector = MeasuringDetector(limit=0.02, tolerance=tolerance)
    plain = RoundnessDetector().detect(scan)
    found = replace(detector.detect(scan), defects=plain.defects)
    made = Report("run", "roundness", lot="7")
    made.add(Inspected(Path("a.ply"), scan, found, {"total": 0.2}))
    return made


def test_lengths_are_in_the_models_unit() -> None:
    made = measured()
    sheet = made.sheets[0]
    assert (sheet.unit, made.facts["Unit"]) == ("mm", "millimetres")
    assert sheet.notes == ("Local mean deviation −50.0 to +0.0 mm; no tolerance was set.",)
    assert sheet.lines[0].area == f"{sheet.result['defects'][0]['area']:,.0f}"


def test_the_tolerance_is_said_with_what_it_decides() -> None:
    assert measured("10").sheets[0].notes[0].endswith("out of the tolerance of −10 to +10 mm.")
    assert "within the tolerance" in measured("900").sheets[0].notes[0]


def test_what_people_call_the_unit_stands_where_the_model_knows_none() -> None:
    found = Report("run", "roundness", unit="furlong")
    found.add(inspected("a.ply", 0.1))
    line = found.sheets[0].lines[0]
    assert "furlong²" in line.sentence
    assert float(line.area) == pytest.approx(found.sheets[0].result["defects"][0]["area"], rel=0.01)


def test_a_band_that_was_set_colours_the_deviation() -> None:
    scan = Scan(ball(dent=0.05, seed=1), "a.ply")
    one = Inspected(Path("a.ply"), scan, MeasuringDetector().detect(scan), {"total": 0.2})
    narrow, wide = Report("run", "x"), Report("run", "x")
    narrow.add(one, band=Tolerance(-1, 1))
    wide.add(one, band=Tolerance(-900, 900))
    assert narrow.sheets[0].picture != wide.sheets[0].picture


def test_only_the_first_defects_are_shown_from_near_by() -> None:
    scan = Scan(ball(dent=0.1, seed=1), "a.ply")
    found = RoundnessDetector().detect(scan)
    made = Report("run", "roundness")
    many = replace(found, defects=found.defects[:1] * (MOST_CLOSE_UPS + 3))
    made.add(Inspected(Path("a.ply"), scan, many, {"total": 0.2}))
    assert len(made.sheets[0].close_ups) == MOST_CLOSE_UPS
    assert len(made.sheets[0].lines) == MOST_CLOSE_UPS + 3
    assert all(picture.startswith(b"\x89PNG") for picture in made.sheets[0].close_ups)


def test_a_logo_stands_at_the_head_of_both_kinds(tmp_path: Path) -> None:
    import matplotlib.image

    matplotlib.image.imsave(tmp_path / "logo.png", np.zeros((4, 9, 3)))
    made = Report("run", "sedir", logo=read_logo(tmp_path / "logo.png"))
    assert 'alt="Logo" src="data:image/png;base64,' in to_html(made)
    save_report(made, tmp_path / "r.pdf")
    assert b"/Subtype /Image" in (tmp_path / "r.pdf").read_bytes()


def test_a_logo_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"<svg onload='alert(1)'>")
    with pytest.raises(CannotWrite, match="not a PNG or JPEG"):
        read_logo(tmp_path / "logo.png")
    with pytest.raises(CannotWrite, match="cannot be read"):
        read_logo(tmp_path / "gone.png")
    assert read_logo(None) == b""


def test_a_report_has_lines_to_sign_on() -> None:
    assert ">Signature<" in to_html(Report("run", "sedir"))


def test_an_empty_report_is_one_too(tmp_path: Path) -> None:
    for name in ("e.html", "e.pdf"):
        save_report(Report("run", "sedir"), tmp_path / name)
        assert (tmp_path / name).stat().st_size > 500


def test_lengths_have_the_digits_that_matter() -> None:
    assert place([123.456, -2, 0.5]) == "123.5, -2.0, 0.5"
    assert place([1.5, 0.25, 0.125]) == "1.50, 0.25, 0.12"
    assert place([0.01234, 0, 0]) == "0.0123, 0.0000, 0.0000"
