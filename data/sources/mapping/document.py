"""A whole mapping: its head and its files."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from data.errors import SourceError
from data.permissions import ALL_FORCES
from data.snapshots import Jurisdiction
from data.sources.mapping.kinds import READING, FileKind
from data.sources.mapping.rules import Strict, zone_name


class JurisdictionBlock(Strict):
    """The police force the files belong to."""

    code: str = Field(min_length=1)
    name_zh: str
    name_en: str
    timezone: str
    analysis_crs: str

    @field_validator("code")
    @classmethod
    def _one_force(cls, value: str) -> str:
        if value.strip() != value or value == ALL_FORCES:
            raise ValueError(f"{value!r} is not the code of one police force")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return zone_name(value)


class CategoryName(Strict):
    """What readers of a language are shown for a first-level category; either may be left out."""

    zh: str | None = Field(default=None, min_length=1)
    en: str | None = Field(default=None, min_length=1)


class SourceBlock(Strict):
    """The head of a mapping."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title_zh: str
    title_en: str
    legal_basis: str = Field(min_length=1)
    purpose: str = Field(min_length=1)
    first_level_characters: int | None = Field(default=None, ge=1)
    #: First-level category code → its names; a category without them is shown as the source writes it.
    category_names: dict[str, CategoryName] = Field(default_factory=dict)
    #: What a proposal could not know; while a name stands here the ingest refuses the mapping.
    unconfirmed: list[str] = Field(default_factory=list)
    jurisdiction: JurisdictionBlock


class Mapping(Strict):
    """A whole mapping."""

    format: Literal[1]
    source: SourceBlock
    files: list[FileKind] = Field(alias="file", min_length=1)
    sha256: str = ""

    @cached_property
    def jurisdiction(self) -> Jurisdiction:
        """The police force as snapshots keep it."""
        return Jurisdiction(**self.source.jurisdiction.model_dump())

    @model_validator(mode="before")
    @classmethod
    def _read_as_the_block_beside(cls, document: Any) -> Any:
        """Fill what a block beside another one leaves out: the file is the same, so is how it is read."""
        kinds = document.get("file") if isinstance(document, dict) else None
        if not isinstance(kinds, list) or not all(isinstance(kind, dict) for kind in kinds):
            return document
        hosts = {kind.get("name"): kind for kind in kinds if "beside" not in kind}
        filled = []
        for kind in kinds:
            host = hosts.get(kind["beside"]) if "beside" in kind else {}
            if host is None:
                raise ValueError(
                    f"[[file]] {kind.get('name')} stands beside {kind['beside']!r}, which is no block with a file of "
                    f"its own; blocks: {', '.join(sorted(str(name) for name in hosts))}"
                )
            filled.append({**{key: host[key] for key in READING if key in host}, **kind})
        return {**document, "file": filled}

    @model_validator(mode="after")
    def _names_are_unique(self) -> Mapping:
        names = [kind.name for kind in self.files]
        if len(names) != len(set(names)):
            raise ValueError(f"two [[file]] blocks have the same name; names: {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _systems_are_known(self) -> Mapping:
        from data.integration.coordinates import require_crs

        require_crs(self.source.jurisdiction.analysis_crs, projected=True)
        for kind in self.files:
            for crs in (kind.crs, kind.point.crs if kind.point else None):
                if crs is not None and crs != "file":
                    require_crs(crs)
        return self

    def require_confirmed(self) -> None:
        """Refuse a mapping whose author has not confirmed what a proposal could only guess.

        Raises
        ------
        SourceError
            With the names still listed under ``unconfirmed``.
        """
        if self.source.unconfirmed:
            raise SourceError(
                f"values of the mapping are not confirmed: {', '.join(self.source.unconfirmed)}.",
                where=self.source.name,
                remedy="Check each value in the mapping, then delete its name from `unconfirmed`.",
            )
