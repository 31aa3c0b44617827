"""Words of the interface: one TOML file per page and language, the same keys in both."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from pages.ui import urls

LANGUAGES = urls.LANGUAGES
LOCALES = Path(__file__).parent / "locales"
#: What the browser, screen readers and hyphenation are told.
HTML_LANG = {"zh": "zh-CN", "en": "en"}
_CATEGORY_NAMES = "language.category_names"


@cache
def words(lang: str) -> dict[str, str]:
    """Return every text of a language under its dotted key, ``page.section.name``."""
    found: dict[str, str] = {}
    for path in sorted((LOCALES / lang).glob("*.toml")):
        _flatten(path.stem, tomllib.loads(path.read_text(encoding="utf-8")), found)
    return found


def _flatten(prefix: str, table: dict[str, Any], into: dict[str, str]) -> None:
    for key, value in table.items():
        if isinstance(value, dict):
            _flatten(f"{prefix}.{key}", value, into)
        else:
            into[f"{prefix}.{key}"] = str(value).strip()


def current() -> str:
    """Return the code of the language of this run, ``zh`` unless the reader chose another."""
    lang = urls.state("lang")
    return lang if lang in LANGUAGES else LANGUAGES[0]


def t(key: str, **values: object) -> str:
    """Return a text in the reader's language with ``{names}`` filled in.

    Raises
    ------
    KeyError
        If the key is missing: a page never shows a bare key.
    """
    text = words(current())[key]
    return text.format(**values) if values else text


def term(family: str, code: object) -> str:
    """Return the word for a code (``codes.<family>.<code>``), or the code itself when a source brought its own."""
    return words(current()).get(f"codes.{family}.{code}", str(code))


def use_category_names(names: dict[str, dict[str, str]]) -> None:
    """Take over the names that the sources of the edition on view declare for their categories."""
    st.session_state[_CATEGORY_NAMES] = names


def category_name(code: object) -> str:
    """Return the name of a category as its source declares it in the reader's language, else as :func:`term`."""
    declared = st.session_state.get(_CATEGORY_NAMES, {}).get(str(code), {})
    return declared.get(current()) or term("category", code)


def category_names() -> dict[str, str]:
    """Return the names that sources declare for their categories in the reader's language, by code."""
    declared = st.session_state.get(_CATEGORY_NAMES, {})
    return {code: names[current()] for code, names in declared.items() if names.get(current())}


def pick(zh: object, en: object) -> str:
    """Return the name in the reader's language, the other one where a source has only that."""
    first, second = (zh, en) if current() == "zh" else (en, zh)
    return str(first or second or "")


def named(family: str, codes: Iterable[Any]) -> dict[Any, str]:
    """Return the word for each code of a closed list, in the language of this run.

    Controls take the mapping rather than :func:`t` itself: Streamlit also asks for labels outside a run, where there
    is no reader and so no language.
    """
    return {code: t(f"{family}.{code}") for code in codes}


def announce() -> None:
    """Tell the browser the language of the page (Streamlit always says English), and let it remember the language.

    A sign-in at a provider of OpenID Connect comes back without the link and in a new session; the cookie, which holds
    the language and nothing else, is what is left of the choice.
    """
    lang = HTML_LANG[current()]
    cookie = f"{urls.LANG_COOKIE}={current()};path=/;max-age=31536000;SameSite=Lax"
    st.html(
        f"<script>document.documentElement.lang={lang!r};document.cookie={cookie!r}</script>",
        unsafe_allow_javascript=True,
    )
