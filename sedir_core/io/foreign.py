"""Recognises texts of other formats that hold rows of numbers, so that they are refused for what they are.

Read as tables they would lose points, or mix triangles with points.
"""

from __future__ import annotations

import re

AS_SCAN = "export the points as PLY, or as rows of x y z"
_FORMATS: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern), f"is in {name} format, which is not read")
    for pattern, name in (
        (rb"\s*# vtk DataFile", "VTK"),
        (rb"\s*#(VRML|X3D) ", "VRML"),
        (rb"\s*<\?xml|\s*<(VTKFile|COLLADA|X3D|amf|svg|LandXML)\b", "an XML"),
        (rb"(?i)\s*<(!doctype|html|table)\b", "HTML"),
        (rb"\s*0\s*[\r\n]+\s*SECTION\b", "DXF"),
        (rb"[^\r\n]{72}S {0,6}\d{1,7}\s*[\r\n]", "IGES"),
        (rb"\s*(\{\s*\"\w+\"\s*:\s*[\[{\"]|\[\s*\{)", "JSON"),
    )
)


def foreign_format(head: bytes) -> tuple[str, str] | None:
    """What a text with that beginning is instead, and the way out, for a message; None if it may be a table."""
    said = next((said for pattern, said in _FORMATS if pattern.match(head)), None)
    return None if said is None else (said, AS_SCAN)
