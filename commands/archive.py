"""Commands for who has to prove something later: reproduce what was told, and find who saw what is told of an area."""

from __future__ import annotations

import tempfile
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.shell import JsonOption, StoreOption, app, record, tell
from data.errors import RequestError

if TYPE_CHECKING:
    import polars as pl

    from analytics.edition import EditionParameters
    from data.desk.reproduction import Reproduction
    from data.editions import Edition


@app.command()
def reproduce(
    store: StoreOption,
    row: Annotated[int | None, typer.Option("--row", min=1, help="Number of a row of the audit log.")] = None,
    edition: Annotated[str | None, typer.Option("--edition", help="Id of an edition: compute it anew.")] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Folder for the file and the tables, as CSV.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make again what a row of the audit log gave out, or compute an edition anew, and compare with what was told.

    Exit code 2 when it is not the same. A page has no digest to compare with; its tables are made again.
    """
    from data.store import Store

    if (row is None) == (edition is None):
        raise RequestError("name either a row of the log or an edition.", remedy="--row NUMBER, or --edition ID.")
    opened = Store.open(store)
    if edition is not None:
        compared = computed_anew(opened, edition)
        tell(compared, as_json, words_of_edition(compared))
        if compared["different"]:
            raise typer.Exit(2)
        return
    assert row is not None
    result, text = made_again(opened, row, output)
    tell(result, as_json, text)
    if result["same"] is False:
        raise typer.Exit(2)


def made_again(store: Any, seq: int, output: Path | None) -> tuple[dict[str, Any], str]:
    """Return what a row of the log gave out, made again and compared, as values and in words."""
    from data.desk.reproduction import reproduce as reproduce_row
    from data.records.database import Records
    from data.version import code_version

    if output is not None and (output.exists() and not output.is_dir()):
        raise RequestError("this is not a folder.", where=f"--output {output}")
    records = Records.open(store)
    record(store, "reproduce", f"row {seq}")
    found = what_if_again(store, records, seq) or reproduce_row(store, records, seq)
    written = write_answer(found, output) if output is not None else []
    verdict = {
        True: "the same as was told",
        False: "NOT the same as was told",
        None: "made again; the row has no digest of a page to compare with",
    }[found.same]
    by = found.row
    lines = [
        f"row {seq}: {by['viewer']} ({by['role']}), {by['event']} {by['object']}, {by['at']}, "
        f"edition {by['edition_id']}",
        f"purpose: {by['purpose']}; legal basis: {by['legal_basis']}",
        *(f"{name}: {frame.height} rows" for name, frame in found.tables.items()),
        verdict,
    ]
    if found.code_then != code_version():
        lines.append(f"the row was written by code {found.code_then or 'that did not say'}; this is {code_version()}")
    result = {
        "row": seq,
        "same": found.same,
        "sha256": found.file.sha256 if found.file else None,
        "tables": {name: frame.height for name, frame in found.tables.items()},
        "code_then": found.code_then,
        "code_now": code_version(),
        "written": written,
    }
    return result, "\n".join(lines + [f"→ {path}" for path in written])


def write_answer(found: Reproduction, output: Path) -> list[str]:
    """Write the file that was handed over, else the tables as CSV; return the paths."""
    from data.exports import make_export
    from data.files import write_atomically

    output.mkdir(parents=True, exist_ok=True)
    files = [found.file] if found.file else []
    if not files:
        import polars.selectors as cs

        files = [make_export(name, frame.drop(cs.binary()), "csv") for name, frame in found.tables.items()]
    for file in files:
        write_atomically(output / file.filename, file.content)
    return [str(output / file.filename) for file in files]


def what_if_again(store: Any, records: Any, seq: int) -> Reproduction | None:
    """Return a staffing table computed for a move of officers again; None for rows about anything else."""
    import json

    from analytics.staffing.what_if import OfficerMove, move_officers
    from data.desk.actions import digest_of_answer
    from data.desk.reproduction import Reproduction, desk_of_row
    from data.records.audit import read_audit

    [row] = read_audit(records, 1, until=seq) or [{"seq": 0}]
    if row["seq"] != seq or row["event"] != "what_if" or not row["success"]:
        return None
    details = json.loads(row["details"])
    asked = details["asked"]
    desk = desk_of_row(store, records, row)
    move = OfficerMove(*asked["from"], *asked["to"], asked["officers"])
    answer = move_officers(desk.staffing(), [move], loads=desk.staffing_loads())
    same = digest_of_answer(answer) == details["sha256"]
    return Reproduction(row, {"staffing": answer}, None, same, details.get("code"))


def computed_anew(store: Any, edition_id: str) -> dict[str, Any]:
    """Return how an edition computed anew from its snapshot compares with the stored one, table by table."""
    from commands.advice_out import make_draft
    from data.editions import Edition, write_edition
    from data.store import Store
    from data.version import code_version

    edition = Edition(store, edition_id)
    record(store, "reproduce", edition_id, edition_id=edition_id)
    draft = make_draft(store, edition.manifest["snapshot_id"], parameters_of(edition))
    told: dict[str, list[str]] = {"same": [], "same_rows": [], "different": [], "deleted": []}
    with tempfile.TemporaryDirectory(prefix="beatwise-reproduce-") as folder:
        anew = write_edition(Store.create(Path(folder) / "store"), draft.edition_id, draft.tables, draft.manifest)
        for name in sorted(edition.manifest["tables"]):
            if not edition.holds(name):
                told["deleted"].append(name)
            elif name in draft.tables and _bytes_of(anew, name) == _bytes_of(edition, name):
                told["same"].append(name)
            elif name in draft.tables and renamed(anew.read(name), draft.edition_id, edition_id).equals(
                edition.read(name)
            ):
                told["same_rows"].append(name)
            else:
                told["different"].append(name)
    codes = {"code_then": edition.manifest["code_version"], "code_now": code_version()}
    return {"edition_id": edition_id, **told, **codes}


def _bytes_of(edition: Edition, table: str) -> str:
    """Return the digest of a table's file as it is now; what the manifest says of it may have been changed as well."""
    from data.files import sha256_of_file

    return sha256_of_file(edition.folder / f"{table}.parquet")


def parameters_of(edition: Edition) -> EditionParameters:
    """Return what an edition was asked for. What was no parameter yet has the value that changes nothing."""
    from analytics.edition import EditionParameters

    stated = edition.manifest["parameters"]
    known: dict[str, Any] = {one.name: stated[one.name] for one in fields(EditionParameters) if one.name in stated}
    lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
    return EditionParameters(**{**known, **lists, "as_of": date.fromisoformat(str(known["as_of"]))})


def renamed(table: pl.DataFrame, made: str, told: str) -> pl.DataFrame:
    """Return a table whose advice is numbered by the edition it was told in: other code gives an edition another id."""
    import polars as pl

    if "advice_id" not in table.columns:
        return table
    return table.with_columns(pl.col("advice_id").str.replace(made, told, literal=True))


def words_of_edition(compared: dict[str, Any]) -> str:
    """Return the comparison of an edition in words."""
    lines = [f"edition {compared['edition_id']}: {len(compared['same'])} tables are the same bytes"]
    for key, words in (
        ("same_rows", "the same rows in other bytes (other code numbers its advice by another edition id)"),
        ("deleted", "deleted after their retention, not compared"),
        ("different", "NOT the same"),
    ):
        if compared[key]:
            lines.append(f"{words}: {', '.join(compared[key])}")
    if compared["code_then"] != compared["code_now"]:
        lines.append(
            f"it was made by code {compared['code_then']}; this is {compared['code_now']}: install that one to compare"
        )
    return "\n".join(lines)


@app.command("who-saw")
def who_saw(
    store: StoreOption,
    area: Annotated[str, typer.Option("--area", help="Code of a beat, station or sub-bureau.", show_default=False)],
    since: Annotated[datetime, typer.Option("--since", formats=["%Y-%m-%d"], help="First day, local.")],
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="Day after the last.")],
    as_json: JsonOption = False,
) -> None:
    """List who saw what is told of an area between two days, for which purpose and on which legal basis."""
    from data.records.database import Records
    from data.sightings import who_saw as sightings_of
    from data.store import Store

    opened = Store.open(store)
    asked = {"area_code": area, "since": since.date(), "until": until.date()}
    record(opened, "who_saw", "audit_log", asked=asked)
    rows = sightings_of(opened, Records.open(opened), area, since.date(), until.date()).to_dicts()
    lines = [
        f"{row['seq']:>7} {row['at'][:19]}Z {row['viewer']:<18} {row['role']:<12} {row['event']:<12} "
        f"{row['object']:<16} {'names it' if row['named'] else 'within what was shown':<22} "
        f"{row['purpose']} / {row['legal_basis']}"
        for row in rows
    ]
    tell({"area": area, "rows": rows}, as_json, "\n".join(lines) or "nobody")
