"""Which channels of evidence come from the network; all others compare with the normal surface."""

from __future__ import annotations

from sedir_core.evidence.implicit_fields import IMPLICIT

TOKEN = "token"
NETWORK = (TOKEN, *IMPLICIT)
