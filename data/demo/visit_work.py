"""The visit register and past visits: what must be visited, and what was, better kept up in some beats than others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from data.demo.names import trade_names
from data.demo.places import Places, nearest_spot
from data.demo.territory import Territory

#: How far back visits are on record, days.
RECORD_DAYS = 548


@dataclass(frozen=True)
class Trade:
    """A kind of object on the register.

    ``every_days`` is how often it is meant to be visited, ``minutes`` the 10th, 50th and 90th percentile on the spot,
    ``contact`` the chance to meet somebody in the morning, afternoon and evening, ``slots`` how visits are spread over
    these.
    """

    code: str
    count: int
    every_days: float
    minutes: tuple[float, float, float]
    crew: int
    contact: tuple[float, float, float]
    slots: tuple[float, float, float]
    draws: str


TRADES = {
    "entertainment_venue": Trade("01", 120, 30.4, (14, 28, 58), 2, (0.45, 0.7, 0.97), (0.02, 0.13, 0.85), "night"),
    "hotel": Trade("02", 90, 30.4, (10, 20, 40), 2, (0.97, 0.97, 0.98), (0.3, 0.4, 0.3), "centre"),
    "group_rental": Trade("03", 150, 30.4, (9, 19, 40), 2, (0.35, 0.4, 0.75), (0.3, 0.3, 0.4), "rental"),
    "rental": Trade("04", 900, 182.0, (5, 12, 26), 1, (0.34, 0.4, 0.72), (0.35, 0.35, 0.3), "rental"),
    "temporary_residence": Trade("05", 350, 365.0, (5, 10, 21), 1, (0.36, 0.42, 0.75), (0.35, 0.35, 0.3), "rental"),
    "overseas_household": Trade("06", 50, 365.0, (9, 15, 30), 2, (0.5, 0.5, 0.8), (0.3, 0.3, 0.4), "centre"),
    "elderly_alone": Trade("09", 450, 30.4, (10, 21, 37), 1, (0.9, 0.86, 0.93), (0.55, 0.4, 0.05), "homes"),
    "key_business": Trade("10", 250, 91.0, (14, 29, 62), 2, (0.95, 0.95, 0.6), (0.5, 0.45, 0.05), "centre"),
}
#: Cases opened by incidents: details that open one, chance, delay of the first visit in days.
CASES = {
    "dv_warning": (("040103",), 0.5, 0.7, (18, 40, 85), (0.75, 0.7, 0.88)),
    "dispute_revisit": (("040101", "040102"), 0.085, 4.5, (10, 20, 46), (0.6, 0.6, 0.8)),
}
_CASE_CODES = {"dv_warning": "07", "dispute_revisit": "08"}
_GRADES = {"A": (0.45, 30.4), "B": (0.37, 10.1), "C": (0.18, 6.1)}
_HOURS = ((9.0, 12.0), (14.0, 17.5), (18.5, 21.5))


def keep_register(
    rng: np.random.Generator,
    places: Places,
    territory: Territory,
    addresses: pl.DataFrame,
    incidents: pl.DataFrame,
    first: date,
    until: date,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the visit register and the visits made, as upstream frames.

    Parameters
    ----------
    addresses
        Standard addresses in the order of ``places.addresses``.
    incidents
        Valid incidents with ``detail, x, y, reported`` (seconds since midnight of ``first``); some open a case.
    first, until
        First and last day with calls. Visits are on record for ``RECORD_DAYS`` before the end.
    """
    slack = np.exp(rng.normal(0.0, 0.16, len(territory.beat_codes)))
    slack[rng.choice(len(slack), 7, replace=False)] *= 1.55
    objects, visits = [], []
    for kind in TRADES:
        rows = _place_objects(rng, kind, places, territory, addresses, until)
        objects.append(rows)
        visits.append(_periodic_visits(rng, kind, rows, slack, until))
    for kind in CASES:
        rows, made = _open_cases(rng, kind, places, territory, slack, incidents, first, until)
        objects.append(rows)
        visits.append(made)
    register = pl.concat(objects, how="diagonal").with_columns(
        object_id=pl.lit("0399") + pl.int_range(pl.len()).cast(pl.String).str.zfill(14)
    )
    record = pl.concat(visits, how="diagonal").join(
        register.select("key", "object_id"), on="key", maintain_order="left"
    )
    return _write_register(register, territory, addresses), _write_visits(record, territory, until)


