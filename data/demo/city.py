"""The demo city, from seed to upstream files. Read this one first: every step is one call."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import shapely
from shapely.geometry import LineString, MultiLineString, mapping

from data.demo.address_noise import roughen
from data.demo.calendar import count_days
from data.demo.calls import take_calls
from data.demo.coordinates import shape_to_lon_lat
from data.demo.dirt import soil_calls, soil_dispatches
from data.demo.land import Land, plan_land
from data.demo.people import count_people, list_addresses
from data.demo.places import lay_out_places
from data.demo.risk import draw_incidents, lay_surfaces, true_surface
from data.demo.shifts import man_shifts
from data.demo.territory import Territory, area_rows, divide_land
from data.demo.visit_work import keep_register
from data.errors import RequestError

Progress = Callable[[int, int, str], None]
YEARS = 3
_STEPS = 8
#: Share of the calls' addresses that are written as callers give them, not as the standard address is.
ROUGH_ADDRESSES = 0.12


@dataclass(frozen=True)
class DemoFiles:
    """What was written.

    ``paths`` are the upstream files in the order to ingest them; ``rows`` counts data rows by file name; ``faults``
    counts rows soiled on purpose, see ``data.demo.dirt``; ``truth`` is the file of the true risk surface,
    read by ``data.demo.truth``.
    """

    folder: Path
    paths: list[Path]
    rows: dict[str, int]
    faults: dict[str, int]
    truth: Path
    first: date
    until: date


def write_city(
    folder: Path,
    *,
    seed: int = 20260101,
    until: date = date(2026, 6, 30),
    scale: float = 1.0,
    progress: Progress | None = None,
) -> DemoFiles:
    """Write the city as the files its upstream systems would hand over.

    Parameters
    ----------
    folder
        Made if missing; files of the same name are overwritten.
    seed
        Another seed makes another city. The same arguments write the same bytes.
    until
        Last day with calls; they begin three years earlier.
    scale
        Factor on the number of incidents, above 0; 1 makes about 315,000 raw calls.
    progress
        Called as ``progress(done, total, label)``.

    Raises
    ------
    RequestError
        If ``scale`` is not positive.

    Notes
    -----
    All names, codes, telephone numbers and places are invented; no province of China begins with 99.
    """
    if not scale > 0:
        raise RequestError(f"scale must be above 0, got {scale}.", where="scale")
    report = progress or (lambda done, total, label: None)
    plan, ground, risk, phone, work, dirt = (
        np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(6)
    )
    first = first_day(until)
    last = (until - first).days
    folder.mkdir(parents=True, exist_ok=True)

    report(0, _STEPS, "demo city")
    land = plan_land(plan)
    territory = divide_land(plan, land)
    report(1, _STEPS, "demo city")
    places = lay_out_places(ground, land, territory)
    addresses = list_addresses(ground, places, land, territory)
    months = _months(first, until)
    population = count_people(ground, places, territory, months)
    report(2, _STEPS, "demo city")

    days = count_days(first, until + timedelta(days=95))
    surfaces = lay_surfaces(risk, places, days, scale)
    drawn = draw_incidents(risk, surfaces, places, days, last)
    report(3, _STEPS, "demo city")
    tables = take_calls(phone, drawn, places, land, territory, days, last)
    report(4, _STEPS, "demo city")
    register, visits = keep_register(work, places, territory, addresses, tables.incidents, first, until)
    shifts = man_shifts(work, tables.incidents, territory, last)
    rough = tables.calls.with_columns(roughen(tables.calls["JQDZ"], share=ROUGH_ADDRESSES, seed=seed))
    calls, call_faults = soil_calls(dirt, rough, scale)
    dispatches, dispatch_faults = soil_dispatches(dirt, tables.dispatches, scale)
    report(5, _STEPS, "demo city")

    rows: dict[str, int] = {}
    rows |= _write_geojson(folder / "areas.geojson", _area_features(territory))
    rows |= _write_geojson(folder / "base_map.geojson", _map_features(land, territory))
    for name, frame in (
        ("bzdz", addresses),
        ("rktj", population),
        ("zfdx", register),
        ("zfjl", visits),
        ("bcb", shifts),
    ):
        rows |= _write_csv(folder / f"{name}.csv", frame)
    report(6, _STEPS, "demo city")
    for name, frame, at in (("jjd", calls, "JJSJ"), ("pjd", dispatches, "PJSJ"), ("fkd", tables.feedbacks, "FKSJ")):
        for year, part in sorted(frame.group_by(pl.col(at).str.slice(0, 4), maintain_order=True), key=lambda p: p[0]):
            rows |= _write_csv(folder / f"{name}_{year[0]}.csv", part)
    report(7, _STEPS, "demo city")

    truth = folder / "truth.parquet"
    true_surface(surfaces, places, days, last, _truth_periods(until)).write_parquet(truth)
    report(8, _STEPS, "demo city")
    return DemoFiles(
        folder=folder,
        paths=[folder / name for name in rows],
        rows=rows,
        faults={**call_faults, **dispatch_faults},
        truth=truth,
        first=first,
        until=until,
    )


def first_day(until: date) -> date:
    """Return the first day with calls when ``until`` is the last."""
    leap_day = (until.month, until.day) == (2, 29)
    return until.replace(year=until.year - YEARS, day=28 if leap_day else until.day) + timedelta(days=1)


def _months(first: date, until: date) -> list[date]:
    span = (until.year - first.year) * 12 + until.month - first.month
    return [date(first.year + (first.month - 1 + k) // 12, (first.month - 1 + k) % 12 + 1, 1) for k in range(span + 1)]


def _truth_periods(until: date) -> list[tuple[date, date]]:
    """Return four-week periods: six before the end of the calls and three after it."""
    edge = until + timedelta(days=1)
    return [(edge + timedelta(days=28 * k), edge + timedelta(days=28 * (k + 1))) for k in range(-6, 3)]


def _write_csv(path: Path, frame: pl.DataFrame) -> dict[str, int]:
    """Write a table as such systems export it: GB18030, CRLF, every value as it is."""
    path.write_bytes(frame.write_csv(line_terminator="\r\n").encode("gb18030"))
    return {path.name: frame.height}


def _write_geojson(path: Path, features: list[dict[str, Any]]) -> dict[str, int]:
    body = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(body, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    return {path.name: len(features)}


def _feature(shape: shapely.Geometry, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": mapping(shape_to_lon_lat(shape))}


def _area_features(territory: Territory) -> list[dict[str, Any]]:
    keys = ("QYDM", "QYJB", "SJDM", "QYMC", "YWMC")
    return [_feature(row[5], dict(zip(keys, row[:5], strict=True))) for row in area_rows(territory)]


def _map_features(land: Land, territory: Territory) -> list[dict[str, Any]]:
    rows: list[tuple[str, str, str, shapely.Geometry]] = [("river", zh, en, shape) for zh, en, shape in land.rivers]
    rows += [("park", zh, en, shape) for zh, en, shape in land.parks]
    for way in land.ways:
        shape = MultiLineString([part.simplify(1.5) for part in way.line.geoms])
        rows.append(("main_street" if way.level == 1 else "street", way.name_zh, way.name_en, shape))
    rows.append(("boundary", "辖区边界", "City limits", LineString(territory.sub_bureau_shape.exterior.coords)))
    return [
        _feature(shape, {"YSBH": f"YS{k:06d}", "YSLX": kind, "YSMC": zh, "YWMC": en})
        for k, (kind, zh, en, shape) in enumerate(rows, start=1)
    ]
