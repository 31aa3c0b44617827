"""How good the ranking was, in words and tables: verdict, methods, calibration, groups, feedback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pages.ui import places, tables
from pages.ui.advice import EQUAL_WITHIN, PLAIN_COUNT
from pages.ui.formats import NONE, number, share, signed
from pages.ui.language import t, term

if TYPE_CHECKING:
    from data.desk import Desk

PLAIN_COUNTS = (PLAIN_COUNT, "count_1095")
ORACLE = "oracle"
#: Group kinds in the order they are told; ``source`` is told apart.
KINDS = ("station", "density", "housing")


def verdict_of(rows: list[dict[str, Any]]) -> str:
    """Return how the chosen method stands against both plain counts: one of the keys under ``model.verdict``.

    ``plain`` where a plain count is used; ``same`` where the paired intervals include zero, ``same_sharper`` where
    its expected counts came nearer to what happened all the same; ``slight`` where the
    method is better beyond chance by so little that a reader would not notice.
    """
    chosen = next((row for row in rows if row["chosen"]), None)
    if chosen is None:
        return "none"
    if chosen["model"] in PLAIN_COUNTS:
        return "plain"
    lows = [chosen["gain_365_low"], chosen["gain_1095_low"]]
    highs = [chosen["gain_365_high"], chosen["gain_1095_high"]]
    known = [low for low in lows if low is not None]
    if not known:
        return "alone"
    if any(high is not None and high < 0 for high in highs):
        return "worse"
    if all(low > 0 for low in known):
        gains = [chosen[name] for name in ("gain_365", "gain_1095") if chosen[name] is not None]
        return "slight" if chosen["pai"] and min(gains) / chosen["pai"] <= EQUAL_WITHIN else "better"
    if any(low > 0 for low in known):
        return "better_one"
    counts = [row["deviance"] for row in rows if row["model"] in PLAIN_COUNTS and row["deviance"] is not None]
    sharper = chosen["deviance"] is not None and counts and chosen["deviance"] < min(counts)
    return "same_sharper" if sharper else "same"


def verdict_sentence(rows: list[dict[str, Any]]) -> str:
    """Return the page's takeaway: which method is used and whether it is worth more than counting."""
    chosen = next((row for row in rows if row["chosen"]), None)
    if chosen is None:
        return t("model.verdict.none")
    found = {row["model"]: row for row in rows}
    plain, oracle = found.get(PLAIN_COUNT, {}), found.get(ORACLE, {})
    told = t(
        "model.verdict.rates",
        method=term("model", chosen["model"]),
        n=chosen["origins"],
        rate=share(chosen["hit_rate"], 1),
        plain=share(plain.get("hit_rate"), 1),
        oracle=share(oracle.get("hit_rate"), 1),
    )
    return t("model.verdict.both", verdict=t(f"model.verdict.{verdict_of(rows)}"), rates=told)


def method_name(model: str, *, used: bool) -> str:
    """Return a method in words, marked when the edition ranks with it."""
    return f"{term('model', model)} {t('hotspots.score.used')}" if used else term("model", model)


def gain_words(row: dict[str, Any], name: str) -> str:
    """Return a paired gain and its interval, which stays on one line: +1.2 (−0.3 … +2.8); a dash without one."""
    if row[name] is None:
        return NONE
    return f"{signed(row[name])} ({signed(row[f'{name}_low'])}\u00a0…\u00a0{signed(row[f'{name}_high'])})"


