"""Mappings from built-in names, files and text; what is wrong is said in the steward's words."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from data.errors import SourceError
from data.sources.mapping.document import Mapping

#: Where the mappings that come with beatwise lie.
BUILT_IN = Path(__file__).parents[1]


def built_in_mappings() -> list[str]:
    """Return the names of the mappings that come with beatwise, in alphabetical order."""
    return sorted(path.stem for path in BUILT_IN.glob("*.toml"))


def load_mapping(source: str | Path) -> Mapping:
    """Read a mapping and check it.

    Parameters
    ----------
    source
        A built-in name such as ``"portland"``, or the path of a TOML file.

    Raises
    ------
    SourceError
        If there is no such mapping, or it is not one: names the key and what is wrong with it.
    """
    path = Path(source) if not isinstance(source, str) or "/" in source or source.endswith(".toml") else None
    if path is None:
        path = BUILT_IN / f"{source}.toml"
        if source not in built_in_mappings():
            raise SourceError(
                f"there is no built-in source {source!r}.",
                remedy=f"Built in: {', '.join(built_in_mappings())}; or name a TOML file.",
            )
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except OSError as error:
        raise SourceError(f"the mapping cannot be read ({error.strerror}).", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise SourceError(f"the mapping is not valid TOML ({error}).", where=str(path)) from error
    return parse_mapping(text, where=str(path))


def parse_mapping(text: str, *, where: str = "mapping") -> Mapping:
    """Check the text of a mapping.

    Parameters
    ----------
    text
        TOML.
    where
        What messages call it.

    Raises
    ------
    SourceError
        If it is not a mapping: names the key and what is wrong with it.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"the mapping is not valid TOML ({error}).", where=where) from error
    try:
        return Mapping.model_validate({**document, "sha256": hashlib.sha256(text.encode("utf-8")).hexdigest()})
    except ValidationError as error:
        raise SourceError(
            _in_words(error, document), where=where, remedy="docs/sources.md describes every key."
        ) from error


def _in_words(error: ValidationError, document: dict[str, Any]) -> str:
    said = []
    for one in error.errors()[:5]:
        place: list[str] = []
        for step in one["loc"]:
            if isinstance(step, int) and place == ["file"]:
                kinds = document.get("file", [])
                name = kinds[step].get("name", step + 1) if step < len(kinds) else step + 1
                place = [f"[[file]] {name}"]
            else:
                place.append(str(step))
        message = one["msg"].removeprefix("Value error, ")
        said.append(f"{'.'.join(place) or 'mapping'}: {message}")
    return "; ".join(said) + "."
