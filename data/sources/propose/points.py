"""Where it happened: coordinates, their axes, their unit and their reference system."""

from __future__ import annotations

import re
from typing import Any

from data.sources.propose import placing
from data.sources.propose.date_forms import true_share
from data.sources.propose.drafts import Draft
from data.sources.propose.findings import ColumnProposal, Question
from data.sources.propose.lexicon import AXES, STRONG, matches
from data.sources.propose.profiling import Profile
from data.sources.propose.shapes import middle_of_shapes
from data.sources.propose.words import words_of
from data.sources.reading import POINT_LAT, POINT_LON

#: Coordinates that mean "not located".
NOWHERE = ((0, 0), (-1, -1))
#: Least share of numbers in a column of coordinates: some publishers withhold most places.
MANY_NUMBERS = 0.2
#: Names of geographic systems in headers → what a mapping calls them.
SYSTEMS = {"gcj": "GCJ-02", "bd": "BD-09", "wgs": "EPSG:4326", "cgcs": "EPSG:4490"}
_SYSTEMS = re.compile(
    r"[\W_]*(?<![A-Za-z])(?:(gcj)|(bd)|(wgs)|(cgcs))[-_ ]?(?:02|09|84|1984|2000)[\W_]*", re.IGNORECASE
)
#: Least share of cells with a point.
MANY_POINTS = 0.6


#: Two decimal degrees; alone in the cell, in brackets behind an address, or as a GeoJSON point.
PAIR = r"(-?\d{1,3}\.\d+)[,\s]+(-?\d{1,3}\.\d+)"
CELLS = (
    (rf"(?:^\W*(?:POINT\s*\()?\(?|\(){PAIR}\)*\W*$", r"(-?\d{1,3}\.\d+)[,\s]+-?\d{1,3}\.\d+\)*\W*$"),
    (rf'"coordinates"\s*:\s*\[\s*{PAIR}', r'"coordinates"\s*:\s*\[\s*(-?\d{1,3}\.\d+)'),
)
SECOND = (
    r"-?\d{1,3}\.\d+[,\s]+(-?\d{1,3}\.\d+)\)*\W*$",
    r'"coordinates"\s*:\s*\[\s*-?\d{1,3}\.\d+[,\s]+(-?\d{1,3}\.\d+)',
)


def find_point(draft: Draft) -> None:
    """Fill the point block: two columns, two numbers in one cell, or the shapes; and the system they are in."""
    if draft.sample.has_shapes:
        draft.block["crs"] = draft.known.crs or "file"
        draft.near = draft.spot = middle_of_shapes(draft)
        if POINT_LON in draft.sample.raw.frame.columns and _points_of_shapes(draft):
            return
    lengths = []
    for east, north in _axes(draft):
        x, y = _degrees_of(east), _degrees_of(north)
        if x is None or y is None:
            continue
        if (abs(x) <= 180 and abs(y) <= 180) or placing.is_micro(x, y) or placing.is_micro(y, x):
            _locate(draft, east, north)
            return
        lengths.append((east, north))
    # Degrees in one cell need no guess; lengths in two columns do.
    if _point_in_one_cell(draft) or (lengths and _locate(draft, *lengths[0])):
        return
    if draft.sample.has_shapes:
        draft.questions.append(
            Question("point", "none", "the shapes are no points, and no two columns hold coordinates.")
        )
    else:
        draft.columns.append(ColumnProposal("(none)", "point.x", 0.0, "no two columns are coordinates"))


def _without_system(header: str) -> str:
    """Return a header without the reference system it names: ``JD_GCJ02`` is a longitude as ``JD`` is."""
    return _SYSTEMS.sub("", header)


def system_in(header: str) -> str | None:
    """Return the geographic reference system that a header names: 经度(GCJ02), lon_wgs84."""
    found = _SYSTEMS.search(header)
    return SYSTEMS[str(found.group(found.lastindex or 0)).lower()] if found else None


def _points_of_shapes(draft: Draft) -> bool:
    for column, header in (("point.x", POINT_LON), ("point.y", POINT_LAT)):
        profile = next((one for one in draft.profiles if one.key == header), None)
        if profile is None or profile.filled == 0:
            return False
        draft.use(column, profile, STRONG, "the point of the shape", {"parse": "number"})
    draft.block["point"] |= {"crs": _geographic_crs(draft, draft.spot or (0, 0)), "nowhere": [[0, 0]]}
    return True


def _axes(draft: Draft) -> list[tuple[Profile, Profile]]:
    """Return pairs of columns that are the two axes by their names, degrees first."""
    free = [one for one in draft.profiles if one.header not in draft.taken and one.numbers >= MANY_NUMBERS]
    pairs = []
    for axis_x, axis_y in AXES:
        easts = [one for one in free if matches(axis_x, _without_system(one.header))]
        norths = [one for one in free if matches(axis_y, _without_system(one.header))]
        if easts and norths:
            pairs.append((easts[0], norths[0]))
    for word_x, word_y in (("lon", "lat"), ("x", "y")):
        for east in free:
            words = words_of(east.header)
            if word_x not in words or word_y in words:
                continue
            rest = words - {word_x}
            twin = [one for one in free if words_of(one.header) == rest | {word_y}]
            pairs += [(east, one) for one in twin]
    degrees = [pair for pair in pairs if all(abs(_degrees_of(one) or 999) <= 180 for one in pair)]
    return [*degrees, *pairs]


