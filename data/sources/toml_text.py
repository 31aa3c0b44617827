"""Mappings as TOML text, laid out as a steward would write them."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any


def to_toml(document: dict[str, Any], comments: dict[str, str] | None = None) -> str:
    """Return a mapping document as TOML text.

    Parameters
    ----------
    document
        As ``tomllib`` would read it: format, source, file.
    comments
        Name of a question → comment; they stand at the top of the text.
    """
    lines = ["# Proposed by `beatwise source new`; docs/stewards.md says how to go on."]
    lines += [f"# {one}" for one in _wrapped((comments or {}).values())]
    lines += [f"format = {document['format']}", ""]
    source = document["source"]
    _table(lines, "[source]", {key: value for key, value in source.items() if not isinstance(value, dict)})
    _table(lines, "[source.jurisdiction]", source["jurisdiction"])
    for block in document["file"]:
        plain = {key: value for key, value in block.items() if not isinstance(value, dict)}
        _table(lines, "[[file]]", plain)
        for key, value in block.items():
            if isinstance(value, dict):
                _table(lines, f"[file.{key}]", value)
    return "\n".join(lines).rstrip() + "\n"


def _wrapped(comments: Any) -> list[str]:
    return [re.sub(r"[\x00-\x1f\x7f]", " ", text) for text in comments]


def _table(lines: list[str], head: str, values: dict[str, Any]) -> None:
    lines.append(head)
    lines += [f"{_key(key)} = {_value(value)}" for key, value in values.items()]
    lines.append("")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    text = str(value)
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return _text(text)


def _text(text: str) -> str:
    # A TOML basic string is a JSON string, save DEL, which TOML wants escaped too.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
