"""The report: its numbers, its JSON, its curves. Equal input gives equal bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring import exact, image_level
from scoring.ground_truth import CategoryTruth, folder_of
from scoring.image_level import ThresholdCounts, threshold_counts
from scoring.npz import npz_bytes
from scoring.registry import FPR_LIMITS, METRICS, TNRS
from scoring.spro import CellCounter, CountsTable, ValueCounter
from scoring.version import SCORER_VERSION

SCHEMA = 1
_MAX_CURVE_POINTS = 2_000

NO_GOOD = "the category has no good test image"
NO_ANOMALOUS = "the category has no anomalous test image"
NO_REGION = "the category has no ground-truth region"
NO_OUTSIDE = "no pixel lies outside the regions"


@dataclass(frozen=True)
class CategoryResult:
    """One category of one run.

    Attributes
    ----------
    report : dict
        The category's entry of the JSON report. Fractions in 0..1, or None where undefined.
    curves : dict of str to ndarray, shape (k, 2)
        `roc` (FPR, TPR), `pr` (recall, precision), `spro` (FPR, sPRO); empty where undefined.
    scores : dict of str to float
        Image score by image key, what intervals and distributions are made from.
    """

    report: dict[str, Any]
    curves: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """All runs and categories of an archive, with the means over them."""

    results: Mapping[str, Mapping[str, CategoryResult]]
    dataset_categories: tuple[str, ...]
    metadata: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data: docs/metrics.md describes each key."""
        runs = {
            run: {category: result.report for category, result in categories.items()}
            for run, categories in self.results.items()
        }
        return assemble(runs, self.dataset_categories)

    def dumps(self) -> str:
        """The report as JSON text."""
        return dumps(self.as_dict())

    def curves_npz(self) -> bytes:
        """The curves as an NPZ file with arrays ``<run>/<category>/{roc,pr,spro}``."""
        return npz_bytes(
            {
                f"{run}/{category}/{name}": curve
                for run, categories in self.results.items()
                for category, result in categories.items()
                for name, curve in result.curves.items()
            }
        )


def dumps(report: Mapping[str, Any]) -> str:
    """A report as the JSON text that `autovi score --json` writes."""
    return json.dumps(report, indent=1, allow_nan=False) + "\n"


def category_result(
    truth: CategoryTruth,
    scores: Mapping[str, float],
    counter: ValueCounter | CellCounter,
    resized: int,
) -> CategoryResult:
    """All metrics of one category of one run.

    Parameters
    ----------
    scores : mapping of str to float
        Image score by image key, for every test image.
    counter : ValueCounter or CellCounter
        Has counted every map.
    resized : int
        Maps that came in another size than their image's.
    """
    undefined: dict[str, str] = {}
    good = [scores[key] for key in truth.good]
    anomalous = [scores[key] for key in truth.anomalous]
    counts = threshold_counts(good, anomalous)
    folder_areas = counter.folder_areas()
    table = counter.all()
    report = {
        **_image_metrics(counts, undefined),
        **_region_metrics(table, undefined),
        "au_spro_per_defect_folder": {
            folder: areas or dict.fromkeys(FPR_LIMITS) for folder, areas in folder_areas.items()
        },
        "image_auroc_per_defect_folder": _folder_auroc(truth, scores, good),
        **_pixel_metrics(table, undefined),
        "n_good": len(good),
        "n_anomalous": len(anomalous),
        "resized": resized,
        "undefined": undefined,
    }
    _folder_reasons(report, undefined)
    image_scores = {key: scores[key] for key in (*truth.good, *truth.anomalous)}
    return CategoryResult(report, _curves(counts, table), image_scores)


def _image_metrics(counts: ThresholdCounts, undefined: dict[str, str]) -> dict[str, Any]:
    no_anomalous = None if counts.n_anomalous else NO_ANOMALOUS
    both = no_anomalous or (None if counts.n_good else NO_GOOD)

    def defined(
        key: str, reason: str | None, compute: Callable[[], Any], otherwise: Any = None
    ) -> Any:
        if reason is None:
            return compute()
        undefined[key] = reason
        return otherwise

    return {
        "image_auroc": defined("image_auroc", both, lambda: image_level.auroc(counts)),
        "image_ap": defined(
            "image_ap", no_anomalous, lambda: image_level.average_precision(counts)
        ),
        "image_f1_max": defined(
            "image_f1_max", no_anomalous, lambda: image_level.f1_max(counts)[0]
        ),
        "image_f1_max_threshold": defined(
            "image_f1_max_threshold", no_anomalous, lambda: image_level.f1_max(counts)[1]
        ),
        "tpr_at_tnr": defined(
            "tpr_at_tnr",
            both,
            lambda: {tnr: image_level.tpr_at_tnr(counts, float(tnr)) for tnr in TNRS},
            dict.fromkeys(TNRS),
        ),
    }


def _region_metrics(table: CountsTable, undefined: dict[str, str]) -> dict[str, Any]:
    reason = NO_REGION if not table.n_regions else NO_OUTSIDE if not table.n_outside else None
    if reason is None:
        return {"au_spro": table.au_spro()}
    undefined["au_spro"] = reason
    return {"au_spro": dict.fromkeys(FPR_LIMITS)}


