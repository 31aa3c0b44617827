"""The category codes of the demo city and their names in both languages."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path


@cache
def category_names() -> dict[str, tuple[str, str]]:
    """Return the Chinese and English name of every code, of all three levels."""
    table = tomllib.loads(Path(__file__).with_name("categories.toml").read_text(encoding="utf-8"))
    return {code: (name["zh"], name["en"]) for level in table.values() for code, name in level.items()}


def first_level(code: str) -> str:
    """Return the first-level code (警情类别) of a code."""
    return code[:2] + "0000"


def forecast_category(code: str) -> str:
    """Return the second-level code (警情类型), the level forecasts are asked for."""
    return code[:4] + "00"
