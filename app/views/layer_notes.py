"""Notes in the captions of the two views: what a colour means, and why a requested layer is not visible."""

from __future__ import annotations

from app.state.entries import Beside, Entry
from app.views.layers import Layer, Wanted, deviation_of


def what_is_blue(entry: Entry | None, wanted: Wanted) -> str:
    """Explains the blue on the expected surface."""
    if wanted.layer is not Layer.DEVIATION or wanted.beside is Beside.SCAN or entry is None:
        return ""
    surface = entry.surfaces.get(entry.shown_as(wanted.beside))
    return "blue is missing" if surface is not None and surface.gone.any() else ""


def why_empty(entry: Entry | None, wanted: Wanted) -> str:
    """Why there is nothing beside a scan yet."""
    if entry is None or entry.scan is None or entry.raw is not None or wanted.beside is Beside.SCAN:
        return ""
    return "after the inspection"


def why_missing(entry: Entry | None, wanted: Wanted) -> str:
    """Why the requested layer is not visible."""
    if entry is None or entry.scan is None:
        return ""
    if wanted.layer is Layer.TRUTH and entry.scan.labels is None:
        return " · none is known"
    if wanted.layer is Layer.DEVIATION and entry.raw is not None and deviation_of(entry, wanted.rigid) is None:
        return " · not measured by this model"
    return ""
