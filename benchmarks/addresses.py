"""Fit and judge the address linkage: ``python -m benchmarks.addresses STORE [--write]``.

STORE is a store with the demo city (``beatwise demo``). Labelled texts are made from its standard addresses; weights
are fitted on one half of the addresses, calibrated on a quarter, judged on the last quarter. ``--write`` also writes
``data/integration/addresses/weights.toml`` and ``docs/figures/address_linkage.svg``.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from data.demo.address_noise import extend_addresses, label_addresses
from data.integration.addresses.comparison import pair_candidates
from data.integration.addresses.elements import parse_addresses, plain_text
from data.integration.addresses.linking import link_addresses
from data.integration.addresses.model import LinkModel, calibrate, fit_weights, load_model, write_model
from data.snapshots import current_snapshot
from data.store import Store

ROOT = Path(__file__).resolve().parents[1]
FIGURE = ROOT / "docs" / "figures" / "address_linkage.svg"
SIZE, SEED = 60_000, 20261123
#: The threshold is set where this precision holds on the calibration part, so that 0.99 holds on others.
WANTED_PRECISION = 0.995


def label_pairs(addresses: pl.DataFrame, labelled: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return labelled texts with row numbers, and their candidate pairs with ``same``."""
    standards = addresses.select("address_code", "address").with_row_index("standard")
    standards = pl.concat([standards, parse_addresses(standards["address"])], how="horizontal")
    texts = labelled.with_row_index("query").with_columns(plain_text(labelled["text"]).alias("plain"))
    cities, districts = (standards[name].drop_nulls().unique().sort().to_list() for name in ("city", "district"))
    elements = parse_addresses(texts["plain"], cities=cities, districts=districts)
    pairs = pair_candidates(pl.concat([texts.select("query"), elements], how="horizontal"), standards)
    codes = standards.select("standard", found="address_code")
    pairs = pairs.join(codes, on="standard", maintain_order="left").join(
        texts.select("query", "address_code", "part", "kind"), on="query", maintain_order="left"
    )
    return texts, pairs.with_columns(same=pl.col("found").eq_missing(pl.col("address_code")))


def fit(texts: pl.DataFrame, pairs: pl.DataFrame) -> LinkModel:
    """Fit weights on the training part; calibrate and choose thresholds on the calibration part."""
    train = pairs.filter(pl.col("part") == "train")
    intercept, weights = fit_weights(train, train["same"].to_numpy())
    model = LinkModel(intercept, weights, (0.0, 1.0), (0.0, 1.0), 0.5, 0.1, {})
    held = model.choose(pairs.filter(pl.col("part") == "calibrate"))
    raw, probability = calibrate(held["raw"].to_numpy(), held["same"].to_numpy())
    model = replace(model, raw=raw, calibrated=probability)
    held = model.choose(pairs.filter(pl.col("part") == "calibrate"))
    present = texts.filter(pl.col("part") == "calibrate", pl.col("address_code").is_not_null()).height
    curve = precision_recall(held, present)
    match_from = curve.filter(pl.col("precision") >= WANTED_PRECISION)["threshold"].min()
    return replace(
        model,
        match_from=float(match_from),  # type: ignore[arg-type]
        review_from=0.05,
        provenance={
            "texts": texts.height,
            "seed": SEED,
            "made_by": "data.demo.address_noise.label_addresses",
            "pairs_train": train.height,
        },
    )


def precision_recall(best: pl.DataFrame, present: int) -> pl.DataFrame:
    """Return precision and recall at every threshold that occurs."""
    steps = best.group_by("probability").agg(pl.len().alias("n"), pl.col("same").sum().alias("right"))
    steps = steps.sort("probability", descending=True).with_columns(pl.col("n", "right").cum_sum())
    return steps.select(
        pl.col("probability").alias("threshold"),
        (pl.col("right") / pl.col("n")).alias("precision"),
        (pl.col("right") / present).alias("recall"),
        "n",
    )


