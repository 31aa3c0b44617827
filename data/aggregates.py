"""Counts as each role may see them: whose counts are rounded, whose small counts are hidden, and in which tables.

How counts are rounded or hidden, and which others with them: ``data.disclosure``. Who sees a table at all:
``data.access``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import polars as pl

from data.disclosure import ROUNDING_BASE, SMALLEST_COUNT, hide_small_counts, round_counts, round_each

if TYPE_CHECKING:
    from data.access import Scope, Viewer
    from data.permissions import Role

#: Roles that read aggregates only: counts are rounded, or hidden where they are small.
AGGREGATES_ONLY: frozenset[Role] = frozenset({"researcher", "auditor"})
#: Observed counts of single cells, by table. Expected counts are the model's, not an observation.
SMALL_COUNT_COLUMNS: dict[str, str] = dict.fromkeys(("hotspots", "spare_hotspots", "unit_hotspots"), "baseline_count")
#: Observations of a group of places, hidden with its count of incidents. Shares of them would give the count back.
GROUP_OBSERVATIONS = ("incident_share", "hits", "hit_rate", "ratio", "ratio_low", "ratio_high")


def counts_for(
    viewer: Viewer, counts: pl.DataFrame, value: str, margins: Sequence[Sequence[str]] = ((),)
) -> pl.DataFrame:
    """Return aggregated counts as the viewer may see them, with a column ``suppressed``.

    See :func:`data.disclosure.hide_small_counts` for ``margins``.
    """
    if viewer.role in AGGREGATES_ONLY:
        return hide_small_counts(counts, value, margins, SMALLEST_COUNT)
    return counts.with_columns(suppressed=pl.lit(False))


def sums_for(
    viewer: Viewer,
    rows: pl.DataFrame,
    value: str,
    cells: Sequence[str],
    *,
    members: Sequence[str],
    secret: Callable[[], str],
) -> pl.DataFrame:
    """Return rows of counts summed into cells as the viewer may see them: ``cells``, ``value``, ``rounded_to``.

    ``rounded_to`` is 1 for those who read every count, else the base of :func:`data.disclosure.round_counts`, which
    explains ``members`` and ``secret``. Never sum rows that are told to readers of aggregates in any other way.
    """
    if viewer.role in AGGREGATES_ONLY:
        return round_counts(rows, value, cells, members, secret()).with_columns(rounded_to=ROUNDING_BASE)
    sums = rows.group_by(cells).agg(pl.col(value).sum()).sort(cells, nulls_last=True)
    return sums.with_columns(rounded_to=pl.lit(1))


def areas_for(viewer: Viewer, areas: pl.DataFrame, secret: Callable[[], str] | None) -> pl.DataFrame:
    """Return ranked areas (schema ``AreaHotspots``) as the viewer may see them, with ``rounded_to``.

    A community lies in a beat and a beat in a station, and all of them are told: a count hidden on one level would be
    the difference of others. So readers of aggregates get rounded counts and the ranks of those, for all forecast
    periods the same. Without the secret of the store they get neither.
    """
    if viewer.role not in AGGREGATES_ONLY:
        return areas.with_columns(rounded_to=pl.lit(1))
    if secret is None:
        told = areas.with_columns(baseline_count=pl.lit(None, pl.Float64))
    else:
        told = round_each(areas, "baseline_count", ("category", "level", "area_code"), secret())
    of_a_level = ("category", "horizon_days", "level")
    rank = pl.col("baseline_count").rank("min", descending=True).over(of_a_level).cast(areas.schema["baseline_rank"])
    return told.with_columns(rank.alias("baseline_rank"), rounded_to=pl.lit(ROUNDING_BASE))


def groups_for(viewer: Viewer, groups: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """Return errors by group of places (schema ``ModelGroups``) as the viewer may see them, with ``suppressed``.

    Of the stations a commander sees the own ones; groups that are no areas are about the whole force. Where a count of
    incidents is hidden, what is computed from it is hidden too (``suppressed``); where only the hits are too few, hits
    and hit rate are null.
    """
    if not scope.whole_force:
        own = pl.col("group_code").is_in(sorted(scope.stations))
        groups = groups.filter((pl.col("kind").cast(pl.String) != "station") | own)
    margins = (("category", "horizon_days", "kind"),)
    hits = counts_for(viewer, groups, "hits", margins)
    groups = hits.with_columns(hit_rate=pl.when(~pl.col("suppressed")).then("hit_rate")).drop("suppressed")
    counted = counts_for(viewer, groups, "incidents", margins)
    seen = ~pl.col("suppressed")
    return counted.with_columns(pl.when(seen).then(pl.col(name)).alias(name) for name in GROUP_OBSERVATIONS)
