"""The window of SeDiR Inspect."""

from app.immortal_none import make_none_immortal

make_none_immortal()
