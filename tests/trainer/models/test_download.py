"""Downloads from a server on this machine: whole, resumed, spoilt, absent."""

import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from trainer.errors import WeightsError
from trainer.models.download import download
from trainer.models.registry import OFFICIAL, WeightsEntry

CONTENT = bytes(range(256)) * 4000


class Server(ThreadingHTTPServer):
    """Serves `CONTENT` at /whole.pth; keeps the ranges it was asked for."""

    ranges: list[str | None]
    knows_ranges = True
    stops_after: int | None = None


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        if self.path != "/whole.pth":
            self.send_error(404)
            return
        start = int(re.sub(r"\D", "", wanted)) if wanted and self.server.knows_ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : self.server.stops_after])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.ranges = []
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def entry(server: Server, name: str = "whole.pth", digest: str | None = None) -> WeightsEntry:
    url = f"http://127.0.0.1:{server.server_port}/{name}"
    return WeightsEntry("whole", "resnet18", url, digest or hashlib.sha256(CONTENT).hexdigest(), 70.0)


def kept(folder: Path) -> list[str]:
    """What lies in the folder but for locks, which stay on the disk."""
    return sorted(file.name for file in folder.iterdir() if file.suffix != ".lock")


def test_a_file_is_fetched_once_with_progress(server: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    path = download(entry(server), tmp_path, lambda done, total: told.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert download(entry(server), tmp_path) == path
    assert server.ranges == [None]
    assert kept(tmp_path) == ["whole.pth"]


def test_a_broken_download_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.stops_after = 300_000
    with pytest.raises(WeightsError, match=r"whole\.pth was cut off; run it again"):
        download(entry(server), tmp_path)
    assert not (tmp_path / "whole.pth").exists()
    server.stops_after = None
    assert download(entry(server), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-"]


def test_a_server_without_ranges_starts_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "whole.pth.partial").write_bytes(CONTENT[:1000])
    server.knows_ranges = False
    assert download(entry(server), tmp_path).read_bytes() == CONTENT


def test_a_download_that_only_missed_its_last_step_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / "whole.pth.partial").write_bytes(CONTENT)
    assert download(entry(server), tmp_path).read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"checksum differs"):
        download(entry(server, digest=hashlib.sha256(CONTENT).hexdigest()[:8] + 56 * "0"), tmp_path)
    assert kept(tmp_path) == []


def test_of_two_who_want_the_same_file_one_fetches_it(server: Server, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(download, entry(server), tmp_path) for _ in range(2))
        assert first.result() == second.result()
    assert first.result().read_bytes() == CONTENT
    assert server.ranges == [None]


def test_a_damaged_file_in_the_cache_is_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "whole.pth").write_bytes(b"damaged")
    assert download(entry(server), tmp_path).read_bytes() == CONTENT


def test_a_refusal_is_told(server: Server, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"absent\.pth \(404 Not Found\)"):
        download(entry(server, "absent.pth"), tmp_path)


def test_offline_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"offline.*fetch http://nowhere\.invalid/a\.pth elsewhere"):
        download(WeightsEntry("a", "resnet18", "http://nowhere.invalid/a.pth", "00", 0.0), tmp_path)


def test_official_weights_have_a_whole_digest_that_begins_as_their_name_says() -> None:
    for official in OFFICIAL.values():
        assert official.url.startswith("https://")
        assert re.fullmatch("[0-9a-f]{64}", official.sha256)
        if "pytorch.org" in official.url:
            assert official.file_name.endswith(f"-{official.sha256[:8]}.pth")
