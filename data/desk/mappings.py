"""Mappings at the desk: which are in force, a proposal for a sample file, a trial, and saving one in the store."""

from __future__ import annotations

import io
import re
import struct
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data import access
from data.desk.base import DeskBase
from data.errors import OtherForceError, RequestError, SourceError
from data.files import write_atomically
from data.records.audit import append_audit
from data.schemas import CANONICAL
from data.sources.check import MappingCheck, check_mapping
from data.sources.editing import choices_for, choose, chosen_columns
from data.sources.mapping import Mapping, built_in_mappings, load_mapping, parse_mapping
from data.sources.packed import Upstream, told_by_name, unpack
from data.sources.personal_values import redact
from data.sources.propose import FileProposal, Known, Proposal, propose_mapping
from data.sources.propose.sampling import SAMPLE_BYTES, one_of_each_layout, read_sample

#: Folder of the store with the mappings stewards saved.
FOLDER = "mappings"
#: Rows of a sample that are shown, and what stands in place of a cell that nobody is shown.
SHOWN_ROWS, HIDDEN = 6, "•••"
#: Bytes that samples handed over through a browser may unpack to.
MOST_BYTES = 1 << 30
#: Grade from which cells of a sample are not shown.
HIDDEN_GRADE = 4


@dataclass(frozen=True)
class SampleView:
    """The first rows of a sample as a steward may see them: header → cells, personal columns left out."""

    headers: list[str]
    rows: list[dict[str, str]]


class Mappings(DeskBase):
    """Lists, proposes, tries and saves mappings for one viewer."""

    def mappings(self) -> list[dict[str, Any]]:
        """Return every mapping that can be used, those in force first.

        Returns
        -------
        list of dict
            name, title_zh, title_en, saved (in this store), loads (of the current snapshot), tables, sha256,
            unconfirmed, problem (why it cannot be read, else None).
        """
        self._require("mappings")
        loaded: dict[str, int] = {}
        if self.store.current_snapshot_id() is not None:
            for load in self._current_snapshot().loads:
                loaded[load["source"]] = loaded.get(load["source"], 0) + 1
        saved = sorted((self.store.root / FOLDER).glob("*.toml")) if (self.store.root / FOLDER).is_dir() else []
        saved = [path for path in saved if self._is_open(path)]
        found = [_described(path, path.stem, loaded) for path in saved]
        found += [_described(name, name, loaded) for name in built_in_mappings() if name not in {p.stem for p in saved}]
        return sorted(found, key=lambda one: (not one["loads"], not one["saved"], one["name"]))

    def mapping_text(self, name: str) -> str:
        """Return the TOML of a mapping."""
        self._require("mappings")
        path = self.store.root / FOLDER / f"{_checked(name)}.toml"
        if path.is_file():
            with self._refusals_recorded("read", "mappings", {"name": name}):
                self._require_own_mapping(load_mapping(path))
            return path.read_text(encoding="utf-8")
        from data.sources.mapping import BUILT_IN

        load_mapping(name)
        return (BUILT_IN / f"{name}.toml").read_text(encoding="utf-8")

    def propose_mapping(
        self, files: dict[str, bytes], *, near: tuple[float, float] | None = None, **known: str
    ) -> Proposal:
        """Propose a mapping for sample files; nothing is kept of them.

        Parameters
        ----------
        files
            File name → content; members of archives are proposed each by itself.
        near, known
            What the steward says beforehand, see :class:`data.sources.propose.Known`; empty text is not said.
        """
        said = {name: text.strip() or None for name, text in known.items()}
        with self._refusals_recorded("propose", "mapping"):
            access.require_doing(self.viewer, "save_mapping")
        append_audit(self.records, self._event("propose", "mapping", details={"files": sorted(files)}))
        with tempfile.TemporaryDirectory(prefix="beatwise-propose-") as folder:
            return propose_mapping(_written(files, Path(folder)), Known(near=near, **said))

    def view_sample(self, name: str, content: bytes, proposal: FileProposal | None = None) -> SampleView:
        """Return the first rows of a sample: personal columns left out, personal values and addresses masked.

        Parameters
        ----------
        name, content
            As in the proposal; of a member of an archive, ``archive.zip/folder/member.csv`` and the archive's content.
        """
        with self._refusals_recorded("propose", "mapping"):
            access.require_doing(self.viewer, "save_mapping")
        with tempfile.TemporaryDirectory(prefix="beatwise-propose-") as folder:
            file = next(one for one in _ready({name.partition("/")[0]: content}, Path(folder)) if one.name == name)
            sample = read_sample(file.path)
            texts = sample.texts.head(SHOWN_ROWS)
        personal = set(proposal.personal) if proposal is not None else set()
        hidden = _hidden_headers(proposal)
        shown = {key: header or key for key, header in sample.raw.headers.items() if header not in personal}
        rows = [
            {
                redact(header)[0] or HIDDEN: HIDDEN if header in hidden else (redact(cell or "")[0] or "")
                for key, header in shown.items()
                for cell in [row[key]]
            }
            for row in texts.select(pl.col(list(shown)).cast(pl.String)).iter_rows(named=True)
        ]
        return SampleView([redact(header)[0] or HIDDEN for header in shown.values()], rows)

    def mapping_choices(self, table: str) -> dict[str, tuple[str, str]]:
        """Return what a header may become in a table: code → Chinese and English name; blocks have the code as name."""
        self._require("mappings")
        columns = CANONICAL[table].columns() if table in CANONICAL else {}
        about = {name: columns[name].metadata or {} for name in columns}
        return {
            code: (str(about[code]["zh"]), str(about[code]["en"])) if code in about else (code, code)
            for code in choices_for(table)
        }

    def mapping_files(self, text: str) -> list[dict[str, Any]]:
        """Return name, table and header → column of every [[file]] of a mapping.

        Raises
        ------
        SourceError
            If the text is not a mapping.
        """
        self._require("mappings")
        return [
            {"name": kind.name, "table": kind.table, "chosen": chosen_columns(kind)}
            for kind in parse_mapping(text).files
        ]

    def choose_columns(self, text: str, file: str, choices: dict[str, str | None]) -> str:
        """Return a mapping with other headers for its columns, see :func:`data.sources.editing.choose`."""
        self._require("mappings")
        return choose(text, file, choices)

    def try_mapping(self, text: str, files: dict[str, bytes]) -> dict[str, MappingCheck]:
        """Say per sample what would be kept and what quarantined under a mapping; nothing is kept.

        Raises
        ------
        SourceError
            If the text is not a mapping.
        """
        with self._refusals_recorded("propose", "mapping"):
            access.require_doing(self.viewer, "save_mapping")
        mapping = parse_mapping(text)
        with tempfile.TemporaryDirectory(prefix="beatwise-propose-") as folder:
            ready = _ready(files, Path(folder))
            with told_by_name(ready):
                return {file.name: check_mapping(file.path, mapping) for file in ready}

    def save_mapping(self, text: str) -> Mapping:
        """Save a mapping in the store under its own name; `beatwise ingest --source NAME` finds it there.

        Raises
        ------
        AccessDeniedError
            If the viewer is no steward, or the mapping, or the one it would replace, is another police force's.
        SourceError
            If the text is not a mapping, or a built-in one has its name.
        """
        with self._refusals_recorded("save_mapping", "mapping"):
            access.require_doing(self.viewer, "save_mapping")
        mapping = parse_mapping(text)
        name = mapping.source.name
        if name in built_in_mappings():
            raise SourceError(
                f"{name!r} is the name of a built-in mapping.", where="[source] name", remedy="Choose another name."
            )
        path = self.store.root / FOLDER / f"{name}.toml"
        with self._refusals_recorded("save_mapping", name):
            self._require_own_mapping(mapping)
            if path.is_file() and not self._is_open(path):
                raise OtherForceError("another police force's mapping has this name.", where=name)
        details = {"sha256": mapping.sha256, "unconfirmed": mapping.source.unconfirmed}
        append_audit(self.records, self._event("save_mapping", name, details=details))
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, text.encode("utf-8"))
        return mapping

    def _is_open(self, path: Path) -> bool:
        """Return whether a saved mapping is not another force's; of one that cannot be read nobody can tell."""
        if self.forces is None:
            return True
        try:
            force = load_mapping(path).jurisdiction.code
        except SourceError:
            return False
        return force not in self._known_forces - self.forces


