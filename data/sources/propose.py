"""A first mapping from sample files: by the names of the headers and by what the values look like.

The proposal is complete TOML that loads as it is and can be tried (``beatwise source check --source FILE.toml``). What
the files cannot tell (time zone, reference system, legal basis …) is filled with the likeliest value and listed
under ``unconfirmed``: as long as a name stands there, the ingest refuses the mapping.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from data.errors import SourceError
from data.integration.canonical import to_canonical
from data.integration.coordinates import require_crs
from data.schemas import CANONICAL
from data.sources import placing
from data.sources.lexicon import (
    ADDRESS_PARTS,
    AREA_NAMES,
    AXES,
    KEY_COLUMNS,
    NAMES,
    STRONG,
    WEAK,
    confidence_of_name,
    matches,
)
from data.sources.mapping import Mapping, parse_mapping
from data.sources.personal import key_of_header
from data.sources.personal_values import MOSTLY, redact, share_personal
from data.sources.profiling import Profile, profile_column, true_share
from data.sources.reading import GEOMETRY, LINE
from data.sources.sampling import Sample, read_sample
from data.sources.toml_text import to_toml

#: A rule that cannot read more than this share of the filled values of the sample is not proposed.
UNREADABLE_AT_MOST = 0.02
#: Confidence of a column found by its values alone.
BY_VALUES = 0.5
#: What is asked of the steward when an option does not say it.
LATEST = date(9999, 12, 30)


@dataclass(frozen=True)
class ColumnProposal:
    """What one header would become.

    Attributes
    ----------
    header
        As published; several joined by " + ".
    column
        Canonical column, ``time.at``, ``point.x`` …; None when the header is not read.
    confidence
        0 to 1; how sure the proposal is. 0 for headers that are not read.
    reason
        Why, in one sentence.
    """

    header: str
    column: str | None
    confidence: float
    reason: str

    @property
    def code(self) -> str:
        """What the proposal rests on, as a code for pages in several languages."""
        if self.column is None:
            return "empty" if "always empty" in self.reason else "unread"
        for code, says in (("constant", self.header == "(constant)"), ("joined", " + " in self.header)):
            if says:
                return code
        block = self.column.partition(".")[0]
        if block in ("time", "point"):
            return {"time": "dates", "point": "coordinates"}[block] if self.confidence else "nothing"
        return "name" if self.confidence >= STRONG else "name_maybe" if self.confidence >= WEAK else "values"


@dataclass(frozen=True)
class Question:
    """Something the files do not tell: which value was filled in, why it is doubtful, what else it could be."""

    name: str
    value: str
    why: str
    choices: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """What is asked, as a code for pages in several languages: the first word, with "of" what it is about."""
        return self.name.split(" of ")[0].replace(" ", "_")


@dataclass
class FileProposal:
    """The [[file]] block for one file, and how the sample fares under it."""

    file: str
    table: str
    block: dict[str, Any]
    columns: list[ColumnProposal]
    personal: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    tried: int = 0
    kept: int = 0
    problems: dict[str, int] = field(default_factory=dict)


@dataclass
class Proposal:
    """A mapping proposed for some files.

    Attributes
    ----------
    toml
        Text of the mapping; loads as it is.
    questions
        What must be confirmed before anything is ingested; the same names stand under ``unconfirmed``.
    """

    name: str
    files: list[FileProposal]
    questions: list[Question]
    toml: str

    def to_dict(self) -> dict[str, Any]:
        """Return the proposal as JSON-able values."""
        return asdict(self)

    def to_text(self) -> str:
        """Return the proposal for a terminal."""
        lines = []
        for one in self.files:
            lines.append(f"{one.file}: read into {one.table}; {one.kept:,} of {one.tried:,} records of the sample kept")
            width = max((len(item.header) for item in one.columns if item.column), default=0)
            for item in sorted(one.columns, key=lambda item: -item.confidence):
                if item.column is not None:
                    lines.append(
                        f"  {item.header:<{width}}  → {item.column:<18} {item.confidence:>4.0%}  {item.reason}"
                    )
            if unread := [item.header for item in one.columns if item.column is None]:
                shown = ", ".join(unread[:20]) + (f" and {len(unread) - 20} more" if len(unread) > 20 else "")
                lines.append(f"  not read: {shown}")
            lines += [f"  {header}: personal, dropped at the door ({why})" for header, why in one.personal.items()]
            lines += [f"    {count:,} × {problem}" for problem, count in one.problems.items()]
        if self.questions:
            lines.append("To confirm before anything can be ingested (then delete the name from `unconfirmed`):")
            for question in self.questions:
                more = f" Or: {', '.join(question.choices)}." if question.choices else ""
                lines.append(f"  {question.name} = {question.value}: {question.why}{more}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Known:
    """What the steward says beforehand; None = find out or ask.

    Attributes
    ----------
    near
        Longitude and latitude of any point of the area, degrees: tells projected systems of one family apart.
    """

    name: str | None = None
    jurisdiction: str | None = None
    timezone: str | None = None
    crs: str | None = None
    near: tuple[float, float] | None = None
    legal_basis: str | None = None
    purpose: str | None = None


def propose_mapping(paths: Sequence[Path], known: Known | None = None) -> Proposal:
    """Propose a mapping for the files of one upstream system.

    Parameters
    ----------
    paths
        One sample of each kind of file; files with the same headers share one [[file]].

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
    samples = [read_sample(Path(path)) for path in paths]
    name = known.name or _source_name(samples[0].path)
    drafts: list[_Draft] = []
    for sample in samples:
        draft = _Draft(sample, known)
        twin = next((one for one in drafts if one.signature == draft.signature), None)
        if twin is None:
            draft.block["name"] = _unused(draft.table, [one.block["name"] for one in drafts])
            drafts.append(draft)
    # Shapes come first: where they lie tells which reference system the points of other files can be in.
    spot = known.near
    for draft in sorted(drafts, key=lambda one: not one.sample.has_shapes):
        draft.near = spot
        draft.settle()
        spot = spot or draft.spot
    head, questions = _head(name, known, spot, drafts)
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
    return Proposal(name, files, questions, text)


