"""The picture under a map: the same place at the same scale as the map that covers it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from html import unescape
from urllib.parse import unquote

from pages.ui import maps, ranked_maps, standin, theme
from tests.pages.conftest import OpenPage, everything_shown

SVG = "{http://www.w3.org/2000/svg}"
#: One hundredth of a degree around (10, 0), where a degree is as long both ways.
BOX = (9.99, -0.01, 10.01, 0.01)


def drawn_of(html: str) -> ElementTree.Element:
    source = unescape(html.split('src="')[1].split('"')[0])
    return ElementTree.fromstring(unquote(source.removeprefix("data:image/svg+xml,")))


def test_the_middle_and_the_scale_are_those_of_the_map() -> None:
    view = maps.view_of(BOX)
    line = {"kind": "river", "geometry": {"type": "LineString", "coordinates": [[10, 0], [10.01, 0]]}}
    drawn = drawn_of(standin.picture(view, [], [line], [], [{"rank": 1, "lon": 10.0, "lat": 0.0}]))
    # Web Mercator: 512 px hold 360 degrees at zoom 0.
    east = standin.WIDTH_PX / 2 + 0.01 * 512 * 2**view.zoom / 360
    assert drawn.find(f"{SVG}path").get("d") == f"M{standin.WIDTH_PX // 2} {standin.HEIGHT_PX // 2}L{east:.0f} 270"
    mark = drawn.find(f"{SVG}rect")
    assert float(mark.get("x")) + float(mark.get("width")) / 2 == standin.WIDTH_PX / 2


def test_cells_lie_where_the_map_has_them_and_the_ranked_ones_on_top() -> None:
    view = maps.view_of(BOX)
    surface = [{"lon": 10.0, "lat": 0.0, "expected": 0.1}, {"lon": 50.0, "lat": 0.0, "expected": 0.1}]
    ranked = [{"lon": 10.0, "lat": 0.0, "expected": 2.0, "cell_m": 150.0}]
    edges = theme.steps([0.1, 2.0])
    squares = ranked_maps.squares_of(surface, ranked, edges)
    drawn = drawn_of(standin.picture(view, [], [], squares, []))
    paths = drawn.findall(f"{SVG}path")
    # The cell in another country is left out; 150 m are as long as the map's metres.
    assert [path.get("d").count("M") for path in paths] == [1, 1]
    assert paths[-1].get("fill") in theme.RISK and paths[0].get("fill") not in theme.RISK
    side = float(re.search(r"h([\d.]+)", paths[-1].get("d")).group(1))
    assert side == round(150 * 512 * 2**view.zoom / 40_075_017, 1)


def test_the_map_is_the_last_thing_the_page_sends(open_page: OpenPage) -> None:
    test = open_page("hotspots", "commander", "en", category="010100", horizon="28")
    assert not test.exception
    assert 'class="bw-standin"' in everything_shown(test)
    assert len(test.get("deck_gl_json_chart")) == 1
    layers = test.get("deck_gl_json_chart")[0].proto.json
    assert layers.index('"paper"') < layers.index('"surface"') < layers.index('"cells"')
