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

#: Expected count, low to high; lightness falls steadily (L* 94, 84, 69, 46, 29).
RISK = ("#fdeccd", "#fbc877", "#ee9440", "#b84d14", "#7a2a10")
#: How opaque things are drawn, of 255: ranked places (their number is still read), the surface under them, badges.
RANKED_ALPHA, SURFACE_ALPHA, BADGE_ALPHA = 240, 150, 235
#: Up to eight series; Okabe and Ito 2008, darkened where needed for 3:1 on white.
SERIES = ("#1c5d99", "#c4561b", "#2c8a6b", "#9c5a92", "#8a6d00", "#3a8fb7", "#7a2a10", "#55677a")

#: Committed share, from idle over the target to twice the target.
SHARE = ("#cfe3ee", "#f7f7f4", "#f3b877", "#d9772f")
#: Lines of a chart behind what it shows.
GRID, AXIS = "#e6ebf0", "#b9c5d1"

#: The ground of a map, for orientation only: pale, so that what it carries stands out.
STREET = "#c9d1da"
MAIN_STREET = "#aab6c3"
RIVER = "#b9d6ec"
PARK = "#d9ead3"
#: Boundaries of the areas people work by, and how opaque they are drawn, of 255.
BEAT_LINE, BEAT_LINE_ALPHA = "#5b7083", 200


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb``, 0 black to 1 white (WCAG 2.2)."""
    parts = [value / 255 for value in rgb(colour)[:3]]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def text_on(fill: str) -> str:
    """Return the colour of text that is read best on a fill: ink or paper."""
    return max((INK, PAPER), key=lambda colour: contrast(colour, fill))


def rgb(colour: str, alpha: int = 255) -> list[int]:
    """Return ``#rrggbb`` as the four numbers deck.gl takes."""
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)] + [alpha]


def on_paper(colour: str, alpha: int) -> str:
    """Return the colour a fill with this opacity (of 255) has on white paper, as ``#rrggbb``."""
    return "#" + "".join(f"{round(255 + (part - 255) * alpha / 255):02x}" for part in rgb(colour)[:3])


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
