"""What the commands share: options, the two ways of telling a result, the audit row, the clock."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from data.errors import RequestError
from data.files import read_json
from data.store import stated

app = typer.Typer(
    name="beatwise",
    help="beatwise · 社区警务参谋. Places, workload and staffing from incident and population data.\n\n"
    "Typical first run:  beatwise demo --store CITY  then  beatwise serve --store CITY",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
source_app = typer.Typer(help="Upstream systems: which mappings exist and how well a file fits.", no_args_is_help=True)
viewer_app = typer.Typer(help="People who may sign in: grant, revoke, list.", no_args_is_help=True)
addresses_app = typer.Typer(help="Addresses: bring the steward's decisions into the data.", no_args_is_help=True)
app.add_typer(source_app, name="source")
app.add_typer(addresses_app, name="addresses")
app.add_typer(viewer_app, name="viewer")

StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the store.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on stdout.")]
Day = Annotated[datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Nothing on or after this day is used.")]
OutputOption = Annotated[Path, typer.Option("--output", help="File to write; an existing one is replaced.")]
CategoryOption = Annotated[str, typer.Option(help="Category code.", show_default=False)]
CellOption = Annotated[float, typer.Option("--cell-m", help="Side of a cell, metres.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of every random draw.")]
AreaOption = Annotated[float, typer.Option("--area-km2", help="Area the list may cover, km².")]
ForceOption = Annotated[str | None, typer.Option("--jurisdiction", help="Police force, when the store holds several.")]


def _tell_version(asked: bool) -> None:
    if asked:
        from data.version import code_version

        typer.echo(code_version())
        raise typer.Exit


@app.callback()
def beatwise(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_tell_version,
            is_eager=True,
            help="Print the release and the digest of the code, as every edition names it.",
        ),
    ] = False,
) -> None:
    """Places, workload and staffing from incident and population data."""


def tell(result: dict[str, Any], as_json: bool, text: str) -> None:
    """Print a result for a machine or for a person."""
    typer.echo(json.dumps(result, ensure_ascii=False, default=str) if as_json else text)


def now() -> datetime:
    """Return the time written into manifests. The only clock of the command line."""
    return datetime.now(UTC)


def operator() -> str:
    """Return the name of the account that runs the command, for manifests and the audit log."""
    import getpass

    return getpass.getuser()


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """Give a function ``progress(done, total, label)`` that draws a bar on stderr when a person is watching."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        tasks: dict[str, Any] = {}

        def progress(done: int, total: int, label: str) -> None:
            if label not in tasks:
                tasks[label] = bar.add_task(label, total=total)
            bar.update(tasks[label], completed=done, total=total)

        yield progress


def record(
    store: Any,
    event: str,
    subject: str,
    *,
    edition_id: str | None = None,
    snapshot_id: str | None = None,
    upstream: Any = None,
    **details: Any,
) -> None:
    """Write the audit row of a command before the command takes effect; when that fails, the command fails.

    Parameters
    ----------
    edition_id, snapshot_id
        What is read. The row states the purposes and legal bases of the loads behind it, of one police force where
        ``details`` name its ``jurisdiction``.
    upstream
        What is loaded: the source of a mapping, which states purpose and basis itself.
    """
    from data.records.audit import AuditEvent, append_audit
    from data.records.database import Records
    from data.version import code_version

    if edition_id is not None and snapshot_id is None:
        manifest = read_json(store.editions / edition_id / "manifest.json")
        snapshot_id = str(manifest["snapshot_id"])
        details = {"jurisdiction": (manifest.get("jurisdiction") or {}).get("code"), **details}
    purpose, legal_basis = (upstream.purpose, upstream.legal_basis) if upstream is not None else (None, None)
    if snapshot_id is not None:
        force = details.get("jurisdiction")
        loads = [
            load for load in store.load_reports(snapshot_id) if force is None or load["jurisdiction"]["code"] == force
        ]
        purpose, legal_basis = stated(loads, "purpose"), stated(loads, "legal_basis")
    told = json.loads(json.dumps({**details, "code": code_version()}, default=str))
    append_audit(
        Records.open(store),
        AuditEvent(
            operator(), "command_line", event, subject, edition_id, snapshot_id, purpose, legal_basis, details=told
        ),
    )


def seal(store: Any) -> None:
    """Write the audit row that vouches for the files of a snapshot a command has made, and of its loads."""
    from data.records.database import Records
    from data.seals import seal_snapshot

    seal_snapshot(store, Records.open(store), viewer=operator(), role="command_line")


def source_of(text: str, store: Any = None) -> str | Path:
    """Return a path for something that looks like one, or is saved in the store; else a built-in name."""
    if text.endswith(".toml") or "/" in text:
        return Path(text)
    saved = store.root / "mappings" / f"{text}.toml" if store is not None else None
    return saved if saved is not None and saved.is_file() else text


def point_of(text: str | None) -> tuple[float, float] | None:
    """Return LON,LAT as two numbers."""
    if text is None:
        return None
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError:
        raise RequestError("this is not LON,LAT.", where="--near", remedy="For example --near 116.4,39.9") from None
    if abs(lon) > 180 or abs(lat) > 90:
        raise RequestError("longitude comes first, in degrees.", where="--near", remedy="For example --near 116.4,39.9")
    return lon, lat


def writable(output: Path) -> None:
    """Refuse an output path whose folder does not exist, before any work is done."""
    if not output.parent.is_dir() or output.is_dir():
        raise RequestError(
            "this file cannot be written.", where=f"--output {output}", remedy="Name a file in a folder that exists."
        )