def _pixel_metrics(table: CountsTable, undefined: dict[str, str]) -> dict[str, Any]:
    keys = ("pixel_auroc", "pixel_ap", "pixel_f1_max")
    inside, outside = table.n_inside, table.n_outside
    if not inside:
        undefined.update(dict.fromkeys(keys, NO_REGION))
        return dict.fromkeys(keys)
    if not outside:
        undefined["pixel_auroc"] = NO_OUTSIDE
    return {
        "pixel_auroc": exact.ranking_area(table.inside, table.outside) if outside else None,
        "pixel_ap": exact.average_precision(table.inside, table.outside),
        "pixel_f1_max": exact.f1_max(table.inside, table.outside),
    }


def _folder_auroc(
    truth: CategoryTruth, scores: Mapping[str, float], good: list[float]
) -> dict[str, float | None]:
    folders: dict[str, list[float]] = {}
    for key in truth.anomalous:
        folders.setdefault(folder_of(key), []).append(scores[key])
    return {
        folder: image_level.auroc(threshold_counts(good, found)) if good else None
        for folder, found in folders.items()
    }


def _folder_reasons(report: Mapping[str, Any], undefined: dict[str, str]) -> None:
    for folder, areas in report["au_spro_per_defect_folder"].items():
        if None in areas.values():
            undefined[f"au_spro_per_defect_folder/{folder}"] = (
                "the folder has no ground-truth region, or no pixel lies outside the regions"
            )
    for folder, value in report["image_auroc_per_defect_folder"].items():
        if value is None:
            undefined[f"image_auroc_per_defect_folder/{folder}"] = NO_GOOD


def _curves(counts: ThresholdCounts, table: CountsTable) -> dict[str, NDArray[np.float64]]:
    empty = np.empty((0, 2))
    images = counts.n_good and counts.n_anomalous
    return {
        "roc": thinned(image_level.roc_curve(counts)) if images else empty,
        "pr": thinned(image_level.precision_recall_curve(counts)) if counts.n_anomalous else empty,
        "spro": table.curve() if table.n_regions and table.n_outside else empty,
    }


def thinned(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    """A polyline of at most 2,000 points, nowhere more than 1e-3 from the given one."""
    if len(curve) <= _MAX_CURVE_POINTS:
        return curve
    from skimage.measure import approximate_polygon

    return approximate_polygon(curve, 5e-4)


Nested = dict[str, Any]


def assemble(
    runs: Mapping[str, Mapping[str, Mapping[str, Any]]], categories: Sequence[str]
) -> Nested:
    """The whole report from its parts.

    Parameters
    ----------
    runs : mapping
        run -> category -> the category's entry of the report.
    categories : sequence of str
        All categories of the dataset: without all of them there is no overall mean.
    """
    head: Nested = {"schema": SCHEMA, "scorer_version": SCORER_VERSION}
    if len(runs) == 1:
        (only,) = runs.values()
        return {**head, "categories": dict(only), "mean": _mean_over_categories(only, categories)}
    listed = [
        {"run": run, "categories": dict(found), "mean": _mean_over_categories(found, categories)}
        for run, found in runs.items()
    ]
    return {**head, "runs": listed, "summary": _summary(runs, categories)}


def _mean_over_categories(
    found: Mapping[str, Mapping[str, Any]], categories: Sequence[str]
) -> Nested | None:
    if set(found) != set(categories):
        return None
    entries = [found[category] for category in categories]
    return _by_metric(entries, lambda values: _mean_std(values, ddof=0))


def _summary(
    runs: Mapping[str, Mapping[str, Mapping[str, Any]]], categories: Sequence[str]
) -> Nested:
    reports = list(runs.values())
    by_category = {
        category: _by_metric([report[category] for report in reports], _over_runs)
        for category in reports[0]
    }
    mean = None
    if set(by_category) == set(categories):
        means = [_by_metric([r[c] for r in reports], _plain_mean) for c in categories]
        mean = _by_metric(means, lambda values: _mean_std(values, ddof=0))
    return {"categories": by_category, "mean": mean}


Values = Sequence[float | None]


def _by_metric(entries: Sequence[Mapping[str, Any]], combine: Callable[[Values], Any]) -> Nested:
    """Combine the entries' values of each metric, nested as in one category's entry."""
    tree: Nested = {}
    for metric in METRICS:
        found = [entry[metric.key] for entry in entries]
        if metric.points:
            tree[metric.key] = {
                point: combine([values[point] for values in found]) for point in metric.points
            }
        else:
            tree[metric.key] = combine(found)
    return tree


def _plain_mean(values: Values) -> float | None:
    return _mean_std(values, ddof=0)["mean"]


def _over_runs(values: Values) -> Nested:
    return {**_mean_std(values, ddof=1), "n": len(values)}


def _mean_std(values: Values, ddof: int) -> dict[str, float | None]:
    """Mean and standard deviation; None where a value is undefined or too few are there."""
    known = [value for value in values if value is not None]
    if len(known) < len(values) or not known:
        return {"mean": None, "std": None}
    mean = float(sum(map(Fraction, known)) / len(known))  # equal values have themselves as mean
    if len(known) <= ddof:
        return {"mean": mean, "std": None}
    squares = math.fsum((value - mean) ** 2 for value in known)
    return {"mean": mean, "std": math.sqrt(squares / (len(known) - ddof))}