def methods_table(rows: list[dict[str, Any]]) -> str:
    """Return all methods on the same past periods as an HTML table, the one used first."""
    columns = (
        "model",
        "hits",
        "hit_rate",
        "pai",
        "rri",
        "pei",
        "auc",
        "deviance",
        "calibration",
        "gain_365",
        "gain_1095",
    )
    shown = [
        [
            method_name(row["model"], used=row["chosen"]),
            f"{number(row['hits'])} / {number(row['events'])}",
            share(row["hit_rate"], 1),
            number(row["pai"], 1),
            number(row["rri"], 2),
            number(row["pei"], 2),
            number(row["auc"], 3),
            number(row["deviance"], 4),
            number(row["expected_hits"] / row["hits"] if row["expected_hits"] and row["hits"] else None, 2),
            gain_words(row, "gain_365"),
            gain_words(row, "gain_1095"),
        ]
        for row in rows
    ]
    first = rows[0]
    return tables.html_table(
        [t(f"model.column.{name}") for name in columns],
        shown,
        caption=t(
            "model.methods_caption",
            n=first["origins"],
            km2=number(first["area_km2"], 2),
            total=number(first["total_km2"], 0),
        ),
        numeric=range(1, len(columns)),
        # On a tablet an interval goes below its figure, rather than off the screen.
        classes={
            (line, columns.index(gain)): "wraps" for line in range(len(rows)) for gain in ("gain_365", "gain_1095")
        },
    )


def curves_of(rows: list[dict[str, Any]], chosen: str) -> list[tuple[str, list[dict[str, Any]], bool]]:
    """Return the curves in the order they are drawn: the method used (with its band), plain counts, best possible."""
    by_model: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_model.setdefault(row["model"], []).append(row)
    order = [name for name in dict.fromkeys((chosen, *PLAIN_COUNTS, ORACLE)) if name in by_model]
    return [(method_name(name, used=name == chosen), by_model[name], name == chosen) for name in order]


def curve_sentence(rows: list[dict[str, Any]], chosen: str) -> str:
    """Return what the list's own area catches, beside the plain count and the best possible."""
    at = {row["model"]: row for row in rows if row["is_budget"]}
    own, plain, oracle = at[chosen], at.get(PLAIN_COUNT, at[chosen]), at[ORACLE]
    return t(
        "model.curve_sentence",
        area=share(own["area_share"], 1),
        rate=share(own["hit_rate"], 1),
        plain=share(plain["hit_rate"], 1),
        oracle=share(oracle["hit_rate"], 1),
    )


def curve_table(rows: list[dict[str, Any]], chosen: str) -> str:
    """Return the curves as a table: one row per area, one column per method."""
    curves = curves_of(rows, chosen)
    return tables.html_table(
        [t("model.column.area"), *(name for name, _, _ in curves)],
        [
            [
                share(points[0]["area_share"], 2) + (f" {t('model.list_area')}" if points[0]["is_budget"] else ""),
                *(share(point["hit_rate"], 1) for point in points),
            ]
            for points in zip(*(points for _, points, _ in curves), strict=True)
        ],
        numeric=range(1, len(curves) + 1),
    )


def calibration_sentence(bands: list[dict[str, Any]]) -> str:
    """Return whether the list promised too much, too little or about what came, with the interval of what came."""
    first = bands[0]
    low, high = first["observed_low"], first["observed_high"]
    word = "high" if first["expected"] > high else "low" if first["expected"] < low else "right"
    return t(
        f"model.calibration.{word}",
        expected=number(first["expected"], 0),
        observed=number(first["observed"], 0),
        low=number(low, 0),
        high=number(high, 0),
    )


def coverage_table(bands: list[dict[str, Any]]) -> str:
    """Return nominal against measured coverage of the intervals in the list."""
    first = bands[0]
    return tables.html_table(
        [t("model.column.nominal"), t("model.column.measured")],
        [[f"{level}%", share(first[f"cover_{level}"], 1)] for level in (50, 80, 95)],
        caption=t("model.coverage_caption"),
        numeric=(0, 1),
    )


def bands_table(bands: list[dict[str, Any]]) -> str:
    """Return the points of the calibration chart as a table."""
    names = ("band", "places", "expected", "observed", "interval")
    return tables.html_table(
        [t(f"model.column.{name}") for name in names],
        [
            [
                t("model.listed") if row["band"] == 0 else t("model.band", n=row["band"]),
                number(row["places"]),
                number(row["expected"], 1),
                number(row["observed"], 0),
                f"{number(row['observed_low'], 1)}–{number(row['observed_high'], 1)}",
            ]
            for row in bands
        ],
        numeric=range(1, len(names)),
    )


