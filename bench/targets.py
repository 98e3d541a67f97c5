"""What was promised, beside what was measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.measure import Timing, Whole
from bench.memory import FLAT, Memory, growth

OVER_DECODE = {"png8": 1.25, "png16": 1.25, "tiff32": 2.5}
OVER_REFINING = {"png8": 100, "png16": 60, "tiff32": 20}
OVER_ADEVAL = {"png8": 4, "png16": 3, "tiff32": 1.5}
TWO_JOBS = 1.8
LINEAR = 1.1


@dataclass(frozen=True)
class Verdict:
    """One promise: what about, the promise, what was measured, whether it was kept."""

    what: str
    target: str
    measured: str
    met: bool | None

    @property
    def word(self) -> str:
        return {True: "met", False: "**missed**", None: "not measured"}[self.met]


def of_timing(timing: Timing) -> list[Verdict]:
    """The three ratios of a category and kind."""
    name = f"{timing.category}, {timing.kind}"
    ratio, most = timing.over_decode, OVER_DECODE[timing.kind]
    verdicts = [
        Verdict(f"{name}: time / decode loop", f"at most {most:g}", f"{ratio:.2f}", ratio <= most)
    ]
    for contender, title, least in (
        ("refine", "refining evaluator", OVER_REFINING[timing.kind]),
        ("adeval", "adeval", OVER_ADEVAL[timing.kind]),
    ):
        speedup = timing.speedup(contender)
        verdicts.append(
            Verdict(
                f"{name}: {title} / time",
                f"at least {least:g}",
                "-" if speedup is None else f"{speedup:.1f}",
                None if speedup is None else speedup >= least,
            )
        )
    return verdicts


def of_whole(whole: Whole) -> Verdict:
    """Two jobs beside one."""
    ratio = whole.one_job / whole.two_jobs
    return Verdict(
        f"AutoVI, {whole.images:,} maps, png8: `--jobs 1` / `--jobs 2`",
        f"at least {TWO_JOBS:g}",
        f"{ratio:.2f}",
        ratio >= TWO_JOBS,
    )


def of_memory(all_runs: Iterable[Memory], few: list[Memory], many: list[Memory]) -> list[Verdict]:
    """Peak, flatness and linear time; `few` and `many` hold one run for each kind."""
    runs = list(all_runs)
    worst = max(runs, key=lambda run: max(run.scorer / run.bound, run.decoder / run.bound))
    grown = max(map(growth, few, many))
    return [
        Verdict(
            f"peak memory of a process (nearest to its bound: {worst.name}, {worst.kind})",
            f"under {worst.bound / 1e6:.0f} MB",
            f"{max(worst.scorer, worst.decoder) / 1e6:.0f} MB",
            all(max(run.scorer, run.decoder) < run.bound for run in runs),
        ),
        Verdict(
            f"memory, {_good(many[0])} good images beside {_good(few[0])} (worst kind)",
            f"at most +{FLAT:.0%}",
            f"{grown:+.1%}",
            grown <= FLAT,
        ),
    ]


def of_linearity(none: list[Memory], few: list[Memory], many: list[Memory]) -> Verdict:
    """Processor time a pixel with many good images beside few, start-up (two images) subtracted."""
    worst = max(
        ((m.cpu_seconds - n.cpu_seconds) / m.pixels) / ((f.cpu_seconds - n.cpu_seconds) / f.pixels)
        for n, f, m in zip(none, few, many, strict=True)
    )
    return Verdict(
        f"processor time a pixel, {_good(many[0])} good images beside {_good(few[0])} (worst kind)",
        f"at most {LINEAR:g}x (linear in pixels)",
        f"{worst:.2f}x",
        worst <= LINEAR,
    )


def _good(run: Memory) -> str:
    return f"{int(run.name.rpartition('good')[2]):,}"
