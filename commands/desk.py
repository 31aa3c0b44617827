"""Commands around the dashboard: serve, viewers, the audit log, benchmarks."""

from __future__ import annotations

import importlib.util
import os
import runpy
import socket
import sys
import threading
import tomllib
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.shell import JsonOption, StoreOption, app, operator, record, tell, viewer_app
from data.errors import RequestError, StoreError

AUTH_MODES = ("demo", "local", "oidc", "proxy")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
#: What Streamlit needs to know of a provider of OpenID Connect.
OIDC_SETTINGS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
#: What the first pages import: the desk and the words first, then what only the end of a page needs. Not pandas, which
#: st.dataframe takes for any table: on a busy machine it would take its 0.3 s from the page one arrives on.
FIRST_PAGE = (
    "data.desk",
    "pages.ui.sheet",
    "pages.ui.unit_ranking",
    "streamlit.emojis",
    "streamlit.material_icon_names",
    "pydeck",
    "plotly.graph_objects",
    "streamlit.elements.plotly_chart",
)
ROOT = Path(__file__).resolve().parent.parent


@app.command()
def serve(
    store: StoreOption,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    auth: Annotated[
        str | None, typer.Option(help="demo, proxy, oidc or local; default: demo for the demo city, else proxy.")
    ] = None,
    viewer: Annotated[
        str | None, typer.Option("--as", help="Sign this granted viewer in; for one desk, on this machine only.")
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", help="Name the desk is reached by, besides loopback; repeat for several."),
    ] = None,
) -> None:
    """Open the dashboard on a store."""
    # From the store's JSON files alone: the server answers before Polars is imported.
    from data.store import Store, only_demo

    opened = Store.open(store)
    is_demo = only_demo(opened.load_reports(opened.newest_snapshot_id()))
    if not opened.edition_ids():
        typer.echo(
            "Nothing is published yet: data quality, sources, addresses, catalogue, grants and audit open; "
            "the rest waits."
        )
        typer.echo(f"To publish: beatwise publish --store {store} --as-of DATE")
    mode = auth or ("local" if viewer else "demo" if is_demo else "proxy")
    if mode not in AUTH_MODES:
        raise RequestError(
            f"unknown way to sign in {mode!r}.", where="--auth", remedy=f"One of: {', '.join(AUTH_MODES)}."
        )
    if mode == "demo" and not is_demo:
        raise RequestError(
            "the role picker works on the demo city only.",
            where="--auth demo",
            remedy="Grant a viewer (`beatwise viewer grant`) and use `--as NAME` on this machine, or a gateway.",
        )
    if mode == "local" and (viewer is None or address not in LOOPBACK):
        raise RequestError(
            "signing one viewer in without a gateway is for this machine only.",
            where="--as",
            remedy="Name a granted viewer and keep `--address 127.0.0.1`.",
        )
    if mode == "oidc":
        require_oidc()
    if mode == "proxy" and address not in LOOPBACK and not os.environ.get("BEATWISE_GATEWAY_SECRET"):
        typer.echo(f"Whoever reaches {address}:{port} past the gateway can sign in as anybody: see docs/pages.md.")
    require_free(address, port)
    os.environ.update(BEATWISE_STORE=str(store.resolve()), BEATWISE_AUTH=mode, BEATWISE_VIEWER=viewer or "")
    os.chdir(ROOT)  # Streamlit reads .streamlit/config.toml from the working folder.
    typer.echo(f"beatwise: http://{address}:{port}")
    where = ["--server.port", str(port), "--server.address", address]
    # A request under any other name gets no data: a page elsewhere cannot borrow the reader's browser (DNS rebinding).
    for name in dict.fromkeys([*LOOPBACK_NAMES, *(host or ()), *([] if address in LOOPBACK else [address])]):
        where += ["--server.allowedHosts", name]
    run_dashboard(where)


