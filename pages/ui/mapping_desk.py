"""Proposing, changing, trying and saving a mapping, in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import streamlit as st

from data.errors import BeatwiseError
from pages.ui import tables
from pages.ui.formats import listed, literal, number, share
from pages.ui.language import current, pick, t, term

if TYPE_CHECKING:
    from data.desk import Desk
    from data.desk.mappings import FileProposal, Proposal

_PROPOSAL, _TEXT, _FILES, _ROUND = "sources.proposal", "sources.text", "sources.files", "sources.round"
#: Largest file a browser may hand over, as .streamlit/config.toml says.
MOST_MB = 50
#: Endings a browser lets a steward choose.
ENDINGS = ["csv", "txt", "tsv", "tab", "xlsx", "xls", "parquet", "json", "geojson", "zip", "gpkg", "gz", "bz2", "xz"]


def summary_of(mappings: list[dict[str, Any]]) -> str:
    """Return how many mappings there are, in force, saved here, and waiting for confirmation."""
    waiting = sum(bool(one["unconfirmed"]) for one in mappings)
    return t(
        "sources.summary",
        n=number(len(mappings)),
        used=number(sum(bool(one["loads"]) for one in mappings)),
        saved=number(sum(one["saved"] for one in mappings)),
        waiting=number(waiting),
    )


def mappings_table(mappings: list[dict[str, Any]]) -> str:
    """Return every mapping: what it fills, whether it is in force, and its hash."""
    rows = [
        [
            pick(one["title_zh"], one["title_en"]),
            one["name"],
            t("sources.origin.saved") if one["saved"] else t("sources.origin.built_in"),
            listed(term("table", table) for table in one["tables"]) or "–",
            number(one["loads"]),
            one["problem"] or (t("sources.state.waiting") if one["unconfirmed"] else t("sources.state.ready")),
            one["sha256"][:8] or "–",
        ]
        for one in mappings
    ]
    heads = [t(f"sources.column.{name}") for name in ("title", "name", "origin", "tables", "loads", "state", "hash")]
    return tables.html_table(heads, rows, caption=t("sources.mappings_caption"), numeric=(4,))


def draw_desk(desk: Desk) -> None:
    """Draw the steps from sample files to a saved mapping."""
    _draw_files(desk)
    proposal: Proposal | None = st.session_state.get(_PROPOSAL)
    if proposal is None:
        return
    files: dict[str, bytes] = st.session_state[_FILES]
    _draw_questions(proposal)
    if proposal.unread:
        tables.note(t("sources.left_out", files=literal(listed(one.file for one in proposal.unread))))
    for one in proposal.files:
        _draw_proposal(desk, one, files[one.file.partition("/")[0]])
    _draw_text(desk, files)


def _say_upload() -> None:
    """Say in the reader's language what Streamlit says of a field for files in English only."""
    drop = '[data-testid="stFileUploaderDropzone'
    limits = t("sources.upload_limits", mb=MOST_MB, formats=" · ".join(name.upper() for name in ENDINGS))
    words = {f'{drop}"] button p': t("sources.upload"), f'{drop}Instructions"] span': limits}
    rules = (
        f"{where} {{ font-size: 0; }} {where}::after {{ content: '{text}'; font-size: .88rem; }}"
        for where, text in words.items()
    )
    st.html(f"<style>{' '.join(rules)}</style>")


def _draw_files(desk: Desk) -> None:
    st.subheader(t("sources.step.files"), anchor=False)
    tables.note(t("sources.files_note"))
    with st.form("sources.form", border=True):
        _say_upload()
        chosen = st.file_uploader(t("sources.choose_files"), type=ENDINGS, accept_multiple_files=True)
        first, second, third = st.columns(3)
        name = first.text_input(t("sources.ask.name"), placeholder="city_calls")
        force = second.text_input(t("sources.ask.jurisdiction"), placeholder="cn-440308")
        zone = third.text_input(t("sources.ask.timezone"), placeholder="Asia/Shanghai")
        crs = first.text_input(t("sources.ask.crs"), placeholder="EPSG:4490 · GCJ-02")
        names = {one.id: pick(one.zh, one.en) for one in desk.legal_bases().bases}
        basis = second.selectbox(
            t("sources.ask.legal_basis"), ["", *names], format_func=lambda one: names.get(one, "–")
        )
        near = third.text_input(t("sources.ask.near"), placeholder="114.05, 22.55")
        asked = st.form_submit_button(t("sources.propose"), type="primary")
    if asked and not chosen:
        st.warning(t("sources.no_file"), icon=":material/upload_file:")
    elif asked:
        files = {one.name: one.getvalue() for one in chosen}
        try:
            known = {"name": name, "jurisdiction": force, "timezone": zone, "crs": crs, "legal_basis": basis}
            with st.spinner(t("sources.reading")):
                proposal = desk.propose_mapping(files, near=_point(near), **known)
        except BeatwiseError as error:
            st.session_state.pop(_PROPOSAL, None)
            st.error(literal(error), icon=":material/error:")
            return
        _remember(proposal, files, proposal.toml)


