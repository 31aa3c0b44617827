"""A file of shapes is read as shapes: never as the order to open another file or an address on the network."""

from __future__ import annotations

import http.server
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.errors import SourceError
from data.gdal import ALLOWED, shape_library
from data.sources.reading.shapes import shape_headers


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """An address on this machine, and what it was asked for."""
    paths: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(404)
            self.end_headers()

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()


def test_only_drivers_of_known_formats_are_at_hand() -> None:
    assert set(shape_library().list_drivers()) <= ALLOWED


@pytest.mark.parametrize("name", ["areas.geojson", "areas.gpkg", "areas.zip"])
def test_a_file_that_names_another_file_is_not_followed(tmp_path: Path, name: str) -> None:
    (tmp_path / "other.csv").write_text("secret,lon,lat\nx,116.1,39.9\n", encoding="utf-8")
    order = (
        f'<OGRVRTDataSource><OGRVRTLayer name="other"><SrcDataSource>{tmp_path / "other.csv"}</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>"
    )
    path = tmp_path / name
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("areas.shp", order)
    else:
        path.write_text(order, encoding="utf-8")
    with pytest.raises(SourceError):
        shape_headers(path)


@pytest.mark.parametrize(
    "order",
    [
        '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/vsicurl/{url}/a.csv</SrcDataSource></OGRVRTLayer>'
        "</OGRVRTDataSource>",
        "<OGRWFSDataSource><URL>{url}/wfs</URL></OGRWFSDataSource>",
        '{{"type": "gdal_streamed_alg", "command_line": "gdal vector filter /vsicurl/{url}/b.csv"}}',
    ],
)
def test_a_file_that_names_an_address_asks_nobody(tmp_path: Path, asked: tuple[str, list[str]], order: str) -> None:
    url, paths = asked
    path = tmp_path / "areas.geojson"
    path.write_text(order.format(url=url), encoding="utf-8")
    with pytest.raises(SourceError):
        shape_headers(path)
    assert paths == []
