"""bench/RESULTS.md from what was measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import peers, targets
from bench.inputs import KINDS
from bench.measure import Plan, Timing, Whole
from bench.memory import Memory
from bench.targets import Verdict

VERSIONS = ("numpy", "numba", "imagecodecs", "scikit-learn")


@dataclass(frozen=True)
class Results:
    """Everything measured. `memory` holds runs by part: `two`, `few`, `many`, `others`."""

    command: str
    plan: Plan
    timings: Sequence[Timing]
    whole: Whole
    memory: dict[str, list[Memory]]
    peers: str
    notes: Sequence[str]
    data_bytes: int
    minutes: float
    load: float


def render(results: Results) -> str:
    """The page as Markdown."""
    sections = (
        _head(results),
        _targets(results),
        _times(results),
        _agreement(results.timings),
        _memory(results.memory),
        _cannot(),
        _method(results),
    )
    return "\n".join(line for section in sections for line in [*section, ""]).rstrip() + "\n"


def _head(results: Results) -> list[str]:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in VERSIONS)
    return [
        "# Results",
        "",
        f"`{results.command}`, {datetime.now(UTC):%Y-%m-%d}, {results.minutes:.0f} minutes. "
        f"{machine()}, load {results.load:.1f} at the start. Python {platform.python_version()}, "
        f"{versions}. Peers: {results.peers}.",
    ]


def _targets(results: Results) -> list[str]:
    verdicts: list[Verdict] = [v for t in results.timings for v in targets.of_timing(t)]
    verdicts.append(targets.of_whole(results.whole))
    if results.memory:
        none, few, many, others = (results.memory[k] for k in ("two", "few", "many", "others"))
        verdicts += targets.of_memory([*few, *many, *others], few, many)
        verdicts.append(targets.of_linearity(none, few, many))
    rows = [[v.what, v.target, v.measured, v.word] for v in verdicts]
    kept = sum(v.met is True for v in verdicts)
    return [
        f"## Targets: {kept} of {len(verdicts)} met",
        "",
        *_table(["what", "target", "measured", ""], rows, "llrl"),
        "",
        "What keeps the missed ones from being met, and what was tried: "
        "[docs/decisions/0004-where-the-time-goes.md](../docs/decisions/0004-where-the-time-goes.md).",
    ]


def _times(results: Results) -> list[str]:
    columns = ["decode", "ours", "startup", "refine", *peers.PEERS]
    rows = [
        [
            f"{t.category}, {t.images} of {t.size[0]}x{t.size[1]}",
            t.kind,
            *(_seconds(t, column) for column in columns),
            f"{t.scoring / (t.images * t.size[0] * t.size[1]) * 1e9:.1f}",
        ]
        for t in results.timings
    ]
    heads = ["decode loop", "ours", "of it start-up", "refining", *peers.PEERS, "ours, ns a pixel"]
    w = results.whole
    return [
        "## Seconds",
        "",
        *_table(["maps", "kind", *heads], rows, "ll" + "r" * len(heads)),
        "",
        f"All of AutoVI, {w.images:,} maps, {w.pixels / 1e6:,.0f} million pixels, png8, all cores, "
        f"without start-up: decode loop (one process) {w.decode:.2f}, `--jobs 1` {w.one_job:.2f}, "
        f"`--jobs 2` {w.two_jobs:.2f}; start-up {w.startup[0]:.2f} and {w.startup[1]:.2f}.",
        *(
            f"Failed: {n} on {t.category}, {t.kind}: {why}."
            for t in results.timings
            for n, why in t.failed.items()
        ),
    ]


def _seconds(timing: Timing, contender: str) -> str:
    seconds = timing.seconds.get(contender)
    return "-" if seconds is None else f"{seconds:.2f}" if seconds < 20 else f"{seconds:.0f}"


def _agreement(timings: Iterable[Timing]) -> list[str]:
    found = list(timings)
    pairs = sorted({(o, n) for t in found for o, values in t.others.items() for n in values})
    works = list(dict.fromkeys(t.category for t in found))
    by = {(t.category, t.kind): t for t in found}
    rows = [
        [
            contender,
            number,
            category,
            *(_difference(by, category, kind, contender, number) for kind in KINDS),
        ]
        for contender, number in pairs
        for category in works
        if contender in by[category, KINDS[0]].others
    ]
    return [
        "## The same numbers?",
        "",
        f"Theirs minus ours, on the {found[0].sampled} sampled images. `au_pro` is AUPRO at 0.3: "
        "ours is AUsPRO with every region wholly wanted.",
        "",
        *_table(["by", "number", "maps", *KINDS], rows, "lllrrr"),
    ]


def _difference(
    by: dict[tuple[str, str], Timing], category: str, kind: str, contender: str, number: str
) -> str:
    timing = by[category, kind]
    theirs = timing.others.get(contender, {}).get(number)
    return "-" if theirs is None else f"{theirs - timing.ours[number]:+.1e}"


def _memory(memory: dict[str, list[Memory]]) -> list[str]:
    if not memory:
        return ["## Memory", "", "Not measured: this system does not tell."]
    rows = [
        [
            r.name,
            r.kind,
            f"{r.images:,}",
            f"{r.region_pixels / 1e6:.2f}",
            f"{r.scorer / 1e6:.0f}",
            f"{r.decoder / 1e6:.0f}",
            f"{r.bound / 1e6:.0f}",
            f"{r.cpu_seconds:.1f}",
        ]
        for part in memory.values()
        for r in part
    ]
    heads = [
        "maps",
        "kind",
        "images",
        "10^6 region pixels",
        "scorer, MB",
        "decoder, MB",
        "bound, MB",
        "processor time, s",
    ]
    return [
        "## Peak resident memory, a fresh process each",
        "",
        *_table(heads, rows, "ll" + "r" * 6),
        "",
        "The kernel's high-water mark (VmHWM), shared pixels counted in both processes; MB = 10^6 "
        "bytes; processor time of both, with start-up. The drawn good images are used repeatedly.",
    ]


def _cannot() -> list[str]:
    return [
        "## What the others cannot do",
        "",
        *(f"- **{name}**: {text}." for name, text in peers.CANNOT.items()),
    ]


def _method(results: Results) -> list[str]:
    plan = results.plan
    thresholds = ", ".join(f"{t.category} {t.kind} {t.thresholds:,}" for t in results.timings)
    return [
        "## How",
        "",
        f"- Sample data at scale {plan.scale:g}, maps of quality 0.8, drawn at the first run "
        f"({results.data_bytes / 1e9:.1f} GB under bench/data). The float maps are resized noise "
        "at full precision: hardly a value occurs twice, the hard case for counting.",
        f"- One core for everybody (but not for all of AutoVI), contenders in turns, medians of "
        f"{plan.rounds} rounds for ours and the decode loop, {plan.peer_rounds} for the peers and "
        "all of AutoVI, 1 for the refining evaluator. Everybody reads and decodes the archive with "
        "the same decoders; nobody is charged for ground truth, which is loaded or cached before.",
        "- Ratios of ours are without start-up: the time for two images of each category.",
        "- anomalib and scikit-learn hold and sort all pixels at once, several GB for 60 images "
        "of tank_screw: there they are left out (-).",
        f"- The refining evaluator (bench/refine.py, ours, a stand-in) and the peers are timed on "
        f"{plan.sampled} images, evenly spread, and scaled by the count. Thresholds it took: "
        f"{thresholds}. On 8-bit maps it stops early, as no value lies between. The script that "
        "the dataset's authors publish starts at equal ranks and refines in ten rounds of at "
        "most 100 thresholds, some 1,050 in all: beside that the ratios would be smaller by as "
        "much.",
        *(f"- {note}." for note in results.notes),
    ]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> list[str]:
    rules = ["---:" if side == "r" else "---" for side in align]
    return [f"| {' | '.join(cells)} |" for cells in (heads, rules, *rows)]


def machine() -> str:
    """Processor and system, as far as they tell."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor()
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"
