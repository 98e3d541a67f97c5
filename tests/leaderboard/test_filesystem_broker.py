"""The folder that is the embedded broker: messages are there once and whole, or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from queue import Empty

import kombu
import pytest

from leaderboard.filesystem_broker import Transport


@pytest.fixture
def connection(tmp_path: Path):
    folders = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path)}
    options = folders | {"control_folder": str(tmp_path / "control")}
    with kombu.Connection(transport=Transport, transport_options=options) as connection:
        yield connection


def taken(connection: kombu.Connection) -> list[int]:
    """All messages that one reader gets."""
    channel, found = connection.channel(), []
    while True:
        try:
            found.append(channel._get("scoring")["job"])
        except Empty:
            return found


def test_of_many_readers_one_gets_each_message_in_order(connection, tmp_path: Path) -> None:
    channel = connection.channel()
    for job in range(200):
        channel._put("scoring", {"job": job})
    channel._put("other", {"job": -1})
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(taken, [connection] * 8))
    assert sorted(chain.from_iterable(found)) == list(range(200))
    assert all(jobs == sorted(jobs) for jobs in found)
    assert [path.name.partition(".")[2] for path in tmp_path.iterdir()] == ["other.msg"]


def test_a_message_that_cannot_be_written_leaves_no_part(connection, tmp_path: Path) -> None:
    channel = connection.channel()
    with pytest.raises(TypeError):
        channel._put("scoring", {"job": object()})
    with pytest.raises(FileNotFoundError):
        channel._put("no/such/folder", {"job": 1})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_away_is_looked_at_again(connection, tmp_path: Path) -> None:
    channel, away = connection.channel(), tmp_path.with_name("away")
    channel._put("scoring", {"job": 5})
    tmp_path.rename(away)
    assert taken(connection) == []
    away.rename(tmp_path)
    assert taken(connection) == [5]
