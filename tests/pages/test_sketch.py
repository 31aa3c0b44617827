"""The printed map: what is drawn where, checked against numbers worked out by hand."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ElementTree

from pages.ui import sketch

#: One degree square on the equator, so that a degree is as long both ways.
SQUARE = {
    "code": "a",
    "geometry": {"type": "Polygon", "coordinates": [[[0, -0.5], [1, -0.5], [1, 0.5], [0, 0.5], [0, -0.5]]]},
}
SVG = "{http://www.w3.org/2000/svg}"


def test_the_areas_are_the_frame_and_north_is_up() -> None:
    drawn = ElementTree.fromstring(sketch.svg([SQUARE], [], [{"rank": 1, "lon": 0.5, "lat": 0.5}]))
    # 300 px less the margins hold one degree: 277.8; the middle of the picture is 260, 150.
    assert drawn.find(f"{SVG}path").get("d") == "M121 289L399 289L399 11L121 11Z"
    mark = drawn.find(f"{SVG}rect")
    assert (float(mark.get("x")) + 10, float(mark.get("y")) + 10) == (260.0, 11.1)
    assert drawn.find(f"{SVG}text").text == "1"


def test_the_chosen_area_is_drawn_again_and_holes_stay_holes() -> None:
    hole = {
        "code": "b",
        "geometry": {"type": "MultiPolygon", "coordinates": [[[[0, 0], [4, 0], [4, 4]], [[1, 1], [2, 1], [2, 2]]]]},
    }
    drawn = ElementTree.fromstring(sketch.svg([SQUARE, hole], [], [], chosen="b"))
    paths = drawn.findall(f"{SVG}path")
    assert [path.get("d").count("M") for path in paths] == [3, 2]
    assert paths[1].get("fill-rule") == "evenodd"


def test_only_river_and_main_streets_are_drawn_and_nothing_at_all_is_no_error() -> None:
    line = {"type": "LineString", "coordinates": [[0, 0], [1, 0]]}
    lines = [{"kind": kind, "geometry": line} for kind in ("street", "main_street", "river")]
    assert len(ElementTree.fromstring(sketch.svg([SQUARE], lines, [])).findall(f"{SVG}path")) == 3
    assert ElementTree.fromstring(sketch.svg([], [], [])).findall("*") == []


def test_the_picture_says_in_words_what_it_shows() -> None:
    html = sketch.picture([SQUARE], [], [], alt='5 places, "first" <here>')
    assert 'alt="5 places, &quot;first&quot; &lt;here&gt;"' in html
    source = re.search(r"base64,([^\"]+)", html)
    assert source and base64.b64decode(source[1]).startswith(b"<svg")
