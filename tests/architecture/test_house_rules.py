"""Rules of the house that no single module can keep: who imports whom, what no table names, what a page begins with."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from data import permissions
from data.schemas import CANONICAL, DERIVED, EDITION
from tests.conftest import ROOT

ROOMS = ("data", "analytics", "pages")
#: Room → project rooms it may import. A higher room may use a lower one, never the other way.
MAY_IMPORT = {"data": {"data"}, "analytics": {"analytics", "data"}, "pages": {"pages", "analytics", "data"}}
DOORS = {"app", "cli"}
CJK = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff01-\uff5e]")
LARGEST_FILE_BYTES = 1 << 20


def modules_of(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports_of(tree: ast.AST) -> Iterator[str]:
    """Yield every imported module, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` for a chain of attributes, else an empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := dotted(node.value)):
        return f"{head}.{node.attr}"
    return ""


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_one_way(room: str) -> None:
    wrong = [
        f"{name_of(path)} imports {module}"
        for path in modules_of(room)
        for module in imports_of(tree_of(path))
        if (top := module.split(".")[0]) in {*ROOMS, *DOORS} and top not in MAY_IMPORT[room]
    ]
    assert wrong == []


@pytest.mark.parametrize("room", ["data", "analytics"])
def test_streamlit_stays_in_app_and_pages(room: str) -> None:
    wrong = [
        name_of(path)
        for path in modules_of(room)
        if any(m.split(".")[0] == "streamlit" for m in imports_of(tree_of(path)))
    ]
    assert wrong == []
    for door in ("cli.py",):
        if (ROOT / door).is_file():
            assert not any(m.split(".")[0] == "streamlit" for m in imports_of(tree_of(ROOT / door)))


#: Records, stores, sources and permissions that a page could reach past the desk.
BEHIND_THE_DESK = re.compile(
    r"data\.(editions|snapshots|integration|permissions|sources|records\.(database|audit|tables))(\.|$)"
)


def test_pages_reach_data_through_the_desk_only() -> None:
    wrong = [
        f"{name_of(path)} imports {module}"
        for path in modules_of("pages")
        for module in imports_of(tree_of(path))
        if BEHIND_THE_DESK.match(module)
    ]
    assert wrong == []


def test_analytics_touches_no_disk_and_no_database() -> None:
    forbidden = {"pathlib", "sqlite3", "sqlalchemy", "os", "shutil", "tempfile", "data.store", "data.files"}
    opened = {"open", "read_parquet", "scan_parquet", "write_parquet", "read_csv", "write_csv"}
    wrong = []
    for path in modules_of("analytics"):
        tree = tree_of(path)
        wrong += [f"{name_of(path)} imports {module}" for module in imports_of(tree) if module in forbidden]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = dotted(node.func).split(".")[-1]
                if called in opened:
                    wrong.append(f"{name_of(path)}:{node.lineno} calls {called}")
    assert wrong == []


CLOCKS = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|monotonic|perf_counter|localtime|gmtime))$"
)
#: The new-style, seeded generators; everything else of ``numpy.random`` is one state shared by all.
SEEDED = {"default_rng", "Generator", "SeedSequence", "BitGenerator", "PCG64", "PCG64DXSM", "Philox", "SFC64"}


def clocks_and_global_chance(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            yield from (f"line {node.lineno}: import {m}" for m in modules if m.split(".")[0] in ("random", "time"))
        if not isinstance(node, ast.Attribute):
            continue
        name = dotted(node)
        if CLOCKS.search(name):
            yield f"line {node.lineno}: {name}"
        if (found := re.match(r"(?:np|numpy)\.random\.(\w+)$", name)) and found[1] not in SEEDED:
            yield f"line {node.lineno}: {name}"
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and dotted(node.func).endswith("default_rng")
            and not (node.args or node.keywords)
        ):
            yield f"line {node.lineno}: default_rng() without a seed"


def test_analytics_reads_no_clock_and_no_global_chance() -> None:
    wrong = [
        f"{name_of(path)} {what}"
        for path in modules_of("analytics")
        for what in clocks_and_global_chance(tree_of(path))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "line",
    [
        "import datetime as d; x = d.datetime.now()",
        "from datetime import date; x = date.today()",
        "import time",
        "import random",
        "import numpy as np; np.random.seed(1)",
        "import numpy as np; np.random.default_rng()",
    ],
)
def test_the_rule_about_clocks_and_chance_catches(line: str) -> None:
    assert list(clocks_and_global_chance(ast.parse(line)))


#: Words of a column that would name a person or make a row about one.
PERSON = re.compile(
    r"(^|_)(person|persons|people_id|caller|suspect|victim|offender|resident|citizen|subject|owner|phone|mobile|tel|"
    r"id_number|idcard|id_card|passport|identity|surname|first_name|last_name|full_name|birth|birthday|gender|sex|race|"
    r"ethnicity|nationality|officer_id|officer_name|police_no|badge|plate|wechat|email)(_|$)|^name$"
)


@pytest.mark.parametrize("table", EDITION)
def test_no_table_of_an_edition_names_a_person(table: str) -> None:
    assert [column for column in EDITION[table].column_names() if PERSON.search(column)] == []


@pytest.mark.parametrize("table", [*CANONICAL, *DERIVED])
def test_no_table_of_a_snapshot_names_a_person(table: str) -> None:
    schema = {**CANONICAL, **DERIVED}[table]
    assert [column for column in schema.column_names() if PERSON.search(column)] == []


@pytest.mark.parametrize("column", ["name", "caller_phone", "id_number", "person_key", "officer_id", "birth_date"])
def test_the_rule_about_persons_catches(column: str) -> None:
    assert PERSON.search(column)


def page_files() -> list[Path]:
    return sorted(path for path in (ROOT / "pages").glob("*.py") if path.name != "__init__.py")


def guarded_page(tree: ast.Module) -> str | None:
    """Return the key of the page whose guard is the first statement after the imports, or None."""
    for number, node in enumerate(tree.body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if number == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        call = getattr(node, "value", None) if isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr) else None
        if isinstance(call, ast.Call) and dotted(call.func).split(".")[-1] == "guard" and call.args:
            key = call.args[0]
            return str(key.value) if isinstance(key, ast.Constant) else None
        return None
    return None


def test_every_page_begins_with_its_guard() -> None:
    keys = {path.name: guarded_page(tree_of(path)) for path in page_files()}
    assert {name: key for name, key in keys.items() if key not in permissions.PAGES} == {}
    assert len(set(keys.values())) == len(keys), f"two pages share a guard: {keys}"


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ('"""Doc."""\nfrom pages.ui.guard import guard\ndesk = guard("audit")\n', "audit"),
        ('from pages.ui.guard import guard\nx = 1\ndesk = guard("audit")\n', None),
        ("import streamlit as st\nst.title('x')\n", None),
        ('import streamlit as st\nif True:\n    guard("audit")\n', None),
    ],
)
def test_the_rule_about_guards_catches(source: str, key: str | None) -> None:
    assert guarded_page(ast.parse(source)) == key


#: What is the same in every language: the product's and the language's own names, and Chinese dates.
CHINESE_AS_SUCH = {
    "app.py": {"beatwise · 社区警务参谋"},
    "pages/ui/formats.py": {"年", "月", "日"},
    "pages/ui/frame.py": {"中文"},
}


def test_pages_hold_no_literal_chinese() -> None:
    wrong = []
    for path in [*modules_of("pages"), *(p for p in [ROOT / "app.py"] if p.is_file())]:
        tree = tree_of(path)
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        wrong += [
            f"{name_of(path)}:{node.lineno} {node.value!r}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
            and CJK.search(node.value)
            and node.value not in CHINESE_AS_SUCH.get(name_of(path), set())
        ]
    assert wrong == []


def keys_of(table: dict, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for key, value in table.items():
        found |= keys_of(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key}
    return found


def test_both_languages_have_the_same_keys() -> None:
    locales = ROOT / "pages" / "ui" / "locales"
    found = {
        language: {
            path.stem: keys_of(tomllib.loads(path.read_text(encoding="utf-8")))
            for path in sorted((locales / language).glob("*.toml"))
        }
        for language in ("zh", "en")
    }
    assert set(found["zh"]) == set(found["en"])
    different = {
        name: {
            "only zh": sorted(found["zh"][name] - found["en"][name]),
            "only en": sorted(found["en"][name] - found["zh"][name]),
        }
        for name in found["zh"]
        if found["zh"][name] != found["en"][name]
    }
    assert different == {}


def test_every_code_that_is_recorded_has_words_in_both_languages() -> None:
    from data.records import DECISION_ACTIONS, NOTE_CODES, REASON_CODES
    from data.records.decisions import WITHDRAW

    wanted = {
        "decision": (*DECISION_ACTIONS, WITHDRAW),
        "decision_reason": REASON_CODES,
        "note": NOTE_CODES,
        "role": permissions.ROLES,
    }
    for language in ("zh", "en"):
        words = tomllib.loads((ROOT / f"pages/ui/locales/{language}/codes.toml").read_text(encoding="utf-8"))
        for group, codes in wanted.items():
            assert set(codes) <= set(words[group]), (language, group)


def test_no_file_of_the_repository_is_large() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    paths = [ROOT / name for name in listed.split("\0") if name]
    assert paths
    large = {name_of(path): path.stat().st_size for path in paths if path.is_file()}
    assert {name: size for name, size in large.items() if size > LARGEST_FILE_BYTES} == {}