def _beat(places: Places, territory: Territory, spot: np.ndarray) -> np.ndarray:
    return np.asarray(territory.beat_of_community[places.addresses.community[spot]])


def _place_objects(
    rng: np.random.Generator,
    kind: str,
    places: Places,
    territory: Territory,
    addresses: pl.DataFrame,
    until: date,
) -> pl.DataFrame:
    trade = TRADES[kind]
    cell = places.addresses.cell
    draws = {
        "night": places.night_life[cell] + 0.04,
        "centre": places.centrality[cell] + 0.05,
        "rental": (places.rental[cell] + 0.1) * np.sqrt(places.residents[cell] + 1),
        "homes": places.residents[cell] + 1,
    }[trade.draws]
    spot = rng.choice(len(cell), size=trade.count, replace=False, p=draws / draws.sum())
    grade = rng.choice(list(_GRADES), size=trade.count, p=[share for share, _ in _GRADES.values()])
    age = rng.exponential(900, trade.count) + 20
    recent = rng.random(trade.count) < 0.08
    age = np.where(recent, rng.uniform(2, 120, trade.count), np.minimum(age + RECORD_DAYS, 2900)).astype(int)
    closed = (rng.random(trade.count) < 0.05) & ~recent
    venue = kind == "entertainment_venue"
    label = trade_names(rng, kind, trade.count) if kind in ("entertainment_venue", "hotel", "key_business") else None
    return pl.DataFrame(
        {
            "key": [f"{kind}/{k}" for k in range(trade.count)],
            "kind_code": [trade.code] * trade.count,
            "grade": grade if venue else [None] * trade.count,
            "label": label or addresses["DZMC"].gather(spot).str.slice(6).to_list(),
            "spot": spot,
            "beat": _beat(places, territory, spot),
            "opened": [until - timedelta(days=int(days)) for days in age],
            "closed": [
                until - timedelta(days=int(day)) if gone else None
                for gone, day in zip(closed, rng.uniform(1, 400, trade.count), strict=True)
            ],
        },
        schema_overrides={"grade": pl.String, "closed": pl.Date},
    )


def _periodic_visits(
    rng: np.random.Generator, kind: str, rows: pl.DataFrame, slack: np.ndarray, until: date
) -> pl.DataFrame:
    """Visit every object again and again; days are counted from ``RECORD_DAYS`` before ``until``."""
    trade = TRADES[kind]
    every = np.full(rows.height, trade.every_days)
    for grade, (_, days) in _GRADES.items():
        every = np.where((rows["grade"] == grade).fill_null(False).to_numpy(), days, every)
    every = every * slack[rows["beat"].to_numpy()]
    most = int(RECORD_DAYS / every.min()) + 2
    gaps = every[:, None] * np.exp(rng.normal(0, 0.22, (rows.height, most)))
    gaps[:, 0] *= rng.random(rows.height)
    opened = np.array([(day - until).days + RECORD_DAYS for day in rows["opened"]])
    closed = np.array([RECORD_DAYS if day is None else (day - until).days + RECORD_DAYS for day in rows["closed"]])
    day = np.maximum(opened, 0)[:, None] + np.cumsum(gaps, axis=1)
    which, nth = np.nonzero(day < np.minimum(closed, RECORD_DAYS)[:, None])
    return _tries(rng, rows["key"].to_numpy()[which], rows["beat"].to_numpy()[which], day[which, nth], trade)


def _tries(rng: np.random.Generator, key: np.ndarray, beat: np.ndarray, day: np.ndarray, trade: Trade) -> pl.DataFrame:
    """Call until somebody is met, four times at most; a failed call is short."""
    frames = []
    left = np.arange(len(key))
    day = np.floor(day)
    low, middle, high = np.log(trade.minutes)
    for attempt in range(4):
        slot = rng.choice(3, size=len(left), p=trade.slots)
        met = rng.random(len(left)) < np.array(trade.contact)[slot]
        start, end = np.array(_HOURS)[slot].T
        minutes = np.exp(middle + (high - low) / 2.563 * rng.normal(size=len(left)))
        frames.append(
            pl.DataFrame(
                {
                    "key": key[left],
                    "beat": beat[left],
                    "kind_code": [trade.code] * len(left),
                    "at": (day[left] * 24 + rng.uniform(start, end)) * 3600,
                    "met": met,
                    "minutes": np.round(np.where(met, minutes, rng.uniform(2, 6, len(left))), 0),
                    "crew": np.full(len(left), trade.crew),
                }
            )
        )
        left = left[~met]
        day[left] += rng.integers(1, 4 + attempt, len(left))
        if not len(left):
            break
    return pl.concat(frames)


