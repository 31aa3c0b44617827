"""The ground plan: outline, river, creek, lake, streets, blocks and parks, in metres around the town centre.

North of the river lies the old town (small crooked blocks inside a ring road) and the districts that grew around it,
their streets bent along the bank; south of it the new town, a wide grid turned by eighteen degrees. Nothing is taken
from a real map.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry import LineString, MultiLineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import linemerge, unary_union

from data.demo.names import WAY_SUFFIXES, two_syllables

#: EPSG:4547 (CGCS2000, 3-degree zone around 114 E): where the local origin lies. Fictional spot on the middle Yangtze.
ORIGIN_EASTING_M, ORIGIN_NORTHING_M = 490_400.0, 3_342_400.0
OLD_TOWN_CENTRE = (-250.0, 620.0)
_X = np.arange(-6500.0, 6501.0, 50.0)

#: Hand-named ways: key of the line -> Chinese, English.
_KNOWN = {
    "d60": ("临江大道", "Linjiang Avenue"),
    "d950": ("解放路", "Jiefang Road"),
    "d2000": ("建设大道", "Jianshe Avenue"),
    "d3150": ("北环路", "Beihuan Road"),
    "s0": ("人民路", "Renmin Road"),
    "ring1": ("环城路", "Huancheng Road"),
    "ring2": ("二环路", "Second Ring Road"),
    "diag_ne": ("云山大道", "Yunshan Avenue"),
    "diag_nw": ("迎宾大道", "Yingbin Avenue"),
    "diag_se": ("创新大道", "Chuangxin Avenue"),
    "bank_s": ("滨江南路", "Binjiang South Road"),
}


@dataclass(frozen=True)
class Way:
    """A named street. ``level`` 1 main street, 2 street, 3 lane."""

    name_zh: str
    name_en: str
    level: int
    line: MultiLineString


@dataclass(frozen=True)
class Land:
    """The ground plan. All geometry in local metres, x east, y north."""

    outline: Polygon
    water: BaseGeometry
    rivers: tuple[tuple[str, str, BaseGeometry], ...]
    parks: tuple[tuple[str, str, Polygon], ...]
    ways: tuple[Way, ...]
    blocks: tuple[Polygon, ...]
    old_town: Polygon


def river_y(x: np.ndarray) -> np.ndarray:
    """Return the y of the river's middle line at x, metres."""
    return np.asarray(-650.0 + 620.0 * np.sin(x / 1900.0 + 0.5) + 0.05 * x)


def plan_land(rng: np.random.Generator) -> Land:
    """Draw the ground plan.

    Parameters
    ----------
    rng
        Decides names, which side streets are missing, and the small irregularities; the main lines are fixed.
    """
    outline = _outline()
    middle = LineString(np.column_stack([_X, river_y(_X)]))
    half_width = 190.0 + 35.0 * np.sin(_X / 1300.0)
    river = Polygon(
        np.concatenate(
            [
                np.column_stack([_X, river_y(_X) + half_width]),
                np.column_stack([_X, river_y(_X) - half_width])[::-1],
            ]
        )
    )
    islet = Point(-1250, float(river_y(np.array([-1250.0]))[0]) + 15)
    islet_shape = shapely.affinity.rotate(shapely.affinity.scale(islet.buffer(1.0), 340, 75), 17)
    creek_y = np.arange(0.0, 5600.0, 40.0)
    creek_x = 1650.0 + 260.0 * np.sin(creek_y / 900.0) + 0.16 * creek_y
    creek = LineString(np.column_stack([creek_x, creek_y + float(river_y(np.array([1650.0]))[0])]))
    lake = shapely.affinity.rotate(shapely.affinity.scale(Point(-2550, 2300).buffer(1.0, 24), 520, 300), 25)
    lake = lake.union(shapely.affinity.scale(Point(-2250, 2560).buffer(1.0, 24), 300, 260))
    big_river = river.difference(islet_shape).intersection(outline)
    small = creek.buffer(16).intersection(outline).difference(river)
    water = unary_union([big_river, small, lake])
    old_town = Polygon(_ellipse(OLD_TOWN_CENTRE, 1120, 690, 96, wobble=0.05))
    raw = _raw_lines(rng, outline, old_town)
    ways = _name_and_clip(rng, raw, outline, river, lake, islet_shape)
    blocks = _blocks(ways, outline, middle, creek)
    parks = _parks(rng, blocks, water, outline, islet_shape)
    rivers = (("澜江", "Lan River", big_river), ("柳溪", "Liu Creek", small), ("镜月湖", "Jingyue Lake", lake))
    return Land(outline, water, rivers, parks, ways, blocks, old_town)


