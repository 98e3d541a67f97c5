"""Fetching the published zips from a server that drops connections and honours Range."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from leaderboard.datasets import autovi, fetching
from leaderboard.datasets.fetching import FetchFailed, Unreachable, fetch

BODY = bytes(range(256)) * 4096
SHA = hashlib.sha256(BODY).hexdigest()


@dataclass
class Server:
    """A file server and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    etag: str = '"one"'
    drop_after: int = 0
    """Bytes after which a connection is dropped; 0: never."""
    status: int = 200
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    said: Server

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        said, asked = self.said, self.headers.get("Range")
        name = self.path.rpartition("/")[2].partition("?")[0]
        said.requests.append((name, asked))
        body = said.files.get(name)
        if body is None or said.status != 200:
            self.send_error(404 if body is None else said.status)
            return
        first = 0
        if asked and self.headers.get("If-Range") == said.etag:
            first = int(asked.removeprefix("bytes=").rstrip("-"))
            if first >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - first))
        self.send_header("ETag", said.etag)
        self.end_headers()
        end = min(len(body), first + said.drop_after) if said.drop_after else len(body)
        self.wfile.write(body[first:end])


@pytest.fixture
def server() -> Iterator[Server]:
    said = Server({"file.zip": BODY})
    handler = type("OneHandler", (Handler,), {"said": said})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        said.url = f"http://127.0.0.1:{running.server_address[1]}"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield said
        running.shutdown()
        thread.join()


def get(server: Server, target: Path) -> None:
    fetch(f"{server.url}/file.zip?download=1", target, SHA, pause=lambda seconds: None)


def test_dropped_connections_are_taken_up_where_they_ended(server: Server, tmp_path: Path) -> None:
    server.drop_after = 300_000
    get(server, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == BODY
    assert [asked for _, asked in server.requests] == [
        None,
        "bytes=300000-",
        "bytes=600000-",
        "bytes=900000-",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["file.zip"]


def test_a_later_call_goes_on_with_the_part(server: Server, tmp_path: Path) -> None:
    server.drop_after = 400_000

    def give_up(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(f"{server.url}/file.zip", tmp_path / "file.zip", SHA, pause=give_up)
    assert not (tmp_path / "file.zip").exists()
    server.drop_after = 0
    get(server, tmp_path / "file.zip")
    assert server.requests[-1] == ("file.zip", "bytes=400000-")
    assert (tmp_path / "file.zip").read_bytes() == BODY


def test_a_part_that_is_whole_needs_only_a_check(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.zip.part").write_bytes(BODY)
    (tmp_path / "file.zip.part.json").write_text('{"etag": "\\"one\\""}')
    get(server, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == BODY


def test_a_file_that_changed_meanwhile_begins_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.zip.part").write_bytes(b"of an older file")
    (tmp_path / "file.zip.part.json").write_text('{"etag": "\\"zero\\""}')
    get(server, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == BODY


def test_other_bytes_are_refused_and_forgotten(server: Server, tmp_path: Path) -> None:
    server.files["file.zip"] = b"other"
    with pytest.raises(FetchFailed, match=f"expected {SHA}"):
        get(server, tmp_path / "file.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_server_in_trouble_is_asked_again_and_then_given_up(server: Server, tmp_path) -> None:
    server.status = 503
    with pytest.raises(FetchFailed, match="without a byte"):
        get(server, tmp_path / "file.zip")
    assert len(server.requests) == fetching.ATTEMPTS
    with pytest.raises(FetchFailed, match="404"):
        fetch(f"{server.url}/none.zip", tmp_path / "file.zip", SHA)


def test_other_schemes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="expected an http"):
        fetch("file:///etc/hostname", tmp_path / "file", SHA)


def test_without_a_network_the_message_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="cannot be reached"):
        fetch("http://127.0.0.1:9/file.zip", tmp_path / "f", SHA, pause=lambda seconds: None)


def test_the_command_fetches_six_zips_once(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings, capsys
) -> None:
    for name in autovi.ZIPS:
        server.files[f"{name}.zip"] = name.encode()
    hashes = {name: hashlib.sha256(name.encode()).hexdigest() for name in autovi.ZIPS}
    monkeypatch.setattr(autovi, "ZIPS", hashes)
    settings.DOWNLOAD_URL = server.url
    call_command("download_dataset", "autovi", "--to", str(tmp_path))
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(hashes)
    assert "--preset autovi" in capsys.readouterr().out
    call_command("download_dataset", "autovi", "--to", str(tmp_path))
    assert len(server.requests) == len(hashes)


def test_the_command_says_what_to_do_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(fetching, "ATTEMPTS", 1)
    with pytest.raises(CommandError, match="Without a network, copy the six zips"):
        call_command(
            "download_dataset", "autovi", "--to", str(tmp_path), "--base-url", "http://127.0.0.1:9"
        )
