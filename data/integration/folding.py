"""Folding: repeat, reminder, feedback and nuisance calls belong to the incident of an earlier call; the links stay.

A call names the call it follows (关联接警单) and why (关联类型). Calls follow calls that follow calls: the first one is
the incident. Nothing is thrown away here: every link comes out with what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

#: Kinds of link that make a call part of another one's incident, not an incident of its own.
FOLDED_LINKS = ("repeat", "reminder", "feedback", "nuisance")
#: What became of a link.
OUTCOMES = ("folded", "kept_apart", "parent_missing", "in_a_circle")
#: Longest chain that is followed: 2 ** STEPS calls. Longer ones cannot be told from circles.
STEPS = 20


@dataclass(frozen=True)
class FoldedCalls:
    """Calls by incident.

    Attributes
    ----------
    calls
        One row per call, in the order they came: ``record_key``, ``incident_key`` (record_key of the first call of its
        incident; its own when it stands alone).
    links
        One row per call that names a parent: ``record_key``, ``call_id``, ``parent_call_id``, ``link_type``,
        ``incident_key``, ``depth`` (links to the first call), ``outcome`` (one of ``OUTCOMES``).
    """

    calls: pl.DataFrame
    links: pl.DataFrame


def fold_calls(calls: pl.DataFrame | pl.LazyFrame) -> FoldedCalls:
    """Find the incident of every call of one source.

    Parameters
    ----------
    calls
        ``record_key``, ``call_id``, ``parent_call_id``, ``link_type``, ``reported_at``; other columns are ignored.
        Numbers of calls are unique within a source: do not mix sources.

    Returns
    -------
    FoldedCalls

    Notes
    -----
    A link is followed when its type is one of ``FOLDED_LINKS``; another one, or none, keeps the call apart: two calls
    about one thing may be two incidents. Calls that follow a call which is not there (never sent, or in quarantine)
    gather under the earliest of them; so do calls that follow each other in a circle. The order of the rows does not
    matter.
    """
    keys = calls.lazy().select("record_key").collect()
    links = fold_links(calls)
    joined = keys.join(links.select("record_key", "incident_key"), on="record_key", how="left", maintain_order="left")
    own = joined.select("record_key", pl.coalesce("incident_key", "record_key").alias("incident_key"))
    return FoldedCalls(own, links)


def fold_links(calls: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Return the links between the calls of one source and what became of each; see :class:`FoldedCalls`.

    Only calls that name a parent are held in memory, so ``calls`` may be a scan of any size.
    """
    wanted = ("record_key", "call_id", "parent_call_id", "link_type", "reported_at")
    linked = calls.lazy().filter(pl.col("parent_call_id").is_not_null()).select(wanted).collect()
    follows = pl.col("link_type").is_in(FOLDED_LINKS).fill_null(False) & pl.col("call_id").is_not_null()
    steps = linked.filter(follows).select("call_id", "parent_call_id").sort("call_id", "parent_call_id")
    steps = steps.unique("call_id", keep="first", maintain_order=True)
    ends = _ends(steps)
    known = (
        calls.lazy()
        .join(ends.lazy().select(pl.col("end").alias("call_id")).unique(), on="call_id", how="semi")
        .select("call_id", pl.col("record_key").alias("end_key"))
        .collect()
        .sort("end_key")
        .unique("call_id", keep="first", maintain_order=True)
    )
    traced = (
        linked.with_columns(follows=follows)
        .join(ends, on="call_id", how="left", maintain_order="left")
        .join(known, left_on="end", right_on="call_id", how="left", maintain_order="left")
        .with_columns(
            pl.when(~pl.col("follows"))
            .then(pl.lit("kept_apart"))
            .when(pl.col("circle"))
            .then(pl.lit("in_a_circle"))
            .when(pl.col("end_key").is_null())
            .then(pl.lit("parent_missing"))
            .otherwise(pl.lit("folded"))
            .cast(pl.Enum(OUTCOMES))
            .alias("outcome")
        )
    )
    # Without a first call the earliest of the group stands for it.
    earliest = pl.col("record_key").sort_by("reported_at", "call_id", "record_key", nulls_last=True).first().over("end")
    return (
        traced.with_columns(
            pl.when(pl.col("outcome") == "kept_apart")
            .then("record_key")
            .when(pl.col("outcome") == "folded")
            .then("end_key")
            .otherwise(earliest)
            .alias("incident_key"),
            pl.col("depth").fill_null(0),
        )
        .select(list(LINKS))
        .sort("record_key")
    )


