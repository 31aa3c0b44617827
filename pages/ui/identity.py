"""Who is at the desk. Role and area are read again on every run, never trusted from a session or a link.

``BEATWISE_AUTH`` names the way of signing in:

demo
    A role picker, loudly labelled. Works only while every row of the store was made by the demo generator.
local
    ``beatwise serve --as NAME``: one granted viewer, on this machine only.
proxy
    A gateway in front puts the account's name into a header (``BEATWISE_USER_HEADER``, default ``X-Forwarded-User``).
    The app must then be reachable through the gateway only; with ``BEATWISE_GATEWAY_SECRET`` the gateway also proves
    itself in the header ``X-Gateway-Secret``.
oidc
    OpenID Connect through ``st.login``; ``BEATWISE_USER_CLAIM`` (default ``email``) is the account's name.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable

import streamlit as st

from data import access
from data.access import Viewer
from data.errors import AccessDeniedError
from data.store import Store
from pages.ui import urls

DEMO_ROLES = ("commander", "researcher", "officer", "steward", "auditor")
#: A shared desk signs itself out after this long without a click.
IDLE_MINUTES = 30
_LAST_SEEN, _ENDED, _UNKNOWN = "identity.last_seen", "identity.ended", "identity.unknown"
#: Header in which a gateway proves itself when ``BEATWISE_GATEWAY_SECRET`` is set.
SECRET_HEADER = "X-Gateway-Secret"
#: Claim that holds an account's name unless the server was told otherwise.
CLAIM = "email"


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
    if st.session_state.get(_ENDED) and mode() == "oidc":
        # A session keeps its account until the browser has followed st.logout; it is nobody's by then.
        return None
    if left_alone():
        sign_out()
        return None
    _touch()
    if mode() == "demo":
        return _demo_viewer(urls.state("as"))
    name = _account_name()
    return _granted(name) if name else None


def account_without_grant() -> str | None:
    """Return the name of an account that is signed in but that nobody granted a role, or None.

    The refusal is in the audit log, once for a session.
    """
    if mode() == "demo" or st.session_state.get(_ENDED):
        return None
    name = _account_name()
    if not name or _granted(name) is not None:
        return None
    if st.session_state.get(_UNKNOWN) != name:
        from data.records.viewers import record_unknown_account

        record_unknown_account(store(), name)
        st.session_state[_UNKNOWN] = name
    return name


def require_at_desk(viewer: Viewer) -> None:
    """Refuse what a page drawn earlier asks for now, when somebody else or nobody is at the desk by then.

    For callbacks of controls, which Streamlit runs before the page asks who is there.

    Raises
    ------
    AccessDeniedError
        If the account's role or area changed, or the desk was left alone.
    """
    if current() != viewer:
        raise AccessDeniedError("who is at the desk has changed.", where=viewer.name, remedy="Open the page again.")


def lasting(viewer: Viewer, of: Store) -> Callable[[], None]:
    """Return the same check for a thread without a session, where Streamlit makes the bytes of a download."""
    last = st.session_state.get(_LAST_SEEN)

    def check() -> None:
        from data.records.viewers import find_viewer

        gone = last is not None and time.monotonic() - last > _limit_s()
        if gone or (mode() != "demo" and find_viewer(of, viewer.name) != viewer):
            raise AccessDeniedError("who is at the desk has changed.", where=viewer.name, remedy="Open the page again.")

    return check


def sign_in_as(role: str) -> None:
    """Take a demo role. The previous role's area goes with it."""
    urls.forget("beat", "unit")
    urls.keep("as", role)
    st.session_state[_LAST_SEEN] = time.monotonic()


def sign_out() -> None:
    """Forget who is at the desk, and what was done there: uploaded samples, drafts, which views are on record."""
    urls.forget("as", "beat", "unit")
    for name in [name for name in st.session_state if name not in urls.SESSION]:
        del st.session_state[name]
    st.session_state[_ENDED] = True
    if mode() == "oidc" and _signed_in():
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


def left_alone() -> bool:
    """Return whether nobody touched the desk for too long; a gateway or the machine's own lock looks after others."""
    last = st.session_state.get(_LAST_SEEN)
    return mode() in ("demo", "oidc") and last is not None and time.monotonic() - last > _limit_s()


def _touch() -> None:
    if mode() in ("demo", "oidc"):
        st.session_state[_LAST_SEEN] = time.monotonic()


def _limit_s() -> float:
    return 60 * float(os.environ.get("BEATWISE_IDLE_MINUTES", IDLE_MINUTES))


def _account_name() -> str | None:
    if mode() == "local":
        return os.environ.get("BEATWISE_VIEWER") or None
    if mode() == "proxy":
        headers, secret = st.context.headers, os.environ.get("BEATWISE_GATEWAY_SECRET", "")
        if secret and not hmac.compare_digest(headers.get(SECRET_HEADER, "").encode(), secret.encode()):
            return None
        return headers.get(os.environ.get("BEATWISE_USER_HEADER", "X-Forwarded-User"))
    if mode() == "oidc" and _signed_in():
        claim = st.user.get(_claim())
        return str(claim) if claim else None
    return None


def _signed_in() -> bool:
    # Without an [auth] section of its secrets Streamlit knows nobody, and has no such field.
    return bool(st.user.get("is_logged_in"))


def _claim() -> str:
    return os.environ.get("BEATWISE_USER_CLAIM", CLAIM)


def _granted(name: str) -> Viewer | None:
    from data.records.viewers import find_viewer

    if mode() == "oidc" and _claim() == CLAIM and str(st.user.get("email_verified", True)).lower() == "false":
        return None  # Whoever may write any address into the own profile would be anybody.
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