def _degrees_of(profile: Profile) -> float | None:
    texts = profile.texts.str.replace(",", ".", literal=True) if profile.decimal_comma else profile.texts
    return placing.usual(texts)


def _point_in_one_cell(draft: Draft) -> bool:
    for profile in draft.profiles:
        if profile.texts.is_empty():
            continue
        for (shape, first_of), second_of in zip(CELLS, SECOND, strict=True):
            if true_share(profile.texts.str.contains(shape)) < MANY_POINTS:
                continue
            first = profile.texts.str.extract(shape, 1).cast(float).median()
            second = profile.texts.str.extract(shape, 2).cast(float).median()
            lon_first = (
                "coordinates" in shape or profile.texts.str.contains("POINT").any() or abs(float(str(first))) > 90
            )
            spot = (float(str(first)), float(str(second)))
            draft.spot = spot if lon_first else (spot[1], spot[0])
            x, y = (first_of, second_of) if lon_first else (second_of, first_of)
            why = "two coordinates in one cell"
            draft.use("point.x", profile, 0.8, why, {"extract": x, "parse": "number", "on_error": "null"})
            draft.use("point.y", profile, 0.8, why, {"extract": y, "parse": "number", "on_error": "null"})
            draft.block["point"]["crs"] = _geographic_crs(draft, draft.spot)
            nowhere = [pair for pair in NOWHERE if _in_cells(profile, shape, pair)]
            draft.block["point"]["nowhere"] = [list(pair) for pair in nowhere] or [[0, 0]]
            return True
    return False


def _in_cells(profile: Profile, shape: str, pair: tuple[int, int]) -> bool:
    parts = [profile.texts.str.extract(shape, place).cast(float) for place in (1, 2)]
    return bool(((parts[0] == pair[0]) & (parts[1] == pair[1])).any())


def _locate(draft: Draft, east: Profile, north: Profile) -> bool:
    x, y = _degrees_of(east), _degrees_of(north)
    if x is None or y is None:
        return False
    swapped = placing.is_swapped(x, y)
    if swapped:
        east, north, x, y = north, east, y, x
    note = "; the axes are the other way round than the names say" if swapped else ""
    scale: dict[str, Any] = {}
    if abs(x) <= 180 and abs(y) <= 90:
        stated = {system_in(east.header), system_in(north.header)}
        said = stated.pop() if len(stated) == 1 else None
        crs = said if said and not draft.known.crs else _geographic_crs(draft, (x, y))
        draft.spot = (x, y)
        reason = f"degrees{note}" + (f"; {said}, as the headers say" if said else "")
    elif abs(x) <= 180e6 and abs(y) <= 90e6 and placing.is_micro(x, y):
        scale, crs = {"scale": 1e-6}, _geographic_crs(draft, (x / 1e6, y / 1e6))
        draft.spot, reason = (x / 1e6, y / 1e6), f"degrees × 1,000,000{note}"
    else:
        crs, reason = _projected_crs(draft, x, y)
        reason += note
    nowhere: list[tuple[float, float]] = [pair for pair in NOWHERE if placing.has_pair(east.texts, north.texts, pair)]
    nowhere += placing.far_and_often(draft.sample.texts[east.key], draft.sample.texts[north.key])
    for column, profile in (("point.x", east), ("point.y", north)):
        rule: dict[str, Any] = {"parse": "number", **scale, "on_error": "null"}
        if profile.decimal_comma:
            rule = {"replace": [[",", "."]], **rule}
        if profile.placeholder:
            rule = {"blank": profile.placeholder, **rule}
        draft.use(column, profile, STRONG, reason + ("; decimal commas" if profile.decimal_comma else ""), rule)
    draft.block["point"]["crs"] = crs
    draft.block["point"]["nowhere"] = [list(pair) for pair in nowhere] or [[0, 0]]
    return True


def _geographic_crs(draft: Draft, spot: tuple[float, float]) -> str:
    if draft.known.crs:
        return draft.known.crs
    if placing.in_china(spot):
        why = "degrees in China: WGS 84 (CGCS2000), GCJ-02 and BD-09 look alike and are up to 1 km apart; ask."
        draft.questions.append(Question("crs", "EPSG:4490", why, ("EPSG:4326", "GCJ-02", "BD-09")))
        return "EPSG:4490"
    return "EPSG:4326"


def _projected_crs(draft: Draft, x: float, y: float) -> tuple[str, str]:
    if draft.known.crs:
        draft.projected_crs = draft.known.crs
        draft.spot = placing.back(x, y, draft.known.crs)
        return draft.known.crs, "coordinates in the system stated"
    found = placing.candidates(x, y, near=draft.near, zone=draft.known.timezone)
    if not found:
        why = f"lengths around {x:,.0f}, {y:,.0f} fit many places; run again with --near LON,LAT."
        draft.questions.append(Question("crs", "EPSG:3857", why))
        return "EPSG:3857", "projected coordinates of an unknown system"
    best = found[0]
    draft.projected_crs = best if best != placing.WEB_MERCATOR else None
    draft.spot = placing.back(x, y, best)
    if len(found) == 1 and draft.near is not None:
        return best, f"projected coordinates; {placing.name_of(best)} alone puts them where the other files lie"
    names = tuple(f"{code} ({placing.name_of(code)})" for code in found[1:8])
    why = f"lengths around {x:,.0f}, {y:,.0f}: {placing.name_of(best)} is one of {len(found)} that fit."
    draft.questions.append(Question("crs", best, why, names))
    return best, "projected coordinates; several systems fit"
