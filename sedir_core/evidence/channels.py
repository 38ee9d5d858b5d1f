"""Which channels of evidence the network says; all others come from the comparison with the normal surface."""

from __future__ import annotations

from sedir_core.evidence.implicit_fields import IMPLICIT

TOKEN = "token"
NETWORK = (TOKEN, *IMPLICIT)
