"""Staffing: how many officers each unit and shift needs, how sure that is, and what moving some would change."""

from __future__ import annotations

from pages.ui.guard import guard

desk = guard("staffing")

import streamlit as st  # noqa: E402

from pages.ui import advice, decisions, downloads, figures, frame, places, posts, provenance, tables, urls  # noqa: E402
from pages.ui.formats import interval, literal, number, period, share  # noqa: E402
from pages.ui.language import current, t  # noqa: E402

TABLE = "staffing.table"

frame.head(desk, "staffing")
table = desk.staffing()
if table.is_empty():
    tables.note(t("common.no_rows"))
    st.stop()

with st.container(key="controls", horizontal=True, vertical_alignment="bottom"):
    unit = urls.choose(
        "unit",
        t("staffing.unit"),
        ["", *table["unit_code"].unique().sort()],
        words=lambda code: places.named(desk, code, "station") if code else t("common.all"),
        lang=current(),
        width=280,
    )
rows = [row for row in table.to_dicts() if not unit or row["unit_code"] == unit]
standing = decisions.latest_by_advice(desk, [row["advice_id"] for row in rows])

tables.takeaway(posts.summary_of(desk, rows))
with st.container(key="wide"):
    left, right = st.columns(2, gap="medium")
with left:
    st.subheader(t("staffing.share_title"), anchor=False)
    values, units, shifts = posts.share_grid(desk, rows)
    if all(row["committed_share"] is None for row in rows):
        tables.note(t("staffing.no_duty"))
    else:
        st.plotly_chart(
            figures.share_heatmap(
                values, units, shifts, target=posts.TARGET_SHARE, value_label=t("staffing.column.committed")
            ),
            config=figures.CONFIG,
            theme=None,
            key="staffing.share",
            alt=posts.summary_of(desk, rows),
        )
        tables.note(t("staffing.share_note", target=share(posts.TARGET_SHARE)))
with right:
    st.subheader(t("staffing.need_title"), anchor=False)
    st.plotly_chart(
        figures.need_against_duty(
            [posts.title_of(desk, row) for row in rows],
            [row["available"] for row in rows],
            [(row["need_p50"], row["need_p80"], row["need_p90"]) for row in rows],
            labels={
                "need": t("staffing.need_label"),
                "available": t("staffing.available_label"),
                "axis": t("staffing.officers"),
            },
        ),
        config=figures.CONFIG,
        theme=None,
        key="staffing.need",
        alt=posts.summary_of(desk, rows),
    )

# Another unit has other rows: what was tapped in one says nothing in the next.
key = f"{TABLE}.{current()}.{unit}"
span = period(rows[0]["period_start"], rows[0]["period_end"])
st.subheader(t("staffing.table_title", period=span), anchor=False)
tables.draw_selectable(
    [posts.table_row(desk, row, standing.get(row["advice_id"])) for row in rows],
    posts.table_columns(),
    key=key,
    alt=t("staffing.table_alt"),
    on_select="rerun",
    height=tables.height_for(len(rows), most=18),
    selected=posts.tightest(rows),
)
tables.note(t("staffing.table_note"))
downloads.draw(desk, "staffing", {}, ("csv", "xlsx"))

tapped = tables.selected_row(key)
chosen = rows[posts.tightest(rows) if tapped is None else min(tapped, len(rows) - 1)]
with st.container(border=True):
    st.subheader(t("staffing.why_title", post=literal(posts.title_of(desk, chosen))), anchor=False)
    tables.figures(
        {
            t("staffing.column.need_p80"): number(chosen["need_p80"], 1),
            t("staffing.column.available"): number(chosen["available"], 1),
            t("staffing.column.gap"): posts.gap_words(chosen["gap"]),
            t("staffing.column.fte"): interval(chosen["fte"], chosen["fte_low"], chosen["fte_high"]),
            t("staffing.column.wait"): share(chosen["wait_share"]),
        }
    )
    left, right = st.columns([1.2, 1], gap="medium")
    with left:
        st.html(posts.demand_table(chosen))
    with right:
        for sentence in posts.sentences_of(chosen):
            st.markdown(f"- {sentence}")
        provenance.draw(desk, "staffing", chosen["advice_id"])
        if desk.may("decide"):
            decisions.draw_form(
                desk,
                chosen["advice_id"],
                decision=standing.get(chosen["advice_id"]),
                adjusted_label=t("staffing.adjusted"),
                adjusted_from=chosen["need_p80"],
                timezone=advice.timezone(desk),
                view=urls.view_of("staffing"),
            )
        elif chosen["advice_id"] in standing:
            tables.note(decisions.in_full(standing[chosen["advice_id"]], advice.timezone(desk)))

if desk.may("decide") and table["available"].is_not_null().any():
    st.subheader(t("staffing.what_if.title"), anchor=False)
    posts.draw_what_if(desk, table, desk.staffing_loads())
