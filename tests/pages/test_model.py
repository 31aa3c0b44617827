"""The model page: the verdict in words, what is wrong for whom, and what the simulation says."""

from __future__ import annotations

import polars as pl
import pytest

from data.editions import Edition, write_edition
from data.store import Store
from pages.ui.language import words
from pages.ui.model_words import verdict_of
from tests.pages.conftest import OpenPage, everything_shown
from tests.pages.town_ground import NEWER, OLDER


def method(model: str, chosen: bool = False, **gains: float | None) -> dict:
    names = [f"{gain}{end}" for gain in ("gain_365", "gain_1095") for end in ("", "_low", "_high")]
    return {"model": model, "chosen": chosen, "pai": 10.0, "deviance": None, **dict.fromkeys(names), **gains}


@pytest.mark.parametrize(
    ("low_365", "high_365", "low_1095", "high_1095", "verdict"),
    [
        (0.1, 2.0, 0.2, 1.0, "better"),
        (0.1, 2.0, -0.2, 1.0, "better_one"),
        (-0.1, 2.0, -0.2, 1.0, "same"),
        (0.1, 2.0, -2.0, -1.0, "worse"),
        (None, None, None, None, "alone"),
    ],
)
def test_a_verdict_goes_by_the_paired_intervals(low_365, high_365, low_1095, high_1095, verdict: str) -> None:
    used = method(
        "kernel",
        True,
        gain_365=1.0,
        gain_365_low=low_365,
        gain_365_high=high_365,
        gain_1095=0.6,
        gain_1095_low=low_1095,
        gain_1095_high=high_1095,
    )
    assert verdict_of([used, method("count_365")]) == verdict
    if verdict == "better":
        # A gain of less than a fiftieth, however sure, is told as what it is.
        assert verdict_of([{**used, "pai": 60.0, "gain_365": 1.1, "gain_1095": 1.1}]) == "slight"
    if verdict == "same":
        counts = [{**method("count_365"), "deviance": 0.3}, {**method("count_1095"), "deviance": 0.2}]
        assert verdict_of([{**used, "deviance": 0.19}, *counts]) == "same_sharper"
        assert verdict_of([{**used, "deviance": 0.25}, *counts]) == "same"
    # Where a plain count is used, it has won, whatever the other count did.
    assert verdict_of([{**used, "model": "count_1095"}]) == "plain"
    assert verdict_of([method("kernel")]) == "none"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_says_verdict_errors_exclusion_and_feedback(open_page: OpenPage, lang: str) -> None:
    shown = everything_shown(open_page("model", "commander", lang))
    told = words(lang)
    assert told["model.verdict.better_one"] in shown
    assert "24.0%" in shown and "20.0%" in shown and "40.0%" in shown  # used, plain count, best possible
    # Of four groups two leave out 1: s1 with 1.6, and the least dense third with 4, whose interval has no upper end.
    worst = {"n": 2, "of": 4, "group": told["model.group.density_low"], "ratio": "4.00"}
    assert told["model.groups_wrong_high"].format(**worst) in shown
    assert told["model.source.excluded"].split("{n}")[0] in shown
    assert told["model.source.change"].format(share="25%") in shown
    assert told["model.feedback.apart"].split("{n}")[0].split("{everything}")[0] in shown
    assert "40%" in shown and "3%" in shown


def test_a_researcher_sees_small_groups_as_hidden(open_page: OpenPage) -> None:
    commander = everything_shown(open_page("model", "commander", "en"))
    researcher = everything_shown(open_page("model", "researcher", "en"))
    assert "5 / 2" in commander
    assert "5 / 2" not in researcher
    assert words("en")["common.hidden"] in researcher


def test_an_edition_from_before_the_tables_shows_what_it_has(open_page: OpenPage) -> None:
    test = open_page("model", "auditor", "en", edition=OLDER)
    assert not test.exception and not test.error
    shown = everything_shown(test)
    assert words("en")["model.older"] in shown
    assert words("en")["hotspots.score.pai"] in shown


def test_a_simulation_where_chance_blurs_both_is_told_by_its_crowding(open_page: OpenPage, town: Store) -> None:
    edition = Edition(town, NEWER)
    rows = edition.read("feedback")
    near = (pl.col("measure") == "distance") & (pl.col("rule") == "everything")
    alike = rows.with_columns(low=pl.when(near).then(0.0).otherwise("low"))
    tables = {name: edition.read(name) for name in edition.manifest["tables"]}
    manifest = {key: value for key, value in edition.manifest.items() if key not in ("edition_id", "tables")}
    later = {**manifest, "created_at": "2026-07-02T00:00:00+00:00"}
    write_edition(town, "E20260702-town", {**tables, "feedback": alike}, later)
    shown = everything_shown(open_page("model", "commander", "en", edition="E20260702-town"))
    assert words("en")["model.feedback.crowds"].split("{crowded}")[0] in shown


def test_the_hotspots_page_leads_to_the_model_page_those_who_may_open_it(open_page: OpenPage) -> None:
    link = {"category": "040100", "horizon": "7"}
    commander = everything_shown(open_page("hotspots", "commander", "en", **link))
    assert 'href="model?lang=en&amp;as=commander&amp;category=040100&amp;horizon=7"' in commander
    assert "model?" not in everything_shown(open_page("hotspots", "officer", "en", **link))


def test_how_much_hangs_on_the_grid(open_page: OpenPage) -> None:
    shown = everything_shown(open_page("model", "commander", "en", category="010100"))
    assert "hit rate lies between 22.0% and 24.0%, but only 40% of the flagged area is flagged again" in shown
    assert "Moved 75 m east, 0 m north" in shown


def test_lists_of_other_places_stand_beside_the_plain_count(open_page: OpenPage) -> None:
    shown = everything_shown(open_page("model", "commander", "en", category="010100", horizon="28"))
    # Segments 20 of 50 against 16; beats 20 against 24.
    assert "Of 2 kinds of place the list caught more than the plain count on 1, as much on 0, less on 1." in shown
    assert "plain count better" in shown
    # Another period, and an edition from before, have none.
    assert "kinds of place" not in everything_shown(
        open_page("model", "commander", "en", category="010100", horizon="7")
    )
    assert "kinds of place" not in everything_shown(open_page("model", "commander", "en", edition=OLDER))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_forecast_of_visits_tells_where_a_simpler_method_won(open_page: OpenPage, lang: str) -> None:
    shown, text = everything_shown(open_page("model", "researcher", lang)), words(lang)
    disputes, warnings, hotels = (
        text[f"codes.visit_kind.{kind}"] for kind in ("dispute_revisit", "dv_warning", "hotel")
    )
    regression, mean = (text[f"visit_scores.model.{name}"] for name in ("poisson_regression", "gamma_poisson"))
    told = {"model": regression, "error": "0.571", "other": mean, "other_error": "0.569"}
    assert text["visit_scores.worse"].format(kind=disputes, **told) in shown
    told = {"model": mean, "error": "0.344", "other": regression, "other_error": "0.351"}
    assert text["visit_scores.better"].format(kind=warnings, **told) in shown
    assert text["visit_scores.untested"].format(kind=hotels, model=mean) in shown
    assert "98%" in shown and "80%" in shown
