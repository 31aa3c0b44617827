"""The door for people: identity → language → navigation. What a page shows is the page's business.

Run it with ``beatwise serve``, which checks the store and names the way of signing in.
"""

from __future__ import annotations

import streamlit as st

from data.errors import BeatwiseError
from pages.ui import frame, identity, urls
from pages.ui.guard import tell
from pages.ui.language import t


def arrive() -> None:
    """Send a reader who asked for no page to the first one of the role; without an account, to the sign-in."""
    viewer = identity.current()
    if viewer is None:
        frame.draw_sign_in()
        return
    first = frame.first_page(viewer)
    if first is None:
        frame.draw_nothing_to_open()
        return
    st.switch_page(pages[first], query_params=urls.query_of(first))


st.set_page_config(
    page_title="beatwise · 社区警务参谋", page_icon=str(frame.ROOT / "static" / "mark.svg"), layout="wide"
)
urls.read()
reader = identity.current()

# Every page is registered for everybody, so that a link to a closed page meets the guard, which refuses and records
# it. The menu shows only what the role may open.
pages = {
    key: st.Page(
        frame.ROOT / "pages" / f"{key}.py",
        title=t(f"common.pages.{key}"),
        icon=frame.ICONS[key],
        url_path=key,
        visibility="visible" if reader and identity.may_open(reader, key) else "hidden",
    )
    for key in frame.ORDER
}
home = st.Page(arrive, title="beatwise", url_path="home", default=True, visibility="hidden")
page = st.navigation([home, *pages.values()])
if page is not home:
    # Several pages open side by side, and the history of the browser, are told apart by it.
    st.set_page_config(page_title=f"{page.title} · beatwise")

frame.draw_around(reader, home)
try:
    page.run()
except BeatwiseError as error:
    tell(error)
if reader and page.url_path not in frame.WITH_MAPS:
    frame.load_ahead()
