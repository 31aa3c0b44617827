"""Police areas: blocks gathered into stations, beats and communities that tile the city exactly.

Each level divides the one above it along streets, the river and the creek, so that the parents always chain. Areas
grow from seeds over neighbouring blocks (an additively weighted Voronoi diagram on the block graph), which keeps them
in one piece; the weights are moved until the populations are alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from shapely.geometry.base import BaseGeometry

from data.demo.land import OLD_TOWN_CENTRE, Land, river_y
from data.demo.names import STATIONS, SUB_BUREAU, two_syllables

RESIDENTS = 500_000
BEATS_PER_STATION = 8
COMMUNITIES = 72
#: Places the growing of areas is started from; the most even outcome is kept.
_STARTS = 4
#: Fictional codes: no province of China begins with 99.
ORGANISATION_PREFIX = "990102"


@dataclass(frozen=True)
class Territory:
    """Areas of the demo city. Lists are in code order; ``*_of_community`` index the next level up."""

    community_codes: list[str]
    community_names: list[tuple[str, str]]
    community_shapes: np.ndarray
    community_residents: np.ndarray
    beat_of_community: np.ndarray
    beat_codes: list[str]
    beat_names: list[tuple[str, str]]
    beat_shapes: np.ndarray
    station_of_beat: np.ndarray
    station_codes: list[str]
    station_shapes: np.ndarray
    sub_bureau_code: str
    sub_bureau_shape: BaseGeometry

    def community_at(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the index of the community a local point lies in; -1 outside the city."""
        tree = shapely.STRtree(self.community_shapes)
        point, area = tree.query(shapely.points(x, y), predicate="intersects")
        found = np.full(len(x), -1)
        found[point[::-1]] = area[::-1]
        return found


