"""A web process that dies while an upload arrives."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from pathlib import Path

from tests.faults.site import SQLITE, Archive, Sent, Site, make_archive
from tests.faults.table import Table
from tests.leaderboard import support
from tests.stack import wait_until


def test_an_upload_by_the_form_that_is_cut_off_leaves_nothing(
    kind: str, site: Site, archives: list[Archive], table: Table
) -> None:
    head, body = site.request(bytes(8 * 2**20))
    before, free = site.states(), shutil.disk_usage(site.var / "tmp").free
    with site.socket() as connection:
        connection.sendall(head + body[: len(body) // 2])
        wait_until(
            lambda: shutil.disk_usage(site.var / "tmp").free < free - len(body) // 4,
            "a part of it has arrived",
        )
        site.kill_web()
    died = time.monotonic()
    site.start_web()
    assert site.states() == before
    sent = [site.send(archives[1])]
    table.recovered("web killed: form", kind, site, sent, died)


def test_an_upload_in_pieces_goes_on_from_where_the_web_process_died(
    kind: str, site: Site, dataset: Path, tmp_path: Path, table: Table
) -> None:
    # What people's archivers add does not count, and here makes several pieces of it.
    members = support.members(seed=5) | {"__MACOSX/filler": os.urandom(9 * 2**20)}
    data = support.zipped(members)
    archive = make_archive(tmp_path / "large.zip", data, dataset)
    address = site.begin_pieces(len(data))
    pk = uuid.UUID(address.split("/")[2])
    with site.socket() as connection:
        connection.sendall(site.piece_by_hand(address, 0, len(data)) + data[: 6 * 2**20])
        held = 'SELECT count(*) FROM submissions_upload WHERE submission_id = ? AND "offset" > 0'
        key = pk.hex if kind == SQLITE else pk
        wait_until(lambda: site.rows(held, key) == [(1,)], "a part of it is safe")
        site.kill_web()
    died = time.monotonic()
    site.start_web()
    status, told = site.piece("HEAD", address)
    offset = int(told["Upload-Offset"])
    assert status == 200
    assert 0 < offset < len(data)
    status, _ = site.piece("PATCH", address, {"Upload-Offset": str(offset)}, data[offset:])
    assert status == 204
    site.sent.append(Sent(pk, archive))
    table.recovered("web killed: pieces", kind, site, site.sent[-1:], died)
