"""Files with shapes: areas of the force, and the lines of a base map."""

from __future__ import annotations

from data.errors import SourceError
from data.sources.propose.drafts import Draft, name_of
from data.sources.propose.findings import ColumnProposal, Question
from data.sources.propose.lexicon import AREA_NAMES, matches
from data.sources.reading import GEOMETRY


def find_areas(draft: Draft) -> None:
    """Fill level, code, names and parent of areas.

    Raises
    ------
    SourceError
        If no property tells the shapes apart.
    """
    draft.block["crs"] = draft.known.crs or "file"
    draft.spot = middle_of_shapes(draft)
    columns = draft.block.setdefault("columns", {})
    codes = [
        (level, profile)
        for level, code, _ in AREA_NAMES
        for profile in draft.profiles
        if matches(code, profile.header) and profile.filled > 0.9
    ]
    named = [
        (level, profile)
        for level, _, name in AREA_NAMES
        for profile in draft.profiles
        if matches(name, profile.header) and profile.filled > 0.9
    ]
    # A code that (nearly) tells the shapes apart is the area's own; a coarser one is its parent's.
    whole = [item for item in codes if item[1].distinct >= 0.75 * draft.sample.raw.frame.height]
    own = max(whole, key=lambda item: (item[1].distinct, item[1].is_number), default=None)
    if own is None and named:
        own = max(named, key=lambda item: item[1].distinct)
    if own is None:
        distinct = [p for p in draft.profiles if p.unique and not p.key.startswith(":")]
        if not distinct:
            raise SourceError("no property tells the shapes apart.", where=draft.sample.path.name)
        own = ("community", distinct[0])
        draft.questions.append(Question("area_code", distinct[0].header, "no property is named like a code of areas."))
    level, code = own
    columns["level"] = {"constant": level}
    draft.columns.append(ColumnProposal("(constant)", "level", 0.6, f"headers name a {level}"))
    why = "beat, station or community: which level of the force these shapes are."
    draft.questions.append(Question(f"level of {draft.block['name']}", level, why, ("beat", "station", "community")))
    draft.use("area_code", code, 0.85, "a code or name of its own for (nearly) every shape")
    same = [p for _, p in named if p.header != code.header and p.distinct >= 0.75 * draft.sample.raw.frame.height]
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


def find_base_map(draft: Draft) -> None:
    """Fill the columns of streets, rivers and boundaries.

    Raises
    ------
    SourceError
        If no property tells the lines apart.
    """
    columns = draft.block.setdefault("columns", {})
    draft.block["crs"] = draft.known.crs or "file"
    unique = [profile for profile in draft.profiles if profile.unique]
    if not unique:
        raise SourceError("no property tells the lines apart.", where=draft.sample.path.name)
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
