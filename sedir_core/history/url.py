"""Database URLs, and how to display them."""

from __future__ import annotations

import re

SQLITE = "sqlite:///"
_HIDDEN = r"\1=***"
_SECRET = re.compile(r"\b(password|sslpassword|passfile)=[^&]*", re.IGNORECASE)


def without_password(url: str) -> str:
    """The URL for display, without the password (up to the last @) and without secrets in the options."""
    scheme, separator, rest = url.partition("://")
    if not separator or url.startswith(SQLITE):
        return url
    user, at, place = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{_SECRET.sub(_HIDDEN, place)}"