def _remember(proposal: Proposal, files: dict[str, bytes], text: str) -> None:
    st.session_state[_PROPOSAL], st.session_state[_FILES] = proposal, files
    _rewrite(text)


def _rewrite(text: str) -> None:
    # A widget keeps its own state; a new round gives the editors new keys and so the new content.
    st.session_state[_TEXT] = text
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def _point(text: str) -> tuple[float, float] | None:
    # Whatever stands between the two numbers: stewards write "114.05, 22.55" with either comma.
    parts = [part for part in re.split(r"[^\d.+-]+", text) if part]
    try:
        lon, lat = (float(part) for part in parts)
    except ValueError:
        return None
    return lon, lat


def _draw_questions(proposal: Proposal) -> None:
    st.subheader(t("sources.step.confirm"), anchor=False)
    if not proposal.questions:
        tables.takeaway(t("sources.nothing_to_confirm"))
        return
    tables.note(t("sources.confirm_note"))
    rows = [
        [t(f"sources.asked.{one.code}"), one.value, t(f"sources.why.{one.code}"), " · ".join(one.choices) or "–"]
        for one in proposal.questions
    ]
    heads = [t(f"sources.column.{name}") for name in ("question", "value", "why", "choices")]
    st.html(tables.html_table(heads, rows, caption=t("sources.confirm_caption")))


def _draw_proposal(desk: Desk, one: FileProposal, content: bytes) -> None:
    st.subheader(t("sources.step.columns", file=literal(one.file), table=term("table", one.table)), anchor=False)
    tables.takeaway(
        t(
            "sources.tried",
            kept=number(one.kept),
            tried=number(one.tried),
            share=share(one.kept / one.tried if one.tried else None),
        )
    )
    if one.personal:
        st.warning(
            t("sources.personal", headers=literal(listed(one.personal))),
            icon=":material/visibility_off:",
        )
    sample = desk.view_sample(one.file, content, one)
    with st.expander(t("sources.sample", n=len(sample.rows)), icon=":material/table_rows:"):
        shown = [[row.get(header, "") for header in sample.headers] for row in sample.rows]
        st.html(tables.html_table(sample.headers, shown, caption=t("sources.sample_note")))
    if one.table == "lookup":
        tables.note(t("sources.lookup_note"))
        return
    _draw_choices(desk, one, sample.rows)


