"""A worker whose work never ends: its process is killed, and the job is somebody else's."""

from __future__ import annotations

from pathlib import Path

from tests.leaderboard import support
from tests.stack import Stack, submit_code, wait_until

QUICK = {
    "AUTOVI_JOB_LEASE_SECONDS": "2",
    "AUTOVI_JOB_RENEW_SECONDS": "0.5",
    "AUTOVI_JOB_SWEEP_SECONDS": "0.5",
    "AUTOVI_JOB_RESEND_SECONDS": "2",
    "AUTOVI_JOB_LIMIT_SECONDS": "60",
    "AUTOVI_JOB_STALL_MINUTES": "0.05",
}


def test_a_process_whose_work_hangs_is_killed_and_the_job_done_by_the_next(tmp_path: Path) -> None:
    dataset = support.make_dataset(tmp_path / "dataset")
    archive = tmp_path / "maps.zip"
    archive.write_bytes(support.zipped(support.members()))
    once = tmp_path / "hung"
    hang = {"AUTOVI_STOP_AT": "hang:while-scoring", "AUTOVI_STOP_ONCE": str(once)}
    with Stack(tmp_path / "var", **QUICK, **hang) as stack:
        naming = ["--name", "small", "--dataset-version", "1", "--labels", "public"]
        stack.manage("import_dataset", str(dataset), *naming)
        stack.python(submit_code(archive, "small", "Steady"))
        stack.worker()
        stack.beat()
        over = "SELECT state FROM submissions_submission WHERE state IN ('scored', 'failed')"
        assert wait_until(lambda: stack.rows(over), "the submission ends") == [("scored",)]
        assert once.exists()
        assert "its process is killed" in stack.log("worker")
        jobs = stack.rows("SELECT attempt FROM submissions_job WHERE kind = 'score'")
        assert sorted(jobs) == [(1,), (2,)]
        assert stack.rows("SELECT count(*) FROM submissions_score") == [(2,)]
