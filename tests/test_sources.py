"""A file is fetched right or not at all, from a folder or over HTTP, and errors say what to do."""

import errno
import hashlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from sgns_study.artifacts import ArtifactError
from sgns_study.cli import cli
from sgns_study.corpora import books, sources
from sgns_study.corpora.imdb import ARCHIVE
from sgns_study.corpora.sources import Copy, Source
from sgns_study.errors import StudyError
from tests.faults import downloads

CONTENT = bytes(range(256)) * 400
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
MD5 = f"md5:{hashlib.md5(CONTENT[::-1]).hexdigest()}"


class Misbehaving(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; `cut-` files end half way, as when a connection breaks."""

    def do_GET(self) -> None:
        if not self.path.startswith("/cut-"):
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        return self.wfile.write(CONTENT[: len(CONTENT) // 2])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address of a server on loopback that serves it."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(Misbehaving, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    """Two packings, the second of other bytes; nothing listens at the public address."""
    copies = (
        Copy("data.bin", len(CONTENT), SHA256, "http://127.0.0.1:9/data.bin"),
        Copy("other.bin", len(CONTENT), MD5),
    )
    source = Source("data.archive", copies)
    monkeypatch.setitem(sources.SOURCES, "test", source)
    return source


@pytest.mark.parametrize("kind", ["folder", "file", "address"])
def test_a_mirror_is_looked_at_first(
    tmp_path: Path, served: tuple[Path, str], source: Source, kind: str
) -> None:
    folder, address = served
    (folder / "data.bin").write_bytes(CONTENT)
    mirror = {"folder": str(folder), "file": folder.as_uri(), "address": address}[kind]
    path = sources.fetch("test", tmp_path / "raw", mirror)
    assert path == tmp_path / "raw/data.archive"
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]


def test_either_packing_will_do(tmp_path: Path, served: tuple[Path, str], source: Source) -> None:
    folder, address = served
    (folder / "other.bin").write_bytes(CONTENT[::-1])
    assert sources.fetch("test", tmp_path / "raw", address).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("kind", ["folder", "address"])
@pytest.mark.parametrize("content", [b"\x00" * len(CONTENT), CONTENT[:-1], b"<html>Sign in</html>"])
def test_wrong_bytes_keep_nothing_and_say_both_sums(
    tmp_path: Path, served: tuple[Path, str], source: Source, kind: str, content: bytes
) -> None:
    folder, address = served
    (folder / "data.bin").write_bytes(content)
    with pytest.raises(StudyError) as error:
        sources.fetch("test", tmp_path / "raw", str(folder) if kind == "folder" else address)
    assert hashlib.sha256(content).hexdigest() in str(error.value)
    assert SHA256.removeprefix("sha256:") in str(error.value)
    assert list((tmp_path / "raw").iterdir()) == []


def test_a_broken_connection_keeps_nothing_and_can_be_repeated(
    tmp_path: Path, served: tuple[Path, str], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = served
    cut = Source("data.archive", (Copy("cut-data.bin", len(CONTENT), SHA256),))
    monkeypatch.setitem(sources.SOURCES, "test", cut)
    with pytest.raises(StudyError, match=r"cut-data\.bin"):
        sources.fetch("test", tmp_path / "raw", address)
    assert list((tmp_path / "raw").iterdir()) == []
    (folder / "cut-data.bin").write_bytes(CONTENT)
    assert sources.fetch("test", tmp_path / "raw", str(folder)).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "manner", sorted({*downloads.MANNERS} - {"killed on the way", "packed with gzip"})
)
def test_whatever_a_server_does_no_wrong_file_is_kept(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch, manner: str
) -> None:
    monkeypatch.setattr(sources, "ANSWER", 1)
    monkeypatch.setattr(sources, "STALL", 1)
    with downloads.serving() as server:
        server.manner, server.bad_requests, server.place = manner, 100, 1000
        address = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(StudyError, match=f"{address}/data.bin: "):
            sources.fetch("test", tmp_path / "raw", address)
        assert list((tmp_path / "raw").iterdir()) == []


def test_a_file_that_is_packed_on_the_way_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = downloads.CONTENT
    checksum = f"sha256:{hashlib.sha256(content).hexdigest()}"
    one = Source("data.bin", (Copy("data.bin", len(content), checksum),))
    monkeypatch.setitem(sources.SOURCES, "test", one)
    with downloads.serving() as server:
        server.manner, server.bad_requests = "packed with gzip", 1
        sources.fetch("test", tmp_path / "raw", f"http://127.0.0.1:{server.server_port}")
    assert (tmp_path / "raw/data.bin").read_bytes() == content


def test_the_error_says_what_came_in_place_of_the_file(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "ANSWER", 1)
    monkeypatch.setattr(sources, "STALL", 1)
    said = {
        "redirected to an HTML page": f"wrong file: found {len(downloads.PAGE)} bytes with sha256:",
        "drips": "fewer than 1000 bytes a second",
        "never ends": f"more than the {len(CONTENT)} bytes of the file",
        "stands still": "fewer than 1000 bytes a second",
        "never answers": "no answer within 1 seconds",
        "cut": "Connection broken: IncompleteRead(5000 bytes read",
        "missing": "404 Client Error",
    }
    for manner, words in said.items():
        with downloads.serving() as server:
            server.manner, server.bad_requests, server.place = manner, 100, 5000
            with pytest.raises(StudyError) as error:
                sources.fetch("test", tmp_path, f"http://127.0.0.1:{server.server_port}")
        assert words in str(error.value)


def test_a_full_disk_is_no_matter_of_the_place(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data.bin").write_bytes(CONTENT)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sources.shutil, "copyfileobj", full)
    with pytest.raises(ArtifactError, match=r"data\.archive: the disk is full"):
        sources.fetch("test", tmp_path / "raw", str(tmp_path))


def test_two_at_once_bring_one_file(
    tmp_path: Path, served: tuple[Path, str], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = served
    (folder / "data.bin").write_bytes(CONTENT)
    received = []
    receive = sources.receive
    monkeypatch.setattr(sources, "receive", lambda *a: received.append(a) or receive(*a))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: sources.fetch("test", tmp_path / "raw", address), range(4)))
    assert len(received) == 1
    assert (tmp_path / "raw/data.archive").read_bytes() == CONTENT


def test_with_nothing_to_reach_one_error_says_what_to_do(tmp_path: Path, source: Source) -> None:
    start = time.monotonic()
    with pytest.raises(StudyError) as error:
        sources.fetch("test", tmp_path / "raw", str(tmp_path / "no mirror"))
    assert time.monotonic() - start < 30
    message = str(error.value)
    assert f"{tmp_path}/no mirror/data.bin: no such file" in message
    assert "http://127.0.0.1:9/data.bin: no connection" in message
    assert f"Put one of data.bin, other.bin at {tmp_path}/raw/data.archive by hand" in message
    assert "SGNS_STUDY_MIRROR" in message
    assert "`make demo` needs no download" in message


def test_an_address_that_never_answers_is_given_up(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "ANSWER", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        mirror = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(StudyError) as error:
            sources.fetch("test", tmp_path / "raw", mirror)
    assert f"{mirror}/data.bin: no answer" in str(error.value)


def test_every_source_is_given_up_within_half_a_minute() -> None:
    attempts = [len(sources.origins(s, "http://mirror")) for s in sources.SOURCES.values()]
    assert max(attempts) * sources.ANSWER < 30


def test_a_file_put_by_hand_is_taken_if_it_is_right(tmp_path: Path, source: Source) -> None:
    (tmp_path / "data.archive").write_bytes(CONTENT)
    assert sources.fetch("test", tmp_path) == tmp_path / "data.archive"
    (tmp_path / "data.archive").write_bytes(CONTENT[1:])
    with pytest.raises(StudyError, match="wrong file: found 102399 bytes"):
        sources.fetch("test", tmp_path)


def test_every_source_has_a_public_address_and_a_checksum() -> None:
    for source in sources.SOURCES.values():
        assert any(copy.address for copy in source.copies)
        for copy in source.copies:
            packed_on_demand = copy.checksum == "" and source.file == books.ARCHIVE
            assert packed_on_demand or copy.checksum.startswith(("sha256:", "md5:"))
    assert sources.SOURCES["imdb"].file == ARCHIVE


def test_a_copy_without_a_checksum_may_have_any_bytes_but_not_more_than_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = (Copy("data.bin", 100, "", "http://nowhere.invalid/data.bin"), Copy("o", 9, SHA256))
    monkeypatch.setitem(sources.SOURCES, "test", Source("data.archive", copies))
    for content in (b"", bytes(100)):
        (tmp_path / "data.archive").write_bytes(content)
        sources.verify("test", tmp_path / "data.archive")
    (tmp_path / "data.archive").write_bytes(bytes(101))
    with pytest.raises(StudyError, match="wrong file: found 101 bytes"):
        sources.verify("test", tmp_path / "data.archive")


def test_a_source_with_one_copy_is_named_alone(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Source("folder/data.archive", source.copies[1:])
    monkeypatch.setitem(sources.SOURCES, "test", one)
    with pytest.raises(StudyError) as error:
        sources.fetch("test", tmp_path / "raw", str(tmp_path))
    assert f"\nPut other.bin at {tmp_path}/raw/folder/data.archive by hand" in str(error.value)


@pytest.mark.parametrize("kind", ["folder", "address"])
def test_a_source_may_lie_in_a_folder(
    tmp_path: Path, served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder, address = served
    copies = (Copy("sets/data.bin", len(CONTENT), SHA256),)
    monkeypatch.setitem(sources.SOURCES, "test", Source("sets/data.bin", copies))
    (folder / "sets").mkdir()
    (folder / "sets/data.bin").write_bytes(CONTENT)
    mirror = {"folder": str(folder), "address": address}[kind]
    command = ["download", "sets/data.bin", "--folder", str(tmp_path / "raw")]
    result = CliRunner().invoke(cli, command, env={"SGNS_STUDY_MIRROR": mirror})
    assert result.exit_code == 0, result.output
    assert (tmp_path / "raw/sets/data.bin").read_bytes() == CONTENT


def test_the_standard_sets_of_an_evaluation() -> None:
    files = [sources.SOURCES[name].file for name in sources.evaluation_sources()]
    assert len(set(files)) == 14
    assert [file for file in files if not file.startswith("word-similarity/EN-")] == [
        "questions-words.txt"
    ]


@pytest.mark.real_data
@pytest.mark.parametrize("name", list(sources.SOURCES))
def test_the_mirror_has_what_the_registry_says(mirror: Path, tmp_path: Path, name: str) -> None:
    assert sources.fetch(name, tmp_path, str(mirror)).is_file()
