"""Changing a proposed mapping by choosing columns, for stewards who do not write TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Choices
from typing import Any

from data.errors import SourceError
from data.schemas import CANONICAL
from data.sources.mapping import PROVENANCE, TIME_COLUMNS, FileKind
from data.sources.personal import key_of_header
from data.sources.toml_text import to_toml

#: What a header of each block may become besides the plain columns of its table.
TIME_KEYS = (
    *("time.at", "time.until", "time.date", "time.hour", "time.slot", "time.clock", "time.until_date"),
    *("time.until_clock", "time.month"),
)
POINT_KEYS = ("point.x", "point.y")
_POINT_COLUMNS = frozenset({"x", "y", "crs", "lon", "lat", "location_level"})


def choices_for(table: str) -> list[str]:
    """Return what a header may become in a table: canonical columns and the parts of the time and point blocks."""
    if table == "lookup":
        return []
    columns = [name for name in CANONICAL[table].column_names() if name not in PROVENANCE]
    blocks: list[str] = []
    if table == "calls":
        blocks += TIME_KEYS
        columns = [name for name in columns if name not in TIME_COLUMNS]
    if "lon" in CANONICAL[table].column_names():
        blocks += POINT_KEYS
        columns = [name for name in columns if name not in _POINT_COLUMNS]
    return [*blocks, *columns]


def chosen_columns(kind: FileKind) -> dict[str, str]:
    """Return header → what it becomes, for rules that read one header; of several uses the first."""
    found: dict[str, str] = {}
    for name, rule in kind.rules.items():
        if len(rule.headers) == 1:
            found.setdefault(rule.headers[0], name)
    return found


def choose(text: str, file: str, choices: Choices[str, str | None]) -> str:
    """Return a mapping with other headers for its columns.

    Parameters
    ----------
    text
        TOML of the mapping.
    file
        Name of the [[file]].
    choices
        Header → column, or None for "not read". Headers that are not named stay as they are. A rule that is moved
        keeps its formats when both places hold dates.

    Raises
    ------
    SourceError
        If the text is no TOML, or there is no such [[file]].
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"the mapping is not valid TOML ({error}).", where="mapping") from error
    block = next((one for one in document.get("file", []) if one.get("name") == file), None)
    if block is None:
        raise SourceError(f"the mapping has no [[file]] {file!r}.", where="mapping")
    rules = _rules(block)
    moved = {key_of_header(header): column for header, column in choices.items()}
    before = {key: (name, rule) for name, rule in rules.items() if (key := _header_key(rule)) is not None}
    for key, (name, _) in before.items():
        if key in moved and moved[key] != name:
            _drop(block, name)
    for header, column in choices.items():
        old = before.get(key_of_header(header))
        if column is None or (old is not None and old[0] == column):
            continue
        keep = old[1] if old is not None and _alike(old[0], column, str(block["table"])) else {}
        _put(block, column, {**keep, "from": header})
    for name in ("time", "point"):
        if not block.get(name):
            block.pop(name, None)
    if set(block.get("point", {})) == {"crs"} or set(block.get("point", {})) == {"crs", "nowhere"}:
        del block["point"]
    return to_toml(document)


def _rules(block: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = {name: rule for name, rule in block.get("columns", {}).items() if isinstance(rule, dict)}
    for part in ("time", "point"):
        values = block.get(part, {})
        found |= {f"{part}.{key}": rule for key, rule in values.items() if isinstance(rule, dict)}
    return found


def _header_key(rule: dict[str, Any]) -> str | None:
    read = rule.get("from")
    if isinstance(read, list):
        read = read[0] if len(read) == 1 else None
    return key_of_header(read) if isinstance(read, str) else None


def _drop(block: dict[str, Any], name: str) -> None:
    part, _, key = name.rpartition(".")
    block.get(part or "columns", {}).pop(key, None)


def _put(block: dict[str, Any], name: str, rule: dict[str, Any]) -> None:
    part, _, key = name.rpartition(".")
    values = block.setdefault(part or "columns", {})
    values[key] = rule
    if part == "point":
        values.setdefault("crs", "EPSG:4326")


def _alike(old: str, new: str, table: str) -> bool:
    def is_date(name: str) -> bool:
        if name.startswith("time."):
            return True
        columns = CANONICAL[table].columns()
        return name in columns and columns[name].dtype.is_temporal()

    return (is_date(old) and is_date(new)) or (old.startswith("point.") and new.startswith("point."))