def _comment(question: Question) -> str:
    choices = f" Or: {', '.join(question.choices)}." if question.choices else ""
    return f"CONFIRM {question.name}: {question.why}{choices}"


def _source_name(path: Path) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", redact(path.stem)[0] or "source").strip("_") if path.stem.isascii() else ""
    plain = re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_") if path.stem.isascii() else plain
    return plain if re.match(r"[a-z]", plain) else f"source_{plain}".rstrip("_")


def _unused(name: str, taken: list[str]) -> str:
    return next(one for place in range(1, 1000) if (one := name if place == 1 else f"{name}_{place}") not in taken)


def _head(
    name: str, known: Known, spot: tuple[float, float] | None, drafts: list[_Draft]
) -> tuple[dict[str, Any], list[Question]]:
    questions = []
    chinese = any(draft.chinese for draft in drafts)
    zone = known.timezone
    near = placing.likely_zones(spot)
    if zone is None:
        zone = next(iter(near), "Asia/Shanghai" if chinese else "UTC")
        if not near and any(draft.sample.keys.get("encoding") == "big5" for draft in drafts):
            zone = "Asia/Taipei"
        why = "the nearest city of the time zone table" if spot else "nothing in the files tells where they are from"
        if chinese and not spot:
            why = "the headers are Chinese"
        questions.append(
            Question("timezone", zone, f"{why}; local times of the files are read in it.", tuple(near[1:4]))
        )
    stated = known.crs if known.crs and placing.is_projected(known.crs) else None
    projected = stated or next((crs for draft in drafts if (crs := draft.projected_crs)), None)
    analysis = projected or placing.utm_of(spot) or ("EPSG:4547" if chinese else "EPSG:3857")
    if projected is None and spot is None:
        questions.append(
            Question("analysis_crs", analysis, "cells are cut in it: a projected system of the area, in its EPSG code.")
        )
    if known.legal_basis is None:
        questions.append(
            Question("legal_basis", "to-be-confirmed", "the id under which the catalogue allows this use of the data.")
        )
    if known.jurisdiction is None:
        questions.append(Question("jurisdiction", name, "code and names of the police force the files belong to."))
    force = known.jurisdiction or name.replace("_", "-")
    title = name.replace("_", " ").capitalize()
    head = {
        "source": {
            "name": name,
            "title_zh": title,
            "title_en": title,
            "legal_basis": known.legal_basis or "to-be-confirmed",
            "purpose": known.purpose or "workload-and-place-analysis",
            "unconfirmed": [],
            "jurisdiction": {
                "code": force,
                "name_zh": force,
                "name_en": force,
                "timezone": zone,
                "analysis_crs": analysis,
            },
        }
    }
    return head, questions