def judge(model: LinkModel, texts: pl.DataFrame, pairs: pl.DataFrame, part: str) -> dict[str, object]:
    """Return the figures of one part."""
    best = model.choose(pairs.filter(pl.col("part") == part))
    mine = texts.filter(pl.col("part") == part)
    present = mine.filter(pl.col("address_code").is_not_null()).height
    taken = best.filter(pl.col("probability") >= model.match_from)
    review = best.filter(pl.col("probability").is_between(model.review_from, model.match_from, closed="left"))
    probability, same = best["probability"].to_numpy(), best["same"].to_numpy().astype(float)
    bins = np.minimum((probability * 10).astype(int), 9)
    error = sum(
        (bins == b).mean() * abs(probability[bins == b].mean() - same[bins == b].mean()) for b in np.unique(bins)
    )
    return {
        "texts": mine.height,
        "with_address": present,
        "matched": taken.height,
        "precision": round(float(taken["same"].mean()), 4),  # type: ignore[arg-type]
        "recall": round(int(taken["same"].sum()) / present, 4),
        "in_review": review.height,
        "review_right": round(float(review["same"].mean() or 0), 3),  # type: ignore[arg-type]
        "expected_calibration_error": round(float(error), 4),
        "wrong_by_kind": dict(taken.filter(~pl.col("same")).group_by("kind").len().sort("kind").iter_rows()),
        "curve": precision_recall(best, present),
    }


def time_linkage(addresses: pl.DataFrame, rows: int = 300_000) -> dict[str, object]:
    """Time 300,000 calls against the table; every eighth text is noisy."""
    labelled = label_addresses(addresses, size=rows // 8, seed=SEED + 1)["text"]
    clean = addresses["address"].sample(rows - len(labelled), with_replacement=True, seed=1)
    texts = pl.concat([clean, labelled])
    calls = pl.DataFrame({"record_key": pl.int_range(rows, eager=True).cast(pl.String), "address": texts}).with_columns(
        source=pl.lit("demo"), lon=pl.lit(None, dtype=pl.Float64), lat=pl.lit(None, dtype=pl.Float64)
    )
    start = time.perf_counter()
    links = link_addresses(calls, addresses)
    seconds = time.perf_counter() - start
    return {
        "calls": rows,
        "addresses": addresses.height,
        "distinct_texts": texts.n_unique(),
        "seconds": round(seconds, 2),
        "outcomes": dict(links.group_by(pl.col("outcome").cast(pl.String)).len().sort("outcome").iter_rows()),
    }


def read_taipei(folder: Path) -> pl.Series:
    """Return the published addresses of the Taipei case lists."""
    found: list[str] = []
    for path in sorted((folder / "taipei_theft" / "raw").glob("*.csv")):
        rows = list(csv.reader(path.read_text(encoding="big5", errors="replace").splitlines()))
        at = rows[0].index("發生地點")
        found += [row[at] for row in rows[1:] if len(row) > at and row[at].strip()]
    return pl.Series("address", found)


def parse_rates(texts: pl.Series) -> dict[str, float]:
    """Return the share of texts in which each element was found; number: of those that write 號 after a digit."""
    parsed = parse_addresses(texts)
    rates = {name: round(float(parsed[name].is_not_null().mean()), 4) for name in ("city", "district", "road")}  # type: ignore[arg-type]
    says = texts.str.contains(r"\d\s*[號号]")
    rates["number_where_written"] = round(float(parsed.filter(says)["number"].is_not_null().mean()), 4)  # type: ignore[arg-type]
    return rates


def draw(curve: pl.DataFrame, chosen: dict[str, object]) -> str:
    """Return the precision-recall curve as SVG."""
    width, height, left, top, low = 640, 400, 64, 46, 0.94
    x = lambda r: left + (width - left - 24) * r  # noqa: E731
    y = lambda p: top + (height - top - 56) * (1 - (p - low) / (1 - low))  # noqa: E731
    kept = curve.filter(pl.col("precision") >= low)
    points = " ".join(f"{x(r):.1f},{y(p):.1f}" for r, p in kept.select("recall", "precision").iter_rows())
    ticks = "".join(
        f'<line x1="{left}" y1="{y(p):.1f}" x2="{width - 24}" y2="{y(p):.1f}" stroke="#dde2e8"/>'
        f'<text x="{left - 8}" y="{y(p) + 4:.1f}" text-anchor="end">{p:.2f}</text>'
        for p in (0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 1.0)
    ) + "".join(
        f'<text x="{x(r):.1f}" y="{height - 36}" text-anchor="middle">{r:.1f}</text>'
        for r in (0, 0.2, 0.4, 0.6, 0.8, 1)
    )
    p, r = float(str(chosen["precision"])), float(str(chosen["recall"]))
    anchor = f'x="{x(r) - 12:.1f}" y="{y(p) - 12:.1f}" text-anchor="end"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="12" fill="#36404c"><rect width="{width}" height="{height}" fill="#fff"/>'
        f'<text x="{left}" y="24" font-size="14" font-weight="bold">Address linkage, held-out texts '
        f"(n = {chosen['texts']:,})</text>{ticks}"
        f'<path d="M{x(0.9):.1f} {top}V{y(low):.1f}M{left} {y(0.99):.1f}H{width - 24}" stroke="#9aa5b1" '
        f'stroke-dasharray="4 4"/>'
        f'<polyline points="{points}" fill="none" stroke="#0b6e8a" stroke-width="2.5"/>'
        f'<circle cx="{x(r):.1f}" cy="{y(p):.1f}" r="5" fill="#b4451f"/>'
        f'<text {anchor} fill="#b4451f">threshold in use: precision {p:.3f}, recall {r:.3f}</text>'
        f'<text x="{(left + width) / 2}" y="{height - 12}" text-anchor="middle">'
        f"Recall (of texts with a standard address)</text>"
        f'<text transform="translate(16 {height / 2}) rotate(-90)" text-anchor="middle">Precision of links taken'
        "</text></svg>\n"
    )


