"""Contrast as WCAG 2.2 AA asks for it, of the colours pages really use: 4.5:1 for text, 3:1 for lines and marks.

Streets, river and parks of a map are for orientation only and pale on purpose; nothing is told by them alone.
"""

from __future__ import annotations

import re
import tomllib

import pytest

from pages.ui import theme
from tests.conftest import ROOT

TEXT, MARK = 4.5, 3.0
#: Text of a colour of its own, without a background in the same rule, stands on one of these.
PAPERS = ("#ffffff", "#f3f6f9")
SETTINGS = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]
STYLES = (ROOT / "pages" / "ui" / "styles.css").read_text("utf-8")
HEX = r"#[0-9a-f]{6}"


def blend(colour: str, share: float, paper: str = theme.PAPER) -> str:
    """Return a colour drawn with an opacity of ``share`` on paper."""
    mixed = [share * top + (1 - share) * below for top, below in zip(theme.rgb(colour), theme.rgb(paper), strict=True)]
    return "#" + "".join(f"{round(value):02x}" for value in mixed[:3])


def rules() -> list[tuple[str, str, str | None]]:
    """Return selector, text colour and background (None: that of the page) of every rule that colours text."""
    found = []
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", STYLES, flags=re.S)):
        colour = re.search(rf"(?<![-\w])color:\s*({HEX})", body)
        if colour:
            background = re.search(rf"background:\s*({HEX})", body)
            found.append((selector.strip(), colour[1], background[1] if background else None))
    return found


def test_contrast_is_what_the_standard_says() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert theme.text_on("#ffffff") == theme.INK
    assert theme.text_on("#000000") == theme.PAPER


@pytest.mark.parametrize(("selector", "colour", "background"), rules())
def test_text_of_a_style_is_read_on_its_ground(selector: str, colour: str, background: str | None) -> None:
    side = SETTINGS["sidebar"]["backgroundColor"]
    grounds = (background,) if background else (side,) if "stSidebar" in selector else PAPERS
    assert [ground for ground in grounds if theme.contrast(colour, ground) < TEXT] == []


@pytest.mark.parametrize("part", [SETTINGS, SETTINGS["sidebar"]], ids=["page", "sidebar"])
def test_text_and_links_of_the_theme_are_read(part: dict[str, str]) -> None:
    for ground in (part["backgroundColor"], part["secondaryBackgroundColor"]):
        assert theme.contrast(part["textColor"], ground) >= TEXT
        assert theme.contrast(part["linkColor"], ground) >= TEXT
        # What is chosen and what has the focus; the words on a chosen button.
        assert theme.contrast(part["primaryColor"], ground) >= MARK
        # Streamlit draws hints, and a table's head, in 70 % of the text's colour.
        assert theme.contrast(blend(part["textColor"], 0.7, ground), ground) >= TEXT


def test_a_tables_head_is_read_and_no_column_is_pinned() -> None:
    head = SETTINGS["dataframeHeaderBackgroundColor"]
    assert theme.contrast(blend(SETTINGS["textColor"], 0.7, head), head) >= TEXT
    # Streamlit draws the text of a pinned column in 60 %, which is too pale.
    assert theme.contrast(blend(SETTINGS["textColor"], 0.6), theme.PAPER) < TEXT
    pages = [path for path in (ROOT / "pages").rglob("*.py") if "pinned=True" in path.read_text("utf-8")]
    assert pages == []


def test_the_theme_and_the_styles_are_of_one_palette() -> None:
    assert (SETTINGS["textColor"], SETTINGS["primaryColor"]) == (theme.INK, theme.PRIMARY)
    assert (SETTINGS["backgroundColor"], SETTINGS["secondaryBackgroundColor"]) == (theme.PAPER, theme.WASH)


@pytest.mark.parametrize("colour", theme.RISK)
def test_a_rank_is_read_on_its_place(colour: str) -> None:
    for fill in (colour, blend(colour, theme.RANKED_ALPHA / 255)):
        assert theme.contrast(theme.text_on(colour), fill) >= TEXT


def test_classes_of_risk_fall_steadily_and_apart() -> None:
    steps = [theme.contrast(light, dark) for light, dark in zip(theme.RISK, theme.RISK[1:], strict=False)]
    assert [theme.luminance(colour) for colour in theme.RISK] == sorted(map(theme.luminance, theme.RISK), reverse=True)
    assert min(steps) >= 1.3
    # The edge that tells the lightest class from the paper.
    assert theme.contrast(theme.INK, theme.RISK[0]) >= MARK


def test_figures_are_read_in_every_shade_of_the_committed_share() -> None:
    assert [shade for shade in theme.SHARE if theme.contrast(theme.INK, shade) < TEXT] == []


@pytest.mark.parametrize(
    "colour",
    [*theme.SERIES, theme.PRIMARY, theme.ACCENT, theme.GOOD, blend(theme.BEAT_LINE, theme.BEAT_LINE_ALPHA / 255)],
)
def test_lines_and_marks_stand_out_from_the_paper(colour: str) -> None:
    assert theme.contrast(colour, theme.PAPER) >= MARK


@pytest.mark.parametrize(
    "badge",
    [
        *(blend(colour, theme.BADGE_ALPHA / 255) for colour in (theme.INK, theme.PRIMARY)),
        # Visits, overdue or not, and the printed map.
        *(theme.ACCENT, theme.PRIMARY, theme.RISK[4]),
    ],
)
def test_numbers_are_read_on_their_badges(badge: str) -> None:
    assert theme.contrast(theme.PAPER, badge) >= TEXT


def test_labels_of_a_map_are_read_on_the_risk_surface() -> None:
    # The labels have a halo besides.
    cells = [blend(colour, theme.SURFACE_ALPHA / 255) for colour in theme.RISK]
    assert [cell for cell in cells if theme.contrast(theme.INK, cell) < TEXT] == []
