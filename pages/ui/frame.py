"""What stands around every page: menu, language, edition, identity, and the line that says what the data may be for."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from data.errors import AccessDeniedError, BeatwiseError, OtherForceError
from pages.ui import doubts, identity, urls
from pages.ui.formats import day, listed, literal
from pages.ui.language import LANGUAGES, announce, current, named, pick, t

if TYPE_CHECKING:
    from data.access import Viewer
    from data.desk import Desk

#: Pages in the order of the menu; the first one a role may open is where it arrives.
ORDER = (
    "briefing",
    "hotspots",
    "staffing",
    "my_beat",
    "trends",
    "model",
    "data_quality",
    "sources",
    "addresses",
    "catalogue",
    "grants",
    "audit",
)
ICONS = {
    "briefing": ":material/summarize:",
    "hotspots": ":material/map:",
    "staffing": ":material/groups:",
    "my_beat": ":material/checklist:",
    "trends": ":material/show_chart:",
    "model": ":material/verified:",
    "data_quality": ":material/rule:",
    "addresses": ":material/pin_drop:",
    "sources": ":material/input:",
    "catalogue": ":material/library_books:",
    "grants": ":material/badge:",
    "audit": ":material/verified_user:",
}
#: Pages that show a map one can move, drawn by deck.gl.
WITH_MAPS = ("hotspots", "my_beat")
#: Pages that read an edition: its reader is told what it lacks.
OF_AN_EDITION = ("briefing", "hotspots", "staffing", "my_beat", "trends", "model")
#: Days without any record at all after which it is taken to have ended.
MOST_SILENT_DAYS = 31
ROOT = Path(__file__).resolve().parents[2]
STYLES = Path(__file__).with_name("styles.css")
DOOR = ROOT / "app.py"
_GO_HOME, _DRAWN, _LOADED_AHEAD = "frame.go_home", "frame.drawn", "frame.loaded_ahead"


def draw_around(viewer: Viewer | None, home: Any) -> None:
    """Draw styles, logo and sidebar. Runs before the page, so it shows nothing that the guard has not allowed.

    Parameters
    ----------
    home
        The page that sends a reader on to the first page of the role.
    """
    st.session_state[_DRAWN] = True
    st.html(STYLES)
    with st.container(key="announce"):
        announce()
    if viewer is None:
        return
    if st.session_state.pop(_GO_HOME, False):
        st.switch_page(home, query_params=urls.build({key: urls.state(key) for key in urls.EVERYWHERE}))
    st.logo(str(ROOT / "static" / "beatwise.svg"), size="large", icon_image=str(ROOT / "static" / "mark.svg"))
    with st.sidebar:
        language_control()
        # A security administrator has no data, so no edition to choose either.
        if viewer.role != "security":
            _edition_control(viewer)
        _who(viewer)
        _watch()
        st.caption(t("common.promise"))


def load_ahead() -> None:
    """Let a browser that has just arrived load what draws maps and charts, before there is anything to draw.

    deck.gl and Plotly are 3 and 5 MB of script and the slowest part of a first map or chart. An empty map and chart,
    hidden and gone with the next click, make the browser fetch them after the page, so that the next one opens at once.
    """
    if st.session_state.get(_LOADED_AHEAD):
        return
    st.session_state[_LOADED_AHEAD] = True
    from pages.ui import maps

    with st.container(key="load_ahead"):
        st.pydeck_chart(maps.deck([], (0.0, 0.0, 1.0, 1.0)), height=1)
        import plotly.graph_objects as go

        st.plotly_chart(go.Figure(layout={"height": 10}), key="load_ahead.chart")


def came_through_the_door() -> bool:
    """Return whether app.py ran before this page in this run; asked once per run.

    Until the first st.navigation of a process Streamlit runs a deep-linked page by itself.
    """
    ctx = get_script_run_ctx()
    opened_alone = ctx is None or Path(ctx.main_script_path).name != DOOR.name
    return bool(st.session_state.pop(_DRAWN, False)) or opened_alone


def language_control(place: str = "") -> None:
    """Draw the language switch."""
    names = {"zh": "中文", "en": "English"}
    urls.choose(
        "lang",
        t("common.language"),
        LANGUAGES,
        words=names.__getitem__,
        lang=place,
        as_segments=True,
        label_visibility="collapsed",
        width="stretch",
    )


def draw_sign_in() -> None:
    """Show the sign-in and nothing else."""
    with st.container(key="sign_in"):
        st.image(str(ROOT / "static" / "mark.svg"), width=56)
        st.title(t("common.app"))
        st.markdown(t("common.promise"))
        language_control("sign_in")
        unknown = identity.account_without_grant()
        if unknown:
            st.warning(t("sign_in.no_grant", name=literal(unknown)), icon=":material/block:")
        elif identity.mode() == "demo":
            _demo_cards()
        elif identity.mode() == "oidc":
            st.button(t("sign_in.oidc"), type="primary", on_click=st.login)
        else:
            st.info(t("sign_in.gateway"), icon=":material/lock:")


def _demo_cards() -> None:
    st.warning(t("sign_in.demo"), icon=":material/science:")
    for role in identity.DEMO_ROLES:
        with st.container(border=True):
            words, tap = st.columns([4, 1], vertical_alignment="center")
            words.markdown(f"**{t(f'codes.role.{role}')}**  \n{t(f'sign_in.question.{role}')}")
            tap.button(
                t("sign_in.enter"),
                key=f"sign_in.{role}",
                on_click=identity.sign_in_as,
                args=(role,),
                width="stretch",
            )


def draw_nothing_to_open() -> None:
    """Say that the role has no page here."""
    st.title(t("common.app"), anchor=False)
    st.info(t("common.nothing_to_open"), icon=":material/info:")


def first_page(viewer: Viewer) -> str | None:
    """Return the page a viewer arrives on: the first one of the role; None where the role has no page here."""
    return next((page for page in ORDER if identity.may_open(viewer, page)), None)


def draw_refusal(error: AccessDeniedError, viewer: Viewer) -> None:
    """Show a refusal: what was refused, that it was recorded, whom to ask, where to go on. Holds no data."""
    st.title(t("common.refused.title"), anchor=False)
    text = "common.refused.force" if isinstance(error, OtherForceError) else "common.refused.text"
    st.error(t(text), icon=":material/block:")
    st.caption(t("common.refused.recorded", where=literal(_named_page(error.where))))
    first = first_page(viewer)
    # A grant that opens nothing has no page to go on to.
    shut_out = isinstance(error, OtherForceError) and error.where == viewer.name
    if first and first != error.where and not shut_out:
        # A role with a single page has no menu.
        st.html(urls.anchor(first, t("common.refused.go_on", page=t(f"common.pages.{first}"))))


def _named_page(where: str | None) -> str:
    return t(f"common.pages.{where}") if where in ORDER else where or "–"


def head(desk: Desk, page: str, *, note: str | None = None) -> None:
    """Draw a page's title, its question, and the line of provenance under it."""
    with st.container(key="head"):
        if identity.mode() == "demo":
            st.html(f'<div class="bw-demo" role="note">{t("common.demo_banner")}</div>')
        st.title(t(f"common.pages.{page}"), anchor=False)
        question = escape(note or t(f"{page}.question"))
        doubt = doubts.notice(desk) if page in OF_AN_EDITION and desk.has_edition else ""
        st.html(f'<p class="bw-question">{question}</p><p class="bw-source">{provenance(desk)}</p>{doubt}')


