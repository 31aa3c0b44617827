"""Links, languages, numbers: what is written must be read back, and both languages must say everything."""

from __future__ import annotations

import math
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import permissions
from pages.ui import advice, figures, formats, reasons, tables, theme, urls
from pages.ui.language import LANGUAGES, words
from tests.conftest import ROOT

codes = st.text(st.characters(exclude_categories=("C",), exclude_characters="<>\"'`\\"), min_size=1, max_size=80)


@given(st.dictionaries(st.sampled_from([key for key in urls.KEYS if key not in urls.NUMBERS]), codes))
def test_a_link_says_what_the_view_was(view: dict[str, str]) -> None:
    assert urls.parse(urls.build(view)) == view


@given(st.sampled_from(list(urls.NUMBERS)), st.integers(0, 60_000))
def test_a_number_of_a_link_is_taken_when_it_is_in_its_range(key: str, hundredths: int) -> None:
    least, most = urls.NUMBERS[key]
    value = f"{hundredths / 100:g}"
    assert urls.parse({key: value}) == ({key: value} if least <= float(value) <= most else {})


@pytest.mark.parametrize("value", ["", "-1", "+5", "1e2", "nan", "5,5", "five", "٥", "5 ", "0x5"])
def test_what_is_no_number_is_left_out(value: str) -> None:
    assert urls.parse(dict.fromkeys(urls.NUMBERS, value)) == {}


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=120)))
def test_nothing_but_known_codes_is_taken_from_a_link(query: dict[str, str]) -> None:
    found = urls.parse(query)
    assert set(found) <= set(urls.KEYS)
    assert not any(re.search(r"[<>\"'`\\\x00-\x1f]", value) for value in found.values())


def test_a_page_keeps_only_its_own_keys() -> None:
    view = {"lang": "en", "category": "010100", "unit": "s1", "beat": None}
    assert urls.build(view, "staffing") == {"lang": "en", "unit": "s1"}


def test_both_languages_have_the_same_keys_and_fields() -> None:
    zh, en = (words(lang) for lang in LANGUAGES)
    assert set(zh) == set(en)
    fields = {lang: {key: _fields(text) for key, text in words(lang).items()} for lang in LANGUAGES}
    assert {key: (fields["zh"][key], fields["en"][key]) for key in zh if fields["zh"][key] != fields["en"][key]} == {}


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_a_page_asks_for_exists() -> None:
    known = words("zh")
    missing = []
    for path in sorted((ROOT / "pages").rglob("*.py")):
        for key in re.findall(r"""\bt\(\s*["']([a-z_]+\.[a-z_.]+)["']""", path.read_text(encoding="utf-8")):
            if key not in known:
                missing.append(f"{path.name}: {key}")
    assert missing == []


@pytest.mark.parametrize(
    ("value", "low", "high", "text"), [(3.24, 1, 6, "3.2 (1–6)"), (0.5, 0.25, 1.5, "0.5 (0.2–1.5)")]
)
def test_an_estimate_stands_with_its_interval(value: float, low: float, high: float, text: str) -> None:
    assert formats.interval(value, low, high) == text


def test_the_move_against_the_plain_count_has_a_direction() -> None:
    assert formats.rank_change(3, 12) == "12 ↑9"
    assert formats.rank_change(12, 3) == "3 ↓9"
    assert formats.rank_change(4, 4) == "4 ="


def test_hours_pass_midnight() -> None:
    assert formats.hours_from(22) == "22:00–02:00"
    assert formats.hours_from(20) == "20:00–24:00"


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_every_expected_count_has_a_colour(values: list[float]) -> None:
    edges = theme.steps(values)
    assert edges == sorted(edges)
    assert all(0 <= theme.class_of(value, edges) < len(theme.RISK) for value in values)
    assert theme.class_of(max(values), edges) == len(edges) - 1


def test_the_bars_of_reasons_end_at_the_expected_count() -> None:
    parts = [("base", -1.0), ("up", 2.0), ("down", -0.5)]
    assert reasons.steps(parts) == [(-1.0, -1.0), (-1.0, 1.0), (1.0, 0.5), (0.5, 0.5)]
    drawn = reasons.bars(parts, ["×7.39", "×0.61"], start_label="a<b", end_label="z", caption="n")
    # From -1.25 (a quarter below the lowest) to 1.0 is the whole width.
    assert '<tr class="up"><th scope="row">up</th><td class="num">×7.39</td>' in drawn
    assert 'style="left:11.1%;width:88.9%"' in drawn
    assert '<tr class="down"><th scope="row">down</th>' in drawn
    assert 'style="left:77.8%;width:22.2%"' in drawn
    assert '<td class="num">1.6</td><td class="track"><i style="left:0.0%;width:77.8%">' in drawn
    assert "a&lt;b" in drawn


