"""Portland street crime: the product ranks no worse than the plain count, scored apart from the code that ranks."""

from collections import Counter
from datetime import date, timedelta

import geopandas
import polars as pl
import pytest
from pyproj import Transformer

from analytics.cells import Grid
from analytics.hotspots.forecast import forecast_hotspots
from tests.conftest import run_cli

AS_OF = date(2017, 2, 1)
MAP_SQ_FT = 4_117_743_415


@pytest.mark.real_data
@pytest.mark.slow
def test_street_crime_is_ranked_no_worse_than_by_counting(shared_data, make_frame, tmp_path):
    folder = shared_data / "nij_portland"
    calls = pl.read_parquet(folder / "calls_target3_2012-03_2017-02.parquet").filter(
        pl.col("category") == "STREET CRIMES"
    )
    to_degrees = Transformer.from_crs("EPSG:2913", "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(calls["x_coordinate"].to_numpy(), calls["y_coordinate"].to_numpy())
    incidents = make_frame("STREET CRIMES", lon, lat, calls["occ_date"].to_list())
    districts = list(geopandas.read_file(folder / "portland_police_districts.geojson").geometry)
    actual = calls.filter(pl.col("occ_date").is_between(AS_OF, AS_OF + timedelta(days=27)))
    # Counted in feet, so that the conversion to metres is checked as well.
    per_cell = Counter((actual.select(pl.col("x_coordinate") // 250, pl.col("y_coordinate") // 250)).iter_rows())

    def pai(candidates):
        found = forecast_hotspots(
            incidents,
            as_of=AS_OF,
            horizon_days=28,
            category="STREET CRIMES",
            grid=Grid("EPSG:2913", 76.2),
            area_km2=0.65,
            study_area=districts,
            candidates=candidates,
            tried=6,
            fitted=6,
        )
        assert found.cells.height == 112
        hits = sum(per_cell[cell] for cell in found.cells.select("column", "row").iter_rows())
        return (hits / actual.height) / (112 * 62_500 / MAP_SQ_FT)

    plain = pai(["count_365"])
    assert plain == pytest.approx(84, abs=1)
    # What the product itself tells, from the file as it is to the cells.
    store, output = tmp_path / "store", tmp_path / "cells.geojson"
    run_cli("ingest", "--store", store, "--source", "portland", folder / "calls_target3_2012-03_2017-02.parquet")
    asked = ["--as-of", AS_OF.isoformat(), "--days", 28, "--category", "STREET CRIMES"]
    run_cli("hotspots", "--store", store, *asked, "--cell-m", 76.2, "--area-km2", 0.65, "--output", output)
    cells = geopandas.read_file(output).to_crs("EPSG:2913")
    assert len(cells) == 112
    middles = cells.geometry.centroid
    told = zip((middles.x // 250).astype(int), (middles.y // 250).astype(int), strict=True)
    hits = sum(per_cell[cell] for cell in told)
    assert (hits / actual.height) / (112 * 62_500 / MAP_SQ_FT) >= plain
    # Three rankers on points in degrees: 15 earlier origins do not tell them from the count (docs/accuracy.md).
    assert pai(["count_365", "gamma_poisson", "kernel"]) >= 0.96 * plain
