"""The guard: the first statement of every page. Without it a page would show itself to whoever knows its address."""

from __future__ import annotations

import runpy
from typing import TYPE_CHECKING, NoReturn

import streamlit as st

from data.errors import AccessDeniedError, BeatwiseError, OtherForceError
from pages.ui import frame, identity, urls
from pages.ui.formats import literal
from pages.ui.language import t, use_category_names

if TYPE_CHECKING:
    from data.access import Viewer
    from data.desk import Desk

_OPENED = "guard.opened"
#: Pages that show what is held, not what was advised: they open before anything was published.
BEFORE_PUBLISHING = frozenset({"data_quality", "sources", "addresses", "catalogue", "grants", "audit"})


def guard(page: str) -> Desk:
    """Return the desk of this viewer, or show the sign-in or the refusal and stop.

    The audit row of the page view is written before anything is shown. A link that asks for an area outside the
    viewer's own is refused here, whatever the page would have made of it.
    """
    if not frame.came_through_the_door():
        runpy.run_path(str(frame.DOOR), run_name="__main__")
        st.stop()
    urls.read()
    viewer = identity.current()
    if viewer is None:
        st.session_state.pop(_OPENED, None)
        frame.draw_sign_in()
        st.stop()
    # Imported here: a signed-out reader needs neither Polars nor SQLAlchemy.
    from data.desk import Desk

    try:
        desk = Desk(identity.store(), viewer, urls.state("edition"))
        published = desk.has_edition
        view = urls.view_of(page) if published else {}
        seen = (viewer, page, tuple(view.items()), desk.edition_id if published else None)
        if st.session_state.get(_OPENED) != seen:
            desk.opened(page, view)
            st.session_state[_OPENED] = seen
        if viewer.role != "security":
            identity.require_demo(bool(desk.manifest.get("demo")) if published else desk.is_demo)
    except AccessDeniedError as error:
        st.session_state.pop(_OPENED, None)
        # The next page starts from the own area, not from the one that was refused.
        urls.forget("beat", "unit")
        if isinstance(error, OtherForceError):
            urls.forget("edition")
        refuse(error, viewer)
    except BeatwiseError as error:
        explain(error)
    if not published and page not in BEFORE_PUBLISHING:
        frame.draw_nothing_published(desk, page)
        st.stop()
    # A security administrator has no data, not even what an edition says of itself.
    use_category_names(desk.manifest.get("category_names", {}) if published and viewer.role != "security" else {})
    urls.write(page)
    return desk


def tell(error: BeatwiseError) -> NoReturn:
    """Show a refusal or an expected error that came up in the middle of a page: a table past its retention, say."""
    viewer = identity.current()
    if isinstance(error, AccessDeniedError) and viewer is not None:
        refuse(error, viewer)
    explain(error)


def refuse(error: AccessDeniedError, viewer: Viewer) -> NoReturn:
    """Show that something was refused and recorded, and the way to what is open; nothing else."""
    frame.draw_refusal(error, viewer)
    st.stop()


def explain(error: BeatwiseError) -> NoReturn:
    """Show an expected error in place of the page."""
    st.title(t("common.error.title"), anchor=False)
    asked = urls.state("edition")
    if asked and asked not in identity.store().edition_ids():
        # The one error a reader makes oneself, with an old or mistyped link; the rest is for whoever runs the server.
        # HTML, escaped: what a link says must not become a link on the page.
        st.html(f'<p class="bw-alert" role="alert">{frame.escape(t("common.error.no_edition", id=asked))}</p>')
    else:
        st.error(literal(error), icon=":material/error:")
    st.stop()
