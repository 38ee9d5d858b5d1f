"""A report as one file: HTML by a template, PDF by a layout of its own."""

from __future__ import annotations

from pathlib import Path

from sedir_core.errors import CannotWrite
from sedir_core.evaluation.report import Report
from sedir_core.io.atomic import write_bytes, write_text
from sedir_core.names import printable

FORMATS = (".html", ".pdf")


def check_format(path: Path) -> None:
    """Raises CannotWrite for an unsupported suffix."""
    if path.suffix.lower() not in FORMATS:
        raise CannotWrite(path, "is neither .html nor .pdf", "give the report one of these endings")


def save_report(report: Report, path: Path) -> None:
    """Write HTML or PDF, by the suffix. Raises CannotWrite."""
    check_format(path)
    if path.suffix.lower() == ".html":
        write_text(path, to_html(report))
    else:
        from sedir_core.evaluation.report_pdf import to_pdf

        write_bytes(path, to_pdf(report))


def to_html(report: Report) -> str:
    """A self-contained HTML file; file names are escaped."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if isinstance(value, str) else value,
    )
    template = Path(__file__).with_name("report.html").read_text("utf-8")
    return environment.from_string(template).render(report=report)
