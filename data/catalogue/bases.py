"""Legal bases and purposes as versions: what an id means on a day, and whether a load may rest on it."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data.errors import SourceError

FILE = Path(__file__).with_name("legal_bases.toml")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Purpose(_Strict):
    """What data may be used for."""

    id: str
    zh: str
    en: str


class BasisVersion(_Strict):
    """What a legal basis says from ``valid_from`` until before ``valid_to`` (None: still)."""

    article: str
    zh: str
    en: str
    valid_from: date
    valid_to: date | None = None

    def holds_on(self, day: date) -> bool:
        """Return whether this is the text of a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class LegalBasis(_Strict):
    """A legal basis with the purposes it carries and its texts over time."""

    id: str
    zh: str
    en: str
    purposes: tuple[str, ...]
    versions: tuple[BasisVersion, ...] = Field(alias="version", min_length=1)

    def on(self, day: date) -> BasisVersion | None:
        """Return the text that holds on a day, None before the first and after the last."""
        return next((version for version in self.versions if version.holds_on(day)), None)

    @model_validator(mode="after")
    def _texts_do_not_overlap(self) -> LegalBasis:
        ordered = sorted(self.versions, key=lambda version: version.valid_from)
        for earlier, later in pairwise(ordered):
            if earlier.valid_to is None or earlier.valid_to > later.valid_from:
                raise ValueError(f"{self.id}: two texts hold on {later.valid_from}")
        return self


class LegalBases(_Strict):
    """The register of purposes and legal bases."""

    confirmed_by_counsel: bool
    purposes: tuple[Purpose, ...] = Field(alias="purpose")
    bases: tuple[LegalBasis, ...] = Field(alias="basis")

    @model_validator(mode="after")
    def _ids_resolve(self) -> LegalBases:
        known = [purpose.id for purpose in self.purposes]
        for ids in (known, [basis.id for basis in self.bases]):
            if len(set(ids)) != len(ids):
                raise ValueError("an id is given twice")
        for basis in self.bases:
            if wrong := sorted(set(basis.purposes) - set(known)):
                raise ValueError(f"{basis.id} names unknown purposes {wrong}")
        return self

    def basis(self, basis_id: str) -> LegalBasis | None:
        """Return a legal basis by id."""
        return next((basis for basis in self.bases if basis.id == basis_id), None)

    def purpose(self, purpose_id: str) -> Purpose | None:
        """Return a purpose by id."""
        return next((purpose for purpose in self.purposes if purpose.id == purpose_id), None)


def load_legal_bases(path: Path = FILE) -> LegalBases:
    """Read a register of legal bases.

    Raises
    ------
    SourceError
        If the file contradicts itself; says where.
    """
    try:
        return LegalBases.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise SourceError(f"the register of legal bases is not valid ({error}).", where=path.name) from error


@cache
def legal_bases() -> LegalBases:
    """Return the register that comes with beatwise."""
    return load_legal_bases()


def require_basis(basis_id: str, purpose_id: str, on: date, *, register: LegalBases | None = None) -> None:
    """Refuse a load whose legal basis or purpose the catalogue does not know, or that do not go together.

    Parameters
    ----------
    on
        Day of the load: a basis that does not hold on it is refused.

    Raises
    ------
    SourceError
        Names the id and the known ones.
    """
    known = register or legal_bases()
    basis = known.basis(basis_id)
    where = "data/catalogue/legal_bases.toml"
    if basis is None:
        ids = ", ".join(basis.id for basis in known.bases)
        raise SourceError(
            f"the catalogue has no legal basis {basis_id!r}; without one nothing is loaded.",
            where=where,
            remedy=f"Set legal_basis in the head of the mapping to one of: {ids}.",
        )
    if known.purpose(purpose_id) is None:
        ids = ", ".join(purpose.id for purpose in known.purposes)
        raise SourceError(
            f"the catalogue has no purpose {purpose_id!r}; without one nothing is loaded.",
            where=where,
            remedy=f"Set purpose in the head of the mapping to one of: {ids}.",
        )
    if purpose_id not in basis.purposes:
        raise SourceError(
            f"the legal basis {basis_id!r} does not carry the purpose {purpose_id!r}.",
            where=where,
            remedy=f"It carries: {', '.join(basis.purposes)}.",
        )
    if basis.on(on) is None:
        raise SourceError(
            f"the legal basis {basis_id!r} does not hold on {on}.",
            where=where,
            remedy="Name the basis that holds now, or add the new text to the register.",
        )
