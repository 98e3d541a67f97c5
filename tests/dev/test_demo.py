"""The pieces of `./dev demo`; tests/e2e starts the whole."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from devtools import Problem, demo
from devtools.demo import GROUND_TRUTH, Stack, allowed_hosts, announce, answers, listen, url
from devtools.environment import Environment


@pytest.fixture
def listener(console) -> Iterator[socket.socket]:
    with listen("127.0.0.1", 0, console) as listener:
        yield listener


@pytest.fixture
def stack(tree: Path, tmp_path: Path) -> Stack:
    return Stack(Environment(tree), tmp_path / "var")


def port_of(listener: socket.socket) -> int:
    return listener.getsockname()[1]


def test_only_the_worker_and_the_import_know_the_ground_truth(
    stack: Stack, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(GROUND_TRUTH, raising=False)
    place = str(stack.var / "ground_truth")
    found = {program.name: program.env.get(GROUND_TRUTH) for program in programs(stack, listener)}
    assert found == {"web": None, "beat": None, "worker": place, "seed": place}


def test_a_place_set_by_the_caller_is_kept_from_the_web_too(
    stack: Stack, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(GROUND_TRUTH, "/private")
    found = {program.name: program.env.get(GROUND_TRUTH) for program in programs(stack, listener)}
    assert found == {"web": None, "beat": None, "worker": "/private", "seed": "/private"}


def test_what_opens_the_ground_truth_is_kept_from_the_web(
    stack: Stack, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("AUTOVI_GROUND_TRUTH_STORAGE", "AUTOVI_ID_SECRET")
    for name in names:
        monkeypatch.setenv(name, "{}")
    for program in programs(stack, listener):
        told = {name for name in names if name in program.env}
        assert told == (set(names) if program.name in ("worker", "seed") else set())


def test_no_secret_stands_on_a_command_line(
    stack: Stack, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "not-to-be-shown")
    for program in programs(stack, listener):
        assert "not-to-be-shown" not in " ".join(program.command)
        assert program.env["SECRET_KEY"] == "not-to-be-shown"


def programs(stack: Stack, listener: socket.socket) -> list[demo.Program]:
    return [
        stack.web(listener),
        stack.worker(listener),
        stack.beat(listener),
        stack.seed(lambda: None),
    ]


def test_a_taken_port_is_left_to_its_owner(
    console, lines, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = port_of(listener)
    monkeypatch.setattr(demo, "DEFAULT_PORT", taken)
    with listen("127.0.0.1", None, console) as other:
        assert taken < port_of(other) < taken + demo.PORTS_TRIED
        assert f"port {taken} is taken; using {port_of(other)}" in lines.getvalue()


def test_a_taken_port_that_was_asked_for_is_an_error(console, listener: socket.socket) -> None:
    with pytest.raises(
        Problem, match=f"cannot listen on 127.0.0.1 port {port_of(listener)}: .*use"
    ):
        listen("127.0.0.1", port_of(listener), console)


def test_a_host_that_is_not_this_machine_is_an_error(console) -> None:
    with pytest.raises(Problem, match=r"cannot listen on 192\.0\.2\.1"):
        listen("192.0.2.1", None, console)


def test_the_address_can_be_opened_even_if_it_listens_everywhere(console) -> None:
    with listen("0.0.0.0", 0, console) as listener:
        assert url(listener) == f"http://127.0.0.1:{port_of(listener)}"


def test_a_local_demo_answers_to_the_settings_names_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOVI_HOSTS", raising=False)
    assert allowed_hosts("127.0.0.1") == {}
    everywhere = allowed_hosts("0.0.0.0")["AUTOVI_HOSTS"].split(",")
    assert {"localhost", "127.0.0.1", "[::1]", socket.gethostname()} <= set(everywhere)
    assert "0.0.0.0" not in everywhere
    monkeypatch.setenv("AUTOVI_HOSTS", "board.example")
    assert allowed_hosts("0.0.0.0") == {}


def test_open_is_said_only_after_the_site_is_well(listener: socket.socket) -> None:
    class Site(BaseHTTPRequestHandler):
        replies = iter([503, 200])

        def do_GET(self) -> None:
            self.send_response(next(self.replies) if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Site, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = listener.dup()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        assert answers(listener)
        assert next(Site.replies, None) is None
        server.shutdown()
        thread.join()


def test_a_site_that_never_comes_is_given_up(listener: socket.socket) -> None:
    assert not answers(listener, patience=0.2)


def test_the_last_lines_name_address_and_account(
    tmp_path: Path, console, lines, listener: socket.socket
) -> None:
    site = f"http://127.0.0.1:{port_of(listener)}"
    note = {"username": "demo", "password": "sesame", "archive": "/x/maps.zip", "board": "sample"}
    (tmp_path / "demo.json").write_text(json.dumps(note | {"waiting": 2}))
    announce(listener, tmp_path, console)
    assert lines.getvalue().strip().splitlines() == [
        f"open {site}",
        "sign in as demo with the password sesame",
        f"upload /x/maps.zip at {site}/submit/sample/",
        f"2 sample submissions are being scored for {site}/boards/sample/",
        "Ctrl-C stops everything",
    ]


def test_nothing_is_said_to_be_scored_where_all_is(
    tmp_path: Path, console, lines, listener: socket.socket
) -> None:
    note = {"username": "demo", "password": "sesame", "archive": "/x/maps.zip", "board": "sample"}
    (tmp_path / "demo.json").write_text(json.dumps(note | {"waiting": 0}))
    announce(listener, tmp_path, console)
    assert "upload /x/maps.zip" in lines.getvalue()
    assert "scored" not in lines.getvalue()


def test_a_damaged_note_is_named(tmp_path: Path, console, lines, listener: socket.socket) -> None:
    (tmp_path / "demo.json").write_text('{"username": "demo"}')
    announce(listener, tmp_path, console)
    assert f"{tmp_path / 'demo.json'} is missing or damaged" in lines.getvalue()


@pytest.mark.parametrize(
    ("verbose", "asked", "level"),
    [(False, "", "WARNING"), (True, "", "INFO"), (False, "ERROR", "ERROR")],
)
def test_the_programs_are_quiet_unless_they_are_asked(
    verbose: bool,
    asked: str,
    level: str,
    tree: Path,
    tmp_path: Path,
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AUTOVI_LOG_LEVEL", asked)
    stack = Stack(Environment(tree), tmp_path, verbose)
    web, worker, beat, seed = programs(stack, listener)
    assert {program.env["AUTOVI_LOG_LEVEL"] for program in (web, worker, beat, seed)} == {level}
    assert " ".join(web.command).endswith(f"--log-level {level}")
    assert all(f"--loglevel {level}" in " ".join(program.command) for program in (worker, beat))


def test_the_run_time_folder_is_named_when_it_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AUTOVI_VAR", str(tmp_path / "file" / "var"))
    with pytest.raises(Problem, match="file/var: Not a directory"):
        demo.var_folder()