def _described(source: str | Path, name: str, loaded: dict[str, int]) -> dict[str, Any]:
    about: dict[str, Any] = {"name": name, "saved": isinstance(source, Path), "loads": loaded.get(name, 0)}
    try:
        mapping = load_mapping(source)
    except SourceError as error:
        return {
            **about,
            "title_zh": name,
            "title_en": name,
            "tables": [],
            "sha256": "",
            "unconfirmed": [],
            "problem": error.problem,
        }
    head = mapping.source
    tables = list(dict.fromkeys(kind.table for kind in mapping.files))
    return {
        **about,
        "title_zh": head.title_zh,
        "title_en": head.title_en,
        "tables": tables,
        "sha256": mapping.sha256,
        "unconfirmed": list(head.unconfirmed),
        "problem": None,
    }


def _checked(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise RequestError(f"{name!r} is not the name of a mapping.")
    return name


def _written(files: dict[str, bytes], folder: Path) -> list[Path]:
    paths: list[Path] = []
    for name, content in files.items():
        path = folder / Path(name).name
        if path.name in ("", "..") or path == folder or path in paths or "\0" in name or len(path.name.encode()) > 255:
            raise SourceError("a sample needs a file name of its own.", where=name[:80], remedy="Rename the file.")
        _require_unpackable(path.name, content)
        path.write_bytes(content)
        paths.append(path)
    return paths


def _require_unpackable(name: str, content: bytes) -> None:
    """Refuse a packed sample that unpacks to more than a server holds for one reader."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(one.file_size for one in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error):
        return  # No archive, or a damaged one: its reader says so.
    if unpacked > MOST_BYTES:
        raise SourceError(
            f"the file unpacks to {unpacked / 2**20:,.0f} MB.", where=name, remedy="Hand in a part of it as a sample."
        )


def _ready(files: dict[str, bytes], folder: Path) -> list[Upstream]:
    """Write files, and unpack the beginnings of those that are packed, one member of each layout."""
    given, inside = folder / "given", folder / "unpacked"
    given.mkdir()
    inside.mkdir()
    unpacked, _ = unpack(_written(files, given), inside, head_bytes=SAMPLE_BYTES, most_bytes=MOST_BYTES)
    return one_of_each_layout(unpacked)[0]


def _hidden_headers(proposal: FileProposal | None) -> set[str]:
    if proposal is None or proposal.table == "lookup":
        return set()
    columns = CANONICAL[proposal.table].columns()
    hidden = set()
    for one in proposal.columns:
        if one.column in columns and int((columns[one.column].metadata or {}).get("grade", 1)) >= HIDDEN_GRADE:
            hidden |= set(one.header.split(" + "))
    return hidden
