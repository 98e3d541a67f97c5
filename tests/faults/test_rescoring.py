"""A new scorer's workers score a board again while people read it: it is whole at every moment."""

from __future__ import annotations

import json
import threading
import urllib.request
from pathlib import Path

from tests.leaderboard import support
from tests.stack import Stack, submit_code, wait_until

QUICK = {
    "AUTOVI_JOB_LEASE_SECONDS": "4",
    "AUTOVI_JOB_RENEW_SECONDS": "0.5",
    "AUTOVI_JOB_SWEEP_SECONDS": "0.5",
    "AUTOVI_JOB_RESEND_SECONDS": "2",
}
BUILD = {"AUTOVI_SCORER_BUILD": "2"}
METHODS = ("First", "Second")


class Reader(threading.Thread):
    """Reads the board again and again: what each reading gave, as method and scorer version."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address, self.seen = address, []
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.wait(0.02):
            with urllib.request.urlopen(self.address, timeout=60) as answer:
                rows = json.load(answer)["rows"]
            self.seen.append(sorted((row["method"], row["scorer_version"]) for row in rows))


def test_a_board_that_is_read_all_the_time_is_never_empty_and_never_mixed(tmp_path: Path) -> None:
    dataset = support.make_dataset(tmp_path / "dataset")
    with Stack(tmp_path / "var", **QUICK) as stack:
        naming = ["--name", "small", "--dataset-version", "1", "--labels", "public"]
        stack.manage("import_dataset", str(dataset), *naming)
        for seed, method in enumerate(METHODS):
            archive = tmp_path / f"{method}.zip"
            archive.write_bytes(support.zipped(support.members(seed=seed)))
            stack.python(submit_code(archive, "small", method))
        old = stack.worker()
        stack.beat()
        scored = "SELECT count(*) FROM submissions_submission WHERE state = 'scored'"
        wait_until(lambda: stack.rows(scored) == [(2,)], "both are scored")
        reader = Reader(f"{stack.web()}/boards/small/export.json")
        reader.start()
        stack.kill(old)
        stack.private |= BUILD
        told = stack.manage("rescore", "--dataset", "small", "--switch-when-done")
        assert "2 of its submissions have no scores of 1.0.0+2, which takes 4 jobs" in told
        stack.worker()
        over = "SELECT state FROM submissions_rescoring WHERE state = 'switched'"
        wait_until(lambda: stack.rows(over), "the board changes over")
        count = len(reader.seen)
        wait_until(lambda: len(reader.seen) > count + 3, "the board is read once more")
        reader.enough.set()
        reader.join()
        before, after = ([(method, v) for method in METHODS] for v in ("1.0.0", "1.0.0+2"))
        turn = reader.seen.index(after)
        assert turn > 0
        assert reader.seen == [before] * turn + [after] * (len(reader.seen) - turn)
        scores = "SELECT scorer_version, count(*) FROM submissions_score GROUP BY 1 ORDER BY 1"
        assert stack.rows(scores) == [("1.0.0", 4), ("1.0.0+2", 4)]
        states = "SELECT DISTINCT state FROM submissions_submission"
        assert stack.rows(states) == [("scored",)]