class _Draft:
    """The [[file]] block of one sample while it is being found."""

    def __init__(self, sample: Sample, known: Known) -> None:
        self.sample = sample
        self.known = known
        self.questions: list[Question] = []
        self.columns: list[ColumnProposal] = []
        self.taken: set[str] = set()
        self.projected_crs: str | None = None
        self.spot: tuple[float, float] | None = None
        self.near = known.near
        texts = sample.texts
        self.profiles = [
            profile_column(key, header, texts[key]) for key, header in sample.raw.headers.items() if key != GEOMETRY
        ]
        self.personal = dict.fromkeys(sample.raw.dropped, "by its name")
        for profile in list(self.profiles):
            share, kind = share_personal(profile.texts)
            if share >= MOSTLY and not self._is_series(profile):
                self.personal[profile.header] = f"{share:.0%} of its values are of the kind {kind}"
                self.profiles.remove(profile)
        self.chinese = any(re.search(r"[\u4e00-\u9fff]", profile.header) for profile in self.profiles) or any(
            matches("jjdbh|bjsj|jqlb.*|gxdwdm|pjdbh|fkdbh|bzdz.*", profile.header) for profile in self.profiles
        )
        self.signature = (sample.form, tuple(sample.raw.headers))
        self.table = self._choose_table()
        self.block: dict[str, Any] = {
            "name": self.table,
            "table": self.table,
            "format": [sample.form],
            "headers": [],
            **{key: value for key, value in sample.keys.items() if value not in ("utf-8", ",", 1)},
        }
        if self.table != "calls" or sample.has_shapes or not any(p.key for p in self.profiles):
            self.block["file_name"] = [_glob(sample.path)]

    def _is_series(self, profile: Profile) -> bool:
        from data.sources.personal_values import without_personal

        _, found = without_personal(profile.texts, identifies=True)
        return sum(int(mask.sum()) for mask in found.values()) < MOSTLY * profile.texts.len()

    # The table ---------------------------------------------------------------------------------------------------

    def _choose_table(self) -> str:
        if self.sample.has_shapes:
            return self._table_of_shapes()
        for table, needed in KEY_COLUMNS.items():
            found = {column: self._best(table, column) for column in needed}
            if all(found.values()) and (table != "population" or self._counts_people(found)):
                if table == "dispatches" and self._best("calls", "category"):
                    continue
                return table
        dates = any(profile.dates for profile in self.profiles)
        if not dates and len(self.profiles) <= 6 and self.sample.whole:
            return "lookup"
        return "calls"

    def _table_of_shapes(self) -> str:
        import shapely

        shapes = shapely.from_wkb(self.sample.raw.frame[GEOMETRY].drop_nulls().head(200).to_list())
        kinds = {shapely.get_type_id(shape) for shape in shapes}
        if kinds & {3, 6}:
            return "areas"
        return "calls" if kinds & {0, 4} else "base_map"

    def _counts_people(self, found: dict[str, Any]) -> bool:
        count = found["count"][0]
        dated = [profile for profile in self.profiles if profile.dates and profile.dates.kind == "moment"]
        return bool(count.is_number and (count.low or 0) >= 0 and not dated)

    def _best(self, table: str, column: str, minimum: float = WEAK) -> tuple[Profile, float] | None:
        """Return the header whose name speaks most for a column."""
        rated = [
            (confidence, profile.filled, -place, profile)
            for place, profile in enumerate(self.profiles)
            if profile.header not in self.taken
            and profile.filled > 0
            and (confidence := confidence_of_name(table, column, profile.header)) >= minimum
            and self._values_agree(table, column, profile)
        ]
        if not rated:
            return None
        if column.endswith("_id"):
            # Of several numbers the one that tells rows apart identifies them.
            rated.sort(key=lambda item: (item[0], item[3].unique, item[2]))
        else:
            rated.sort(key=lambda item: (item[0], item[1] > 0.5, item[2]))
        return rated[-1][3], rated[-1][0]

    def _values_agree(self, table: str, column: str, profile: Profile) -> bool:
        if column == "time.month":
            return profile.dates is not None and (profile.dates.kind == "month" or self._first_days(profile))
        if column == "time.clock":
            return profile.clock is not None
        if column == "time.slot":
            return true_share(profile.texts.str.contains(r"^\d{1,2}\s*[~～\-—至]\s*\d{1,2}$")) > 0.8
        if column.startswith("time."):
            return profile.dates is not None
        if column == "call_id" and confidence_of_name(table, column, profile.header) < STRONG and not profile.unique:
            return False
        if column == "weight":
            return profile.whole and set(profile.texts.unique().to_list()) <= {"1", "-1", "0"}
        columns = CANONICAL[table].columns()
        if column not in columns:
            return True
        dtype = columns[column].dtype
        if dtype.is_temporal():
            return profile.dates is not None
        if dtype.is_numeric():
            return profile.is_number
        if str(dtype) == "Boolean":
            return profile.distinct <= 3
        if column in ("category", "category_intake", "category_final", "unit_code", "beat_code", "channel", "level"):
            return profile.dates is None and not (profile.unique and profile.rows > 30)
        return not (column.endswith(("_id", "_code")) and profile.dates is not None and not profile.unique)

    def _first_days(self, profile: Profile) -> bool:
        return bool(profile.texts.str.contains(r"^\d{4}[-/]?\d{2}[-/]?01").all())

    # The rules ---------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Find the rules."""
        if self.table == "lookup":
            self.block["headers"] = [profile.header for profile in self.profiles if not profile.key.startswith("#")][:6]
            self._rest("kept aside as a lookup table, whole")
            return
        if self.personal:
            by_value = [header for header, why in self.personal.items() if why != "by its name"]
            if by_value:
                self.block["personal"] = by_value
        if self.table == "areas":
            self._areas()
        elif self.table == "base_map":
            self._base_map()
        else:
            if self.table == "calls":
                self._time()
            self._plain_columns()
            if self.table == "population":
                self._population()
            if "lon" in CANONICAL[self.table].columns():
                self._point()
        self._identity()
        self._rest("nothing in beatwise is made of it")
        if self.table == "areas":
            self.block["headers"] = [one.header for one in self.columns if one.column in ("area_code", "name_zh")]
        else:
            read = [
                one for one in self.columns if one.column and one.confidence >= BY_VALUES and " + " not in one.header
            ]
            self.block["headers"] = [one.header for one in read if not one.header.startswith("(")][:6]
        if not self.block["headers"]:
            self.block["file_name"] = [_glob(self.sample.path)]
            del self.block["headers"]

    def _use(
        self, column: str, profile: Profile, confidence: float, reason: str, rule: dict[str, Any] | None = None
    ) -> None:
        rule = {"from": _name_of(profile), **(rule or {})}
        block, _, key = column.rpartition(".")
        target = self.block.setdefault(block or "columns", {})
        target[key] = rule
        self.taken.add(profile.header)
        self.columns.append(ColumnProposal(profile.header or profile.key, column, round(confidence, 2), reason))

    def _plain_columns(self) -> None:
        columns = CANONICAL[self.table].columns()
        for column in NAMES[self.table]:
            if "." in column or column in self.block.get("columns", {}):
                continue
            minimum = STRONG if column in ("category_intake", "channel", "level", "category_name") else WEAK
            found = self._best(self.table, column, minimum)
            if found is None and column == "address" and self._address_parts():
                continue
            if found is None:
                continue
            profile, confidence = found
            rule: dict[str, Any] = {}
            dtype = columns[column].dtype
            if dtype.is_temporal() and profile.dates is not None:
                if "Datetime" in str(dtype) and (profile.dates.kind != "moment" or profile.dates.midnight):
                    # A day is no moment; the day on which the police knew it is worth having all the same.
                    if column == "reported_at" and profile.dates.kind != "month":
                        rule = {"parse": "date", **self._date_rule(profile, moment=False)}
                        self._use("known_on", profile, confidence, "the day it was reported; no clock time", rule)
                    continue
                rule = self._date_rule(profile, moment="Datetime" in str(dtype))
            if column in ("beat_code", "unit_code", "community_code"):
                empty = [text for text in ("-1", "0", "UNKNOWN", "NA", "N/A", "-") if (profile.texts == text).any()]
                rule = {"blank": empty} if empty else {}
            reason = "the name says so" if confidence == STRONG else "the name suggests it"
            if profile.dates is not None and dtype.is_temporal():
                reason += f"; dates as {profile.dates.keys.get('formats', profile.dates.keys.get('parse'))}"
            elif profile.unique and column.endswith("_id"):
                reason += "; every row has its own"
            self._use(column, profile, confidence, reason, rule)
        if self.table == "calls" and "category" not in self.block.get("columns", {}):
            self._category_of_intake()
        self._intake_of_category()

    def _category_of_intake(self) -> None:
        """Let the type at intake stand for the category when no column names the category itself."""
        columns = self.block.setdefault("columns", {})
        intake = next((one for one in self.columns if one.column == "category_intake"), None)
        if intake is None:
            self._category_by_values()
            return
        columns["category"] = dict(columns["category_intake"])
        self.columns[self.columns.index(intake)] = replace(intake, column="category")
        finer = self._best("calls", "category_intake", STRONG)
        if finer is not None:
            self._use("category_intake", finer[0], finer[1], "the name says so; finer than the type", {})

    def _intake_of_category(self) -> None:
        """Without a finer one, the category is what was told at intake; the ingest keeps both."""
        columns = self.block.get("columns", {})
        if self.table == "calls" and "from" in columns.get("category", {}):
            columns.setdefault("category_intake", dict(columns["category"]))

    def _category_by_values(self) -> None:
        codes = [
            profile
            for profile in self.profiles
            if profile.header not in self.taken and profile.is_code and profile.filled > 0.9 and not profile.dates
        ]
        worded = [profile for profile in codes if not profile.is_number and profile.distinct >= 2]
        weekday = "monday|mon|星期一|周一|january|jan"
        worded = [p for p in worded if not p.texts.str.to_lowercase().str.contains(f"^({weekday})\\s*$").any()]
        if worded or codes:
            profile = max(worded or codes, key=lambda one: (min(one.distinct, 40), one.filled))
            self._use("category", profile, 0.35, f"no header says category; {profile.distinct} values repeat here")
            why = "no header is named like a category; this column has a few values that repeat."
            self.questions.append(Question("category", profile.header, why))
        else:
            self.block.setdefault("columns", {})["category"] = {"constant": "all"}
            self.columns.append(ColumnProposal("(constant)", "category", 0.2, "no column tells a category"))
            self.questions.append(Question("category", "all", "no column tells a category; every row gets the same."))

    def _address_parts(self) -> bool:
        parts = [
            profile
            for profile in self.profiles
            if profile.header not in self.taken and ADDRESS_PARTS.fullmatch(key_of_header(profile.header))
        ]
        if len(parts) < 2:
            return False
        self.block.setdefault("columns", {})["address"] = {"combine": [_name_of(part) for part in parts]}
        self.taken |= {part.header for part in parts}
        joined = " + ".join(part.header for part in parts)
        self.columns.append(ColumnProposal(joined, "address", 0.8, "parts of an address, joined"))
        return True

    def _date_rule(self, profile: Profile, *, moment: bool) -> dict[str, Any]:
        form = profile.dates
        if form is None:
            return {}
        keys = dict(form.keys)
        if form.doubt:
            epoch_days = keys.get("parse") == "epoch_ms"
            if not epoch_days:
                self.questions.append(
                    Question(f"date form of {profile.header}", str(keys.get("formats")), form.doubt + ".")
                )
        if not moment and form.forms and form.kind == "moment":
            # A day is wanted of a date and time: the date stands first.
            days = list(dict.fromkeys(_date_part(one) for one in form.forms))
            first_word = {} if any(" " in one or "年" in one for one in days) else {"extract": r"^\s*([^ T]+)"}
            keys = {**first_word, "formats": days}
        if keys.get("parse") == "epoch_ms" and form.midnight:
            keys["zone"] = "UTC"
        return keys

    def _time(self) -> None:
        """Choose what tells when it happened; what tells when it was reported stands in when nothing else does."""
        at = self._best("calls", "time.at", STRONG) or self._best("calls", "reported_at", STRONG)
        at = at or self._best("calls", "time.at") or self._best("calls", "reported_at")
        month = self._best("calls", "time.month")
        if at is None and month is not None:
            profile, confidence = month
            rule = self._date_rule(profile, moment=False)
            self._use("time.month", profile, confidence, "only the month is told", rule)
            # What is told for a month is known at its end at the earliest: a forecast must not see it before.
            self.block.setdefault("columns", {})["known_on"] = {"from": _name_of(profile), "parse": "month_end", **rule}
            return
        confidence, reason = (at[1], "the name says so") if at else (BY_VALUES, "the values are dates")
        if at is None:
            dated = [profile for profile in self.profiles if profile.dates is not None and profile.filled > 0.5]
            dated.sort(
                key=lambda profile: (profile.dates is not None and profile.dates.kind != "moment", -profile.filled)
            )
            if not dated:
                self.questions.append(Question("time", "none", "no column tells when it happened."))
                return
            at = (dated[0], BY_VALUES)
        profile = at[0]
        form = profile.dates
        if form is None:
            return
        reported = not confidence_of_name("calls", "time.at", profile.header) and confidence == at[1] == STRONG
        reason += f"; {form.kind}, {form.keys.get('formats', form.keys.get('parse'))}"
        until = self._best("calls", "time.until")
        if until is not None and re.search("single|mid|avg", key_of_header(profile.header)):
            # Beside an end there is a beginning; a middle is nobody's observation.
            starts = [p for p in self.profiles if re.search("start|from|begin", key_of_header(p.header)) and p.dates]
            profile = starts[0] if starts else profile
            form = profile.dates or form
        clock = self._best("calls", "time.clock") or self._best("calls", "time.slot")
        rule = self._date_rule(profile, moment=form.kind == "moment")
        if form.kind == "month":
            self._use("time.month", profile, confidence, reason, rule)
        elif form.kind == "moment" and not form.midnight:
            self._use("time.at", profile, confidence, reason, rule)
            if until is not None and until[0].dates is not None and until[0].dates.kind == "moment":
                self._use(
                    "time.until", until[0], until[1], "the end of the interval", self._date_rule(until[0], moment=True)
                )
            midnight = true_share(profile.texts.str.contains(r"[ T]?00:00(:00)?(\.0+)?$|12:00(:00)? AM$")) > 0.05
            if midnight:
                self.block["time"]["unknown_at"] = ["00:00"]
        elif clock is not None:
            self._day_and_clock(profile, clock[0], confidence, reason)
        else:
            rule = self._date_rule(profile, moment=False)
            self._use("time.date", profile, confidence, reason + "; the day only", rule)
        if reported:
            # The same column tells when it was reported.
            self.taken.discard(profile.header)

    def _day_and_clock(self, day: Profile, clock: Profile, confidence: float, reason: str) -> None:
        rule = self._date_rule(day, moment=False)
        if matches(NAMES["calls"]["time.slot"][0], clock.header):
            self._use("time.date", day, confidence, reason, rule)
            self._use("time.slot", clock, STRONG, "two hours of the day")
        elif clock.clock == "%H":
            self._use("time.date", day, confidence, reason, rule)
            self._use("time.hour", clock, STRONG, "whole hours 0 to 23")
        else:
            days = [str(one) for one in rule.get("formats", [])]
            if not days:
                self._use("time.date", day, confidence, reason, rule)
                return
            timed = day.dates is not None and day.dates.kind == "moment"
            midnights = (" 00:00:00", " 12:00:00 AM", " 00:00") if timed else ("",)
            forms = [f"{one}{midnight}" for one in days for midnight in midnights]
            combined = {
                "combine": [_name_of(day), _name_of(clock)],
                "formats": [f"{one} {clock.clock}" for one in forms] + forms,
            }
            self.block["time"] = {"at": combined}
            self.taken |= {day.header, clock.header}
            joined = f"{day.header} + {clock.header}"
            self.columns.append(ColumnProposal(joined, "time.at", confidence, "a day and a clock time, joined"))

    def _population(self) -> None:
        columns = self.block.setdefault("columns", {})
        if "population_class" not in columns:
            columns["population_class"] = {"constant": "total"}
            self.columns.append(ColumnProposal("(constant)", "population_class", 0.5, "one count per area"))
        if "month" not in columns:
            names = " ".join([self.sample.path.stem, *(profile.header for profile in self.profiles)])
            year = re.search(r"(?<!\d)(19|20)\d{2}(?!\d)", names)
            value = f"{year.group(0) if year else '2020'}-01-01"
            columns["month"] = {"constant": value, "parse": "date"}
            self.columns.append(
                ColumnProposal("(constant)", "month", 0.5 if year else 0.2, "no column tells the month")
            )
            self.questions.append(Question("month", value, "the month the population was counted for."))

    def _point(self) -> None:
        if self.sample.has_shapes:
            self.block["crs"] = self.known.crs or "file"
            self.near = self.spot = self._middle()
        for axis_x, axis_y in AXES:
            easts = [
                p for p in self.profiles if matches(axis_x, p.header) and p.is_number and p.header not in self.taken
            ]
            norths = [
                p for p in self.profiles if matches(axis_y, p.header) and p.is_number and p.header not in self.taken
            ]
            if easts and norths:
                if self._located(easts[0], norths[0]):
                    return
                continue
        if self._point_in_one_cell():
            return
        if self.sample.has_shapes:
            self.questions.append(Question("point", "none", "the points of the shapes stand in no two columns."))
        else:
            self.columns.append(ColumnProposal("(none)", "point.x", 0.0, "no two columns are coordinates"))

    def _point_in_one_cell(self) -> bool:
        shape = r"^\W*(?:POINT\s*\()?\(?(-?\d{1,3}\.\d+)[,\s]+(-?\d{1,3}\.\d+)\)*\W*$"
        for profile in self.profiles:
            if profile.header in self.taken or profile.texts.is_empty():
                continue
            if true_share(profile.texts.str.contains(shape)) < 0.9:
                continue
            first = profile.texts.str.extract(shape, 1).cast(float).median()
            second = profile.texts.str.extract(shape, 2).cast(float).median()
            x_group = 1 if profile.texts.str.contains("POINT").any() or abs(float(str(first))) > 90 else 2
            groups = [r"(-?\d{1,3}\.\d+)[,\s]+-?\d{1,3}\.\d+", r"-?\d{1,3}\.\d+[,\s]+(-?\d{1,3}\.\d+)"]
            spot = (float(str(first)), float(str(second)))
            self.spot = spot if x_group == 1 else (spot[1], spot[0])
            self._use(
                "point.x",
                profile,
                0.8,
                "two coordinates in one cell",
                {"extract": groups[x_group - 1], "parse": "number"},
            )
            self._use(
                "point.y",
                profile,
                0.8,
                "two coordinates in one cell",
                {"extract": groups[2 - x_group], "parse": "number"},
            )
            self.block["point"]["crs"] = self._geographic(self.spot)
            return True
        return False

    def _located(self, east: Profile, north: Profile) -> bool:
        x, y = placing.usual(east.texts), placing.usual(north.texts)
        if x is None or y is None:
            return False
        swapped = placing.is_swapped(x, y)
        if swapped:
            east, north, x, y = north, east, y, x
        note = "; the axes are the other way round than the names say" if swapped else ""
        scale: dict[str, Any] = {}
        if abs(x) <= 180 and abs(y) <= 90:
            crs = self._geographic((x, y))
            self.spot = (x, y)
            reason = f"degrees{note}"
        elif abs(x) <= 180e6 and abs(y) <= 90e6 and placing.is_micro(x, y):
            scale, crs = {"scale": 1e-6}, self._geographic((x / 1e6, y / 1e6))
            self.spot, reason = (x / 1e6, y / 1e6), f"degrees × 1,000,000{note}"
        else:
            crs, reason = self._projected(x, y)
            reason += note
        nowhere = [pair for pair in ((0, 0), (-1, -1)) if placing.has_pair(east.texts, north.texts, pair)]
        self._use("point.x", east, STRONG, reason, {"parse": "number", **scale, "on_error": "null"})
        self._use("point.y", north, STRONG, reason, {"parse": "number", **scale, "on_error": "null"})
        self.block["point"]["crs"] = crs
        self.block["point"]["nowhere"] = [list(pair) for pair in nowhere] or [[0, 0]]
        return True

    def _geographic(self, spot: tuple[float, float]) -> str:
        if self.known.crs:
            return self.known.crs
        if placing.in_china(spot):
            why = "degrees in China: WGS 84 (CGCS2000), GCJ-02 and BD-09 look alike and are up to 1 km apart; ask."
            self.questions.append(Question("crs", "EPSG:4490", why, ("EPSG:4326", "GCJ-02", "BD-09")))
            return "EPSG:4490"
        return "EPSG:4326"

    def _projected(self, x: float, y: float) -> tuple[str, str]:
        if self.known.crs:
            self.projected_crs = self.known.crs
            self.spot = placing.back(x, y, self.known.crs)
            return self.known.crs, "coordinates in the system stated"
        found = placing.candidates(x, y, near=self.near, zone=self.known.timezone)
        if not found:
            why = f"lengths around {x:,.0f}, {y:,.0f} fit many places; run again with --near LON,LAT."
            self.questions.append(Question("crs", "EPSG:3857", why))
            return "EPSG:3857", "projected coordinates of an unknown system"
        best = found[0]
        self.projected_crs = best
        self.spot = placing.back(x, y, best)
        names = tuple(f"{code} ({placing.name_of(code)})" for code in found[1:8])
        why = f"lengths around {x:,.0f}, {y:,.0f}: {placing.name_of(best)} is one of {len(found)} that fit."
        self.questions.append(Question("crs", best, why, names))
        return best, "projected coordinates; several systems fit"

    # Areas -------------------------------------------------------------------------------------------------------

    def _middle(self) -> tuple[float, float] | None:
        """Return the middle of the shapes, degrees, when they are in degrees."""
        import shapely

        west, south, east, north = shapely.total_bounds(
            shapely.from_wkb(self.sample.raw.frame[GEOMETRY].drop_nulls().to_list())
        )
        middle = (float(west + east) / 2, float(south + north) / 2)
        return middle if abs(middle[0]) <= 180 and abs(middle[1]) <= 90 else None

    def _areas(self) -> None:
        self.block["crs"] = self.known.crs or "file"
        self.spot = self._middle()
        columns = self.block.setdefault("columns", {})
        codes = [
            (level, profile)
            for level, code, _ in AREA_NAMES
            for profile in self.profiles
            if matches(code, profile.header) and profile.filled > 0.9
        ]
        named = [
            (level, profile)
            for level, _, name in AREA_NAMES
            for profile in self.profiles
            if matches(name, profile.header) and profile.filled > 0.9
        ]
        # A code that (nearly) tells the shapes apart is the area's own; a coarser one is its parent's.
        whole = [item for item in codes if item[1].distinct >= 0.75 * self.sample.raw.frame.height]
        own = max(whole, key=lambda item: (item[1].distinct, item[1].is_number), default=None)
        if own is None and named:
            own = max(named, key=lambda item: item[1].distinct)
        if own is None:
            distinct = [p for p in self.profiles if p.unique and not p.key.startswith(":")]
            if not distinct:
                raise SourceError("no property tells the shapes apart.", where=self.sample.path.name)
            own = ("community", distinct[0])
            self.questions.append(
                Question("area_code", distinct[0].header, "no property is named like a code of areas.")
            )
        level, code = own
        columns["level"] = {"constant": level}
        self.columns.append(ColumnProposal("(constant)", "level", 0.6, f"headers name a {level}"))
        why = "beat, station or community: which level of the force these shapes are."
        self.questions.append(Question(f"level of {self.block['name']}", level, why, ("beat", "station", "community")))
        self._use("area_code", code, 0.85, "a code or name of its own for (nearly) every shape")
        same = [p for _, p in named if p.header != code.header and p.distinct >= 0.75 * self.sample.raw.frame.height]
        if same:
            label = same[0]
            self._use("name_zh", label, 0.8, "the name says so")
            columns["name_en"] = {"from": _name_of(label)}
        else:
            columns["name_zh"] = columns["name_en"] = {"from": _name_of(code)}
        above = {"community": ("station", "beat"), "beat": ("station",), "station": ()}[level]
        parents = [
            p for upper, p in codes if upper in above and p.header not in self.taken and p.distinct < code.distinct
        ]
        if parents and level != "station":
            self._use("parent_code", parents[0], 0.6, "a coarser code beside it")
        if code.distinct < self.sample.raw.frame.height and not self._identical_shapes_allowed():
            return

    def _identical_shapes_allowed(self) -> bool:
        # One area in several shapes: the reader joins them where it can.
        self.block["identical_rows"] = "parts"
        return True

    def _base_map(self) -> None:
        columns = self.block.setdefault("columns", {})
        self.block["crs"] = self.known.crs or "file"
        unique = [profile for profile in self.profiles if profile.unique]
        if not unique:
            raise SourceError("no property tells the lines apart.", where=self.sample.path.name)
        self._use("feature_id", unique[0], 0.6, "every line has its own")
        columns["kind"] = {"constant": "street"}
        self.questions.append(Question("kind", "street", "what the lines are.", ("main_street", "river", "boundary")))

    # The rest ----------------------------------------------------------------------------------------------------

    def _identity(self) -> None:
        columns = self.block.get("columns", {})
        keys = {
            "dispatches": "dispatch_id",
            "feedbacks": "feedback_id",
            "addresses": "address_code",
            "visits": "visit_id",
            "visit_register": "object_id",
        }
        if self.table in keys:
            self.block["identity"] = [keys[self.table]]
            return
        fixed = {
            "areas": ["level", "area_code", "valid_from"],
            "base_map": ["feature_id"],
            "population": ["area_code", "month", "population_class"],
            "shifts": ["unit_code", "shift_code"],
        }
        if self.table in fixed:
            self.block["identity"] = fixed[self.table]
            return
        own = next((p for p in self.profiles if columns.get("call_id", {}).get("from") == _name_of(p)), None)
        if own is not None and own.unique and own.filled > 0.98:
            self.block["identity"] = ["call_id"]
            return
        told = [
            name
            for name in ("call_id", "category", "category_intake", "address", "unit_code", "beat_code")
            if name in columns
        ]
        told += (
            ["occurred_from" if "at" in self.block.get("time", {}) else "occurred_on"] if "time" in self.block else []
        )
        told += ["x", "y"] if "point" in self.block else []
        self.block["identity"] = told
        self.block["identical_rows"] = "legitimate"

    def _rest(self, reason: str) -> None:
        used = {header for one in self.columns for header in one.header.split(" + ")}
        for profile in self.profiles:
            if (profile.header or profile.key) not in used:
                why = "it is always empty" if profile.filled == 0 else reason
                self.columns.append(ColumnProposal(profile.header or profile.key, None, 0.0, why))

    def proposal(self) -> FileProposal:
        """Return what was found."""
        shown = [replace(one, header=redact(one.header)[0] or "***") for one in self.columns]
        return FileProposal(self.sample.path.name, self.table, self.block, shown, self.personal, self.questions)


def _date_part(form: str) -> str:
    return re.split(r"[ T]?%[HI]", form)[0]


def _name_of(profile: Profile) -> str:
    """Return what a rule calls a column: its header; the key when that is empty or repeated."""
    return profile.key if profile.key != key_of_header(profile.header) else profile.header


def _glob(path: Path) -> str:
    return re.sub(r"\d+", "*", redact(path.name)[0] or "*").replace("[", "?").replace("**", "*").lower()


def _try(sample: Sample, mapping: Mapping, name: str, proposal: FileProposal) -> None:
    """Map the sample on trial and say what would be refused."""
    from collections import Counter

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


__all__ = ["LINE", "ColumnProposal", "FileProposal", "Known", "Proposal", "Question", "propose_mapping"]