@pytest.mark.parametrize(("texts", "told"), [([], ""), (["甲"], "甲"), (["甲", "乙", "丙"], "甲、乙、丙")])
def test_texts_with_commas_are_set_apart(texts: list[str], told: str) -> None:
    assert formats.set_apart(texts) == told.replace("、", "；")


@pytest.mark.parametrize(("texts", "told"), [([], ""), (["甲"], "甲"), (["甲", "乙", "丙"], "甲、乙、丙")])
def test_texts_are_listed_as_the_language_does(texts: list[str], told: str) -> None:
    assert formats.listed(texts) == told


def test_a_column_is_as_wide_as_its_longest_text_within_bounds() -> None:
    assert tables.width_for(["人民路", "abc"], least=20, most=300) == 3 * 14 + 18
    assert tables.width_for(["abcdefghij"], least=20, most=300) == 65 + 18
    assert tables.width_for([], least=20, most=300) == 20
    assert tables.width_for(["人民路" * 20], least=20, most=300) == 300


def test_a_wide_table_names_every_value_for_a_phone_and_takes_no_markup() -> None:
    wide = tables.html_table(["a", "b", "c", "d", "e<"], [[1, 2, 3, 4, "<b>"]])
    assert '<table class="bw stacks">' in wide
    assert 'data-label="e&lt;"><span>&lt;b&gt;</span>' in wide
    assert '<table class="bw">' in tables.html_table(["a", "b"], [[1, 2]])


def test_a_band_is_not_drawn_across_an_unknown_month() -> None:
    from datetime import date

    months = [date(2026, month, 1) for month in range(1, 6)]
    figure = figures.monthly_series(
        months,
        [1, 2, None, 4, 5],
        [None] * 5,
        [0, 0, None, 1, 1],
        [3, 3, None, 6, 6],
        labels=dict.fromkeys(("band", "counts", "last_year", "axis"), "x"),
    )
    bands = [trace for trace in figure.data if trace.fill == "toself"]
    assert [list(band.y) for band in bands] == [[3, 3, 0, 0], [6, 6, 1, 1]] or [list(band.y) for band in bands] == [
        [3, 3, 0, 0],
        [6, 6, 1, 1],
    ]


def test_every_role_and_event_of_the_audit_log_has_words() -> None:
    sources = [
        path.read_text(encoding="utf-8") for room in ("data", "commands") for path in (ROOT / room).rglob("*.py")
    ]
    calls = (
        r'(?:_event|_refusals_recorded)\(\s*"(\w+)"',
        r'\brecord\(\s*\w+,\s*"(\w+)"',
        r'AuditEvent\([^"]*"none", "(\w+)"',
    )
    events = {event for text in sources for call in calls for event in re.findall(call, text)}
    assert {"open", "ingest", "retain", "apply_addresses", "sign_in"} <= events
    for lang in LANGUAGES:
        said = words(lang)
        assert [event for event in sorted(events) if f"codes.event.{event}" not in said] == []
        roles = (*permissions.ROLES, "operator", "none", "command_line")
        assert [role for role in roles if f"codes.role.{role}" not in said] == []


def test_counts_of_a_reason_are_never_told_as_powers_of_ten() -> None:
    told = reasons.bars(
        [("base", 0.0), ("recent", 4.7), ("season", 2.3)], ["×110", "×10"], start_label="s", end_label="e", caption="c"
    )
    assert "1,097" in told
    assert "e+" not in told


@pytest.mark.parametrize(
    ("factor", "cell", "sentence"),
    [
        (1.2, "历年警情 1.2 倍", "主要原因：历年警情，为没有发案记录的地点的 1.2 倍。"),
        (8.98, "历年警情 9.0 倍", "主要原因：历年警情，为没有发案记录的地点的 9.0 倍。"),
        (19.9, "历年警情 19.9 倍", "主要原因：历年警情，为没有发案记录的地点的 19.9 倍。"),
        (890.0, "历年警情 20 倍以上", "主要原因：历年警情，远高于没有发案记录的地点（20 倍以上，具体倍数见下）。"),
    ],
)
def test_a_reason_beyond_grasp_is_told_in_words_and_its_figure_stays(factor: float, cell: str, sentence: str) -> None:
    reasons_of = [
        {"reason": "base", "contribution": -5.0},
        {"reason": "long_standing", "contribution": math.log(factor)},
    ]
    row = {"reasons": reasons_of}
    assert advice.short_reason(row) == cell
    assert advice.reason_sentence(row) == sentence
    # The bars keep the exact contribution.
    assert advice.factor(math.log(factor)) in advice.reason_bars(row, 28)
