"""Road names that look or sound alike. Works on distinct names: a city has thousands of roads, not millions."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

#: How a road as written can relate to a known one, from best to worst.
ROAD_RELATIONS = (
    "same",
    "no_type",
    "prefixed",
    "same_sound",
    "swapped",
    "other_type",
    "one_edit_long",
    "one_edit_short",
    "two_edits",
)

#: Ends of road names that say what kind of way it is.
TYPES = ("大道", "大街", "胡同", "公路", "高速", "路", "街", "巷", "弄", "里", "道", "堤", "桥", "村", "庄", "条")
#: Names on the list of known roads that one written name may stand for.
MOST_ROADS = 8
_FARTHEST = 2
#: A place named before the road: 农贸市场荷州路 is looked for as 荷州路 where no known road bears the whole name.
_LANDMARK = re.compile(
    r"^.{2,}?(?:市场|商场|商城|广场|大厦|小区|花园|公园|医院|学校|大学|中学|小学|车站|酒店|宾馆|园区)(?P<road>.{3,})$"
)
Sounds = tuple[frozenset[str], ...]


def split_type(road: str) -> tuple[str, str]:
    """Return a road's own name and its type; the type is empty where the text leaves it out."""
    for kind in TYPES:
        if road.endswith(kind) and len(road) > len(kind):
            return road[: -len(kind)], kind
    return road, ""


def near_roads(written: pl.Series, known: pl.Series) -> pl.DataFrame:
    """Pair written road names with known ones that look or sound alike.

    Parameters
    ----------
    written, known
        Distinct names. A written name that is known pairs with itself too, as ``same``.

    Returns
    -------
    DataFrame
        ``road`` (as written), ``near_road`` (as known), ``relation``: a level of ``FEATURES["road"]``.

    Notes
    -----
    Sound is Mandarin without tones (pypinyin): calls are typed by ear with a pinyin keyboard, so 荷州路 for 荷洲路 is
    the usual slip; characters that changed places are another. Distance is restricted Damerau-Levenshtein (rapidfuzz),
    counted on the name without its type.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    left, right = sorted(written.drop_nulls().to_list()), sorted(known.drop_nulls().to_list())
    rows: list[tuple[str, str, str, int]] = []
    if left and right:
        names, kinds = zip(*(split_type(road) for road in right), strict=True)
        sounds = [sounds_of(name) for name in names]
        behind = [road if road in set(right) else _behind_landmark(road) for road in left]
        own = [split_type(road) for road in behind]
        # In strips, so that 10,000 written names against 10,000 known ones stay small.
        for start in range(0, len(left), 512):
            strip = own[start : start + 512]
            distance = process.cdist(
                [name for name, _ in strip], names, scorer=OSA.distance, score_cutoff=_FARTHEST, dtype=np.uint8
            )
            for offset, (name, kind) in enumerate(strip):
                road = left[start + offset]
                sound = sounds_of(name)
                close = np.flatnonzero(distance[offset] <= _FARTHEST).tolist()
                close += [k for k, other in enumerate(names) if other == road]
                longer = [k for k, other in enumerate(right) if len(road) > len(other) and road.endswith(other)]
                found = [
                    (relation, k)
                    for k in {*close, *longer}
                    if (
                        relation := _relation(
                            (name, kind, sound), (names[k], kinds[k], sounds[k]), int(distance[offset][k]), k in longer
                        )
                    )
                ]
                ranked = sorted((ROAD_RELATIONS.index(relation), k, relation) for relation, k in found)
                rows += [(road, right[k], relation, rank) for rank, k, relation in ranked[:MOST_ROADS]]
    schema = {"road": pl.String, "near_road": pl.String, "relation": pl.String, "rank": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").drop("rank")


def _behind_landmark(road: str) -> str:
    found = _LANDMARK.match(road)
    return found["road"] if found else road


def _swapped(name: str, known: str) -> bool:
    """Return whether two neighbouring characters changed places: 洲荷 for 荷洲."""
    return sorted(name) == sorted(known)


def sounds_of(name: str) -> tuple[frozenset[str], ...]:
    """Return for each character the ways it can be read, without tones: 还 is hai and huan."""
    from pypinyin import Style, pinyin

    return tuple(frozenset(pinyin(sign, style=Style.NORMAL, heteronym=True)[0]) for sign in name)


def _sound_the_same(mine: Sounds, other: Sounds) -> bool:
    return len(mine) == len(other) and all(a & b for a, b in zip(mine, other, strict=True))


def _relation(
    mine: tuple[str, str, Sounds], other: tuple[str, str, Sounds], distance: int, ends_with: bool
) -> str | None:
    (name, kind, sound), (known, known_kind, known_sound) = mine, other
    if name + kind == known:
        # 青桥 for 青桥路: its own last character only looks like a type.
        return "no_type"
    if distance == 0 and ends_with:
        return "prefixed"
    if distance == 0:
        return "same" if kind == known_kind else "no_type" if not kind else "other_type"
    if ends_with:
        return "prefixed"
    if kind != known_kind and kind:
        return None
    if _sound_the_same(sound, known_sound):
        return "same_sound"
    if distance == 1 and _swapped(name, known):
        return "swapped"
    if distance == 1:
        return "one_edit_long" if min(len(name), len(known)) > 2 else "one_edit_short"
    return "two_edits" if distance == 2 and min(len(name), len(known)) > 3 else None
