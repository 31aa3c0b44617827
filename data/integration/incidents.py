"""The incident view: calls, their dispatches and feedbacks, and the areas they lie in, as one row per call."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from data.integration.areas import AreaFinder, assign_areas
from data.integration.folding import onto_incidents
from data.schemas import Incidents

#: Cap on the time of one dispatch, hours: longer ones are taken as records that were closed late [assumption].
MOST_HOURS_PER_DISPATCH = 8.0
#: A point further from the box around all areas than this share of its sides is not believed [assumption].
OUTLINE_MARGIN = 0.1
#: Share of the points that must lie in that box: otherwise the areas loaded are only a part of the jurisdiction.
OUTLINE_SHARE = 0.9
#: Columns of calls the view is made of.
CALL_COLUMNS = (
    *("record_key", "source", "load_id", "call_id", "link_type", "channel", "level", "reported_at", "occurred_from"),
    *("occurred_to", "occurred_on", "time_precision", "known_on", "category_intake", "category_final", "category"),
    *("unit_code", "beat_code", "community_code", "invalid", "confidential", "discovered_by", "weight", "lon", "lat"),
    "location_level",
)
#: What the view does not say of a confidential call: its place below the station in charge, and its exact category.
WITHHELD = ("lon", "lat", "community_code", "beat_code", "category_detail", "category_intake")
#: Columns of calls that tell which calls are one incident.
FOLDING = ("record_key", "call_id", "parent_call_id", "link_type", "reported_at")
#: Kinds of link that make a call a repeat of another one, not an incident of its own.
NOT_AN_INCIDENT = ("repeat", "reminder", "feedback", "nuisance")


def derive_incidents(
    calls: pl.DataFrame,
    dispatches: pl.DataFrame,
    feedbacks: pl.DataFrame,
    areas: pl.DataFrame,
    *,
    jurisdiction: str,
    first_level_characters: int | None = None,
) -> pl.DataFrame:
    """Derive the incident view of one source.

    Parameters
    ----------
    calls, dispatches, feedbacks, areas
        Canonical tables; ``dispatches``, ``feedbacks`` and ``areas`` may be empty. ``areas`` are those of the
        jurisdiction, whatever source brought them.
    jurisdiction
        Code of the police force.
    first_level_characters
        How many characters of a final category name its first level; None when the source does not say.

    Returns
    -------
    DataFrame
        Schema Incidents, one row per call, in the order of ``calls``.

    Notes
    -----
    The last feedback by time decides the final category and whether the call was valid. Its first level is taken, in
    this order, from ``first_level_characters``; from a call with the same category at intake; from intake. Removal
    rows (weight -1) stay valid: they take back a row counted before, so totals are sums of weight.
    """
    context = IncidentContext.of(
        calls.lazy(),
        dispatches,
        feedbacks,
        AreaFinder(areas),
        jurisdiction=jurisdiction,
        first_level_characters=first_level_characters,
    )
    return context.derive(calls)


@dataclass(frozen=True)
class IncidentContext:
    """What the incidents of one source depend on besides their own call: prepared once, used for many parts.

    Attributes
    ----------
    last
        Per call: final category and validity.
    service
        Per call: times and officer-hours.
    first_levels
        Category at intake → first level, for sources that do not say how the two are related.
    outline
        Smallest and largest longitude and latitude believed, degrees; None when the areas do not tell.
    notes
        Filled by :meth:`derive`: calls that have a point nobody believes, by kind, and calls of which details are
        withheld. They stay and count in totals.
    """

    last: pl.DataFrame
    service: pl.DataFrame
    finder: AreaFinder
    jurisdiction: str
    first_level_characters: int | None
    first_levels: pl.DataFrame
    outline: tuple[float, float, float, float] | None = None
    notes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        calls: pl.LazyFrame,
        dispatches: pl.DataFrame,
        feedbacks: pl.DataFrame,
        finder: AreaFinder,
        *,
        jurisdiction: str,
        first_level_characters: int | None,
    ) -> IncidentContext:
        """Prepare the incidents of one source; parameters as in :func:`derive_incidents`, ``calls`` all of it."""
        if dispatches.height:
            # Only the newest version of a call says which call it follows: a link taken back holds nothing any more.
            newest = calls.select(FOLDING).collect().unique("record_key", keep="last", maintain_order=True)
            dispatches = onto_incidents(dispatches, newest)
        return cls(
            _last_feedback(feedbacks),
            _service(dispatches),
            finder,
            jurisdiction,
            first_level_characters,
            _first_levels(calls),
            _outline(calls, finder),
        )

    def derive(self, calls: pl.DataFrame) -> pl.DataFrame:
        """Return schema Incidents of some of the calls, in their order."""
        return _derive(calls, self)


def _derive(calls: pl.DataFrame, context: IncidentContext) -> pl.DataFrame:
    frame = _without_wrong_points(calls, context).with_row_index("row")
    for told in (context.last, context.service):
        if told.height:
            frame = frame.join(told, on="call_id", how="left", maintain_order="left")
        else:
            absent = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in told.schema.items() if name != "call_id"]
            frame = frame.with_columns(absent)
    final = pl.coalesce("$category_final", "category_final")
    frame = frame.with_columns(final.alias("$final"))
    assigned = assign_areas(
        frame.select(
            "row",
            "lon",
            "lat",
            pl.col("occurred_on").alias("on"),
            pl.col("community_code").alias("stated_community"),
            pl.col("beat_code").alias("stated_beat"),
            pl.col("unit_code").alias("stated_station"),
        ),
        context.finder,
    )
    frame = frame.with_columns(assigned.drop("row"))
    invalid = pl.coalesce("$invalid", "invalid") | pl.col("link_type").is_in(NOT_AN_INCIDENT).fill_null(False)
    incidents = frame.select(
        pl.col("record_key").alias("incident_id"),
        pl.lit(context.jurisdiction).alias("jurisdiction"),
        "source",
        "load_id",
        _first_level(context).alias("category"),
        pl.coalesce("$final", "category_intake").alias("category_detail"),
        "category_intake",
        "channel",
        "level",
        "discovered_by",
        (~invalid).alias("valid"),
        "weight",
        "reported_at",
        "occurred_from",
        "occurred_to",
        "occurred_on",
        "time_precision",
        "known_on",
        "lon",
        "lat",
        "location_level",
        "community_code",
        "beat_code",
        "station_code",
        "dispatched_at",
        "departed_at",
        "arrived_at",
        "cleared_at",
        "officer_hours",
    )
    return Incidents.cast(_withhold(incidents, calls["confidential"].fill_null(False), context))


def _withhold(incidents: pl.DataFrame, confidential: pl.Series, context: IncidentContext) -> pl.DataFrame:
    """Leave of confidential calls only what the totals of the station in charge need."""
    if not confidential.any():
        return incidents
    context.notes["confidential_withheld"] = context.notes.get("confidential_withheld", 0) + int(confidential.sum())
    level = pl.when(pl.col("station_code").is_null()).then(pl.lit("none")).otherwise(pl.lit("station"))
    return incidents.with_columns(
        *(pl.when(~confidential).then(pl.col(name)).alias(name) for name in WITHHELD),
        pl.when(confidential)
        .then(level.cast(incidents.schema["location_level"]))
        .otherwise("location_level")
        .alias("location_level"),
    )


def _outline(calls: pl.LazyFrame, finder: AreaFinder) -> tuple[float, float, float, float] | None:
    """Return where points are believed: the box around all areas and a margin, if the areas are those of the calls."""
    if finder.box is None:
        return None
    west, south, east, north = finder.box
    margin_x, margin_y = (east - west) * OUTLINE_MARGIN, (north - south) * OUTLINE_MARGIN
    box = (west - margin_x, south - margin_y, east + margin_x, north + margin_y)
    share = calls.filter(pl.col("lon").is_not_null()).select(_in_box(box).mean()).collect().item()
    return box if share is not None and share >= OUTLINE_SHARE else None


def _in_box(box: tuple[float, float, float, float]) -> pl.Expr:
    west, south, east, north = box
    return pl.col("lon").is_between(west, east) & pl.col("lat").is_between(south, north)


def _without_wrong_points(calls: pl.DataFrame, context: IncidentContext) -> pl.DataFrame:
    """Take back points at (0, 0) and far outside the areas: such calls are not located, and counted as such."""
    wrong = {"point_at_zero": (pl.col("lon") == 0) & (pl.col("lat") == 0)}
    if context.outline is not None:
        wrong["point_outside_areas"] = ~_in_box(context.outline) & ~wrong["point_at_zero"]
    flags = calls.select(flag.fill_null(False).alias(name) for name, flag in wrong.items())
    for name in wrong:
        if count := int(flags[name].sum()):
            context.notes[name] = context.notes.get(name, 0) + count
    bad = flags.select(pl.any_horizontal(pl.all())).to_series()
    if not bad.any():
        return calls
    stated = [
        pl.when(pl.col(column).is_not_null()).then(pl.lit(level))
        for column, level in (("community_code", "community"), ("beat_code", "beat"), ("unit_code", "station"))
    ]
    level = pl.coalesce(*stated, pl.lit("none")).cast(calls.schema["location_level"])
    return calls.with_columns(
        *(pl.when(~bad).then(pl.col(axis)).alias(axis) for axis in ("lon", "lat")),
        pl.when(bad).then(level).otherwise(pl.col("location_level")).alias("location_level"),
    )


def _first_levels(calls: pl.LazyFrame) -> pl.DataFrame:
    counted = calls.filter(pl.col("category_intake").is_not_null()).group_by("category_intake", "category").len()
    most = counted.sort("category_intake", "len", "category", descending=[False, True, False])
    return most.group_by("category_intake", maintain_order=True).first().collect()


def _first_level(context: IncidentContext) -> pl.Expr:
    if context.first_level_characters is not None:
        return pl.coalesce(pl.col("$final").str.slice(0, context.first_level_characters), "category")
    seen = context.first_levels
    if seen.is_empty():
        return pl.col("category")
    by_intake = pl.col("$final").replace_strict(
        seen["category_intake"], seen["category"], default=None, return_dtype=pl.String
    )
    return pl.coalesce(by_intake, "category")


def _last_feedback(feedbacks: pl.DataFrame) -> pl.DataFrame:
    """One row per call: category and validity of the last feedback; a blank cell does not hide an earlier finding."""
    return (
        feedbacks.sort("feedback_at", "feedback_id", nulls_last=False)
        .group_by("call_id")
        .agg(
            pl.col("category_final").drop_nulls().last().alias("$category_final"),
            pl.col("invalid").drop_nulls().last().alias("$invalid"),
        )
    )


def _service(dispatches: pl.DataFrame) -> pl.DataFrame:
    """One row per call: first times, last clearance and officer-hours, null while any dispatch is open."""
    hours = (pl.col("cleared_at") - pl.col("departed_at")).dt.total_microseconds() / 3.6e9
    worked = hours.clip(upper_bound=MOST_HOURS_PER_DISPATCH) * pl.col("officers")
    open_ones = pl.col("cleared_at").is_null().any()
    return dispatches.group_by("call_id").agg(
        pl.col("dispatched_at").min(),
        pl.col("departed_at").min(),
        pl.col("arrived_at").min(),
        pl.when(~open_ones).then(pl.col("cleared_at").max()).alias("cleared_at"),
        pl.when(worked.is_not_null().all()).then(worked.sum()).alias("officer_hours"),
    )
