"""The table of suggested actions: which kind of action suits a category, as data a force can replace."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.errors import SchemaError
from data.schemas.advice import ACTIONS

BUILT_IN = Path(__file__).with_name("actions.toml")
#: Local hours in which the busiest block of a place begins for it to count as a matter of the night.
NIGHT_HOURS = (19, 20, 21, 22, 23, 0, 1, 2, 3)


@dataclass(frozen=True)
class ActionTable:
    """Actions by category code and by words that occur in the category.

    Attributes
    ----------
    codes
        Code to action by day and at night.
    words
        Words and their action, in order; the first row with a word that occurs wins.
    """

    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    words: tuple[tuple[tuple[str, ...], str], ...] = ()

    def find(self, category: str, peak_hour: int | None = None) -> str | None:
        """Return the action for a category whose busiest four hours begin at ``peak_hour``; None without a rule."""
        stems = sorted(((code.rstrip("0"), code) for code in self.codes), key=lambda pair: (-len(pair[0]), pair[1]))
        listed = category if category in self.codes else None
        if listed is None:
            listed = next((code for stem, code in stems if stem and _below(category, stem, code)), None)
        if listed is not None:
            return self.codes[listed][peak_hour in NIGHT_HOURS]
        return next((action for words, action in self.words if any(w in category.lower() for w in words)), None)


def load_actions(path: Path = BUILT_IN) -> ActionTable:
    """Read a table of actions.

    Raises
    ------
    SchemaError
        If an action is not one of ``data.schemas.advice.ACTIONS``.
    """
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    codes = {code: (row["action"], row.get("night", row["action"])) for code, row in table.get("codes", {}).items()}
    words = tuple((tuple(row["words"]), row["action"]) for row in table.get("words", []))
    named = {action for pair in codes.values() for action in pair} | {action for _, action in words}
    unknown = sorted(named - set(ACTIONS))
    if unknown:
        raise SchemaError(f"unknown actions {', '.join(unknown)}; known are {', '.join(ACTIONS)}.", where=str(path))
    return ActionTable(codes, words)


def _below(category: str, stem: str, code: str) -> bool:
    """Say whether a code lies below a listed one: same length, same stem, digits only."""
    return category.isdigit() and len(category) == len(code) and category.startswith(stem)