def bare_head(page: str) -> None:
    """Draw a page's title and its question for a reader who may not see an edition's own line."""
    st.title(t(f"common.pages.{page}"), anchor=False)
    st.html(f'<p class="bw-question">{escape(t(f"{page}.question"))}</p>')


def draw_nothing_published(desk: Desk, page: str) -> None:
    """Draw a page that has nothing to show before the first edition: what is there, and what has to be done."""
    head(desk, page)
    st.info(t("common.unpublished.text", loads=len(desk.snapshot.loads)), icon=":material/pending_actions:")
    st.code("beatwise publish --store … --as-of …", language=None)
    st.caption(t("common.unpublished.then"))


def provenance(desk: Desk) -> str:
    """Return edition, as-of day, age of the data, basis and purpose in one line of HTML."""
    if not desk.has_edition:
        forces = [pick(force.name_zh, force.name_en) for force in desk.snapshot.jurisdictions.values()]
        parts = [
            *forces,
            t("common.unpublished.short"),
            t("common.basis", text=phrases(desk.legal_basis.split("; "))),
            t("common.purpose", text=phrases(desk.purpose.split("; "))),
        ]
        return " · ".join(f"<span>{escape(part)}</span>" for part in parts)
    manifest = desk.manifest
    as_of, last = as_of_day(manifest), manifest.get("last_known_on")
    age = (as_of - date.fromisoformat(last)).days if last else None
    parts = [
        pick(manifest["jurisdiction"]["name_zh"], manifest["jurisdiction"]["name_en"]),
        t("common.edition_id", id=desk.edition_id),
        t("common.as_of", day=day(as_of)),
    ]
    if last and age is not None:
        key = "common.data_until_yesterday" if age == 1 else "common.data_until"
        parts.append(t(key, day=day(date.fromisoformat(last)), days=age))
    parts += [
        t("common.basis", text=phrases(manifest.get("legal_basis"))),
        t("common.purpose", text=phrases(manifest.get("purpose"))),
    ]
    return " · ".join(f"<span>{escape(part)}</span>" for part in parts)


