"""A whole mapping from sample files, tried on them."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from data.errors import SourceError
from data.integration.canonical import to_canonical
from data.integration.coordinates import require_crs
from data.sources.mapping import Mapping, parse_mapping
from data.sources.packed import Unread, told_by_name, unpacked
from data.sources.personal import key_of_header
from data.sources.personal_values import redact
from data.sources.propose.blocks import beside_calls, settle
from data.sources.propose.drafts import Draft
from data.sources.propose.findings import FileProposal, Known, Proposal, Question
from data.sources.propose.heads import propose_head
from data.sources.propose.joins import join_areas
from data.sources.propose.population import beside_areas, join_population
from data.sources.propose.sampling import SAMPLE_BYTES, Sample, one_of_each_layout, read_sample
from data.sources.propose.tables import start_draft
from data.sources.toml_text import to_toml

#: No date of a sample is taken for impossible because it lies ahead.
LATEST = date(9999, 12, 30)


def propose_mapping(paths: Sequence[Path], known: Known | None = None) -> Proposal:
    """Propose a mapping for the files of one upstream system.

    Parameters
    ----------
    paths
        One sample of each kind of file, or an archive of them; files with the same headers share one [[file]].

    Raises
    ------
    SourceError
        If a file cannot be read, or holds nothing that could be mapped.
    """
    if not paths:
        raise SourceError("no file was named.", remedy="Name a sample file.")
    known = known or Known()
    if known.crs is not None:
        try:
            require_crs(known.crs)
        except ValueError as error:
            raise SourceError(f"{error}.", where="crs") from None
    samples, unread = _samples([Path(path) for path in paths])
    first = Path(paths[0])
    name = known.name or _source_name(first if first.suffix.lower() == ".zip" else samples[0].path)
    drafts: list[Draft] = []
    for sample in samples:
        draft = start_draft(sample, known)
        twin = next((one for one in drafts if one.signature == draft.signature), None)
        if twin is None:
            draft.block["name"] = _unused(draft.table, [one.block["name"] for one in drafts])
            drafts.append(draft)
    # Shapes come first: where they lie tells which reference system the points of other files can be in.
    spot = known.near
    for draft in sorted(drafts, key=lambda one: not one.sample.has_shapes):
        draft.near = spot
        settle(draft)
        spot = spot or draft.spot
    join_areas(drafts)
    join_population(drafts)
    drafts = _told_apart(drafts)
    taken = {draft.block["name"] for draft in drafts}
    for draft in list(drafts):
        beside = beside_calls(draft) if "dispatches" not in taken else None
        if beside is not None:
            drafts.insert(drafts.index(draft) + 1, beside)
            taken.add("dispatches")
    for draft in list(drafts):
        beside = beside_areas(draft) if "population" not in taken else None
        if beside is not None:
            drafts.insert(drafts.index(draft) + 1, beside)
            taken.add("population")
    head, questions = propose_head(name, known, spot, drafts)
    for draft in drafts:
        questions += [one for one in draft.questions if one.name not in {known.name for known in questions}]
    head["source"]["unconfirmed"] = [one.name for one in questions]
    document = {"format": 1, **head, "file": [draft.block for draft in drafts]}
    comments = {one.name: one for one in questions}
    text = to_toml(document, {name: _comment(one) for name, one in comments.items()})
    mapping = parse_mapping(text, where=f"{name}.toml")
    files = [draft.proposal() for draft in drafts]
    for draft, one in zip(drafts, files, strict=True):
        _try(draft.sample, mapping, draft.block["name"], one)
    return Proposal(name, files, questions, text, unread)


def _samples(paths: list[Path]) -> tuple[list[Sample], list[Unread]]:
    """Read the beginning of each file, and of each layout in an archive; what holds no table there is named."""
    samples: list[Sample] = []
    with unpacked(paths, Path(tempfile.gettempdir()), head_bytes=SAMPLE_BYTES) as (given, left), told_by_name(given):
        files, alike = one_of_each_layout(given)
        unread = [*left, *alike]
        for file in files:
            if not file.is_member:
                samples.append(read_sample(file.path, name=file.name, whole=file.whole))
                continue
            try:
                sample = read_sample(file.path, name=file.name, whole=file.whole)
            except SourceError as error:
                unread.append(Unread(file.name, error.problem))
                continue
            if sample.form == "csv" and len(sample.raw.headers) + len(sample.raw.dropped) < 2:
                unread.append(Unread(file.name, "it is text without columns"))
                continue
            samples.append(sample)
    if not samples:
        raise SourceError(
            "the archive holds no table that could be mapped.",
            where=paths[0].name,
            remedy="; ".join(f"{one.file}: {one.reason}" for one in unread[:5]),
        )
    return samples, unread


def _told_apart(drafts: list[Draft]) -> list[Draft]:
    """Return the blocks so that no file fits one before its own: layouts of several years share most headers."""
    ordered = list(drafts)
    for place, first in enumerate(drafts):
        for other in drafts[place + 1 :]:
            if not _fits(other, first):
                continue
            own = [one for one in first.headers_read if key_of_header(one) not in other.sample.raw.headers]
            more = [one for one in other.headers_read if key_of_header(one) not in first.sample.raw.headers]
            if own:
                first.block["headers"].append(own[0])
            elif more:
                # All that the first one reads the other has too: the longer layout is tried first.
                other.block["headers"].append(more[0])
                ordered.remove(other)
                ordered.insert(ordered.index(first), other)
    return ordered


def _fits(other: Draft, first: Draft) -> bool:
    headers = first.block.get("headers", [])
    plain = first.sample.form == other.sample.form and "file_name" not in first.block
    return plain and {key_of_header(one) for one in headers} <= set(other.sample.raw.headers)


def _comment(question: Question) -> str:
    choices = f" Or: {', '.join(question.choices)}." if question.choices else ""
    return f"CONFIRM {question.name}: {question.why}{choices}"


def _source_name(path: Path) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", redact(path.stem)[0] or "source").strip("_") if path.stem.isascii() else ""
    plain = re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_") if path.stem.isascii() else plain
    return plain if re.match(r"[a-z]", plain) else f"source_{plain}".rstrip("_")


def _unused(name: str, taken: list[str]) -> str:
    return next(one for place in range(1, 1000) if (one := name if place == 1 else f"{name}_{place}") not in taken)


def _try(sample: Sample, mapping: Mapping, name: str, proposal: FileProposal) -> None:
    """Map the sample on trial and say what would be refused."""
    kind = next(kind for kind in mapping.files if kind.name == name)
    proposal.tried = sample.raw.records
    if kind.table == "lookup":
        proposal.kept = sample.raw.frame.height
        return
    rows = to_canonical(
        sample.raw, kind, mapping.jurisdiction, source=mapping.source.name, file_name=sample.path.name, latest=LATEST
    )
    said = Counter(
        f"{column}: {reason}" if column else reason
        for column, reason in rows.refused.select("column", "reason").iter_rows()
    )
    proposal.tried, proposal.kept, proposal.problems = rows.read, rows.kept.height, dict(said.most_common())
    proposal.notes = rows.notes
