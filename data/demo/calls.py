"""The three tables of the incident platform: calls, dispatches, feedbacks, as its export would hand them over.

Two thirds of the raw calls are no valid incidents: repeats, enquiries, nuisance, unfounded ones. Times are seconds
since the first local midnight until they are written as 14 digits; China keeps no summer time, so that is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from data.demo.calendar import Days
from data.demo.categories import category_names, first_level, forecast_category
from data.demo.coordinates import to_lon_lat
from data.demo.dispatches import DAY_S, HOUR_S, call_number, fourteen_digits, number_text, send_units
from data.demo.land import Land
from data.demo.names import CITY, DISTRICT
from data.demo.places import Places, nearest_spot
from data.demo.risk import Drawn
from data.demo.territory import Territory

#: Shares of the finest categories inside a type.
_DETAILS: dict[str, tuple[float, ...]] = {
    "010100": (0.5, 0.2, 0.3),
    "010200": (0.55, 0.45),
    "010300": (0.7, 0.3),
    "010400": (0.45, 0.3, 0.25),
    "020100": (0.65, 0.35),
    "020200": (0.8, 0.2),
    "020300": (1.0,),
    "030100": (0.78, 0.22),
    "030200": (0.7, 0.3),
    "040100": (0.5, 0.43, 0.07),
    "040200": (0.65, 0.35),
    "050100": (0.25, 0.4, 0.35),
    "050200": (0.5, 0.5),
    "060100": (1.0,),
    "080100": (1.0,),
    "990100": (0.6, 0.4),
}
#: What a caller's words are first taken for when the spot shows something else.
_TAKEN_FOR = {
    "010100": "010200",
    "010200": "010300",
    "010300": "010200",
    "010400": "040200",
    "020100": "040100",
    "020200": "040100",
    "020300": "020200",
    "030100": "030200",
    "030200": "030100",
    "040100": "020100",
    "040200": "040100",
    "050100": "050200",
    "050200": "050100",
}
#: Raw calls that are no valid incident, per valid one.
REPEATS, NUISANCE, ENQUIRIES, COMPLAINTS, UNFOUNDED = 0.40, 0.55, 0.80, 0.05, 0.15
_LEVELS = {"020100": 1, "010100": 2, "030100": 2, "050100": 2}


@dataclass(frozen=True)
class CallTables:
    """Upstream frames, all text, in order of time; ``incidents`` keeps for each valid call what it truly was."""

    calls: pl.DataFrame
    dispatches: pl.DataFrame
    feedbacks: pl.DataFrame
    incidents: pl.DataFrame


def take_calls(
    rng: np.random.Generator, drawn: Drawn, places: Places, land: Land, territory: Territory, days: Days, last: int
) -> CallTables:
    """Turn incidents into calls, dispatches and feedbacks.

    Parameters
    ----------
    drawn
        Valid incidents at their true time and place.
    last
        Index of the last day; what would be reported after it has not been reported yet and is left out.
    """
    log = _log_of_calls(rng, drawn, places, territory, last)
    dispatches, feedbacks, log = send_units(rng, log, territory, days, last)
    calls = _write_calls(rng, log, land, territory, days)
    incidents = log.filter(pl.col("kind") == "valid").select(
        "number", "type", "detail", "offspring", "x", "y", "community", "reported", "officer_hours"
    )
    return CallTables(calls, dispatches, feedbacks, incidents)


def _log_of_calls(
    rng: np.random.Generator, drawn: Drawn, places: Places, territory: Territory, last: int
) -> pl.DataFrame:
    """Return all raw calls in order of time with their numbers; local metres, seconds."""
    start, end, reported = _when(rng, drawn)
    community = territory.community_at(drawn.x, drawn.y)
    road, house = _road_and_house(drawn, places)
    size = len(reported)
    discovered = rng.random(size) < np.select(
        [drawn.category == "020300", drawn.category == "030200", drawn.category == "020100"], [0.6, 0.3, 0.1], 0.02
    )
    valid = pl.DataFrame(
        {
            "kind": pl.Series(["valid"]).new_from_index(0, size),
            "type": drawn.category,
            "x": drawn.x,
            "y": drawn.y,
            "road": road,
            "house": house,
            "community": community,
            "offspring": drawn.offspring,
            "discovered": discovered,
            "from": start,
            "to": end,
            "reported": reported,
            "parent": np.full(size, -1),
            "link": np.zeros(size, dtype=int),
        }
    ).filter((pl.col("reported") < (last + 1) * DAY_S) & (pl.col("community") >= 0))
    valid = valid.with_columns(own=pl.int_range(pl.len()))
    others = [
        _unfounded(rng, valid, last),
        _repeats(rng, valid),
        *(
            _unlocated(rng, kind, code, round(valid.height * share), last)
            for kind, code, share in (
                ("nuisance", "990100", NUISANCE),
                ("enquiry", "060100", ENQUIRIES),
                ("complaint", "080100", COMPLAINTS),
            )
        ),
    ]
    log = pl.concat([valid, *others], how="diagonal").filter(pl.col("reported") < (last + 1) * DAY_S)
    log = log.sort("reported", maintain_order=True).with_columns(number=pl.int_range(pl.len()))
    at = log.filter(pl.col("own").is_not_null()).select("own", parent_number="number", parent_reported="reported")
    log = log.join(at, left_on="parent", right_on="own", how="left", maintain_order="left")
    kinds = log["type"].to_numpy()
    taken = np.where(
        (rng.random(log.height) < 0.12) & (log["kind"] == "valid").to_numpy(),
        np.array([_TAKEN_FOR.get(code, code) for code in kinds]),
        kinds,
    )
    return log.with_columns(
        detail=pl.Series(_detail(rng, kinds)),
        intake=pl.Series(_detail(rng, taken)),
    ).with_columns(intake=pl.when(pl.Series(taken == kinds)).then("detail").otherwise("intake"))


def _when(rng: np.random.Generator, drawn: Drawn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return in seconds the interval it is known to have happened in, and when it was reported."""
    happened = (drawn.time * DAY_S).astype(np.int64)
    size = len(happened)
    theft = np.isin(drawn.category, ["010100", "010200"])
    exact_share = np.where(drawn.category == "010100", 0.12, 0.3)
    spread = theft & (rng.random(size) > exact_share)
    before = (rng.gamma(2.0, 2.4, size) * HOUR_S).astype(np.int64)
    after = (rng.gamma(1.6, 2.2, size) * HOUR_S).astype(np.int64)
    start = np.where(spread, (happened - before) // 900 * 900, happened)
    end = np.where(spread, (happened + after) // 900 * 900 + 900, happened)
    delay = np.select(
        [theft, drawn.category == "010400"],
        [rng.exponential(50, size), rng.exponential(14 * 60, size)],
        rng.exponential(5, size),
    )
    reported = end + (delay * 60).astype(np.int64) + 20
    return start, end, reported


def _road_and_house(drawn: Drawn, places: Places) -> tuple[np.ndarray, np.ndarray]:
    address, street = places.addresses, places.streets
    near = nearest_spot(street, drawn.x, drawn.y)
    at_house = drawn.spot_is_address & (drawn.spot >= 0)
    spot = np.where(at_house, drawn.spot, 0)
    return np.where(at_house, address.road[spot], street.road[near]), np.where(at_house, address.number[spot], 0)


def _unfounded(rng: np.random.Generator, valid: pl.DataFrame, last: int) -> pl.DataFrame:
    """Return calls somebody went to for nothing: like valid ones, at another time."""
    number = round(valid.height * UNFOUNDED)
    pick = rng.integers(0, valid.height, number)
    shift = rng.integers(0, last, number) * DAY_S + rng.integers(-7200, 7200, number)
    found = valid[pick].with_columns(reported=pl.Series((valid["reported"].to_numpy()[pick] + shift) % (last * DAY_S)))
    return found.with_columns(
        pl.lit("unfounded").alias("kind"),
        pl.lit(False).alias("offspring"),
        pl.lit(None, dtype=pl.Int64).alias("own"),
        pl.col("reported").alias("from"),
        pl.col("reported").alias("to"),
    )


def _repeats(rng: np.random.Generator, valid: pl.DataFrame) -> pl.DataFrame:
    """Return further calls about the same incident: repeats (1), reminders (2), feedback from the public (3)."""
    number = rng.poisson(REPEATS, valid.height)
    parent = np.repeat(np.arange(valid.height), number)
    delay = (rng.exponential(22 * 60, len(parent)) + 15).astype(np.int64)
    return valid[parent].with_columns(
        pl.lit("repeat").alias("kind"),
        pl.lit(False).alias("offspring"),
        pl.lit(False).alias("discovered"),
        reported=pl.col("reported") + pl.Series(delay),
        parent=pl.Series(parent),
        link=pl.Series(rng.choice([1, 2, 3], len(parent), p=[0.62, 0.28, 0.1])),
        own=pl.lit(None, dtype=pl.Int64),
    )


def _unlocated(rng: np.random.Generator, kind: str, code: str, number: int, last: int) -> pl.DataFrame:
    hour = rng.normal(15.0, 4.5, number) % 24
    reported = (rng.integers(0, last + 1, number) * DAY_S + hour * HOUR_S).astype(np.int64)
    return pl.DataFrame({"reported": reported}).with_columns(
        pl.lit(kind).alias("kind"),
        pl.lit(code).alias("type"),
        pl.lit(False).alias("offspring"),
        pl.lit(False).alias("discovered"),
        pl.lit(-1).cast(pl.Int64).alias("parent"),
        pl.lit(0).cast(pl.Int64).alias("link"),
    )


def _detail(rng: np.random.Generator, types: np.ndarray) -> np.ndarray:
    """Draw the finest category inside each type."""
    found = np.empty(len(types), dtype="<U6")
    for code, shares in _DETAILS.items():
        mine = np.flatnonzero(types == code)
        nth = rng.choice(len(shares), size=len(mine), p=shares)
        found[mine] = np.array([f"{code[:4]}{k + 1:02d}" for k in range(len(shares))])[nth]
    return found


def _write_calls(
    rng: np.random.Generator, log: pl.DataFrame, land: Land, territory: Territory, days: Days
) -> pl.DataFrame:
    size = log.height
    community = log["community"].fill_null(-1).to_numpy()
    placed = community >= 0
    beat = territory.beat_of_community[np.maximum(community, 0)]
    station_code = np.array(territory.station_codes)[territory.station_of_beat[beat]]
    desk = np.array(territory.station_codes)[rng.integers(0, len(territory.station_codes), size)]
    x, y = log["x"].fill_null(0.0).to_numpy(), log["y"].fill_null(0.0).to_numpy()
    blurred = rng.random(size) < 0.15
    x = x + np.where(blurred, rng.normal(0, 10, size), 0)
    y = y + np.where(blurred, rng.normal(0, 10, size), 0)
    outside = placed & (rng.random(size) < 0.003)
    x = np.where(outside, np.where(x > 0, 7200.0, -7200.0) + rng.normal(0, 600, size), x)
    lon, lat = to_lon_lat(x, y)
    kind = log["kind"].to_numpy()
    unlocated = ~placed | (rng.random(size) < np.where(kind == "repeat", 0.7, 0.035))
    road = pl.Series([way.name_zh for way in land.ways])[log["road"].fill_null(0).to_numpy()]
    names = category_names()
    answered = log["reported"].to_numpy() + rng.integers(2, 16, size)
    level = np.array([_LEVELS.get(code, 3) for code in log["type"].to_numpy()])
    channel = np.where(
        log["discovered"].to_numpy(), "06", rng.choice(["01", "02", "03", "04"], size, p=[0.84, 0.06, 0.07, 0.03])
    )
    surname = np.array(["甲", "乙", "丙", "丁", "戊"])[rng.integers(0, 5, size)]
    house = pl.when(pl.col("house") > 0).then(pl.format(" {} 号", pl.col("house"))).otherwise(pl.lit("附近"))
    frame = log.with_columns(
        _road=road,
        answered=pl.Series(answered),
        _unlocated=pl.Series(unlocated),
        _lon=pl.Series(np.round(lon, 6)),
        _lat=pl.Series(np.round(lat, 6)),
        _placed=pl.Series(placed),
    )
    has_time = pl.col("from").is_not_null()
    in_place = pl.col("_placed")
    return frame.select(
        JJDBH=call_number(days),
        GLJJDBH=pl.when(pl.col("parent_number").is_not_null())
        .then(number_text("0099", "parent_reported", pl.col("parent_number"), days))
        .otherwise(None),
        GLLX=pl.when(pl.col("link") > 0).then(pl.col("link").cast(pl.String).str.zfill(2)).otherwise(None),
        JJDWDM=pl.Series(np.where(placed, station_code, desk)),
        BJFS=pl.Series(channel),
        JQDJDM=pl.Series(level).cast(pl.String),
        BJSJ=fourteen_digits("reported", days),
        JJSJ=fourteen_digits("answered", days),
        JQFSSJQ=pl.when(has_time).then(fourteen_digits("from", days)).otherwise(None),
        JQFSSJZ=pl.when(has_time).then(fourteen_digits("to", days)).otherwise(None),
        BJRXM=pl.Series(surname) + "测试",
        LXDH=pl.Series(rng.integers(0, 10_000, size)).cast(pl.String).str.zfill(4).str.pad_start(11, "0"),
        JQLBDM=pl.col("intake").replace_strict({c: first_level(c) for c in names}),
        JQLXDM=pl.col("intake").replace_strict({c: forecast_category(c) for c in names}),
        JQXLDM=pl.col("intake"),
        JQXLMC=pl.col("intake").replace_strict({c: zh for c, (zh, _) in names.items()}),
        JQDZ=pl.when(in_place).then(pl.concat_str(pl.lit(CITY[0] + DISTRICT[0]), "_road", house)).otherwise(None),
        BJRXZB=pl.when(~pl.col("_unlocated")).then(pl.col("_lon").cast(pl.String)).otherwise(None),
        BJRYZB=pl.when(~pl.col("_unlocated")).then(pl.col("_lat").cast(pl.String)).otherwise(None),
        GXDWDM=pl.when(in_place).then(pl.Series(station_code)).otherwise(None),
        JWQDM=pl.when(in_place).then(pl.Series(np.array(territory.beat_codes)[beat])).otherwise(None),
        WXBS=pl.when(pl.col("kind").is_in(["valid", "unfounded"])).then(pl.lit("0")).otherwise(pl.lit("1")),
        SFBM=pl.Series(np.where(rng.random(size) < 0.004, "1", "0")),
    )