def _outline() -> Polygon:
    angle = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    wave = 1 + 0.06 * np.cos(2 * angle + 0.4) + 0.05 * np.sin(3 * angle) + 0.035 * np.cos(5 * angle + 1)
    return Polygon(np.column_stack([4800 * wave * np.cos(angle), 3950 * wave * np.sin(angle) + 350]))


def _ellipse(centre: tuple[float, float], a: float, b: float, points: int, wobble: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, points)
    wave = 1 + wobble * np.sin(3 * angle + 0.7) + 0.5 * wobble * np.cos(5 * angle)
    return np.column_stack([centre[0] + a * wave * np.cos(angle), centre[1] + b * wave * np.sin(angle)])


def _north(s: np.ndarray | float, d: np.ndarray | float) -> np.ndarray:
    """Map distance along and away from the north bank to x, y; rows of streets straighten inland."""
    s, d = np.broadcast_arrays(np.asarray(s, dtype=float), np.asarray(d, dtype=float))
    bend = np.exp(-np.maximum(d, 0) / 2300.0)
    x = s + 130 * np.sin(d / 1100.0 + s / 2600.0) + 0.05 * d
    bank = river_y(x) + 190.0 + 35.0 * np.sin(x / 1300.0)
    y = bend * bank + (1 - bend) * (-250.0) + d + 45 * np.sin(s / 700.0) * (1 - bend)
    return np.column_stack([x, y])


def _south(u: np.ndarray | float, v: np.ndarray | float) -> np.ndarray:
    """Map the new town's grid (turned by -18 degrees) to x, y."""
    u, v = np.broadcast_arrays(np.asarray(u, dtype=float), np.asarray(v, dtype=float))
    turn = np.deg2rad(-18.0)
    x = u * np.cos(turn) - v * np.sin(turn) + 40 * np.sin(v / 900.0)
    y = u * np.sin(turn) + v * np.cos(turn) - 1100 + 60 * np.sin(u / 1500.0)
    return np.column_stack([x, y])


