"""Who sees what: the whole matrix, written out once more by hand, and the rules for rows, columns, small counts."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import access, permissions
from data.access import Scope, Viewer
from data.disclosure import SMALLEST_COUNT, SMALLEST_HIDDEN, hide_small_counts
from data.errors import AccessDeniedError, RequestError
from data.permissions import ROLES
from data.schemas import EDITION
from tests.data.tiny_edition import rows_of, tiny_areas, tiny_tables

VIEWERS = {
    "commander": Viewer("c", "commander", "S1", "station"),
    "researcher": Viewer("r", "researcher"),
    "officer": Viewer("o", "officer", "B1", "beat"),
    "steward": Viewer("s", "steward"),
    "security": Viewer("x", "security"),
    "auditor": Viewer("a", "auditor"),
}

# One letter a role, in the order of ROLES: Commander, Researcher, Officer, Steward, X security, Auditor.
LETTERS = dict(zip("CROSXA", ROLES, strict=True))
PAGES = {
    "briefing": "CO",
    "hotspots": "CRO",
    "model": "CRA",
    "staffing": "CA",
    "my_beat": "CO",
    "trends": "CRO",
    "data_quality": "SA",
    "audit": "A",
    "catalogue": "SXA",
    "grants": "XA",
    "addresses": "SA",
    "sources": "SA",
}
TABLES = {
    "hotspots": "CROA",
    "spare_hotspots": "CROA",
    "calm_lists": "CROA",
    "area_hotspots": "CROA",
    "unit_hotspots": "CROA",
    "patrol_reach": "C",
    "hotspot_surface": "CRO",
    "model_scores": "CROA",
    "model_comparison": "CRA",
    "model_curves": "CRA",
    "model_calibration": "CRA",
    "model_groups": "CRA",
    "grid_sensitivity": "CRA",
    "feedback": "CRA",
    "past_lists": "CRA",
    "past_places": "CO",
    "visit_workload": "COA",
    "visit_plan": "CO",
    "visit_scores": "CRA",
    "staffing": "CA",
    "staffing_loads": "CA",
    "daily_counts": "CRO",
    "hourly_profile": "CRO",
    "funnel": "CRSA",
    "areas": "CROSA",
    "base_map": "CRO",
    "manifest": "CROSA",
    "loads": "SA",
    "quarantine_counts": "SA",
    "quarantine_rows": "S",
    "decisions": "COA",
    "visits_recorded": "CO",
    "audit_log": "A",
    "viewers": "XA",
    "catalogue": "SXA",
    "routing": "COSXA",
    "quality": "SA",
    "lineage": "CROSA",
    "visits_export": "S",
    "retention": "SA",
    "address_links": "SA",
    "address_texts": "S",
    "mappings": "SA",
}
DOINGS = {
    "decide": "C",
    "save_mapping": "S",
    "record_visit": "O",
    "export": "CRSA",
    "verify_audit": "A",
    "grant": "X",
    "export_visits": "S",
    "review_address": "S",
    "apply_addresses": "S",
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("page_key", PAGES)
def test_a_page_opens_for_its_roles_and_no_other(page_key: str, role: str) -> None:
    viewer, allowed = VIEWERS[role], role in {LETTERS[letter] for letter in PAGES[page_key]}
    assert access.may_open(viewer, page_key) is allowed
    if allowed:
        access.require_page(viewer, page_key)
    else:
        with pytest.raises(AccessDeniedError, match=role):
            access.require_page(viewer, page_key)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_read_by_its_roles_and_no_other(table: str, role: str) -> None:
    viewer, allowed = VIEWERS[role], role in {LETTERS[letter] for letter in TABLES[table]}
    assert access.may_read(viewer, table) is allowed
    if not allowed:
        with pytest.raises(AccessDeniedError, match=role):
            access.require_table(viewer, table)
        if table in EDITION:
            with pytest.raises(AccessDeniedError):
                access.rows_for(viewer, table, tiny_tables()[table], Scope(whole_force=True))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("doing", DOINGS)
def test_a_thing_is_done_by_its_roles_and_no_other(doing: str, role: str) -> None:
    viewer, allowed = VIEWERS[role], role in {LETTERS[letter] for letter in DOINGS[doing]}
    assert access.may_do(viewer, doing) is allowed
    if not allowed:
        with pytest.raises(AccessDeniedError, match=role):
            access.require_doing(viewer, doing)


def test_the_matrix_above_is_complete() -> None:
    assert set(PAGES) == set(permissions.PAGES)
    assert set(TABLES) == set(permissions.TABLES)
    assert set(EDITION) <= set(TABLES)
    assert set(DOINGS) == set(permissions.DOINGS)


def test_what_nobody_named_is_open_to_nobody() -> None:
    for viewer in VIEWERS.values():
        assert not access.may_open(viewer, "no_such_page")
        assert not access.may_read(viewer, "no_such_table")
        assert not access.may_do(viewer, "no_such_thing")


@pytest.mark.parametrize(
    ("role", "area", "level"),
    [
        ("officer", None, None),
        ("officer", "S1", "station"),
        ("commander", "B1", "beat"),
        ("researcher", "S1", "station"),
        ("auditor", "B1", "beat"),
        ("commander", "S1", None),
        ("king", None, None),
    ],
)
def test_a_viewer_whose_role_and_area_do_not_fit_is_refused(role: str, area: str | None, level: str | None) -> None:
    with pytest.raises(RequestError):
        Viewer("n", role, area, level)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("viewer", "stations", "beats", "communities"),
    [
        (Viewer("c", "commander", "F", "sub_bureau"), {"S1", "S2"}, {"B1", "B2", "B3"}, {"C1", "C3"}),
        (Viewer("c", "commander", "S1", "station"), {"S1"}, {"B1", "B2"}, {"C1"}),
        (Viewer("o", "officer", "B3", "beat"), set(), {"B3"}, {"C3"}),
        (Viewer("o", "officer", "unmapped", "beat"), set(), {"unmapped"}, set()),
        (Viewer("x", "security"), set(), set(), set()),
    ],
)
def test_a_scope_is_the_own_area_and_what_lies_below(
    viewer: Viewer, stations: set[str], beats: set[str], communities: set[str]
) -> None:
    scope = access.scope_of(viewer, tiny_areas())
    assert not scope.whole_force
    assert (scope.stations, scope.beats, scope.communities) == (stations, beats, communities)


def test_a_commander_without_area_commands_the_whole_force() -> None:
    assert access.scope_of(Viewer("c", "commander"), tiny_areas()).covers("beat", "anything")


@pytest.mark.parametrize("table", ["hotspots", "hotspot_surface", "visit_workload", "visit_plan", "daily_counts"])
def test_an_officer_gets_rows_of_the_own_beat_only(table: str) -> None:
    viewer = VIEWERS["officer"]
    rows = access.rows_for(viewer, table, tiny_tables()[table], access.scope_of(viewer, tiny_areas()))
    assert rows["beat_code"].unique().to_list() == ["B1"]


@pytest.mark.parametrize(
    ("table", "column"), [("hotspots", "station_code"), ("staffing", "unit_code"), ("visit_plan", "station_code")]
)
def test_a_station_commander_gets_rows_of_the_station_only(table: str, column: str) -> None:
    viewer = VIEWERS["commander"]
    rows = access.rows_for(viewer, table, tiny_tables()[table], access.scope_of(viewer, tiny_areas()))
    assert rows[column].unique().to_list() == ["S1"]


def test_a_row_without_area_is_for_the_whole_force_only() -> None:
    hotspots = tiny_tables()["hotspots"]
    chief = Viewer("c", "commander")
    assert "H4" in access.rows_for(chief, "hotspots", hotspots, Scope(whole_force=True))["advice_id"]
    sub_bureau = Viewer("c", "commander", "F", "sub_bureau")
    seen = access.rows_for(sub_bureau, "hotspots", hotspots, access.scope_of(sub_bureau, tiny_areas()))
    assert seen["advice_id"].to_list() == ["H1", "H2", "H3"]


def test_rows_that_do_not_say_where_they_belong_are_refused_to_a_part_of_the_force() -> None:
    with pytest.raises(AccessDeniedError, match="whole force"):
        access.rows_in_scope(pl.DataFrame({"incidents": [1]}), Scope(beats=frozenset({"B1"})))


def test_names_and_exact_places_of_objects_are_for_the_officer() -> None:
    assert {"label", "lon", "lat"} <= set(access.columns_for(VIEWERS["officer"], "visit_plan"))
    assert not {"label", "lon", "lat"} & set(access.columns_for(VIEWERS["commander"], "visit_plan"))


@pytest.mark.parametrize("role", ["researcher", "auditor"])
def test_a_small_count_of_one_cell_is_hidden_not_zero(role: str) -> None:
    rows = access.rows_for(VIEWERS[role], "hotspots", tiny_tables()["hotspots"], Scope(whole_force=True))
    assert rows["baseline_count"].to_list() == [None, None, 6.0, 9.0]
    assert rows["suppressed"].to_list() == [True, True, False, False]


@pytest.mark.parametrize("role", ["researcher", "auditor"])
def test_the_rank_by_a_hidden_count_is_hidden_with_it(role: str) -> None:
    """Equal counts share a rank: four different ranks of hidden places would be the counts 4, 3, 2 and 1."""
    hotspots = tiny_tables()["hotspots"].with_columns(baseline_rank=pl.Series([4, 3, 2, 1], dtype=pl.Int32))
    rows = access.rows_for(VIEWERS[role], "hotspots", hotspots, Scope(whole_force=True))
    assert rows["baseline_rank"].to_list() == [None, None, 2, 1]
    seen = access.rows_for(Viewer("c", "commander"), "hotspots", hotspots, Scope(whole_force=True))
    assert seen["baseline_rank"].to_list() == [4, 3, 2, 1]


def test_hours_of_one_place_are_for_those_who_see_single_incidents() -> None:
    week = pl.lit([1 / 168] * 168)
    hotspots = tiny_tables()["hotspots"].with_columns(hours=week)
    for role, seen in (("researcher", False), ("auditor", False), ("commander", True), ("officer", True)):
        rows = access.rows_for(VIEWERS[role], "hotspots", hotspots, Scope(whole_force=True))
        assert rows.schema["hours"] == pl.List(pl.Float64)
        assert rows["hours"].is_not_null().all() is seen, role


def test_a_commander_sees_every_count() -> None:
    rows = access.rows_for(Viewer("c", "commander"), "hotspots", tiny_tables()["hotspots"], Scope(whole_force=True))
    assert rows["baseline_count"].to_list() == [2.0, 4.0, 6.0, 9.0]
    assert not rows["suppressed"].any()


def test_a_commander_does_not_see_who_made_a_visit() -> None:
    visits = pl.DataFrame({"beat_code": ["B1", "B3"], "recorded_by": ["o", "p"]})
    scope = Scope(beats=frozenset({"B1"}))
    commander = access.records_for(VIEWERS["commander"], "visits_recorded", visits, scope)
    assert (commander.columns, commander.height) == (["beat_code"], 1)
    assert access.records_for(VIEWERS["officer"], "visits_recorded", visits, scope)["recorded_by"].to_list() == ["o"]


# Small counts -------------------------------------------------------------------------------------------------------


def test_one_hidden_cell_takes_the_smallest_other_with_it() -> None:
    counts = pl.DataFrame({"beat": ["a", "b", "c", "d"], "n": [3, 0, 8, 6]})
    hidden = hide_small_counts(counts, "n")
    assert hidden["n"].to_list() == [None, 0, 8, None]
    assert hidden["suppressed"].to_list() == [True, False, False, True]


def test_two_hidden_cells_that_add_up_to_little_take_a_third_with_them() -> None:
    counts = pl.DataFrame({"beat": ["a", "b", "c", "d"], "n": [1, 1, 8, 6]})
    assert hide_small_counts(counts, "n")["n"].to_list() == [None, None, 8, None]


def test_two_hidden_cells_that_add_up_to_enough_need_no_third() -> None:
    counts = pl.DataFrame({"beat": ["a", "b", "c"], "n": [3, 2, 8]})
    assert hide_small_counts(counts, "n")["n"].to_list() == [None, None, 8]


def test_a_small_cell_is_protected_in_its_row_and_in_its_column() -> None:
    counts = pl.DataFrame(
        {"week": [1, 1, 1, 2, 2, 2, 3, 3, 3], "beat": list("abc") * 3, "n": [2, 10, 20, 11, 12, 21, 30, 31, 32]}
    )
    hidden = hide_small_counts(counts, "n", (("week",), ("beat",), ()))
    # 2 takes 10 in its week and 11 in its beat; those take 12, which both share.
    assert hidden["n"].to_list() == [None, None, 20, None, None, 21, 30, 31, 32]


@pytest.mark.parametrize("smallest", [0, -1])
def test_a_threshold_below_one_is_refused(smallest: int) -> None:
    with pytest.raises(RequestError, match="smallest"):
        hide_small_counts(pl.DataFrame({"n": [1]}), "n", smallest=smallest)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(RequestError, match="negative"):
        hide_small_counts(pl.DataFrame({"n": [-1]}), "n")


cells = st.dictionaries(
    st.tuples(st.integers(0, 3), st.sampled_from("abcd")), st.integers(0, 12), min_size=1, max_size=16
).map(
    lambda table: pl.DataFrame(
        {"week": [w for w, _ in table], "beat": [b for _, b in table], "n": list(table.values())},
        schema={"week": pl.Int64, "beat": pl.String, "n": pl.Int64},
    )
)
MARGINS = (("week",), ("beat",), ())


@settings(deadline=None)
@given(cells)
def test_no_small_count_is_shown_and_what_is_shown_is_true(counts: pl.DataFrame) -> None:
    hidden = hide_small_counts(counts, "n", MARGINS)
    for true, shown, suppressed in zip(counts["n"], hidden["n"], hidden["suppressed"], strict=True):
        assert suppressed is (shown is None)
        assert shown is None or (shown == true and not 0 < shown < SMALLEST_COUNT)
        assert true != 0 or shown == 0


@settings(deadline=None)
@given(cells)
def test_no_total_gives_a_hidden_cell_back(counts: pl.DataFrame) -> None:
    hidden = hide_small_counts(counts, "n", MARGINS).with_columns(true=counts["n"])
    groups = [group for margin in MARGINS[:2] for _, group in hidden.group_by(margin)] + [hidden]
    for group in groups:
        away = group.filter("suppressed")
        left = group.filter(~pl.col("suppressed"), pl.col("true") > 0)
        if away.height and left.height:
            assert away.height >= SMALLEST_HIDDEN
            assert away["true"].sum() >= SMALLEST_COUNT


@settings(deadline=None)
@given(cells, st.randoms(use_true_random=False))
def test_more_is_hidden_the_higher_the_threshold_and_the_order_of_distinct_counts_does_not_matter(
    counts: pl.DataFrame, random: object
) -> None:
    primary = [hide_small_counts(counts, "n", (), k)["suppressed"].to_list() for k in (3, 5, 10)]
    for fewer, more in pairwise(primary):
        assert all(not f or m for f, m in zip(fewer, more, strict=True))
    order = list(range(counts.height))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = hide_small_counts(counts[order], "n", ())
    assert shuffled.sort("week", "beat").equals(hide_small_counts(counts, "n", ()).sort("week", "beat"))


def test_every_column_of_an_edition_has_a_grade_some_role_may_read() -> None:
    for table in EDITION:
        frame = rows_of(table)
        seen = set().union(*(access.columns_for(v, table) for v in VIEWERS.values() if access.may_read(v, table)))
        assert seen == set(frame.columns)
