"""Units sent and what they report: dispatches (派警单) and feedbacks (反馈单) with believable times.

The published shape of two real weeks is kept: sign-off within 30 s about 98 %, turn-out within 5 min 62 to 71 %,
feedback later than 4 h 7.4 to 8.6 % (of the dispatch).
"""

from __future__ import annotations

from datetime import datetime, time

import numpy as np
import polars as pl
import shapely

from data.demo.calendar import Days
from data.demo.categories import category_names, forecast_category
from data.demo.territory import Territory

HOUR_S, DAY_S = 3600, 86_400
#: Median minutes on the spot and mean officers sent, by type.
_HANDLING = {
    "010100": (62.0, 2.6),
    "010200": (30.0, 2.0),
    "010300": (32.0, 2.0),
    "010400": (40.0, 2.0),
    "020100": (52.0, 3.0),
    "020200": (15.0, 2.0),
    "020300": (75.0, 4.0),
    "030100": (34.0, 2.0),
    "030200": (14.0, 2.0),
    "040100": (38.0, 2.2),
    "040200": (35.0, 2.0),
    "050100": (30.0, 2.0),
    "050200": (18.0, 2.0),
}
#: Seconds: medians and spreads (of the logarithm) that give the published shares.
_SIGN_OFF, _TURN_OUT = (9.0, 0.58), (204.0, 0.90)
LATE_FEEDBACK_SHARE = 0.079
#: Share of dispatches nobody ever closed, and of those in the last two days still open.
NEVER_CLOSED, STILL_OPEN = 0.012, 0.12


def fourteen_digits(column: str, days: Days) -> pl.Expr:
    """Write seconds since the first midnight as YYYYMMDDHHMMSS."""
    start = datetime.combine(days.first, time())
    return (pl.lit(start) + pl.duration(seconds=pl.col(column))).dt.strftime("%Y%m%d%H%M%S")


def number_text(prefix: str, seconds: str, number: pl.Expr, days: Days) -> pl.Expr:
    """Write a record number of 20 digits: prefix with leading zeros, day, running number."""
    start = datetime.combine(days.first, time())
    day = (pl.lit(start) + pl.duration(seconds=pl.col(seconds))).dt.strftime("%Y%m%d")
    return pl.concat_str(pl.lit(prefix), day, number.cast(pl.String).str.zfill(8))


def call_number(days: Days) -> pl.Expr:
    """Write the number of a call (接警单编号)."""
    return number_text("0099", "reported", pl.col("number"), days)