def _raw_lines(
    rng: np.random.Generator, outline: Polygon, old_town: Polygon
) -> list[tuple[str, int, str, BaseGeometry]]:
    """Return (key, level, bank, line) before clipping to land. ``bank`` is north, south or both."""
    lines: list[tuple[str, int, str, BaseGeometry]] = []
    span = np.arange(-6200.0, 6201.0, 60.0)
    deep = np.arange(-60.0, 5400.0, 60.0)
    suburb = outline.difference(old_town)
    inner = Polygon(_ellipse((0, 700), 3500, 2300, 96, 0.04)).difference(old_town)
    main_d, main_s = (60.0, 950.0, 2000.0, 3150.0), (-3500.0, -2350.0, -1180.0, 0.0, 1130.0, 2300.0, 3450.0)
    for d in main_d:
        lines.append((f"d{d:.0f}", 1, "north", LineString(_north(span, d))))
    for s in main_s:
        lines.append((f"s{s:.0f}", 1, "north", LineString(_north(s, deep))))
    for d in _between(rng, main_d, 4300.0, 300.0):
        lines.append((f"d{d:.0f}", 2, "north", LineString(_north(span, d)).intersection(suburb)))
    for s in _between(rng, (-5200.0, *main_s), 5200.0, 330.0):
        reach = suburb if rng.random() < 0.55 else inner
        lines.append((f"s{s:.0f}", 2, "north", LineString(_north(s, deep)).intersection(reach)))
    shrunk = old_town.buffer(-15)
    for k, d in enumerate(np.arange(100.0, 1700.0, 118.0)):
        offset = d + rng.normal(0, 14) + 26 * np.sin(span / (230.0 + 40 * (k % 3)) + k)
        lines.append((f"lane_d{k}", 3, "north", LineString(_north(span, offset)).intersection(shrunk)))
    for k, s in enumerate(np.arange(-1500.0, 1100.0, 135.0)):
        offset = s + rng.normal(0, 16) + 24 * np.sin(deep / (210.0 + 35 * (k % 4)) + 2 * k)
        lines.append((f"lane_s{k}", 3, "north", LineString(_north(offset, deep)).intersection(shrunk)))
    for v in (-3000.0, -2000.0, -1000.0, 0.0, 1000.0):
        lines.append((f"v{v:.0f}", 1, "south", LineString(_south(span, v))))
    for u in (-4300.0, -3100.0, -1900.0, -700.0, 500.0, 1700.0, 2900.0, 4100.0):
        lines.append((f"u{u:.0f}", 1, "south", LineString(_south(u, np.arange(-4200.0, 3000.0, 60.0)))))
    for v in (-2500.0, -1500.0, -500.0, 500.0):
        lines.append((f"v{v:.0f}", 2, "south", LineString(_south(span, v + rng.normal(0, 40)))))
    for u in np.arange(-4900.0, 5000.0, 1200.0):
        for shift in (0.0, 400.0) if -3000 < u < 2500 else (0.0,):
            line = LineString(_south(u + shift + rng.normal(0, 30), np.arange(-3900.0, 3000.0, 60.0)))
            lines.append((f"u{u + shift:.0f}c", 2, "south", line))
    bank_s = np.column_stack([_X, river_y(_X) - 265.0 - 35.0 * np.sin(_X / 1300.0)])
    lines.append(("bank_s", 1, "south", LineString(bank_s)))
    lines.append(("ring1", 1, "north", LineString(_ellipse(OLD_TOWN_CENTRE, 1120, 690, 96, 0.05))))
    lines.append(("ring2", 1, "both", LineString(_ellipse((0, 330), 3850, 3050, 160, 0.03))))
    lines.append(("diag_ne", 1, "north", LineString([(560, 1080), (1700, 2300), (2600, 4400)])))
    lines.append(("diag_nw", 1, "north", LineString([(-1150, 960), (-2700, 1650), (-5200, 2100)])))
    lines.append(("diag_se", 1, "south", LineString([(150, -560), (1000, -1500), (2600, -2500), (4200, -3600)])))
    for key, x in (("s0", 0.0), ("s2300", 2390.0), ("s-2350", -2430.0)):
        y = float(river_y(np.array([x]))[0])
        head = _north(float(key[1:]), 70.0)[0]
        lines.append((key, 1, "both", LineString([head, (x, y), (x + 60, y - 520)])))
    return lines


def _between(rng: np.random.Generator, fixed: tuple[float, ...], end: float, spacing: float) -> list[float]:
    """Return positions about ``spacing`` apart that keep clear of the fixed ones."""
    edges = np.array([*fixed, end])
    found: list[float] = []
    for low, high in pairwise(edges.tolist()):
        inside = np.linspace(low, high, round((high - low) / spacing) + 1)[1:-1]
        found.extend((inside + rng.normal(0, 18, len(inside))).tolist())
    return found