def require_oidc() -> None:
    """Refuse OpenID Connect without its library or its settings: the first reader would meet a bare error.

    Raises
    ------
    RequestError
        If Authlib is not installed, or no ``secrets.toml`` that Streamlit reads has the settings of a provider.
    """
    if importlib.util.find_spec("authlib") is None:
        raise RequestError(
            "OpenID Connect needs Authlib.", where="--auth oidc", remedy="Install beatwise with its extra `oidc`."
        )
    files = [folder / ".streamlit" / "secrets.toml" for folder in (ROOT, Path.home())]
    found: dict[str, Any] = {}
    for path in reversed([each for each in files if each.is_file()]):
        try:
            found |= tomllib.loads(path.read_text(encoding="utf-8")).get("auth", {})
        except ValueError as error:
            raise RequestError(f"the settings cannot be read ({error}).", where=str(path)) from error
    if missing := [name for name in OIDC_SETTINGS if not found.get(name)]:
        raise RequestError(
            f"[auth] lacks {', '.join(missing)}.",
            where=" or ".join(map(str, files)),
            remedy="See docs/pages.md, 'OpenID Connect'.",
        )


def require_free(address: str, port: int) -> None:
    """Refuse a port that something else listens on, or an address this machine does not have.

    Raises
    ------
    RequestError
        In either case, before the server starts.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as tried:
        # As the server does it: a port that was closed a moment ago is free.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((address, port))
        except OSError as error:
            raise RequestError(
                f"cannot listen there ({os.strerror(error.errno) if error.errno else error}).",
                where=f"--address {address} --port {port}",
                remedy="Name a free port with --port, or an address of this machine.",
            ) from error


def run_dashboard(options: list[str]) -> None:
    """Become the Streamlit server, in this process: what the checks imported need not be imported again.

    While the first browser fetches the page, a thread imports what the pages need.
    """
    import streamlit.web.cli  # noqa: F401  (before the thread, so that two threads never import it at once)

    threading.Thread(target=import_pages, name="import-pages", daemon=True).start()
    sys.argv = ["streamlit", "run", str(ROOT / "app.py"), *options]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def import_pages() -> None:
    """Import the modules of the first page, in the order its run comes to need them."""
    for name in FIRST_PAGE:
        importlib.import_module(name)


@viewer_app.command("grant")
def grant(
    name: Annotated[str, typer.Argument(help="Account name, as the gateway states it.", show_default=False)],
    store: StoreOption,
    role: Annotated[str, typer.Option(help="commander, researcher, officer, steward, security or auditor.")],
    area: Annotated[str | None, typer.Option(help="Code of the officer's beat or the commander's unit.")] = None,
    jurisdiction: Annotated[
        str | None,
        typer.Option(
            help="Code of the police force, default the only one of the store; all, for researcher, steward, security "
            "and auditor."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Let an account sign in with one role. No account may hold two of system, security and audit administration."""
    from data.forces import store_forces
    from data.records.database import Records
    from data.records.viewers import grant_role
    from data.store import Store

    opened = Store.open(store)
    forces = store_forces(opened)
    force = force_to_grant(forces, jurisdiction, role)
    level = None
    if area is not None:
        areas = areas_to_grant(opened, force)
        wanted = ("beat",) if role == "officer" else ("sub_bureau", "station")
        rows = areas.filter((areas["area_code"] == area) & areas["level"].is_in(wanted))
        if rows.is_empty():
            known = ", ".join(areas.filter(areas["level"].is_in(wanted))["area_code"].unique().sort()[:10])
            raise RequestError(f"no {' or '.join(wanted)} has code {area!r}.", where="--area", remedy=f"Known: {known}")
        level = rows["level"][0]
    told = Records.open(opened), name, role, area, level
    grant_role(*told, granted_by=operator(), jurisdiction=force, forces=forces)
    words = [f"{name}: {role}", area, force if len(forces) > 1 else None]
    result = {"name": name, "role": role, "area": area, "jurisdiction": force}
    tell(result, as_json, " ".join(word for word in words if word))


def force_to_grant(known: Collection[str], wanted: str | None, role: str) -> str | None:
    """Return the police force a grant names: the one asked for, else the only one there is; None before any is loaded.

    Raises
    ------
    RequestError
        If the store holds several and none is named, or not the one that is.
    """
    from data.permissions import ALL_FORCES, ROLES_OF_ALL_FORCES

    choices = [*sorted(known), *([ALL_FORCES] if role in ROLES_OF_ALL_FORCES else [])]
    if wanted in choices:
        return wanted
    if wanted is None and len(known) < 2:
        return next(iter(known), None)
    problem = "the store holds several police forces." if wanted is None else f"unknown police force {wanted!r}."
    if wanted == ALL_FORCES:
        problem = f"the role {role} is held for one police force."
    raise RequestError(problem, where="--jurisdiction", remedy=f"Choose one of: {', '.join(choices) or 'none loaded'}.")


