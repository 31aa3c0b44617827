"""Which [[file]] of a mapping a file belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from data.errors import SourceError
from data.sources.mapping import FileKind, Mapping
from data.sources.packed import Unread, Upstream, beside_shapefile
from data.sources.personal import key_of_header
from data.sources.reading import format_of, headers_of, keys_of, require_readable

#: Ending of the files that ``data.sources.databases`` writes: NAME of the block + this.
EXTRACTED = ".database.parquet"


@dataclass
class Fit:
    """How one file fits one [[file]] block.

    Attributes
    ----------
    kind
        Name of the block.
    misfit
        Why it does not fit, None when it does.
    beside
        Block whose file this one reads too, if any.
    matched
        Rule → header as published.
    missing
        Rules whose headers the file does not have; their columns stay empty.
    extra
        Headers no rule reads.
    personal
        Headers dropped at the door.
    """

    kind: str
    table: str
    misfit: str | None = None
    beside: str | None = None
    matched: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    personal: list[str] = field(default_factory=list)

    @property
    def fits(self) -> bool:
        """Whether the file belongs to the block."""
        return self.misfit is None


def fit_of(path: Path, kind: FileKind) -> Fit:
    """Compare a file's name, format and headers with one [[file]] block; reads the header only."""
    fit = Fit(kind.name, kind.table, beside=kind.beside)
    form = format_of(path)
    if path.name.endswith(EXTRACTED):
        if "database" not in kind.formats or path.name != f"{kind.beside or kind.name}{EXTRACTED}":
            fit.misfit = "it is what another block asked a database for"
            return fit
    elif form not in kind.formats:
        fit.misfit = f"it is {form or 'of no known format'}, not {' or '.join(kind.formats)}"
        return fit
    elif kind.file_name and not any(fnmatch(path.name.lower(), glob.lower()) for glob in kind.file_name):
        fit.misfit = f"its name is not like {' or '.join(kind.file_name)}"
        return fit
    try:
        headers = headers_of(path, kind)
    except SourceError as error:
        fit.misfit = error.problem
        return fit
    published = dict(zip(keys_of(headers), headers, strict=True))
    absent = [need for need in kind.headers if not any(key_of_header(one) in published for one in need.split("|"))]
    if kind.only_with is not None and key_of_header(kind.only_with) not in published:
        absent.append(kind.only_with)
    if absent:
        fit.misfit = f"it lacks the header {', '.join(absent)}"
    read: set[str] = set()
    for name, rule in kind.rules.items():
        keys = [key for header in rule.reads if (key := key_of_header(header)) in published]
        read |= set(keys)
        if keys:
            fit.matched[name] = published[keys[0]]
        elif rule.reads and not any(header.startswith("$") for header in rule.reads):
            fit.missing.append(name)
    if kind.only_with is not None:
        read.add(key_of_header(kind.only_with))
    fit.personal = [header for header in headers if kind.is_personal(header)]
    unpivoted = {h for h in headers if kind.unpivot is not None and kind.unpivot.name_of(h) is not None}
    fit.extra = [h for key, h in published.items() if key not in read and h not in fit.personal and h not in unpivoted]
    return fit


def match_file(path: Path, mapping: Mapping) -> FileKind:
    """Return the first [[file]] a file fits; blocks beside it come with :func:`match_kinds`.

    Raises
    ------
    SourceError
        If there is no such file, or none fits: says for each block what was looked for.
    """
    require_readable(path)
    tried = []
    for kind in mapping.files:
        if kind.beside is not None:
            continue
        fit = fit_of(path, kind)
        if fit.fits:
            return kind
        tried.append(f"{kind.name} ({kind.table}): {fit.misfit}")
    raise SourceError(
        f"the file fits nothing in the mapping {mapping.source.name!r}. Looked for " + "; ".join(tried) + ".",
        where=path.name,
        remedy=f"Run `beatwise source check {path.name}` to see which headers match.",
    )


def match_kinds(path: Path, mapping: Mapping) -> list[FileKind]:
    """Return every [[file]] a file is read by: the first that fits, and those beside it whose headers it has.

    Raises
    ------
    SourceError
        As :func:`match_file`.
    """
    host = match_file(path, mapping)
    return [host, *(kind for kind in mapping.files if kind.beside == host.name and fit_of(path, kind).fits)]


def match_upstream(files: Sequence[Upstream], mapping: Mapping) -> tuple[list[list[FileKind]], list[Unread]]:
    """Return by which [[file]] blocks each file is read, and what of the archives nothing reads.

    A plain file must fit; a member of an archive, which comes with whatever its publisher put beside it, may not.

    Raises
    ------
    SourceError
        As :func:`match_file`, or if an archive has no member that fits.
    """
    matched: list[list[FileKind]] = []
    unread: list[Unread] = []
    for file in files:
        try:
            matched.append(match_kinds(file.path, mapping))
        except SourceError as error:
            if not file.is_member:
                raise
            matched.append([])
            unread.append(Unread(file.name, error.problem.partition(" Looked for ")[0]))
        else:
            if file.path.suffix.lower() == ".zip":
                unread += beside_shapefile(file.path, file.name)
    for archive in dict.fromkeys(file.archive for file in files if file.archive):
        if not any(kinds for file, kinds in zip(files, matched, strict=True) if file.archive == archive):
            tried = [one for one in unread if one.file.startswith(f"{archive}/")]
            said = "; ".join(f"{one.file}: {one.reason}" for one in tried[:3])
            raise SourceError(
                f"no file in the archive fits the mapping {mapping.source.name!r}. {said}",
                where=archive,
                remedy=f"Run `beatwise source check {archive}` to see which headers match.",
            )
    return matched, unread