def _name_and_clip(
    rng: np.random.Generator,
    raw: list[tuple[str, int, str, BaseGeometry]],
    outline: Polygon,
    river: Polygon,
    lake: BaseGeometry,
    islet: Polygon,
) -> tuple[Way, ...]:
    middle = river_y(_X)
    north = Polygon([*zip(_X, middle, strict=True), (6500, 9000), (-6500, 9000)]).difference(river)
    south = Polygon([*zip(_X, middle, strict=True), (6500, -9000), (-6500, -9000)]).difference(river)
    side = {"north": north, "south": south, "both": outline}
    merged: dict[str, tuple[int, list[BaseGeometry]]] = {}
    dry = outline.difference(unary_union([lake.buffer(160), _hill()]))
    for key, level, bank, line in raw:
        part = line.intersection(side[bank]).intersection(dry if level > 1 else outline.difference(lake.buffer(10)))
        merged.setdefault(key, (level, []))[1].append(part)
    network = unary_union([part for _, parts in merged.values() for part in parts])
    segments = np.array(shapely.get_parts(network), dtype=object)
    owner = _owners(segments, merged)
    levels = np.array([level for level, _ in merged.values()])[owner]
    missing = np.select([levels == 3, levels == 2], [0.22, 0.13], 0.0)
    kept = (rng.random(len(segments)) >= missing) & (shapely.length(segments) > 4)
    names = two_syllables(rng)
    ways = []
    for index, (key, (level, _)) in enumerate(merged.items()):
        mine = segments[(owner == index) & kept]
        if not len(mine):
            continue
        line = linemerge(MultiLineString(list(mine))) if len(mine) > 1 else mine[0]
        multi = MultiLineString([line]) if isinstance(line, LineString) else line
        if key in _KNOWN:
            zh, en = _KNOWN[key]
        else:
            stem, pinyin = next(names)
            choices = WAY_SUFFIXES[level]
            suffix = choices[int(rng.integers(len(choices)))]
            zh, en = stem + suffix[0], f"{pinyin} {suffix[1]}"
        ways.append(Way(zh, en, level, multi))
    return tuple(ways)


def _owners(segments: np.ndarray, merged: dict[str, tuple[int, list[BaseGeometry]]]) -> np.ndarray:
    """Return for each noded segment the index of the line it came from (the first, where lines overlap)."""
    parts = [unary_union(parts) for _, parts in merged.values()]
    tree = shapely.STRtree(parts)
    middle = shapely.line_interpolate_point(segments, 0.5, normalized=True)
    return np.asarray(tree.nearest(middle))


def _blocks(ways: tuple[Way, ...], outline: Polygon, middle: LineString, creek: LineString) -> tuple[Polygon, ...]:
    edges = [outline.exterior, middle.intersection(outline), creek.intersection(outline)]
    network = unary_union([*edges, *(way.line for way in ways)])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(network)))
    return tuple(faces)


def _hill() -> Polygon:
    return Polygon(_ellipse((-3500, 3050), 800, 560, 60, 0.12))


def _parks(
    rng: np.random.Generator, blocks: tuple[Polygon, ...], water: BaseGeometry, outline: Polygon, islet: Polygon
) -> tuple[tuple[str, str, Polygon], ...]:
    faces = np.array(blocks, dtype=object)
    size = shapely.area(faces)
    wet = shapely.area(shapely.intersection(faces, water))
    fitting = np.flatnonzero((size > 40_000) & (size < 260_000) & (wet < 100))
    names = two_syllables(rng)
    parks: list[tuple[str, str, Polygon]] = [("江心洲公园", "Islet Park", islet)]
    hill = _hill().intersection(outline)
    parks.append(("云台山公园", "Yuntai Hill Park", hill))
    around_lake = shapely.affinity.scale(Point(-2420, 2420).buffer(1.0), 760, 520).difference(water)
    parks.append(("镜月湖公园", "Jingyue Lake Park", around_lake))
    for index in rng.choice(fitting, size=min(16, len(fitting)), replace=False):
        zh, en = next(names)
        shape = faces[index].buffer(-14)
        if isinstance(shape, Polygon) and not shape.is_empty:
            parks.append((f"{zh}公园", f"{en} Park", shape))
    return tuple(parks)
