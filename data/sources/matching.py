"""Which [[file]] of a mapping a file belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from data.errors import SourceError
from data.sources.mapping import FileKind, Mapping
from data.sources.personal import key_of_header
from data.sources.reading import FORMAT_OF_SUFFIX, format_of, headers_of, keys_of

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
    fit = Fit(kind.name, kind.table)
    form = format_of(path)
    if path.name.endswith(EXTRACTED):
        if "database" not in kind.formats or path.name != f"{kind.name}{EXTRACTED}":
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
    fit.personal = [header for header in headers if kind.is_personal(header)]
    unpivoted = {h for h in headers if kind.unpivot is not None and kind.unpivot.name_of(h) is not None}
    fit.extra = [h for key, h in published.items() if key not in read and h not in fit.personal and h not in unpivoted]
    return fit


def match_file(path: Path, mapping: Mapping) -> FileKind:
    """Return the first [[file]] a file fits.

    Raises
    ------
    SourceError
        If there is no such file, or none fits: says for each block what was looked for.
    """
    if not path.is_file():
        raise SourceError("there is no such file.", where=str(path))
    if format_of(path) is None:
        raise SourceError(
            "the ending of the file's name is not known.",
            where=path.name,
            remedy=f"Known: {', '.join(FORMAT_OF_SUFFIX)}.",
        )
    tried = []
    for kind in mapping.files:
        fit = fit_of(path, kind)
        if fit.fits:
            return kind
        tried.append(f"{kind.name} ({kind.table}): {fit.misfit}")
    raise SourceError(
        f"the file fits nothing in the mapping {mapping.source.name!r}. Looked for " + "; ".join(tried) + ".",
        where=path.name,
        remedy=f"Run `beatwise source check {path.name}` to see which headers match.",
    )
