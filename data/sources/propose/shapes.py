"""Files with shapes: areas of the force, and the lines of a base map."""

from __future__ import annotations

import re

from data.errors import SourceError
from data.sources.personal import key_of_header
from data.sources.propose.drafts import Draft, name_of
from data.sources.propose.findings import ColumnProposal, Question
from data.sources.propose.lexicon import AREA_NAMES, matches
from data.sources.propose.profiling import Profile
from data.sources.propose.words import words_of
from data.sources.reading import GEOMETRY


def find_areas(draft: Draft) -> None:
    """Fill level, code, names and parent of areas.

    Raises
    ------
    SourceError
        If no property tells the shapes apart.
    """
    draft.block["crs"] = draft.known.crs or draft.sample.keys["crs"]
    draft.spot = middle_of_shapes(draft)
    columns = draft.block.setdefault("columns", {})
    usable = [profile for profile in draft.profiles if profile.filled > 0.9 and not measures(profile)]
    codes = [(level, one) for level, code, _ in AREA_NAMES for one in usable if matches(code, one.header)]
    codes += [(level, one) for one in usable if (level := level_in_words(one)) and (level, one) not in codes]
    named = [(level, one) for level, _, name in AREA_NAMES for one in usable if matches(name, one.header)]
    # A code that (nearly) tells the shapes apart is the area's own; a coarser one is its parent's.
    whole = [item for item in codes if item[1].distinct >= 0.75 * draft.sample.raw.frame.height]
    own = max(whole, key=lambda item: _tells(item[1]), default=None)
    if own is None and named:
        own = max(named, key=lambda item: item[1].distinct)
    if own is None:
        distinct = [p for p in usable if p.unique and not p.key.startswith(":")]
        distinct = distinct or [p for p in draft.profiles if p.unique and not p.key.startswith(":")]
        if not distinct:
            raise SourceError("no property tells the shapes apart.", where=draft.sample.name)
        coded = [p for p in distinct if words_of(p.header) & {"id", "code"}]
        own = (_level_of_file(draft), (coded or distinct)[0])
        draft.questions.append(Question("area_code", own[1].header, "no property is named like a code of areas."))
    level, code = own
    if level == "station" and any(
        upper == "station" and one is not code and one.distinct < 0.75 * code.distinct for upper, one in codes
    ):
        # Precincts within districts: the finer of two levels of stations is that of the beats.
        level = "beat"
    columns["level"] = {"constant": level}
    draft.columns.append(ColumnProposal("(constant)", "level", 0.6, f"headers name a {level}"))
    why = "beat, station or community: which level of the force these shapes are."
    draft.questions.append(Question(f"level of {draft.block['name']}", level, why, ("beat", "station", "community")))
    draft.use("area_code", code, 0.85, "a code or name of its own for (nearly) every shape")
    labels = [one for one in usable if words_of(one.header) & {"name", "desc"} and not one.is_number]
    same = [
        p
        for p in [*(one for _, one in named), *labels]
        if p.header != code.header and p.distinct >= 0.75 * draft.sample.raw.frame.height
    ]
    if same:
        label = same[0]
        draft.use("name_zh", label, 0.8, "the name says so")
        columns["name_en"] = {"from": name_of(label)}
    else:
        columns["name_zh"] = columns["name_en"] = {"from": name_of(code)}
    above = {"community": ("station", "beat"), "beat": ("station",), "station": ()}[level]
    parents = [p for upper, p in codes if upper in above and p.header not in draft.taken and p.distinct < code.distinct]
    if parents and level != "station":
        draft.use("parent_code", parents[0], 0.6, "a coarser code beside it")
    if code.distinct < draft.sample.raw.frame.height:
        # One area in several shapes: the reader joins them where it can.
        draft.block["identical_rows"] = "parts"


def measures(profile: Profile) -> bool:
    """Return whether a property only numbers the shapes or measures them."""
    key = key_of_header(profile.header)
    return (
        "surrogate" in words_of(profile.header)
        or re.match("(shape|st)?(area|len|leng|length|perimeter|acres)", key) is not None
    )


def _tells(profile: Profile) -> tuple[int, bool, bool]:
    words = words_of(profile.header)
    return profile.distinct, bool(words & {"id", "code"}) and "name" not in words, profile.is_number


def level_in_words(profile: Profile) -> str:
    """Return the level of an area that a header's words name, empty for none."""
    words = words_of(profile.header)
    if words & {"council", "zip", "census", "count"}:
        return ""
    if words >= {"report", "district"}:
        return "community"
    levels = (("beat", {"beat", "sector"}), ("station", {"district"}), ("community", {"community", "ward"}))
    return next((level for level, some in levels if words & some), "")


def _level_of_file(draft: Draft) -> str:
    """Return the level the file's name tells; communities where it tells none."""
    words = words_of(draft.sample.path.stem)
    return "beat" if "beat" in words else "station" if "district" in words else "community"


def find_base_map(draft: Draft) -> None:
    """Fill the columns of streets, rivers and boundaries.

    Raises
    ------
    SourceError
        If no property tells the lines apart.
    """
    columns = draft.block.setdefault("columns", {})
    draft.block["crs"] = draft.known.crs or draft.sample.keys["crs"]
    unique = [profile for profile in draft.profiles if profile.unique]
    if not unique:
        raise SourceError("no property tells the lines apart.", where=draft.sample.name)
    draft.use("feature_id", unique[0], 0.6, "every line has its own")
    columns["kind"] = {"constant": "street"}
    draft.questions.append(Question("kind", "street", "what the lines are.", ("main_street", "river", "boundary")))


def middle_of_shapes(draft: Draft) -> tuple[float, float] | None:
    """Return the middle of the shapes, degrees, when they are in degrees."""
    import shapely

    west, south, east, north = shapely.total_bounds(
        shapely.from_wkb(draft.sample.raw.frame[GEOMETRY].drop_nulls().to_list())
    )
    middle = (float(west + east) / 2, float(south + north) / 2)
    return middle if abs(middle[0]) <= 180 and abs(middle[1]) <= 90 else None
