"""Columns of a terminal: a Chinese character takes two cells, so names are measured before they are padded."""

from __future__ import annotations

from unicodedata import combining, east_asian_width


def cells(text: object) -> int:
    """Return how many cells of a terminal a text takes: two for a wide sign, none for one laid over another."""
    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in str(text))


def padded(text: object, width: int) -> str:
    """Return a text followed by as many spaces as it needs to take ``width`` cells; a longer one stays whole."""
    return f"{text}{' ' * max(width - cells(text), 0)}"