def areas_to_grant(store: Any, force: str | None) -> Any:
    """Return the areas a grant may name: of the newest edition of the police force, before it those of its data."""
    from data.editions import Edition
    from data.forces import editions_of
    from data.snapshots import current_snapshot

    published = editions_of(store, frozenset({force})) if force is not None else []
    return Edition(store, published[-1]).read("areas") if published else current_snapshot(store).read("areas", force)


@viewer_app.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(help="Account name.", show_default=False)],
    store: StoreOption,
    as_json: JsonOption = False,
) -> None:
    """Take an account's role back; takes effect on the next click."""
    from data.forces import store_forces
    from data.records.database import Records
    from data.records.viewers import revoke_role
    from data.store import Store

    opened = Store.open(store)
    revoke_role(Records.open(opened), name, revoked_by=operator(), forces=store_forces(opened))
    tell({"name": name, "revoked": True}, as_json, f"{name}: revoked")


@viewer_app.command("list")
def viewers(store: StoreOption, as_json: JsonOption = False) -> None:
    """List every grant, open and ended; with its police force where the store holds several."""
    from data.forces import store_forces
    from data.records.database import Records
    from data.records.viewers import list_viewers
    from data.store import Store
    from data.wide import padded

    opened = Store.open(store)
    rows = list_viewers(Records.open(opened))
    several = len(store_forces(opened)) > 1
    lines = [
        f"{padded(row['name'], 20)} {row['role']:<12} {padded(row['area_code'] or '', 14)} "
        + (f"{row['jurisdiction'] or 'opens nothing: names no force':<20} " if several else "")
        + (row["revoked_at"] or "")
        for row in rows
    ]
    tell({"viewers": rows}, as_json, "\n".join(line.rstrip() for line in lines) or "nobody yet")


@app.command()
def verify(
    store: StoreOption,
    head: Annotated[
        str | None, typer.Option(help="NUMBER:HASH noted at an earlier verification; shows a log cut off or made anew.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute the audit log's hash chain; compare decisions, visits, grants and every file of the store with it."""
    from data.records import Records, noted_head
    from data.seals import verify_store
    from data.store import Store

    expected = noted_head(head) if head is not None else None
    opened = Store.open(store)
    record(opened, "verify", "audit_log", against=head)
    report = verify_store(opened, Records.open(opened), expected)
    if not report.whole and report.first_broken_seq is None:
        raise StoreError(f"the store does not agree with the audit log: {report.problem}", where=str(store))
    if not report.whole:
        raise StoreError(
            f"the audit log is broken at row {report.first_broken_seq}: {report.problem}", where=str(store)
        )
    told = f"audit log whole: {report.rows} rows, head {report.head_seq}:{report.head_hash[:16]}; {report.files} files"
    if report.unsealed:
        told += f"; made before files were announced in the log: {', '.join(report.unsealed)}"
    if report.unguarded:
        told += f"; the database lets anybody change written rows of: {', '.join(report.unguarded)}"
    if report.went_back is not None:
        told += f"; from row {report.went_back} the clock was set back"
    tell(asdict(report), as_json, told)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def benchmark(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which one; without a name they are listed.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure on this machine. Options after the name go to the benchmark: `beatwise benchmark pages --store DIR`."""
    import ast
    import runpy

    folder = ROOT / "benchmarks"
    known = {}
    for path in sorted(folder.glob("[a-z]*.py")):
        known[path.stem] = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]
    if name is None:
        tell({"benchmarks": known}, as_json, "\n".join(f"{stem:<12} {line}" for stem, line in known.items()))
        return
    if name not in known:
        raise RequestError(f"there is no benchmark {name!r}.", remedy=f"Known: {', '.join(known)}.")
    sys.argv = [f"beatwise benchmark {name}", *context.args]
    runpy.run_module(f"benchmarks.{name}", run_name="__main__")
