"""Make an edition again from its snapshot, and compare: the proof of what an edition was made from."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.advice_out import day_of
from commands.shell import JsonOption, StoreOption, app, progress_bar, record, tell
from data.errors import StoreError

if TYPE_CHECKING:
    from analytics.edition import EditionParameters
    from data.editions import Edition


@app.command()
def reproduce(
    store: StoreOption,
    edition: Annotated[str, typer.Option(help="Edition id.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Make an edition again from its snapshot with its parameters, and say which tables came out the same."""
    from data.editions import Edition
    from data.store import Store
    from data.version import code_version

    opened = Edition(Store.open(store), edition)
    record(opened.store, "reproduce", edition, edition_id=edition, snapshot_id=opened.manifest["snapshot_id"])
    with progress_bar() as progress:
        progress(0, 1, "making the edition again")
        tables = compare_tables(opened)
        progress(1, 1, "making the edition again")
    made_by, here = str(opened.manifest["code_version"]), code_version()
    differing = sorted(name for name, found in tables.items() if found == "differs")
    if differing and made_by == here:
        raise StoreError(
            f"the same snapshot, parameters and code gave other rows in {', '.join(differing)}.",
            where=edition,
            remedy="The files of the edition, its snapshot or its loads were changed: compare with a backup.",
        )
    counts = {kind: sum(found == kind for found in tables.values()) for kind in ("same", "differs", "deleted", "new")}
    lines = [f"{counts['same']} of {len(tables)} tables are the same"]
    if differing:
        lines.append(f"made by {made_by}, here is {here}: other code may say something else ({', '.join(differing)})")
    if counts["deleted"]:
        lines.append(f"{counts['deleted']} tables were deleted after their retention and cannot be compared")
    if counts["new"]:
        lines.append(f"{counts['new']} tables were not made then")
    result = {"edition_id": edition, "made_by": made_by, "here": here, "tables": tables}
    tell(result, as_json, "\n".join(lines))


def compare_tables(edition: Edition) -> dict[str, str]:
    """Return of every table whether made again it is the ``same``, ``differs``, was ``deleted``, or is ``new``.

    Raises
    ------
    StoreError
        If the rows of the snapshot, or the lists of an earlier edition this one rests on, are no longer there.
    """
    import polars as pl

    from analytics.edition import make_edition
    from analytics.hotspots.verification import PastEdition
    from data.editions import Edition, fitting
    from data.snapshots import Snapshot

    parameters = parameters_of(edition)
    before = Edition(edition.store, parameters.held_to) if parameters.held_to else None
    past = [Edition(edition.store, one) for one in parameters.verified]
    draft = make_edition(
        Snapshot(edition.store, str(edition.manifest["snapshot_id"])),
        parameters,
        before and {name: before.read(name) for name in ("hotspots", "calm_lists")},
        [PastEdition(one.edition_id, day_of(one), one.read("hotspots")) for one in past],
    )
    found: dict[str, str] = {}
    for name, made in draft.tables.items():
        if name not in edition.manifest["tables"]:
            found[name] = "new"
        elif not edition.holds(name):
            found[name] = "deleted"
        else:
            again = fitting(name, made)
            if "advice_id" in again.columns:
                # Advice is called by its edition, and other code gives that another id.
                own = pl.col("advice_id").str.replace(draft.edition_id, edition.edition_id, literal=True)
                again = again.with_columns(own)
            found[name] = "same" if edition.read(name).equals(again) else "differs"
    return found


def parameters_of(edition: Edition) -> EditionParameters:
    """Return what an edition was asked for. What was no parameter yet has the value that changes nothing."""
    from analytics.edition import EditionParameters

    stated = edition.manifest["parameters"]
    known: dict[str, Any] = {one.name: stated[one.name] for one in fields(EditionParameters) if one.name in stated}
    lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
    return EditionParameters(**{**known, **lists, "as_of": date.fromisoformat(str(known["as_of"]))})