def group_name(desk: Desk, row: dict[str, Any]) -> str:
    """Return a group in words: the station's name, or which third of what."""
    if row["kind"] == "station":
        return places.named(desk, row["group_code"], "station")
    return t(f"model.group.{row['kind']}_{row['group_code']}")


def groups_of(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the groups of places in the order they are told; thirds from low to high."""
    order = {"low": 0, "middle": 1, "high": 2}
    return sorted(
        (row for row in groups if row["kind"] in KINDS),
        key=lambda row: (KINDS.index(row["kind"]), order.get(row["group_code"], -1), row["group_code"]),
    )


def groups_sentence(desk: Desk, groups: list[dict[str, Any]]) -> str:
    """Return for how many groups the interval leaves out 1, and which of them is most wrong."""
    wrong = [
        row
        for row in groups
        if row["ratio"] is not None
        and (row["ratio_low"] > 1 or (row["ratio_high"] is not None and row["ratio_high"] < 1))
    ]
    if not wrong:
        return t("model.groups_even")
    worst = max(wrong, key=lambda row: max(row["ratio"], 1 / row["ratio"]))
    return t(
        "model.groups_wrong_high" if worst["ratio"] > 1 else "model.groups_wrong_low",
        n=len(wrong),
        of=len([row for row in groups if row["ratio"] is not None]),
        group=group_name(desk, worst),
        ratio=number(worst["ratio"], 2),
    )


def ratio_rows(desk: Desk, groups: list[dict[str, Any]]) -> list[tuple[str, float, float, float | None]]:
    """Return name, expected / observed and interval of every group that has them."""
    return [
        (group_name(desk, row), row["ratio"], row["ratio_low"], row["ratio_high"])
        for row in groups
        if row["ratio"] is not None
    ]


def groups_table(desk: Desk, groups: list[dict[str, Any]]) -> str:
    """Return flags, shares and errors by group as an HTML table; what is hidden says so."""
    names = ("group", "flagged_share", "incident_share", "population_share", "area_share", "hit_rate", "told", "ratio")

    def seen(row: dict[str, Any], words: str) -> str:
        return t("common.hidden") if row["suppressed"] else words

    return tables.html_table(
        [t(f"model.column.{name}") for name in names],
        [
            [
                group_name(desk, row),
                share(row["flagged_share"], 1),
                seen(row, share(row["incident_share"], 1)),
                share(row["population_share"], 1),
                share(row["area_share"], 1),
                t("common.hidden") if row["hits"] is None else seen(row, share(row["hit_rate"], 1)),
                seen(row, f"{number(row['expected'], 0)} / {number(row['incidents'], 0)}"),
                seen(row, _ratio(row)),
            ]
            for row in groups
        ],
        caption=t("model.groups_caption"),
        numeric=range(1, len(names)),
    )


def _ratio(row: dict[str, Any]) -> str:
    if row["ratio"] is None:
        return NONE
    return f"{number(row['ratio'], 2)} ({number(row['ratio_low'], 2)}–{number(row['ratio_high'], 2)})"


def source_sentence(groups: list[dict[str, Any]]) -> str:
    """Return how many incidents the police found themselves and whether they count."""
    sources = {row["group_code"]: row for row in groups if row["kind"] == "source"}
    police = sources.get("police")
    if police is None:
        silent = sources.get("unknown")
        return t("model.source.silent") if silent and len(sources) == 1 else t("model.source.nothing")
    told = t(
        "model.source.excluded" if police["excluded"] else "model.source.counted",
        n=number(police["incidents"]) if not police["suppressed"] else t("common.hidden"),
        share=share(police["incident_share"], 1) if not police["suppressed"] else t("common.hidden"),
    )
    if police["list_change"] is None:
        return told
    changed = "model.source.change" if police["list_change"] > 0 else "model.source.no_change"
    return t("model.source.both", told=told, change=t(changed, share=share(police["list_change"], 0)))


def feedback_series(rows: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the distance from the truth per learning rule, in the order they are drawn."""
    drawn = ("reported", "everything", "everything_limited", "reported_capped")
    found = {rule: [row for row in rows if row["rule"] == rule and row["measure"] == "distance"] for rule in drawn}
    return [(t(f"model.rule.{rule}"), points) for rule, points in found.items() if points]


def feedback_sentence(rows: list[dict[str, Any]]) -> str:
    """Return in one sentence what learning from what visits find would do."""
    last = max(row["period"] for row in rows)
    at = {(row["rule"], row["measure"]): row for row in rows if row["period"] == last and row["group_code"] is None}
    everything, reported = at["everything", "distance"], at["reported", "distance"]
    crowded, own = at["everything", "concentration"], at["reported", "concentration"]
    # Runs that do not overlap are told as a difference; where few incidents blur both, only the crowding is.
    word = "apart" if everything["low"] > reported["high"] else "crowds" if crowded["low"] > own["high"] else "little"
    return t(
        f"model.feedback.{word}",
        n=last,
        everything=share(everything["value"], 0),
        reported=share(reported["value"], 0),
        crowded=share(crowded["value"], 0),
        own=share(own["value"], 0),
        truth=share(crowded["truth"], 0),
    )


def feedback_table(rows: list[dict[str, Any]]) -> str:
    """Return the simulation as a table: distance at the start, the middle and the end, and how visits crowd."""
    last = max(row["period"] for row in rows)
    at = {(row["rule"], row["measure"], row["period"]): row for row in rows if row["group_code"] is None}
    periods = (1, last // 2, last)
    rules = list(dict.fromkeys(row["rule"] for row in rows))
    headers = [
        t("model.column.rule"),
        *(t("model.column.distance_at", n=period) for period in periods),
        t("model.column.crowding", n=last),
        t("model.column.crowding_truth"),
    ]
    return tables.html_table(
        headers,
        [
            [
                t(f"model.rule.{rule}"),
                *(_spread(at[rule, "distance", period]) for period in periods),
                _spread(at[rule, "concentration", last]),
                share(at[rule, "concentration", last]["truth"], 0),
            ]
            for rule in rules
        ],
        numeric=range(1, len(headers)),
    )


def feedback_shares_table(desk: Desk, rows: list[dict[str, Any]]) -> str:
    """Return each area's share of the visits at the end beside its true share."""
    last = max(row["period"] for row in rows)
    shares = [row for row in rows if row["measure"] == "visit_share" and row["period"] == last]
    rules = list(dict.fromkeys(row["rule"] for row in shares))
    by_group: dict[str, dict[str, Any]] = {}
    for row in shares:
        by_group.setdefault(row["group_code"], {})[row["rule"]] = row
    return tables.html_table(
        [t("model.column.group"), t("model.column.true_share"), *(t(f"model.rule.{rule}") for rule in rules)],
        [
            [
                _place_words(desk, code),
                share(next(iter(found.values()))["truth"], 1),
                *(_spread(found[rule], 1) for rule in rules),
            ]
            for code, found in by_group.items()
        ],
        caption=t("model.feedback_shares_caption", n=last),
        numeric=range(1, len(rules) + 2),
    )


def _place_words(desk: Desk, code: str) -> str:
    named = ("others", "southwest", "southeast", "northwest", "northeast")
    return t(f"model.group.{code}") if code in named else places.named(desk, code, "station")


def _spread(row: dict[str, Any], digits: int = 0) -> str:
    return f"{share(row['value'], digits)} ({share(row['low'], digits)}–{share(row['high'], digits)})"