def _draw_choices(desk: Desk, one: FileProposal, rows: list[dict[str, str]]) -> None:
    """Draw one line per header with a list of what it may become."""
    kind = next(kind for kind in desk.mapping_files(st.session_state[_TEXT]) if kind["name"] == one.block["name"])
    choices = desk.mapping_choices(one.table)
    nothing = t("sources.not_read")
    labels = {code: f"{_label(code, names)} · {code}" for code, names in choices.items()}
    codes = {label: code for code, label in labels.items()}
    headers = [item.header for item in one.columns if not item.header.startswith("(") and " + " not in item.header]
    reasons = {item.header: item for item in reversed(one.columns)}
    lines = [
        {
            "header": header,
            "example": next((row[header] for row in rows if row.get(header)), ""),
            "column": labels.get(kind["chosen"].get(header, ""), nothing),
            "confidence": round(100 * reasons[header].confidence),
            "because": t(f"sources.because.{reasons[header].code}"),
        }
        for header in dict.fromkeys(headers)
    ]
    column = st.column_config
    turn = f"{one.block['name']}.{st.session_state[_ROUND]}.{current()}"
    changed = st.data_editor(
        lines,
        column_config={
            "header": column.TextColumn(t("sources.column.header"), disabled=True),
            "example": column.TextColumn(t("sources.column.example"), disabled=True),
            "column": column.SelectboxColumn(
                t("sources.column.becomes"), options=[nothing, *labels.values()], required=True
            ),
            "confidence": column.NumberColumn(t("sources.column.confidence"), format="%d%%", disabled=True, width=90),
            "because": column.TextColumn(t("sources.column.because"), disabled=True),
        },
        hide_index=True,
        height=tables.height_for(len(lines), 16),
        key=f"sources.editor.{turn}",
        width="stretch",
    )
    wanted = {
        new["header"]: codes.get(new["column"])
        for new, old in zip(changed, lines, strict=True)
        if new["column"] != old["column"]
    }
    if st.button(
        t("sources.apply", n=len(wanted)), key=f"sources.apply.{turn}", disabled=not wanted, icon=":material/done:"
    ):
        try:
            _rewrite(desk.choose_columns(st.session_state[_TEXT], one.block["name"], wanted))
        except BeatwiseError as error:
            st.error(literal(error), icon=":material/error:")
        else:
            st.rerun()


def _label(code: str, names: tuple[str, str]) -> str:
    return t(f"sources.part.{code.replace('.', '_')}") if "." in code else pick(*names)


def _draw_text(desk: Desk, files: dict[str, bytes]) -> None:
    st.subheader(t("sources.step.text"), anchor=False)
    tables.note(t("sources.text_note"))
    text = st.text_area(
        t("sources.text"),
        st.session_state[_TEXT],
        height=420,
        key=f"sources.area.{st.session_state[_ROUND]}",
        label_visibility="collapsed",
    )
    st.session_state[_TEXT] = text
    st.subheader(t("sources.step.try"), anchor=False)
    try:
        checks = desk.try_mapping(text, files)
    except BeatwiseError as error:
        st.error(literal(error), icon=":material/error:")
        return
    for name, check in checks.items():
        _draw_check(name, check)
    if st.button(t("sources.save"), type="primary", icon=":material/save:"):
        try:
            mapping = desk.save_mapping(text)
        except BeatwiseError as error:
            st.error(literal(error), icon=":material/error:")
            return
        st.success(t("sources.saved", name=mapping.source.name), icon=":material/check_circle:")
        st.code(f"beatwise ingest --store … --source {mapping.source.name} …", language=None)
        if mapping.source.unconfirmed:
            st.info(t("sources.still_unconfirmed", n=len(mapping.source.unconfirmed)), icon=":material/pending:")


def _draw_check(name: str, check: Any) -> None:
    if check.chosen is None or check.trial is None:
        st.error(t("sources.fits_nothing", file=literal(name)), icon=":material/error:")
        return
    _draw_trial(name, next(fit for fit in check.fits if fit.kind == check.chosen), check.trial)
    for kind, trial in check.beside.items():
        _draw_trial(name, next(fit for fit in check.fits if fit.kind == kind), trial)


def _draw_trial(name: str, fit: Any, trial: Any) -> None:
    refused = trial.sampled - trial.kept
    tables.takeaway(
        t(
            "sources.trial",
            file=name,
            kept=number(trial.kept),
            sampled=number(trial.sampled),
            refused=number(refused),
            table=term("table", fit.table),
        )
    )
    rows = [[problem, number(count), t("sources.fate.quarantined")] for problem, count in trial.problems.items()]
    rows += [[noted, number(count), t("sources.fate.noted")] for noted, count in trial.notes.items()]
    if rows:
        rows = [[_problem(row[0]), *row[1:]] for row in rows]
        heads = [t(f"sources.column.{one}") for one in ("problem", "rows", "fate")]
        st.html(tables.html_table(heads, rows, numeric=(1,)))
    if fit.missing:
        tables.note(t("sources.missing", names=listed(fit.missing)))


def _problem(text: str) -> str:
    """Return "header: reason" with the reason in words."""
    header, _, reason = text.rpartition(": ")
    return f"{header}: {term('refusal', reason)}" if header else term("refusal", reason)
