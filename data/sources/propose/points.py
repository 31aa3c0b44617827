"""Where it happened: coordinates, their axes, their unit and their reference system."""

from __future__ import annotations

from typing import Any

from data.sources.propose import placing
from data.sources.propose.drafts import Draft
from data.sources.propose.findings import ColumnProposal, Question
from data.sources.propose.lexicon import AXES, STRONG, matches
from data.sources.propose.profiling import Profile, true_share
from data.sources.propose.shapes import middle_of_shapes


def find_point(draft: Draft) -> None:
    """Fill the point block: two columns, or two numbers in one cell, and the system they are in."""
    if draft.sample.has_shapes:
        draft.block["crs"] = draft.known.crs or "file"
        draft.near = draft.spot = middle_of_shapes(draft)
    for axis_x, axis_y in AXES:
        easts = [p for p in draft.profiles if matches(axis_x, p.header) and p.is_number and p.header not in draft.taken]
        norths = [
            p for p in draft.profiles if matches(axis_y, p.header) and p.is_number and p.header not in draft.taken
        ]
        if easts and norths:
            if _locate(draft, easts[0], norths[0]):
                return
            continue
    if _point_in_one_cell(draft):
        return
    if draft.sample.has_shapes:
        draft.questions.append(Question("point", "none", "the points of the shapes stand in no two columns."))
    else:
        draft.columns.append(ColumnProposal("(none)", "point.x", 0.0, "no two columns are coordinates"))


def _point_in_one_cell(draft: Draft) -> bool:
    # Alone in the cell, or in brackets behind an address.
    pair = r"(-?\d{1,3}\.\d+)[,\s]+(-?\d{1,3}\.\d+)"
    shape = rf"(?:^\W*(?:POINT\s*\()?\(?|\(){pair}\)*\W*$"
    for profile in draft.profiles:
        if profile.header in draft.taken or profile.texts.is_empty():
            continue
        if true_share(profile.texts.str.contains(shape)) < 0.9:
            continue
        first = profile.texts.str.extract(shape, 1).cast(float).median()
        second = profile.texts.str.extract(shape, 2).cast(float).median()
        x_group = 1 if profile.texts.str.contains("POINT").any() or abs(float(str(first))) > 90 else 2
        groups = [r"(-?\d{1,3}\.\d+)[,\s]+-?\d{1,3}\.\d+", r"-?\d{1,3}\.\d+[,\s]+(-?\d{1,3}\.\d+)"]
        spot = (float(str(first)), float(str(second)))
        draft.spot = spot if x_group == 1 else (spot[1], spot[0])
        draft.use(
            "point.x",
            profile,
            0.8,
            "two coordinates in one cell",
            {"extract": groups[x_group - 1], "parse": "number"},
        )
        draft.use(
            "point.y",
            profile,
            0.8,
            "two coordinates in one cell",
            {"extract": groups[2 - x_group], "parse": "number"},
        )
        draft.block["point"]["crs"] = _geographic_crs(draft, draft.spot)
        return True
    return False


def _locate(draft: Draft, east: Profile, north: Profile) -> bool:
    x, y = placing.usual(east.texts), placing.usual(north.texts)
    if x is None or y is None:
        return False
    swapped = placing.is_swapped(x, y)
    if swapped:
        east, north, x, y = north, east, y, x
    note = "; the axes are the other way round than the names say" if swapped else ""
    scale: dict[str, Any] = {}
    if abs(x) <= 180 and abs(y) <= 90:
        crs = _geographic_crs(draft, (x, y))
        draft.spot = (x, y)
        reason = f"degrees{note}"
    elif abs(x) <= 180e6 and abs(y) <= 90e6 and placing.is_micro(x, y):
        scale, crs = {"scale": 1e-6}, _geographic_crs(draft, (x / 1e6, y / 1e6))
        draft.spot, reason = (x / 1e6, y / 1e6), f"degrees × 1,000,000{note}"
    else:
        crs, reason = _projected_crs(draft, x, y)
        reason += note
    nowhere = [pair for pair in ((0, 0), (-1, -1)) if placing.has_pair(east.texts, north.texts, pair)]
    draft.use("point.x", east, STRONG, reason, {"parse": "number", **scale, "on_error": "null"})
    draft.use("point.y", north, STRONG, reason, {"parse": "number", **scale, "on_error": "null"})
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
    draft.projected_crs = best
    draft.spot = placing.back(x, y, best)
    names = tuple(f"{code} ({placing.name_of(code)})" for code in found[1:8])
    why = f"lengths around {x:,.0f}, {y:,.0f}: {placing.name_of(best)} is one of {len(found)} that fit."
    draft.questions.append(Question("crs", best, why, names))
    return best, "projected coordinates; several systems fit"
