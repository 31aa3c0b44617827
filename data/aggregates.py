"""Counts as each role may see them: whose small counts are hidden, in which tables, and what is hidden with them.

How small counts are hidden, and which others with them: ``data.disclosure``. Who sees a table at all: ``data.access``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from data.disclosure import SMALLEST_COUNT, hide_small_counts

if TYPE_CHECKING:
    from data.access import Role, Scope, Viewer

#: Roles that read aggregates only: positive counts below ``SMALLEST_COUNT`` are hidden from them.
AGGREGATES_ONLY: frozenset[Role] = frozenset({"researcher", "auditor"})
#: Observed counts of single cells, by table. Expected counts are the model's, not an observation.
SMALL_COUNT_COLUMNS: dict[str, str] = dict.fromkeys(
    ("hotspots", "spare_hotspots", "area_hotspots", "unit_hotspots"), "baseline_count"
)
#: Totals a reader of areas can form: all areas of a level, of a station, of a beat.
_OF_A_LEVEL = ("category", "horizon_days", "level")
SMALL_COUNT_MARGINS: dict[str, tuple[tuple[str, ...], ...]] = {
    "area_hotspots": (_OF_A_LEVEL, (*_OF_A_LEVEL, "station_code"), (*_OF_A_LEVEL, "beat_code"))
}
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
