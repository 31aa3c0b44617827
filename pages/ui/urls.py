"""What a link says: the view as codes in the address bar, so that a link reproduces a page in either language.

Streamlit clears the address bar on a page change and its own ``bind="query-params"`` writes translated labels, so the
view lives in the session and is copied to the address. An address that somebody else wrote (a link, the back button,
an edit by hand) wins over the session; what it asks for is checked where data is read, never here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

#: Everything a link may say. ``as`` is read in demo mode only.
KEYS = ("lang", "as", "edition", "category", "horizon", "level", "calm", "hours", "dwell", "stops", "beat", "unit")
#: Keys whose values are numbers, and the least and most they may be.
NUMBERS: dict[str, tuple[float, float]] = {"hours": (0.25, 500.0), "dwell": (1.0, 120.0), "stops": (1.0, 24.0)}
#: Keys that stay when the reader changes the page.
EVERYWHERE = ("lang", "as", "edition")
#: Keys of the view of each page.
OF_PAGE: dict[str, tuple[str, ...]] = {
    "briefing": ("beat",),
    "hotspots": ("category", "horizon", "level", "calm", "hours", "dwell", "stops", "beat"),
    "staffing": ("unit",),
    "my_beat": ("beat",),
    "trends": ("category", "beat", "unit"),
    "model": ("category", "horizon"),
    "data_quality": (),
    "addresses": (),
    "catalogue": (),
    "grants": (),
    "audit": (),
}
_CODE = re.compile(r"^[^\x00-\x1f<>\"'`\\]{1,80}$")
_NUMBER = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?")
_VIEW, _WRITTEN = "view", "view.written"
#: The first is that of a reader who chose none.
LANGUAGES = ("zh", "en")
#: Cookie with the language this browser used last.
LANG_COOKIE = "beatwise_lang"
#: What a session keeps of the link when somebody signs out.
SESSION = (_VIEW, _WRITTEN)


def parse(query: Mapping[str, str]) -> dict[str, str]:
    """Return the known keys of a query whose values can be codes; everything else is left out.

    Notes
    -----
    A code is up to 80 characters without control characters, quotes, angle brackets or backslashes. Whether it
    exists, and whether this viewer may see it, is for the desk to say. A number out of its range is left out.
    """
    return {key: query[key] for key in KEYS if key in query and _may_be(key, query[key])}


def _may_be(key: str, value: str) -> bool:
    if key not in NUMBERS:
        return bool(_CODE.match(value))
    least, most = NUMBERS[key]
    return bool(_NUMBER.fullmatch(value)) and least <= float(value) <= most


def build(view: Mapping[str, object], page: str | None = None) -> dict[str, str]:
    """Return the query of a view: its known keys in a fixed order, empty ones left out.

    Parameters
    ----------
    page
        When given, only keys that page uses are kept.
    """
    wanted = KEYS if page is None else (*EVERYWHERE, *OF_PAGE.get(page, ()))
    return {key: str(view[key]) for key in KEYS if key in wanted and view.get(key) not in (None, "")}


def read() -> None:
    """Take over what the address bar asks for when somebody other than this session wrote it.

    A session that was told no language takes the one this browser used last.
    """
    last_used = st.context.cookies.get(LANG_COOKIE)
    if "lang" not in _view() and last_used in LANGUAGES:
        keep("lang", last_used)
    found = parse(dict(st.query_params.items()))
    if found and found != st.session_state.get(_WRITTEN):
        _view().update(found)
        st.session_state[_WRITTEN] = found
        # A control keeps its own value; forget it, so that it starts from the link.
        for name in [n for n in st.session_state if str(n).startswith("choose.")]:
            del st.session_state[name]


def write(page: str) -> None:
    """Copy the view to the address bar, with the keys of the page only."""
    wanted = build(_view(), page)
    if wanted != dict(st.query_params.items()):
        st.query_params.from_dict(wanted)
    st.session_state[_WRITTEN] = wanted


def state(key: str) -> str | None:
    """Return the code the view has for a key, or None."""
    return _view().get(key)


def keep(key: str, value: object) -> None:
    """Set a key of the view; None forgets it."""
    if value is None:
        _view().pop(key, None)
    else:
        _view()[key] = str(value)


def forget(*keys: str) -> None:
    """Drop keys of the view and the controls that hold them."""
    for key in keys:
        _view().pop(key, None)
        for name in [n for n in st.session_state if str(n).startswith(f"choose.{key}.")]:
            del st.session_state[name]


def query_of(page: str) -> dict[str, str]:
    """Return the query that reproduces the view on a page."""
    return build(_view(), page)


def anchor(page: str, words: str) -> str:
    """Return a link to another page, as HTML, that takes the view along."""
    from html import escape
    from urllib.parse import urlencode

    address = f"{page}?{urlencode(query_of(page))}"
    return f'<p class="bw-note"><a href="{escape(address)}" target="_self">{escape(words)} →</a></p>'


def view_of(page: str) -> dict[str, str]:
    """Return what a page is asked to show, for its audit row: its own keys, without language and edition."""
    return {key: value for key, value in build(_view(), page).items() if key not in EVERYWHERE}


def choose(
    key: str,
    label: str,
    options: Sequence[Any],
    *,
    words: Callable[[Any], str] = str,
    lang: str = "",
    as_segments: bool = False,
    default: Any = None,
    **more: Any,
) -> Any:
    """Draw a control whose value is a key of the view, and return the chosen option.

    Parameters
    ----------
    options
        Codes, in order. A code of the view that is not among them gives way to ``default`` or the first.
    words
        Turns a code into the reader's words.
    lang
        Part of the control's identity: labels change with the language, the code does not.
    """
    by_code = {str(option): option for option in options}
    labels = {option: words(option) for option in options}
    name = f"choose.{key}.{lang}.{'|'.join(by_code)[:200]}"
    fallback = default if default is not None else options[0]
    if name not in st.session_state:
        st.session_state[name] = by_code.get(str(state(key)), fallback)

    def changed() -> None:
        keep(key, st.session_state[name])

    draw = st.segmented_control if as_segments else st.selectbox
    if as_segments:
        more = {"required": True, **more}
    chosen = draw(label, options, format_func=labels.__getitem__, key=name, on_change=changed, **more)
    if str(state(key)) not in by_code and chosen != fallback:
        # The control remembers another edition's default: the view, and so the audit row, has to say what is shown.
        keep(key, chosen)
        st.rerun()
    return chosen


def number(key: str, label: str, *, default: float | None, step: float, lang: str, **more: Any) -> float | None:
    """Draw a field for a number that is a key of the view (``NUMBERS``), and return it; None while it is empty.

    Parameters
    ----------
    default
        Value without one in the view; it is not written to the link.
    """
    least, most = NUMBERS[key]
    name = f"choose.{key}.{lang}"
    if name not in st.session_state:
        told = state(key)
        st.session_state[name] = default if told is None else float(told)

    def changed() -> None:
        value = st.session_state[name]
        keep(key, None if value is None or value == default else f"{value:g}")

    # Without value=None an emptied field would jump to the least number.
    return st.number_input(
        label, min_value=least, max_value=most, value=None, step=step, format="%g", key=name, on_change=changed, **more
    )


def _view() -> dict[str, str]:
    if _VIEW not in st.session_state:
        st.session_state[_VIEW] = {}
    view: dict[str, str] = st.session_state[_VIEW]
    return view
