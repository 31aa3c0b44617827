"""The shipped weights on texts they were not fitted on, and the calibration on numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.demo.address_noise import extend_addresses, label_addresses
from data.integration.addresses.comparison import FEATURES
from data.integration.addresses.linking import link_addresses
from data.integration.addresses.model import calibrate, load_model, write_model


def small_table() -> pl.DataFrame:
    roads = ["荷洲路", "柳溪街", "解放路", "建设大道", "听店街", "新台巷", "玉塔街", "秋泉巷", "长湖里", "二环路"]
    texts = [f"云澜市临澜区{road} {number} 号" for road in roads for number in range(1, 120) if number % 7]
    return pl.DataFrame({"address_code": [f"{k:05d}" for k in range(len(texts))], "address": texts}).with_columns(
        lon=pl.lit(None, dtype=pl.Float64), lat=pl.lit(None, dtype=pl.Float64)
    )


def test_precision_and_recall_on_a_small_town_the_weights_never_saw() -> None:
    table = small_table()
    labelled = label_addresses(table, size=4000, seed=7)
    calls = labelled.with_row_index("record_key").select(
        pl.col("record_key").cast(pl.String),
        pl.lit("town").alias("source"),
        pl.col("text").alias("address"),
        pl.lit(None, dtype=pl.Float64).alias("lon"),
        pl.lit(None, dtype=pl.Float64).alias("lat"),
    )
    links = link_addresses(calls, table)
    taken = (links["outcome"] == "match").to_numpy()
    right = links["address_code"].eq_missing(labelled["address_code"]).to_numpy()
    assert right[taken].mean() >= 0.99
    assert (taken & right).sum() / labelled["address_code"].is_not_null().sum() >= 0.88


def test_parts_of_the_labelled_set_share_no_address_and_depend_on_the_seed_only() -> None:
    table = small_table()
    labelled = label_addresses(table, size=500, seed=3)
    assert labelled.equals(label_addresses(table, size=500, seed=3))
    assert not labelled.equals(label_addresses(table, size=500, seed=4))
    found = labelled.drop_nulls("address_code").group_by("address_code").agg(pl.col("part").n_unique())
    assert found["part"].max() == 1
    extended = extend_addresses(table, seed=3)
    assert extended["address_code"].is_unique().all()
    assert extended.height > table.height


def test_every_level_has_a_weight_and_disagreement_costs() -> None:
    model = load_model()
    for feature, levels in FEATURES.items():
        assert set(model.weights[feature]) == set(levels)
    for feature in ("city", "district", "section", "lane", "building", "unit"):
        assert model.weights[feature]["different"] < model.weights[feature]["same"] - 2
    assert list(model.calibrated) == sorted(model.calibrated)
    assert 0 < model.review_from < model.match_from < 1


def test_weights_survive_writing(tmp_path) -> None:
    model = load_model()
    write_model(model, tmp_path / "weights.toml")
    assert load_model(tmp_path / "weights.toml") == model


@settings(deadline=None)
@given(st.floats(0.1, 0.999999))
def test_a_written_threshold_still_takes_the_group_it_was_set_at(threshold: float) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "weights.toml"
        write_model(replace(load_model(), match_from=threshold), path)
        assert load_model(path).match_from <= threshold
        assert load_model(path).match_from == pytest.approx(threshold, abs=2e-6)


def test_calibration_of_three_groups_by_hand() -> None:
    raw = np.array([0.2] * 8 + [0.5] * 8 + [0.9] * 8)
    right = np.array([0] * 8 + [1, 0] * 4 + [1] * 8)
    knots, probability = calibrate(raw, right)
    assert knots == (0.2, 0.5, 0.9)
    # (successes + 1) / (texts + 2)
    assert probability == pytest.approx((0.1, 0.5, 0.9))
