"""The measurements of bench/scoring.py: what is timed, on what, and which numbers came out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import inputs, refine
from bench.inputs import Work
from bench.loading import read_and_decode, read_regions
from bench.peers import PeerFailed, Peers
from bench.rounds import Action, Contender, one_core, take_turns, timed
from scoring import read_manifest, score

Values = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes
    ----------
    scale : float
        Share of AutoVI's counts.
    rounds, peer_rounds : int
        Rounds of ours and the decode loop; of the evaluators timed on `sampled` images.
    sampled : int
    good : (int, int)
        Numbers of good images between which memory has to stay flat.
    """

    scale: float = 1.0
    rounds: int = 5
    peer_rounds: int = 3
    sampled: int = 60
    good: tuple[int, int] = (100, 1000)


FULL = Plan()
QUICK = Plan(scale=0.05, rounds=2, peer_rounds=1, sampled=10, good=(20, 60))


@dataclass(frozen=True)
class Timing:
    """One category and kind of map.

    Attributes
    ----------
    seconds : dict of str to float
        Medians for all images by contender: `decode`, `ours` (with start-up), `startup`,
        `refine` and the peers (timed on `sampled` images and scaled).
    ours, others : dict
        Numbers found on the sampled images: ours, and by contender.
    failed : dict of str to str
        Contender to the reason why it has no time.
    """

    category: str
    kind: str
    images: int
    size: tuple[int, int]
    sampled: int
    seconds: Values
    ours: Values
    others: dict[str, Values]
    thresholds: int
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def scoring(self) -> float:
        """Seconds of ours without start-up."""
        return self.seconds["ours"] - self.seconds["startup"]

    @property
    def over_decode(self) -> float:
        return self.scoring / self.seconds["decode"]

    def speedup(self, contender: str) -> float | None:
        """How many times as long the contender takes; None if it could not be timed."""
        seconds = self.seconds.get(contender)
        return None if seconds is None else seconds / self.scoring


class _Sampled:
    """The evaluators that are timed on some images and scaled to all."""

    def __init__(self, work: Work, kind: str, count: int, peers: Peers | None) -> None:
        self.work = inputs.spread(work, count)
        self.images = len(self.work.keys)
        self._factor = len(work.keys) / self.images
        self._archive = self.work.archive(kind)
        (category,) = self.work.categories
        self._regions = read_regions(self.work.dataset / category)
        self._peers = peers
        self.values: dict[str, Values] = {}
        self.failed: dict[str, str] = {}
        self.thresholds = 0

    def refine(self) -> None:
        outcome = refine.evaluate(self._archive, self._regions)
        self.values["refine"] = {f"au_spro@{k}": v for k, v in outcome.au_spro.items()}
        self.thresholds = outcome.thresholds

    def scaled(self, action: Action) -> Action:
        return lambda: action() * self._factor

    def peer(self, name: str) -> Action:
        def run() -> float:
            if name in self.failed or self._peers is None:
                return 0.0
            try:
                seconds, self.values[name] = self._peers.run(name, self._archive, self.work.dataset)
            except PeerFailed as error:
                self.failed[name] = str(error)
                return 0.0
            return seconds

        return run


def time_kind(
    work: Work, kind: str, plan: Plan, peers: Peers | None, names: tuple[str, ...]
) -> Timing:
    """Time all contenders on one category's maps of one kind; `names` are the peers'."""
    print(f"timing {work.name} {kind} ...", flush=True)
    small, archive = inputs.two_images(work), work.archive(kind)
    small_archive = small.archive(kind)
    sampled = _Sampled(work, kind, plan.sampled, peers)
    contenders = {
        "decode": Contender(timed(lambda: read_and_decode(archive)), plan.rounds),
        "ours": Contender(timed(lambda: score(work.dataset, archive)), plan.rounds),
        "startup": Contender(timed(lambda: score(small.dataset, small_archive)), plan.rounds),
        "refine": Contender(sampled.scaled(timed(sampled.refine)), 1, warm=False),
    }
    for name in names if peers is not None else ():
        action = sampled.scaled(sampled.peer(name))
        contenders[name] = Contender(action, plan.peer_rounds, warm=False)
    with one_core():
        seconds = take_turns(contenders)
    for name in sampled.failed:
        del seconds[name]
    (category,) = read_manifest(work.dataset).categories.values()
    return Timing(
        category.name,
        kind,
        category.n_test,
        next(iter(category.images.values())),
        sampled.images,
        seconds,
        _our_numbers(sampled.work, kind),
        sampled.values,
        sampled.thresholds,
        sampled.failed,
    )


def _our_numbers(work: Work, kind: str) -> Values:
    """What ours finds on the images that the others were given."""
    archive = work.archive(kind)
    found = _category_report(work.dataset, archive)
    whole_regions = _category_report(inputs.unsaturated(work), archive)
    return {
        **{name: found[name] for name in ("image_auroc", "image_ap", "pixel_auroc", "pixel_ap")},
        **{f"au_spro@{limit}": value for limit, value in found["au_spro"].items()},
        "au_pro": whole_regions["au_spro"]["0.3"],
    }


def _category_report(dataset: Path, archive: Path) -> dict[str, Any]:
    (report,) = score(dataset, archive).as_dict()["categories"].values()
    return report


@dataclass(frozen=True)
class Whole:
    """All of AutoVI, 8-bit PNG, wall clock, free to use all cores; seconds.

    `one_job` and `two_jobs` are without start-up, which is `startup` by number of jobs.
    """

    images: int
    pixels: int
    decode: float
    one_job: float
    two_jobs: float
    startup: tuple[float, float]


def time_whole(work: Work, plan: Plan) -> Whole:
    """Time `jobs=1` and `jobs=2` in turns."""
    print(f"timing {work.name} with one and two jobs ...", flush=True)
    archive, small = work.archive("png8"), inputs.two_images(work)
    small_archive = small.archive("png8")

    def scoring(jobs: int) -> Callable[[], object]:
        return lambda: score(work.dataset, archive, jobs=jobs)

    def starting(jobs: int) -> Callable[[], object]:
        return lambda: score(small.dataset, small_archive, jobs=jobs)

    seconds = take_turns(
        {
            "decode": Contender(timed(lambda: read_and_decode(archive)), plan.peer_rounds),
            "one": Contender(timed(scoring(1)), plan.peer_rounds),
            "two": Contender(timed(scoring(2)), plan.peer_rounds),
            "start one": Contender(timed(starting(1)), plan.peer_rounds),
            "start two": Contender(timed(starting(2)), plan.peer_rounds),
        }
    )
    sizes = [s for c in read_manifest(work.dataset).categories.values() for s in c.images.values()]
    pixels = sum(width * height for width, height in sizes)
    startup = (seconds["start one"], seconds["start two"])
    one, two = seconds["one"] - startup[0], seconds["two"] - startup[1]
    return Whole(len(sizes), pixels, seconds["decode"], one, two, startup)
