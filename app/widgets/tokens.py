"""Design tokens: the colours of the light and dark themes, and the text size."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Every colour of the window, as #rrggbb. text_pt: size of ordinary text, to which all other text is relative."""

    name: str
    window: str
    panel: str
    raised: str
    line: str
    ink: str
    quiet: str
    faint: str
    accent: str
    on_accent: str
    chosen: str
    ok: str
    ng: str
    uncertain: str
    view_bottom: str
    view_top: str
    view_ink: str
    view_accent: str
    view_warning: str
    text_pt: float = 10.0


LIGHT = Theme(
    "light", window="#eceff3", panel="#ffffff", raised="#f4f6f9", line="#d5dbe3", ink="#1a2029", quiet="#566172",
    faint="#737d8c", accent="#1f63d6", on_accent="#ffffff", chosen="#dce8fc", ok="#0b7a75", ng="#c2410c",
    uncertain="#8a6100", view_bottom="#2b313b", view_top="#475062", view_ink="#e8ecf2", view_accent="#7cc4ff",
    view_warning="#ff9d6e",
)  # fmt: skip
DARK = Theme(
    "dark", window="#14171c", panel="#1c2027", raised="#252a33", line="#333a45", ink="#e7eaef", quiet="#a3adbb",
    faint="#8591a1", accent="#5c9dff", on_accent="#0b1220", chosen="#223655", ok="#3fc1b4", ng="#ff8a5c",
    uncertain="#e5b84b", view_bottom="#171a20", view_top="#2c323d", view_ink="#e8ecf2", view_accent="#7cc4ff",
    view_warning="#ff9d6e",
)  # fmt: skip
