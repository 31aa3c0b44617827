"""What a command loads before it begins: the allocator is set before Polars comes, SQLAlchemy only with the records."""

import json
import subprocess
import sys

from tests.conftest import ROOT


def said_by(code: str) -> object:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_allocator_can_be_set_before_polars_is_imported() -> None:
    code = "import cli, data.memory, json, sys; print(json.dumps('polars' in sys.modules))"
    assert said_by(code) is False


def test_a_setting_of_the_operator_stands() -> None:
    ask = "import os, json; from data.memory import *; {}keep_freed_memory(); print(json.dumps(os.environ[VARIABLE]))"
    assert "dirty_decay_ms:20000" in str(said_by(ask.format("os.environ.pop(VARIABLE, 0); ")))
    assert said_by(ask.format("os.environ[VARIABLE] = 'narenas:1'; ")) == "narenas:1"


def test_numpy_starts_no_threads_unless_the_operator_says_so() -> None:
    ask = (
        "import os, json; from data.memory import *; {}keep_freed_memory();"
        "print(json.dumps(os.environ[LINEAR_ALGEBRA]))"
    )
    assert said_by(ask.format("os.environ.pop(LINEAR_ALGEBRA, 0); ")) == "1"
    assert said_by(ask.format("os.environ[LINEAR_ALGEBRA] = '2'; ")) == "2"


def test_an_ingest_starts_without_sqlalchemy_and_the_records_find_it() -> None:
    code = (
        "import json, sys, data.integration.ingest; before = 'sqlalchemy' in sys.modules;"
        "import data.records; print(json.dumps([before, 'sqlalchemy' in sys.modules]))"
    )
    assert said_by(code) == [False, True]
