"""Signs of a text that do not show, or turn what stands beside them: two texts could look the same and not be."""

from __future__ import annotations

import unicodedata

#: Controls, marks of writing direction and joiners, halves of a pair (no database takes them), line and paragraph
#: separators.
_KINDS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def hidden_signs(text: str, allowed: str = "") -> bool:
    """Return whether a text holds such a sign other than the allowed ones."""
    return any(unicodedata.category(sign) in _KINDS and sign not in allowed for sign in text)
