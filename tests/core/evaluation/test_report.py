"""Reports say what was found, as HTML and as PDF, and take no file name for markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from roundness import RoundnessDetector, ball

from sedir_core.errors import CannotWrite, UnreadableScan
from sedir_core.evaluation.inspection import Inspected, Refused
from sedir_core.evaluation.report import MOST_DEFECTS, N_BINS, Report
from sedir_core.evaluation.report_style import place
from sedir_core.types import Scan

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
    looking.feed(report.to_html())
    assert "script" not in looking.tags
    assert looking.tags.count("img") == 2
    for words in ("Ada", "7 <b>", HOSTILE, "ends too early", "NG", "OK"):
        assert words in looking.text
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", report.to_html())


def test_pdf_has_a_page_for_the_summary_and_each_scan(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path / "r.pdf")
    content = (tmp_path / "r.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", content)) == 3


def test_html_is_written_whole(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path / "r.HTML")
    assert (tmp_path / "r.HTML").read_text("utf-8") == report.to_html()


def test_another_ending_is_refused(report: Report, tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match=r"neither .html nor .pdf"):
        report.write(tmp_path / "r.docx")
    assert list(tmp_path.iterdir()) == []


def test_a_thousand_scans_and_defects_stay_readable() -> None:
    one = inspected("a.ply", 0.1)
    found = Report("run", "roundness")
    found.add(one)
    sheet = found.sheets[0]
    sheet.result["defects"][:] = sheet.result["defects"] * 40  # type: ignore[index]
    assert len(sheet.defects) == MOST_DEFECTS
    assert sheet.n_more == 40 - MOST_DEFECTS
    found.sheets *= 60
    assert found.to_html().count("<section") == 60
    from sedir_core.evaluation.report_pdf import to_pdf

    assert to_pdf(found).startswith(b"%PDF")


def test_the_operators_word_counts_and_is_named() -> None:
    found = Report("run", "roundness")
    found.add(inspected("a.ply", 0.1), review="ok")
    assert found.counts["OK"] == 1
    assert found.sheets[0].result["reason"].endswith("set to OK by the operator, the model said NG")


def test_an_empty_report_is_one_too(tmp_path: Path) -> None:
    for name in ("e.html", "e.pdf"):
        Report("run", "sedir").write(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 500


def test_lengths_have_the_digits_that_matter() -> None:
    assert place([123.456, -2, 0.5]) == "123.5, -2.0, 0.5"
    assert place([1.5, 0.25, 0.125]) == "1.50, 0.25, 0.12"
    assert place([0.01234, 0, 0]) == "0.0123, 0.0000, 0.0000"