def density_per_hectare(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return relative residents per hectare of dry, built-up ground at local points."""
    from_centre = np.hypot((x - OLD_TOWN_CENTRE[0]) / 1.15, y - OLD_TOWN_CENTRE[1])
    north = 18 + 150 * np.exp(-((np.maximum(from_centre - 900, 0) / 1900) ** 1.3))
    south = 16 + 105 * np.exp(-(np.hypot((x - 900) / 1500, (y + 1900) / 1000) ** 2))
    villages = 95 * _blob(x, y, -3000, 150, 480) + 110 * _blob(x, y, 3300, 1500, 430)
    return np.asarray(np.where(y > river_y(x), north, south) + villages)


def _blob(x: np.ndarray, y: np.ndarray, at_x: float, at_y: float, radius_m: float) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * ((x - at_x) ** 2 + (y - at_y) ** 2) / radius_m**2))


def divide_land(rng: np.random.Generator, land: Land) -> Territory:
    """Divide the city into one sub-bureau, six stations, 48 beats and 72 communities.

    Parameters
    ----------
    rng
        Decides names and starting seeds.
    land
        Ground plan; its blocks tile the outline.
    """
    blocks = np.array(land.blocks, dtype=object)
    empty = shapely.union_all([land.water, *(park for _, _, park in land.parks)])
    usable_ha = shapely.area(shapely.difference(blocks, empty)) / 1e4
    inside = shapely.point_on_surface(blocks)
    residents = usable_ha * density_per_hectare(shapely.get_x(inside), shapely.get_y(inside)) + 0.01
    residents *= RESIDENTS / residents.sum()
    graph = _neighbours(blocks)
    everything = np.arange(len(blocks))
    station = _split(rng, graph, everything, residents + 120 * usable_ha, len(STATIONS))
    station = _order(station, blocks, lambda c: (c[:, 1] < -500) * 1e5 + np.hypot(*(c - OLD_TOWN_CENTRE).T))
    beat = np.zeros(len(blocks), dtype=int)
    for index in range(len(STATIONS)):
        members = np.flatnonzero(station == index)
        weight = residents[members] + 40 * usable_ha[members]
        part = _order(_split(rng, graph, members, weight, BEATS_PER_STATION), blocks[members], lambda c: -c[:, 1])
        beat[members] = index * BEATS_PER_STATION + part
    beat_count = len(STATIONS) * BEATS_PER_STATION
    members_of = [np.flatnonzero(beat == index) for index in range(beat_count)]
    room = np.array([residents[members].sum() if len(members) >= 3 else 0 for members in members_of])
    halved = set(np.argsort(-room, kind="stable")[: COMMUNITIES - beat_count].tolist())
    community = np.zeros(len(blocks), dtype=int)
    parent: list[int] = []
    for index, members in enumerate(members_of):
        pieces = 2 if index in halved else 1
        part = _split(rng, graph, members, residents[members], pieces)
        community[members] = len(parent) + part
        parent.extend([index] * pieces)
    beat_of_community = np.array(parent)
    station_of_beat = np.arange(beat_count) // BEATS_PER_STATION
    community_shapes = _unite(blocks, community, len(parent))
    beat_shapes = _unite(community_shapes, beat_of_community, beat_count)
    station_shapes = _unite(beat_shapes, station_of_beat, len(STATIONS))
    names = two_syllables(rng)
    within_beat = np.arange(len(parent)) - np.searchsorted(beat_of_community, beat_of_community)
    within_station = np.arange(len(parent)) - np.searchsorted(
        station_of_beat[beat_of_community], station_of_beat[beat_of_community]
    )
    community_names = [(f"{zh}社区", f"{en} Community") for zh, en in (next(names) for _ in parent)]
    first = np.flatnonzero(within_beat == 0)
    return Territory(
        community_codes=[
            f"{ORGANISATION_PREFIX}{station_of_beat[b] + 1:03d}{k + 1:03d}"
            for b, k in zip(beat_of_community, within_station, strict=True)
        ],
        community_names=community_names,
        community_shapes=community_shapes,
        community_residents=np.bincount(community, residents),
        beat_of_community=beat_of_community,
        beat_codes=[
            f"{ORGANISATION_PREFIX}{b // BEATS_PER_STATION + 1:02d}{b % BEATS_PER_STATION + 1:02d}00"
            for b in range(beat_count)
        ],
        beat_names=[
            (community_names[k][0].replace("社区", "警务区"), community_names[k][1].replace("Community", "Beat"))
            for k in first
        ],
        beat_shapes=beat_shapes,
        station_of_beat=station_of_beat,
        station_codes=[f"{ORGANISATION_PREFIX}{s + 1:02d}0000" for s in range(len(STATIONS))],
        station_shapes=station_shapes,
        sub_bureau_code=f"{ORGANISATION_PREFIX}000000",
        sub_bureau_shape=shapely.coverage_union_all(station_shapes),
    )


def area_rows(territory: Territory) -> list[tuple[str, str, str | None, str, str, BaseGeometry]]:
    """Return (code, level, parent code, Chinese name, English name, shape in local metres) of every area."""
    t = territory
    rows: list[tuple[str, str, str | None, str, str, BaseGeometry]] = [
        (t.sub_bureau_code, "sub_bureau", None, *SUB_BUREAU, t.sub_bureau_shape)
    ]
    for code, name, shape in zip(t.station_codes, STATIONS, t.station_shapes, strict=True):
        rows.append((code, "station", t.sub_bureau_code, *name, shape))
    for code, parent, name, shape in zip(t.beat_codes, t.station_of_beat, t.beat_names, t.beat_shapes, strict=True):
        rows.append((code, "beat", t.station_codes[parent], *name, shape))
    for code, parent, name, shape in zip(
        t.community_codes, t.beat_of_community, t.community_names, t.community_shapes, strict=True
    ):
        rows.append((code, "community", t.beat_codes[parent], *name, shape))
    return rows


def _neighbours(blocks: np.ndarray) -> csr_matrix:
    """Return the block graph: distance of centroids where two blocks share an edge; crossing the river costs more."""
    tree = shapely.STRtree(blocks)
    left, right = tree.query(blocks, predicate="intersects")
    pairs = left < right
    left, right = left[pairs], right[pairs]
    shared = shapely.length(shapely.intersection(blocks[left], blocks[right]))
    left, right = left[shared > 0.01], right[shared > 0.01]
    centre = shapely.get_coordinates(shapely.centroid(blocks))
    step = np.hypot(*(centre[left] - centre[right]).T) + 1.0
    north = centre[:, 1] > river_y(centre[:, 0])
    step = step * np.where(north[left] == north[right], 1.0, 60.0)
    size = len(blocks)
    half = coo_matrix((step, (left, right)), shape=(size, size))
    return csr_matrix(half + half.T)


def _split(
    rng: np.random.Generator, graph: csr_matrix, members: np.ndarray, weight: np.ndarray, pieces: int
) -> np.ndarray:
    """Cut connected blocks into connected pieces of similar weight; return the piece of each member."""
    if pieces == 1:
        return np.zeros(len(members), dtype=int)
    inner = graph[members][:, members]
    between = np.asarray(dijkstra(inner, directed=False))
    between[np.isinf(between)] = 1e7
    target = weight.sum() / pieces
    best, best_spread = np.zeros(len(members), dtype=int), np.inf
    for start in rng.choice(len(members), size=min(_STARTS, len(members)), replace=False):
        seeds = [int(start)]
        while len(seeds) < pieces:
            seeds.append(int(np.argmax(between[seeds].min(axis=0))))
        owner, spread = _grow(inner, between, np.array(seeds), weight, target)
        if spread < best_spread:
            best, best_spread = owner, spread
    return best


def _grow(
    graph: csr_matrix, between: np.ndarray, seat: np.ndarray, weight: np.ndarray, target: float
) -> tuple[np.ndarray, float]:
    """Let areas grow from seats, handicap the heavy ones, move the seats to the middles; return the best found."""
    pieces = len(seat)
    best, best_spread = np.zeros(len(weight), dtype=int), np.inf
    reach = float(np.median(between))
    for _ in range(5):
        handicap = np.zeros(pieces)
        for sweep in range(40):
            owner = np.argmin(between[seat] + handicap[:, None], axis=0)
            load = np.bincount(owner, weight, minlength=pieces)
            spread = float(np.abs(load / target - 1).max())
            if spread < best_spread and load.min() > 0 and _whole(graph, owner):
                best, best_spread = owner, spread
            handicap += 0.12 * reach * (load / target - 1) / (1 + sweep / 15)
        if np.isinf(best_spread):
            break
        seat = np.array([_middle(between, np.flatnonzero(best == k), weight) for k in range(pieces)])
    return best, best_spread


def _whole(graph: csr_matrix, owner: np.ndarray) -> bool:
    edges = graph.tocoo()
    same = owner[edges.row] == owner[edges.col]
    kept = coo_matrix((edges.data[same], (edges.row[same], edges.col[same])), shape=graph.shape)
    return bool(connected_components(kept, directed=False)[0] == owner.max() + 1)


def _middle(between: np.ndarray, members: np.ndarray, weight: np.ndarray) -> int:
    cost = between[np.ix_(members, members)] @ weight[members]
    return int(members[np.argmin(cost)])


def _order(piece: np.ndarray, blocks: np.ndarray, key: object) -> np.ndarray:
    """Renumber pieces by a key of their centre, so that codes follow the map."""
    count = int(piece.max()) + 1
    centre = np.array(
        [shapely.get_coordinates(shapely.centroid(shapely.union_all(blocks[piece == k])))[0] for k in range(count)]
    )
    rank = np.empty(count, dtype=int)
    rank[np.argsort(key(centre), kind="stable")] = np.arange(count)  # type: ignore[operator]
    return np.asarray(rank[piece])


def _unite(parts: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    return np.array([shapely.coverage_union_all(parts[group == k]) for k in range(count)], dtype=object)