def as_of_day(manifest: dict[str, Any]) -> date:
    """Return the day an edition is as of."""
    return date.fromisoformat(str(manifest["parameters"]["as_of"]))


def counted_until(manifest: dict[str, Any]) -> date:
    """Return the day counts stand at: the as-of day, unless the record had ended long before it or is not whole yet.

    A record that ended is not a fall to zero, and months after it must not be told as one; neither must weeks of which
    a part is not known yet. Editions that do not say until when counts are whole are taken at their word.
    """
    whole = manifest.get("counted_whole_until")
    return min(_recorded_until(manifest), date.fromisoformat(whole) if whole else date.max)


def is_known_late(manifest: dict[str, Any]) -> bool:
    """Return whether counts stand at a day before the as-of day because later incidents are not all known yet."""
    return counted_until(manifest) < _recorded_until(manifest)


def _recorded_until(manifest: dict[str, Any]) -> date:
    as_of, last = as_of_day(manifest), manifest.get("last_known_on")
    known = date.fromisoformat(str(last)) + timedelta(days=1) if last else as_of
    return known if as_of - known > timedelta(days=MOST_SILENT_DAYS) else as_of


def phrases(values: list[str] | str | None) -> str:
    """Return one or more catalogue texts, joined."""
    if not values:
        return t("common.not_known")
    from pages.ui.language import term

    many = [values] if isinstance(values, str) else values
    return listed(term("catalogue", value) for value in many)


def escape(text: object) -> str:
    """Return text safe inside HTML."""
    from html import escape as escape_html

    return escape_html(str(text))


def _edition_control(viewer: Viewer) -> None:
    from data.desk import Desk

    try:
        # The newest edition: whether the one asked for is the viewer's is for the page to say, once.
        desk = Desk(identity.store(), viewer)
        known = desk.editions() if desk.has_edition else []
    except BeatwiseError:
        # The page says what is wrong; the menu goes on without a picker.
        return
    asked = urls.state("edition")
    shown = next((row for row in known if row["edition_id"] == asked), known[0] if known else None)
    if shown is not None and len({row["jurisdiction"] for row in known}) > 1:
        _force_control(known, shown["jurisdiction"])
        known = [row for row in known if row["jurisdiction"] == shown["jurisdiction"]]
    words = {row["edition_id"]: _edition_words(row) for row in known}
    if words and asked and asked not in identity.store().edition_ids():
        # The page says that there is no such edition; here the reader finds one there is.
        words[asked] = asked
    if words:
        urls.choose(
            "edition",
            t("common.edition"),
            list(words),
            words=lambda code: words[code],
            lang=current(),
            default=asked if asked in words else next(iter(words)),
        )


def _edition_words(row: dict[str, Any]) -> str:
    return t("common.edition_option", day=day(date.fromisoformat(str(row["as_of"]))), id=str(row["edition_id"])[-4:])


def _force_control(known: list[dict[str, Any]], shown: str) -> None:
    """Draw the choice of a police force, for who reads several: choosing one opens its newest edition."""
    newest = {row["jurisdiction"]: row for row in reversed(known)}
    forces = sorted(newest)
    key = f"edition_force.{current()}.{shown}"
    st.selectbox(
        t("common.force"),
        forces,
        index=forces.index(shown),
        format_func={code: pick(row["name_zh"], row["name_en"]) or code for code, row in newest.items()}.__getitem__,
        key=key,
        on_change=_change_force,
        args=(key, {code: row["edition_id"] for code, row in newest.items()}),
    )


def _change_force(widget: str, newest: dict[str, str]) -> None:
    urls.forget("edition", "beat", "unit")
    urls.keep("edition", newest[st.session_state[widget]])


def _who(viewer: Viewer) -> None:
    if identity.mode() == "demo":
        with st.container(key="demo_identity"):
            st.html(f'<div class="bw-demo-side">{t("common.demo_identity")}</div>')
            st.selectbox(
                t("common.role"),
                identity.DEMO_ROLES,
                index=identity.DEMO_ROLES.index(viewer.role),
                format_func=named("codes.role", identity.DEMO_ROLES).__getitem__,
                key=f"demo_role.{current()}.{viewer.role}",
                on_change=_change_role,
                args=(f"demo_role.{current()}.{viewer.role}",),
            )
    else:
        st.caption(f"{literal(viewer.name)} · {t(f'codes.role.{viewer.role}')}")
    if identity.mode() in ("demo", "oidc"):
        st.button(t("common.sign_out"), on_click=identity.sign_out, icon=":material/logout:", type="tertiary")


@st.fragment(run_every=60)
def _watch() -> None:
    """Clear the screen of a desk that was left alone: nobody clicks there, so nothing else would run."""
    if identity.left_alone():
        st.rerun()


def _change_role(widget: str) -> None:
    identity.sign_in_as(st.session_state[widget])
    st.session_state[_GO_HOME] = True