#: Columns of :attr:`FoldedCalls.links`.
LINKS: dict[str, Any] = {
    "record_key": pl.String,
    "call_id": pl.String,
    "parent_call_id": pl.String,
    "link_type": pl.String,
    "incident_key": pl.String,
    "depth": pl.Int64,
    "outcome": pl.Enum(OUTCOMES),
}


def onto_incidents(dispatches: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Give the dispatches of folded calls to the first call of their incident, so that its officer-hours are whole.

    Parameters
    ----------
    dispatches
        Any frame with ``call_id``.
    calls
        Calls of the same source.

    Returns
    -------
    The same rows in the same order; ``call_id`` names the call that stands for the incident.
    """
    links = fold_links(calls).filter(pl.col("outcome") == "folded")
    if links.is_empty() or dispatches.is_empty():
        return dispatches
    numbers = calls.select(pl.col("record_key").alias("incident_key"), pl.col("call_id").alias("$first"))
    moved = links.select("call_id", "incident_key").join(numbers, on="incident_key", how="inner")
    joined = dispatches.join(
        moved.select("call_id", "$first").unique("call_id"), on="call_id", how="left", maintain_order="left"
    )
    return joined.with_columns(pl.coalesce("$first", "call_id").alias("call_id")).drop("$first")


def _ends(steps: pl.DataFrame) -> pl.DataFrame:
    """Follow every chain to its end by doubling: ``call_id``, ``end``, ``depth``, ``circle``.

    In a circle ``end`` is the smallest number of the calls in it, whatever call one starts from.
    """
    found = steps.select(
        "call_id", pl.col("parent_call_id").alias("end"), depth=pl.lit(1, dtype=pl.Int64), lowest="parent_call_id"
    )
    for _ in range(STEPS):
        onward = found.select(
            pl.col("call_id").alias("end"),
            pl.col("end").alias("$end"),
            pl.col("depth").alias("$depth"),
            pl.col("lowest").alias("$lowest"),
        )
        joined = found.join(onward, on="end", how="left", maintain_order="left")
        more = pl.col("$end").is_not_null()
        found = joined.select(
            "call_id",
            pl.coalesce("$end", "end").alias("end"),
            # A circle doubles its length each time; no chain of calls is that long.
            pl.when(more).then(pl.col("depth") + pl.col("$depth")).otherwise("depth").alias("depth"),
            pl.min_horizontal("lowest", "$lowest").alias("lowest"),
        )
        if not joined["$end"].is_not_null().any():
            break
    # What still has a next step after all the doubling runs in a circle; its end lies in the circle itself, and the
    # lowest number on the way round from there is the same for all who came in.
    turning = found.join(steps, left_on="end", right_on="call_id", how="semi")
    round_trip = found.select(pl.col("call_id").alias("end"), pl.col("lowest").alias("$lowest"))
    circles = turning.join(round_trip, on="end", how="left").select("call_id", pl.col("$lowest").alias("$circle"))
    return found.join(circles, on="call_id", how="left").select(
        "call_id",
        pl.coalesce("$circle", "end").alias("end"),
        pl.when(pl.col("$circle").is_null()).then("depth").alias("depth"),
        pl.col("$circle").is_not_null().alias("circle"),
    )
