"""Readers: the accidents of real files, each in the smallest form."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from data.errors import SourceError
from data.sources.mapping import FileKind
from data.sources.reading import LINE, headers_of, keys_of, read_records


def kind(**more: object) -> FileKind:
    return FileKind.model_validate(
        {
            "name": "k",
            "table": "lookup",
            "format": ["csv", "xlsx", "parquet", "geojson"],
            "headers": ["a"],
            "encoding": "utf-8",
            **more,
        }
    )


def read(tmp_path: Path, content: bytes, **more: object) -> list[tuple[object, ...]]:
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    return read_records(path, kind(**more)).frame.rows()


def test_lines_are_those_a_text_editor_shows(tmp_path: Path) -> None:
    content = b'a,b\n1,2\n"x\ny",3\n\n4,5\n'
    assert read(tmp_path, content) == [(2, "1", "2"), (3, "x\ny", "3"), (5, None, None), (6, "4", "5")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_any_line_end(tmp_path: Path, end: bytes) -> None:
    assert read(tmp_path, end.join([b"a,b", b"1,2", b"3,4", b""])) == [(2, "1", "2"), (3, "3", "4")]


@pytest.mark.parametrize("bom", [b"\xef\xbb\xbf", b"\xc3\xaf\xc2\xbb\xc2\xbf", b"\xef\xbb\xbf\xc3\xaf\xc2\xbb\xc2\xbf"])
def test_a_bom_even_one_encoded_twice_is_no_part_of_the_header(tmp_path: Path, bom: bytes) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(bom + b"a,b\n1,2\n")
    assert headers_of(path, kind()) == ["a", "b"]


@pytest.mark.parametrize("stated", ["utf-16", "utf-32"])
def test_a_file_that_says_it_is_in_another_encoding_is_refused_by_its_name(tmp_path: Path, stated: str) -> None:
    content = "a,b\n北,2\n".encode(stated)
    for looked_at in (read, lambda folder, bytes_: headers_of(folder / "f.csv", kind(encoding="cp1252"))):
        with pytest.raises(SourceError, match=f"text in {stated.upper()}") as refused:
            looked_at(tmp_path, content)
        assert f'encoding = "{stated}"' in str(refused.value)
    assert read(tmp_path, content, encoding=stated) == [(2, "北", "2")]


def test_a_row_with_too_many_cells_is_set_aside_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(b"a,b\n1,2\n3,4,5\n6\n7,8,,\n")
    raw = read_records(path, kind())
    assert raw.frame.rows() == [(2, "1", "2"), (4, "6", None), (5, "7", "8")]
    assert raw.ragged == [(3, '{"a": "3", "b": "4"}')]
    assert raw.records == 4


def test_an_unclosed_quote_loses_no_line(tmp_path: Path) -> None:
    rows = read(tmp_path, b'a,b\n1,"2\n3,4\n')
    assert rows == [(2, "1", "2\n3,4\n")]


def test_bytes_that_are_not_text_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(b"a,b\nO\x92B,2\n")
    raw = read_records(path, kind())
    assert raw.notes == {"undecodable_bytes": 1}
    assert raw.frame.height == 1


@pytest.mark.parametrize(("encoding", "text"), [("gb18030", "㐀𠀀派出所"), ("cp950", "臺北市"), ("cp1252", "O’B")])
def test_encodings(tmp_path: Path, encoding: str, text: str) -> None:
    assert read(tmp_path, f"a,b\n{text},1\n".encode(encoding), encoding=encoding) == [(2, text, "1")]


def test_repeated_and_unnamed_headers_get_names_of_their_own() -> None:
    assert keys_of(["Persons", "persons", "", "Coded-Month"]) == ["persons", "persons#2", "#column3", "codedmonth"]


def test_ids_stay_text_in_a_workbook_and_its_rows_are_numbered(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("any name")
        sheet.write_row(0, 0, ["a title"])
        sheet.write_row(1, 0, ["a", "姓名", "b"])
        sheet.write_row(2, 0, ["00123456789012345678", "x", 77])
        sheet.write_datetime(3, 2, datetime(2016, 8, 1), book.add_format({"num_format": "yyyy-mm-dd"}))
        sheet.write(3, 0, "y")
    raw = read_records(path, kind(header_row=2))
    assert raw.dropped == ["姓名"]
    assert raw.frame.columns == [LINE, "a", "b"]
    assert raw.frame.row(0) == (3, "00123456789012345678", "77")
    assert raw.frame.row(1)[:2] == (4, "y")
    assert raw.frame.row(1)[2].startswith("2016-08-01")


def test_personal_columns_are_not_even_read_from_parquet(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    pl.DataFrame({"a": [1], "LXDH": ["138"]}).write_parquet(path)
    raw = read_records(path, kind())
    assert raw.frame.columns == [LINE, "a"]
    assert raw.dropped == ["LXDH"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("f.csv", b"PK\x03\x04zip", "not text"),
        ("f.xlsx", b"no workbook", "workbook"),
        ("f.parquet", b"no parquet", "Parquet"),
        ("f.geojson", b"{}", "no shapes"),
    ],
)
def test_a_file_in_another_format_than_its_name_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        read_records(path, kind())
