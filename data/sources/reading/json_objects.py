"""JSON: a list of objects, one object, or one object a line; nested values stay JSON text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import SourceError
from data.sources.mapping import FileKind
from data.sources.personal import without_bom
from data.sources.reading.raw import LINE, RawTable, split_personal
from data.sources.reading.text import decode


def _records(path: Path, kind: FileKind) -> list[dict[str, Any]]:
    """Return the records of a JSON file: the objects of a list, or the one object the file is."""
    text, _ = decode(path.read_bytes(), kind, path.name)
    try:
        content = _parsed(without_bom(text))
    except ValueError as error:
        raise SourceError(f"the file cannot be read as JSON ({error}).", where=path.name) from error
    records = content if isinstance(content, list) else [content]
    if not all(isinstance(record, dict) for record in records):
        raise SourceError("the file is no list of objects.", where=path.name, remedy="Export one object per record.")
    return records


class Written(str):
    """A number as the file writes it: as a value of its own it must lose neither digits nor zeros."""


def _parsed(text: str) -> Any:
    """Read JSON, or JSON lines: one object a line."""
    try:
        return json.loads(text, parse_float=Written, parse_int=Written)
    except json.JSONDecodeError:
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2 or not all(line.lstrip().startswith("{") for line in lines[:2]):
            raise
    records = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                records.append(json.loads(line, parse_float=Written, parse_int=Written))
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error
    return records


def _headers(records: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(name) for record in records for name in record))


def json_headers(path: Path, kind: FileKind) -> list[str]:
    """Return the names that occur in any object of the file."""
    return _headers(_records(path, kind))


def read_json(path: Path, kind: FileKind) -> RawTable:
    """Read the objects of a JSON file, one record each."""
    records = _records(path, kind)
    headers = _headers(records)
    kept, dropped, keys = split_personal(headers, kind)
    columns = {
        key: pl.Series(key, [_json_text(record.get(header), kind) for record in records], dtype=pl.String)
        for header, key in zip(headers, keys, strict=True)
        if key in kept
    }
    frame = pl.DataFrame({**columns, LINE: pl.int_range(2, len(records) + 2, dtype=pl.Int64, eager=True)})
    return RawTable(frame.select(LINE, *kept), kept, dropped)


def _json_text(value: Any, kind: FileKind) -> str | None:
    """Return a value as text: numbers as they are written, lists and objects as JSON without personal keys."""
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(_impersonal(value, kind), ensure_ascii=False)


def _impersonal(value: Any, kind: FileKind) -> Any:
    if isinstance(value, dict):
        return {key: _impersonal(one, kind) for key, one in value.items() if not kind.is_personal(str(key))}
    if isinstance(value, Written):
        # Inside a list or object it stays a number, as in the coordinates of a shape.
        return json.loads(value)
    return [_impersonal(one, kind) for one in value] if isinstance(value, list) else value
