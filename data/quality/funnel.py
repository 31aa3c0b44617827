"""The funnel from calls to incidents that can be used: how many rows each step loses, and why, per source."""

from __future__ import annotations

from typing import Any

import polars as pl

from data.integration.folding import FOLDED_LINKS, fold_links
from data.snapshots import Snapshot

#: Steps in order; each counts rows among those of the step before.
STEPS = ("calls", "incidents", "valid", "dated", "located", "in_area")


def explain_funnel(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Count the rows of a snapshot that reach each step, and those lost on the way by reason.

    Returns
    -------
    One dict per source, in alphabetical order: ``source``, ``steps`` (list of ``step``, ``rows``, ``lost`` by reason)
    and ``valid`` (of the valid incidents: reported, discovered by police, unknown; category changed at feedback; with
    officer-hours; hours capped).

    Notes
    -----
    rows of a step = rows of the step before − all its losses, for every source. Rows are counted, not weights: the
    removal rows of a source that publishes them (weight −1) are rows too. A call folded into another one is lost at
    ``incidents`` by the kind of its link; the rest of a step's losses are about the call that stands for the incident.
    """
    sources = snapshot.scan("calls").select("source").unique().collect()["source"].sort().to_list()
    return [_funnel_of(snapshot, source) for source in sources]


def _funnel_of(snapshot: Snapshot, source: str) -> dict[str, Any]:
    calls = snapshot.scan("calls").filter(pl.col("source") == source)
    links = fold_links(calls)
    folded = links.filter(pl.col("incident_key") != pl.col("record_key"))
    total = int(calls.select(pl.len()).collect().item())
    lost: dict[str, dict[str, int]] = {"incidents": _counted(folded["link_type"])}
    view = _view_of(snapshot, source, calls, links)
    reasons = {
        "valid": _why_not_valid(),
        "dated": pl.when(pl.col("occurred_on").is_null()).then(pl.lit("no_date")),
        "located": _why_not_located(),
        "in_area": _why_in_no_area(),
    }
    left = view.filter(~pl.col("folded"))
    for step, reason in reasons.items():
        judged = left.with_columns(reason.alias("$why"))
        lost[step] = _counted(judged["$why"].drop_nulls())
        left = judged.filter(pl.col("$why").is_null()).drop("$why")
    rows = total
    steps: list[dict[str, Any]] = [{"step": "calls", "rows": total, "lost": {}}]
    for step in STEPS[1:]:
        rows -= sum(lost[step].values())
        steps.append({"step": step, "rows": rows, "lost": lost[step]})
    return {"source": source, "steps": steps, "valid": _valid_incidents(view)}


def _view_of(snapshot: Snapshot, source: str, calls: pl.LazyFrame, links: pl.DataFrame) -> pl.DataFrame:
    """One row per call: what the incident view says, and what the call itself said."""
    fold = links.select(
        pl.col("record_key").alias("incident_id"),
        (pl.col("incident_key") != pl.col("record_key")).alias("folded"),
        "outcome",
    )
    said = calls.select(
        pl.col("record_key").alias("incident_id"),
        pl.col("invalid").alias("intake_invalid"),
        pl.col("link_type").is_in(FOLDED_LINKS).fill_null(False).alias("follows"),
        (pl.col("x").is_not_null() & pl.col("y").is_not_null()).alias("has_xy"),
    )
    areas = ["community_code", "beat_code", "station_code"]
    return (
        snapshot.scan("incidents")
        .filter(pl.col("source") == source)
        .select(
            "incident_id",
            "valid",
            "occurred_on",
            "location_level",
            "discovered_by",
            "officer_hours",
            (pl.col("category_detail").ne_missing(pl.col("category_intake"))).alias("changed"),
            pl.any_horizontal(pl.col(name).is_not_null() for name in areas).alias("has_area"),
        )
        .join(said, on="incident_id", how="left")
        .join(fold.lazy(), on="incident_id", how="left")
        .with_columns(pl.col("folded").fill_null(False))
        .drop("incident_id")
        .collect()
    )


def _why_not_valid() -> pl.Expr:
    return (
        pl.when(pl.col("valid"))
        .then(None)
        .when(pl.col("outcome").cast(pl.String) == "parent_missing")
        .then(pl.lit("first_call_missing"))
        .when(pl.col("outcome").cast(pl.String) == "in_a_circle")
        .then(pl.lit("link_in_a_circle"))
        .when(pl.col("intake_invalid"))
        .then(pl.lit("invalid_at_intake"))
        .when(pl.col("follows"))
        .then(pl.lit("nuisance_alone"))
        .otherwise(pl.lit("invalid_at_feedback"))
    )


def _why_not_located() -> pl.Expr:
    nowhere = pl.col("location_level").cast(pl.String) == "none"
    return pl.when(nowhere & pl.col("has_xy")).then(pl.lit("coordinates_nowhere")).when(nowhere).then(
        pl.lit("no_coordinates")
    )  # fmt: skip


def _why_in_no_area() -> pl.Expr:
    point = pl.col("location_level").cast(pl.String) == "point"
    outside = pl.when(point).then(pl.lit("outside_all_areas")).otherwise(pl.lit("area_not_stated"))
    return pl.when(~pl.col("has_area")).then(outside)


def _valid_incidents(view: pl.DataFrame) -> dict[str, int]:
    valid = view.filter("valid")
    discovered = pl.col("discovered_by").cast(pl.String)
    return valid.select(
        pl.len().alias("rows"),
        (discovered == "reported").fill_null(False).sum().alias("reported"),
        (discovered == "police").fill_null(False).sum().alias("police"),
        pl.col("discovered_by").is_null().sum().alias("discovery_unknown"),
        pl.col("changed").sum().alias("category_changed"),
        pl.col("officer_hours").is_not_null().sum().alias("with_officer_hours"),
    ).row(0, named=True)


def _counted(reasons: pl.Series) -> dict[str, int]:
    counts = reasons.value_counts().sort("count", reasons.name, descending=[True, False])
    return dict(counts.iter_rows())
