"""Who is at the desk. Role and area are read again on every run, never trusted from a session or a link.

``BEATWISE_AUTH`` names the way of signing in:

demo
    A role picker, loudly labelled. Works only while every row of the store was made by the demo generator.
local
    ``beatwise serve --as NAME``: one granted viewer, on this machine only.
proxy
    A gateway in front puts the account's name into a header (``BEATWISE_USER_HEADER``, default ``X-Forwarded-User``).
    The app must then be reachable through the gateway only.
oidc
    OpenID Connect through ``st.login``; ``BEATWISE_USER_CLAIM`` (default ``email``) is the account's name.
"""

from __future__ import annotations

import os
import time

import streamlit as st

from data import access
from data.access import Viewer
from data.errors import AccessDeniedError
from data.store import Store
from pages.ui import urls

DEMO_ROLES = ("commander", "researcher", "officer", "steward", "auditor")
#: A shared desk signs itself out after this long without a click.
IDLE_MINUTES = 30
_LAST_SEEN = "identity.last_seen"


def mode() -> str:
    """Return how people sign in; ``proxy``, the strict one, unless the server was told otherwise."""
    return os.environ.get("BEATWISE_AUTH", "proxy")


@st.cache_resource(show_spinner=False)
def _store(root: str) -> Store:
    return Store.open(root)


def store() -> Store:
    """Return the store the server was started on."""
    return _store(os.environ["BEATWISE_STORE"])


def current() -> Viewer | None:
    """Return the viewer of this run, or None when nobody is signed in (or the desk was left alone)."""
    if _left_alone():
        sign_out()
        return None
    if mode() == "demo":
        return _demo_viewer(urls.state("as"))
    name = _account_name()
    return _granted(name) if name else None


def account_without_grant() -> str | None:
    """Return the name of an account that is signed in but that nobody granted a role, or None."""
    if mode() == "demo":
        return None
    name = _account_name()
    return name if name and _granted(name) is None else None


def sign_in_as(role: str) -> None:
    """Take a demo role. The previous role's area goes with it."""
    urls.forget("beat", "unit")
    urls.keep("as", role)
    st.session_state[_LAST_SEEN] = time.monotonic()


def sign_out() -> None:
    """Forget who is at the desk."""
    urls.forget("as", "beat", "unit")
    st.session_state.pop(_LAST_SEEN, None)
    if mode() == "oidc" and st.user.is_logged_in:
        st.logout()


def may_open(viewer: Viewer, page: str) -> bool:
    """Return whether the viewer's role may open a page."""
    return access.may_open(viewer, page)


def may_do(viewer: Viewer, doing: str) -> bool:
    """Return whether the viewer's role may do something; the desk asks again when it is done."""
    return access.may_do(viewer, doing)


#: Beat of the demo officer while nothing is published: no area has it.
NO_BEAT_YET = "-"


def require_demo(is_demo: bool) -> None:
    """Refuse the role picker on anything but the demo city.

    Raises
    ------
    AccessDeniedError
        If demo roles meet data that the demo generator did not make.
    """
    if mode() == "demo" and not is_demo:
        raise AccessDeniedError(
            "the role picker works on the demo city only.", remedy="Start the server with another way to sign in."
        )


def _left_alone() -> bool:
    if mode() not in ("demo", "oidc"):
        return False  # A gateway or the machine's own lock looks after these.
    now = time.monotonic()
    last = st.session_state.get(_LAST_SEEN)
    limit_s = 60 * float(os.environ.get("BEATWISE_IDLE_MINUTES", IDLE_MINUTES))
    if last is not None and now - last > limit_s:
        return True
    st.session_state[_LAST_SEEN] = now
    return False


def _account_name() -> str | None:
    if mode() == "local":
        return os.environ.get("BEATWISE_VIEWER") or None
    if mode() == "proxy":
        return st.context.headers.get(os.environ.get("BEATWISE_USER_HEADER", "X-Forwarded-User"))
    if mode() == "oidc" and st.user.is_logged_in:
        claim = st.user.get(os.environ.get("BEATWISE_USER_CLAIM", "email"))
        return str(claim) if claim else None
    return None


def _granted(name: str) -> Viewer | None:
    from data.records.viewers import find_viewer

    return find_viewer(store(), name)


def _demo_viewer(role: str | None) -> Viewer | None:
    if role not in DEMO_ROLES:
        return None
    if role == "officer":
        return Viewer("demo-officer", "officer", _demo_beat(store().root.as_posix()), "beat")
    return Viewer(f"demo-{role}", role)


@st.cache_resource(show_spinner=False)
def _demo_beat(root: str) -> str:
    """Return the beat of the demo officer: the one with the first-ranked place."""
    from data.desk import Desk

    desk = Desk(_store(root), Viewer("demo-commander", "commander"))
    if not desk.has_edition:
        require_demo(desk.is_demo)
        return NO_BEAT_YET
    require_demo(bool(desk.manifest.get("demo")))
    places = desk.hotspots(desk.categories()[0], max(desk.horizons()))
    with_beat = places.drop_nulls("beat_code").sort("rank")
    return str(with_beat["beat_code"][0] if with_beat.height else desk.areas("beat")["area_code"].min())
