"""Colours and fonts: one hue from light to dark for risk, readable in grey and to colour-blind eyes."""

from __future__ import annotations

#: Fonts of the reader's machine, with a Chinese one in every case.
FONTS = (
    "'Noto Sans', 'Segoe UI', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Source Han Sans SC', sans-serif"
)

INK = "#1b2733"
QUIET = "#55677a"
LINE = "#d5dde6"
PRIMARY = "#1c5d99"
ACCENT = "#b45309"
GOOD = "#2c6e63"
PAPER = "#ffffff"
WASH = "#f3f6f9"

#: Expected count, low to high; lightness falls steadily (L* 93, 82, 67, 49, 31).
RISK = ("#fdeccd", "#fbc877", "#ee9440", "#c4561b", "#7a2a10")
#: Up to eight series; Okabe and Ito 2008, darkened where needed for 3:1 on white.
SERIES = ("#1c5d99", "#c4561b", "#2c8a6b", "#9c5a92", "#8a6d00", "#3a8fb7", "#7a2a10", "#55677a")

STREET = "#c9d1da"
MAIN_STREET = "#aab6c3"
RIVER = "#b9d6ec"
PARK = "#d9ead3"
BEAT_LINE = "#5b7083"


def rgb(colour: str, alpha: int = 255) -> list[int]:
    """Return ``#rrggbb`` as the four numbers deck.gl takes."""
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)] + [alpha]


def steps(values: list[float], count: int = len(RISK)) -> list[float]:
    """Return the upper edges of up to ``count`` classes: equal numbers of places below, the top class for the highest.

    Parameters
    ----------
    values
        Expected counts of the places to be drawn, any order.
    """
    if not values:
        return []
    ordered = sorted(values)
    # Risk is very uneven: equal shares of places per class would paint most of the city dark.
    cuts = (0.5, 0.75, 0.9, 0.97)[: count - 1]
    found = [ordered[min(len(ordered) - 1, int(cut * len(ordered)))] for cut in cuts] + [ordered[-1]]
    return sorted(set(found))


def even_steps(values: list[float], count: int = len(RISK)) -> list[float]:
    """Return the upper edges of up to ``count`` classes with equal numbers of values: for areas, which differ less."""
    ordered = sorted(values)
    return sorted({ordered[min(len(ordered) - 1, len(ordered) * k // count)] for k in range(1, count + 1)})


def class_of(value: float, edges: list[float]) -> int:
    """Return the class (0 = lowest) of a value."""
    return next((i for i, edge in enumerate(edges) if value <= edge), len(edges) - 1)