def main(arguments: list[str]) -> None:
    addresses = current_snapshot(Store.open(arguments[0])).read("addresses")
    texts, pairs = label_pairs(addresses, label_addresses(addresses, size=SIZE, seed=SEED))
    extended = extend_addresses(addresses, seed=SEED)
    more_texts, more_pairs = label_pairs(extended, label_addresses(extended, size=SIZE, seed=SEED))
    model = fit(more_texts, more_pairs) if "--write" in arguments else load_model()
    if "--write" in arguments:
        write_model(model)
        load_model.cache_clear()
        model = load_model()
    print("match from", model.match_from, "review from", model.review_from)
    for part in ("train", "calibrate", "test"):
        figures = judge(model, texts, pairs, part)
        curve = figures.pop("curve")
        print("demo table,", part, figures)
    wider = judge(model, more_texts, more_pairs, "test")
    wider.pop("curve")
    print("extended table, test", wider)
    if "--write" in arguments:
        FIGURE.parent.mkdir(parents=True, exist_ok=True)
        FIGURE.write_text(draw(curve, figures), encoding="utf-8")  # type: ignore[arg-type]
    for roughness in (0.5, 1.0, 1.5, 2.0, 2.5):
        fresh = label_addresses(addresses, size=SIZE // 3, seed=SEED + 100, roughness=roughness)
        figures = judge(model, *label_pairs(addresses, fresh.with_columns(part=pl.lit("test"))), "test")
        figures.pop("curve")
        print(f"fresh seed, noise x {roughness}:", figures)
    print("speed", time_linkage(addresses))
    shared = Path(os.environ.get("BEATWISE_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if (shared / "taipei_theft").is_dir():
        taipei = read_taipei(shared)
        print("Taipei", len(taipei), parse_rates(taipei))


if __name__ == "__main__":
    main(sys.argv[1:])