def _open_cases(
    rng: np.random.Generator,
    kind: str,
    places: Places,
    territory: Territory,
    slack: np.ndarray,
    incidents: pl.DataFrame,
    first: date,
    until: date,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    details, chance, delay_days, minutes, contact = CASES[kind]
    found = incidents.filter(pl.col("detail").is_in(details))
    found = found.filter(pl.Series(rng.random(found.height) < chance))
    spot = nearest_spot(places.addresses, found["x"].to_numpy(), found["y"].to_numpy())
    opened = (found["reported"] // 86_400).to_numpy() + (rng.random(found.height) < 0.3)
    end = (until - first).days + 1
    spot, opened = spot[opened < end], opened[opened < end]
    size = len(spot)
    beat = _beat(places, territory, spot)
    wait = delay_days * slack[beat] ** 2 * np.exp(rng.normal(0, 0.55, size))
    visited = rng.random(size) > np.clip(0.03 * slack[beat] ** 4, 0, 0.4)
    closes = opened + np.where(visited, wait + rng.uniform(20, 60, size), 150).astype(int) + 1
    rows = pl.DataFrame(
        {
            "key": [f"{kind}/{k}" for k in range(size)],
            "kind_code": [_CASE_CODES[kind]] * size,
            "grade": rng.choice(["1", "2", "3"], size, p=[0.15, 0.45, 0.4]) if kind == "dv_warning" else [None] * size,
            "label": [None] * size,
            "spot": spot,
            "beat": beat,
            "opened": [first + timedelta(days=int(day)) for day in opened],
            "closed": [first + timedelta(days=int(day)) if day < end else None for day in closes],
        },
        schema_overrides={"grade": pl.String, "label": pl.String, "closed": pl.Date},
    )
    trade = Trade(_CASE_CODES[kind], size, 0, minutes, 2, contact, (0.3, 0.35, 0.35), "")
    shift = RECORD_DAYS - (end - 1)
    mine = np.flatnonzero(visited)
    return rows, _tries(rng, rows["key"].to_numpy()[mine], beat[mine], (opened + wait + 0.2)[mine] + shift, trade)


def _write_register(register: pl.DataFrame, territory: Territory, addresses: pl.DataFrame) -> pl.DataFrame:
    home = addresses.select(spot=pl.int_range(pl.len()), BZDZBM="BZDZBM", SQDM="SQDM", JD="JD", WD="WD", DZ="DZMC")
    beats = pl.Series(territory.beat_codes)
    full = register.join(home.cast({"spot": pl.Int64}), on="spot", how="left", maintain_order="left")
    return full.select(
        ZFDXBH="object_id",
        DXLBDM="kind_code",
        DJ="grade",
        DXMC=pl.coalesce("label", pl.col("DZ").str.slice(6)),
        BZDZBM="BZDZBM",
        SQDM="SQDM",
        JWQDM=beats.gather(full["beat"]),
        LGRQ=pl.col("opened").dt.strftime("%Y%m%d"),
        CGRQ=pl.col("closed").dt.strftime("%Y%m%d"),
        JD="JD",
        WD="WD",
    )


def _write_visits(record: pl.DataFrame, territory: Territory, until: date) -> pl.DataFrame:
    start = datetime.combine(until - timedelta(days=RECORD_DAYS), time())
    made = record.filter(pl.col("at") < (RECORD_DAYS + 1) * 86_400).sort("at", "key", maintain_order=True)
    return made.select(
        ZFBH=pl.lit("0499") + pl.int_range(pl.len()).cast(pl.String).str.zfill(14),
        ZFDXBH="object_id",
        DXLBDM="kind_code",
        JWQDM=pl.Series(territory.beat_codes).gather(made["beat"]),
        ZFSJ=(pl.lit(start) + pl.duration(seconds=pl.col("at").cast(pl.Int64))).dt.strftime("%Y%m%d%H%M%S"),
        SFJD=pl.col("met").cast(pl.Int8).cast(pl.String),
        YS=pl.col("minutes").cast(pl.Int64).cast(pl.String),
        RS=pl.col("crew").cast(pl.String),
    )
