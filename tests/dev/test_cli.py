"""The command line of `./dev`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from devtools import ROOT, Problem, cli, commands


def test_test_hands_what_it_does_not_know_to_pytest() -> None:
    options = cli.parse(["test", "-k", "spro and not slow", "--long", "tests/scoring", "-x"])
    assert options.long
    assert options.rest == ["-k", "spro and not slow", "tests/scoring", "-x"]
    assert cli.parse(["test", "--lo"]).rest == ["--lo"]


@pytest.mark.parametrize(
    "arguments", [[], ["nothing"], ["check", "--fast"], ["demo", "--port", "65536"]]
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.parse(arguments)
    assert stopped.value.code == 2
    assert "usage: ./dev" in capsys.readouterr().err


def test_it_works_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "dev", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(command in done.stdout for command in ("demo", "env", "test", "check", "bench"))


def test_the_environment_can_be_made_alone(console, lines) -> None:
    assert cli.parse(["env"]).command == "env"
    assert commands.env(console) == 0
    assert lines.getvalue() == f"source {ROOT / '.venv' / 'bin' / 'activate'}\n"


def test_a_missing_browser_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(commands, "MAC_BROWSER", str(tmp_path / "none"))
    with pytest.raises(Problem, match="apt-get install chromium"):
        commands.find_browser()
    browser = tmp_path / "chromium-browser"
    browser.touch(mode=0o755)
    assert commands.find_browser() == str(browser)


def test_a_chosen_browser_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(Problem, match="CHROMIUM=/nowhere/chromium: not a program"):
        commands.find_browser()


def test_missing_servers_are_named_all_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tmp_path / "redis-server"
    found.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(
        commands,
        "SERVERS",
        {"redis-server": ("redis-server",), "one": ("/nowhere/*/one",), "two": ("two",)},
    )
    with pytest.raises(Problem, match="apt-get install one two;"):
        commands.find_servers()
    monkeypatch.setattr(commands, "SERVERS", {"redis-server": ("redis-server",)})
    commands.find_servers()


def test_an_unknown_measurement_is_named_with_the_known_ones(console) -> None:
    with pytest.raises(Problem, match="no such measurement: nothing; there are: "):
        commands.bench(["nothing"], console)


def test_a_failed_command_gives_its_exit_code() -> None:
    assert commands.follow([sys.executable, "-c", "raise SystemExit(9)"], {}) == 9


def test_a_problem_is_one_message_and_exit_code_1(capsys) -> None:
    assert cli.main(["bench", "nothing"]) == 1
    assert capsys.readouterr().err.startswith("./dev: no such measurement: nothing")