def send_units(
    rng: np.random.Generator, log: pl.DataFrame, territory: Territory, days: Days, last: int
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Send units to the valid and the unfounded calls.

    Parameters
    ----------
    log
        Calls with ``number, kind, type, detail, intake, x, y, community, reported``; times in seconds.
    last
        Index of the last day; nothing after its midnight is known yet.

    Returns
    -------
    dispatches, feedbacks, log
        Two upstream frames, and the log with ``officer_hours`` actually spent (also where never closed).
    """
    went = log.filter(pl.col("kind").is_in(["valid", "unfounded"]) & (pl.col("community") >= 0))
    size = went.height
    second = rng.random(size) < np.where(went["type"].to_numpy() == "020100", 0.22, 0.05)
    row = np.concatenate([np.flatnonzero(rng.random(size) < 0.985), np.flatnonzero(second)])
    row = row[np.argsort(row, kind="stable")]
    sent = went[row]
    first = np.concatenate([[True], row[1:] != row[:-1]])
    kind, community = sent["type"].to_numpy(), sent["community"].to_numpy()
    size = len(row)
    station = territory.station_of_beat[territory.beat_of_community[community]]
    house = shapely.get_coordinates(shapely.centroid(territory.station_shapes))[station]
    distance_m = 1.3 * np.hypot(sent["x"].to_numpy() - house[:, 0], sent["y"].to_numpy() - house[:, 1])

    def seconds(median: float | np.ndarray, spread: float) -> np.ndarray:
        return np.asarray(np.maximum(median * np.exp(spread * rng.normal(size=size)), 1)).astype(np.int64)

    dispatched = sent["reported"].to_numpy() + seconds(55.0, 0.6) + np.where(first, 0, seconds(420.0, 0.7))
    signed = dispatched + seconds(*_SIGN_OFF)
    departed = np.maximum(dispatched + seconds(*_TURN_OUT), signed)
    arrived = departed + 40 + (distance_m / (6.5 * np.exp(0.3 * rng.normal(size=size)))).astype(np.int64)
    stay = np.array([_HANDLING[code][0] for code in kind])
    stay = np.where(sent["kind"].to_numpy() == "unfounded", 9.0, stay)
    cleared = arrived + seconds(stay * 60, 0.55)
    officers = np.maximum(rng.poisson(np.array([_HANDLING[code][1] for code in kind]) - 1.2) + 1, 1)
    officers = np.where(first, np.maximum(officers, 2), officers)
    hours = (cleared - departed) / HOUR_S * officers
    late = rng.random(size) < LATE_FEEDBACK_SHARE
    filed = cleared + np.where(late, 4 * HOUR_S + rng.exponential(9 * HOUR_S, size).astype(np.int64), seconds(480, 0.8))
    end = (last + 1) * DAY_S
    open_share = np.where(dispatched > end - 2 * DAY_S, STILL_OPEN, NEVER_CLOSED)
    never = rng.random(size) < open_share
    serial = pl.int_range(pl.len())
    frame = sent.with_columns(
        dispatched=pl.Series(dispatched),
        signed=pl.Series(signed),
        departed=pl.Series(departed),
        arrived=pl.Series(arrived),
        cleared=pl.Series(cleared),
        filed=pl.Series(filed),
        closed=pl.Series(~never & (cleared < end)),
        reports=pl.Series(first & ~never & (filed < end) & (rng.random(size) < 0.975)),
        officers=pl.Series(officers),
        vehicles=pl.Series((officers + 2) // 3),
        unit=pl.Series(np.array(territory.station_codes)[station]),
        outcome=pl.Series(rng.choice(["01", "02", "03", "04", "05"], size, p=[0.45, 0.2, 0.15, 0.12, 0.08])),
    ).with_columns(serial=serial)

    def known(column: str) -> pl.Expr:
        return pl.when(pl.col(column) < end).then(fourteen_digits(column, days)).otherwise(None)

    dispatches = frame.filter(pl.col("dispatched") < end).select(
        PJDBH=number_text("0199", "dispatched", pl.col("serial"), days),
        JJDBH=call_number(days),
        CJDWDM="unit",
        PJSJ=fourteen_digits("dispatched", days),
        PDQSSJ=known("signed"),
        CJSJ01=known("departed"),
        DDXCSJ=known("arrived"),
        XCCLWBSJ=pl.when(pl.col("closed")).then(fourteen_digits("cleared", days)).otherwise(None),
        CDRC=pl.col("officers").cast(pl.String),
        CDCC=pl.col("vehicles").cast(pl.String),
    )
    types = {code: forecast_category(code) for code in category_names()}
    found = pl.when(pl.col("kind") == "valid").then(pl.col("detail")).otherwise(pl.col("intake"))
    feedbacks = frame.filter("reports").select(
        FKDBH=number_text("0299", "filed", pl.col("serial"), days),
        JJDBH=call_number(days),
        PJDBH=number_text("0199", "dispatched", pl.col("serial"), days),
        FKSJ=fourteen_digits("filed", days),
        FKLXDM=found.replace_strict(types),
        FKXLDM=found,
        JQCLJGDM="outcome",
        WXBS=pl.when(pl.col("kind") == "unfounded").then(pl.lit("1")).otherwise(pl.lit("0")),
    )
    spent = frame.with_columns(officer_hours=pl.Series(hours)).group_by("number").agg(pl.col("officer_hours").sum())
    return dispatches, feedbacks, log.join(spent, on="number", how="left", maintain_order="left")
