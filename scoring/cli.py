"""The `autovi` command.

Exit status: 0 done, 1 refused (the problems on standard error), 2 wrong usage or no usable dataset,
3 our own fault: a decoder that cannot run, a defect of this program.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from scoring.errors import DatasetError, Refused
from scoring.evaluate import Progress, score, validate
from scoring.sandbox import DecoderFailed
from scoring.tables import print_report
from scoring.version import SCORER_VERSION

REFUSED, USAGE, OURS = 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options)
    except Refused as refused:
        for line in refused.lines():
            print(line, file=sys.stderr)
        print(
            f"refused: {refused.total} problem{'s' * (refused.total != 1)}; nothing was scored",
            file=sys.stderr,
        )
        return REFUSED
    except (DatasetError, OSError) as error:
        print(f"autovi: {error}", file=sys.stderr)
        return USAGE
    except DecoderFailed as error:
        print(f"autovi: {error}; this is no fault of the maps", file=sys.stderr)
        return OURS
    except KeyboardInterrupt:
        print("autovi: interrupted; nothing was written", file=sys.stderr)
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autovi",
        description="Exact scores for anomaly maps of AutoVI and datasets in its layout.",
    )
    parser.add_argument("--version", action="version", version=f"autovi {SCORER_VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_score(commands)
    _add_validate(commands)
    _add_sample_data(commands)
    _add_sample_maps(commands)
    return parser


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "dataset", metavar="DATASET", type=Path, help="folder with <category>/test/... "
    )
    parser.add_argument(
        "maps",
        metavar="MAPS",
        type=Path,
        help="archive (.zip, .tar, .tar.gz) or folder of anomaly maps",
    )
    parser.add_argument(
        "--category",
        metavar="C",
        action="append",
        help="only this category (repeatable); the archive's others are ignored",
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=_positive,
        default=_cores(),
        help="decoding processes (default: %(default)s, the cores at hand)",
    )


def _add_score(commands: Commands) -> None:
    parser = commands.add_parser("score", help="score anomaly maps against ground truth")
    _add_inputs(parser)
    parser.add_argument(
        "--json", metavar="OUT", type=Path, help="write the report here (- for standard output)"
    )
    parser.add_argument(
        "--curves",
        metavar="OUT.npz",
        type=Path,
        help="write ROC, precision-recall and FPR-sPRO curves here",
    )
    parser.set_defaults(command=_score)


def _add_validate(commands: Commands) -> None:
    parser = commands.add_parser(
        "validate", help="find every problem of an archive, without ground truth"
    )
    _add_inputs(parser)
    parser.set_defaults(command=_validate)


def _add_sample_data(commands: Commands) -> None:
    parser = commands.add_parser(
        "sample-data", help="draw a dataset in AutoVI's layout to try things on"
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="the folder to make")
    parser.add_argument(
        "--scale",
        metavar="S",
        type=_scale,
        default=0.05,
        help="share of AutoVI's image counts (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="other numbers, other pictures (default: 0)",
    )
    parser.add_argument(
        "--category", metavar="C", action="append", help="only this category (repeatable)"
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=_positive,
        default=_cores(),
        help="processes (default: %(default)s)",
    )
    parser.set_defaults(command=_sample_data)


def _add_sample_maps(commands: Commands) -> None:
    parser = commands.add_parser("sample-maps", help="make plausible anomaly maps for a dataset")
    parser.add_argument(
        "dataset", metavar="DATASET", type=Path, help="the dataset to make maps for"
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="the zip file to write")
    parser.add_argument(
        "--quality",
        metavar="Q",
        type=_share,
        default=0.7,
        help="0 (chance) to 1 (near perfect); default %(default)s",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="other numbers, other pictures (default: 0)",
    )
    parser.add_argument(
        "--runs", metavar="N", type=_positive, default=1, help="trainings to pretend (default: 1)"
    )
    parser.add_argument(
        "--kind",
        choices=["png8", "png16", "tiff32"],
        default="png8",
        help="file and data type of the maps (default: %(default)s)",
    )
    parser.add_argument(
        "--category", metavar="C", action="append", help="only this category (repeatable)"
    )
    parser.set_defaults(command=_sample_maps)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number, 1 or more")
    return int(text)


def _share(text: str) -> float:
    number = _number(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number from 0 to 1")
    return number


def _scale(text: str) -> float:
    number = _number(text)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number above 0, at most 1")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _score(options: argparse.Namespace) -> int:
    _check_readable(options.maps)
    for path in (options.json, options.curves):
        if path is not None and str(path) != "-":
            _check_writable(path)
    with _progress("scoring") as progress:
        report = score(
            options.dataset,
            options.maps,
            categories=options.category,
            jobs=options.jobs,
            progress=progress,
        )
    if options.curves is not None:
        _write(options.curves, report.curves_npz())
    if options.json is not None and str(options.json) != "-":
        _write(options.json, report.dumps().encode())
    if str(options.json) == "-":
        sys.stdout.write(report.dumps())
    else:
        print_report(report)
    return 0


def _validate(options: argparse.Namespace) -> int:
    _check_readable(options.maps)
    with _progress("checking") as progress:
        contents = validate(
            options.dataset,
            options.maps,
            categories=options.category,
            jobs=options.jobs,
            progress=progress,
        )
    runs = f"{len(contents.runs)} run{'s' * (len(contents.runs) != 1)}"
    print(f"no problem: {contents.n_maps} maps, {runs}, {', '.join(contents.categories)}")
    return 0


def _sample_data(options: argparse.Namespace) -> int:
    from scoring.sampledata import draw_dataset

    with _progress("drawing") as progress:
        draw_dataset(
            options.out,
            options.scale,
            options.seed,
            categories=options.category,
            jobs=options.jobs,
            progress=progress,
        )
    print(f"drew {options.out}")
    return 0


def _sample_maps(options: argparse.Namespace) -> int:
    from scoring.sampledata import draw_maps

    with _progress("drawing") as progress:
        draw_maps(
            options.dataset,
            options.out,
            options.quality,
            options.seed,
            runs=options.runs,
            kind=options.kind,
            categories=options.category,
            progress=progress,
        )
    print(f"wrote {options.out}")
    return 0


def _check_readable(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file or folder; expected anomaly maps")


def _check_writable(path: Path) -> None:
    """Say before the work, not after it, that its result could not be kept."""
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise NotADirectoryError(f"{path}: cannot be written; expected a file in a folder of yours")


def _write(path: Path, data: bytes) -> None:
    """Write all or nothing."""
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(data)
            file.close()
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _progress(what: str) -> Iterator[Progress | None]:
    """A progress bar on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
