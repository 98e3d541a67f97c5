"""Other people's evaluators beside ours: what they compute, what they cannot, and running them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench import peer_environment

PEERS = ("adeval", "anomalib", "scikit-learn")
CANNOT = {
    "refining evaluator": (
        "no image metrics, no pixel metrics; the curve's points are up to 0.001 apart, so the area "
        "is near, not exact; holds all maps and one mask a region; time grows with the number of "
        "thresholds"
    ),
    "adeval": (
        "no saturation, no overlapping regions (connected components of one mask); 1,000 sampled "
        "thresholds over a range that must be known beforehand; AUPRO at 0.3 only; area under the "
        "PR curve by trapezoids instead of AP; reads arrays, not archives; checks nothing"
    ),
    "anomalib": (
        "no saturation, no overlapping regions (connected components of one mask); float32 only, "
        "its running sums too; AUPRO only; holds and sorts all pixels of all images"
    ),
    "scikit-learn": ("no PRO, no sPRO; holds and sorts all pixels of all images, once a metric"),
}


class PeerFailed(Exception):
    """A peer raised, or its process ended; the message says what, for the results page."""


class Peers:
    """A process in the peers' environment, which keeps regions loaded between tasks.

    Attributes
    ----------
    versions : dict of str to str
    notes : list of str
        What had to be put right before they could be imported.
    """

    def __init__(self) -> None:
        """Make or reuse the environment and start. Raises NoPeers if that cannot be."""
        python = peer_environment.ensure()
        print("starting the peers ...", flush=True)
        self._process = subprocess.Popen(
            [str(python), "-W", "ignore", "-m", "bench._peer_worker"],
            cwd=peer_environment.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            started = self._reply()
        except PeerFailed as error:
            self.close()
            raise peer_environment.NoPeers(f"the peers cannot be imported: {error}") from error
        self.versions: dict[str, str] = started["versions"]
        self.notes: list[str] = started["notes"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def run(self, peer: str, archive: Path, dataset: Path) -> tuple[float, dict[str, float]]:
        """Seconds that reading, decoding and evaluating took, and the numbers; or PeerFailed."""
        task = {"peer": peer, "archive": str(archive), "dataset": str(dataset)}
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise PeerFailed("its process has ended (out of memory?)") from None
        reply = self._reply()
        return reply["seconds"], reply["values"]

    def _reply(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PeerFailed("its process has ended (out of memory?)")
        reply = json.loads(line)
        if "failed" in reply:
            raise PeerFailed(reply["failed"])
        return reply
