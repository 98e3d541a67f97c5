"""Runs other people's evaluators, in their own environment. Started by bench/peers.py.

Reads one JSON line a task, `{"peer", "archive", "dataset"}`, and answers with one: the seconds that
reading, decoding and evaluating took, and the numbers found; or the reason why it failed. Regions
are loaded before the clock starts and kept. On start it tells the peers' versions.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import _torchvision
from bench.loading import read_maps, read_regions

Masks = dict[str, NDArray[np.uint8]]
Peer = Callable[[Path, Masks], dict[str, float]]


@functools.lru_cache(maxsize=2)
def region_masks(dataset: Path) -> Masks:
    """Image key to the union of its regions, 0 or 1."""
    (category,) = (path.parent for path in dataset.glob("*/test"))
    return {
        key: np.any([region.mask for region in regions], axis=0).astype(np.uint8)
        for key, regions in read_regions(category).items()
    }


def run_adeval(archive: Path, masks: Masks) -> dict[str, float]:
    """Its accumulators for images and pixels, with its 1,000 strips over the type's whole range."""
    accumulator: Any = None
    for key, stored in read_maps(archive):
        if accumulator is None:
            top = 1.0 if stored.dtype.kind == "f" else float(np.iinfo(stored.dtype).max)
            accumulator = importlib.import_module("adeval").EvalAccumulator(0.0, top)
        values = stored.astype(np.float32)
        accumulator.add_anomap(values, masks.get(key, np.zeros(values.shape, np.uint8)))
        accumulator.add_image(float(values.max()), int(not key.startswith("good/")))
    with np.errstate(invalid="ignore", divide="ignore"):  # no precision where nothing is flagged
        found = accumulator.summary()
    names = {
        "image_auroc": "i_auroc",
        "image_ap": "i_aupr",
        "pixel_auroc": "p_auroc",
        "pixel_ap": "p_aupr",
        "au_pro": "p_aupro",
    }
    return {ours: float(found[theirs]) for ours, theirs in names.items()}


def run_anomalib(archive: Path, masks: Masks) -> dict[str, float]:
    """Its AUPRO metric, limit 0.3, fed image by image."""
    torch = importlib.import_module("torch")
    metrics = importlib.import_module("anomalib.metrics")
    metric = metrics.AUPRO(fields=["anomaly_map", "gt_mask"])
    for key, stored in read_maps(archive):
        values = stored.astype(np.float32)
        mask = masks.get(key, np.zeros(values.shape, np.uint8))
        batch = SimpleNamespace(
            anomaly_map=torch.from_numpy(values)[None], gt_mask=torch.from_numpy(mask)[None]
        )
        metric.update(batch)
    return {"au_pro": float(metric.compute())}


def run_sklearn(archive: Path, masks: Masks) -> dict[str, float]:
    """AUROC and AP of images and of pixels."""
    metrics = importlib.import_module("sklearn.metrics")
    maps = dict(read_maps(archive))
    image_labels = [not key.startswith("good/") for key in maps]
    image_scores = [float(values.max()) for values in maps.values()]
    shape = next(iter(maps.values())).shape
    empty = np.zeros(shape, np.uint8)
    pixel_labels = np.concatenate([masks.get(key, empty).reshape(-1) for key in maps])
    pixel_scores = np.concatenate([values.reshape(-1) for values in maps.values()])
    return {
        "image_auroc": float(metrics.roc_auc_score(image_labels, image_scores)),
        "image_ap": float(metrics.average_precision_score(image_labels, image_scores)),
        "pixel_auroc": float(metrics.roc_auc_score(pixel_labels, pixel_scores)),
        "pixel_ap": float(metrics.average_precision_score(pixel_labels, pixel_scores)),
    }


PEERS: dict[str, Peer] = {
    "adeval": run_adeval,
    "anomalib": run_anomalib,
    "scikit-learn": run_sklearn,
}


def answer(task: dict[str, str]) -> dict[str, Any]:
    """Run one peer."""
    masks = region_masks(Path(task["dataset"]))
    start = time.perf_counter()
    try:
        values = PEERS[task["peer"]](Path(task["archive"]), masks)
    except Exception as error:  # somebody else's code: whatever it is, the page says so
        return {"failed": f"{type(error).__name__}: {error}"}
    return {"seconds": time.perf_counter() - start, "values": values}


def prepare() -> dict[str, Any]:
    """Import everything; returns versions and what had to be put right for the imports."""
    importlib.import_module("torch").set_num_threads(1)
    notes = [_torchvision.make_importable()]
    if not hasattr(np, "trapz"):
        np.trapz = np.trapezoid  # type: ignore[attr-defined]
        notes.append("adeval calls numpy.trapz, which numpy 2.4 no longer has: it was given back")
    for name in ("adeval", "anomalib.metrics", "sklearn.metrics"):
        importlib.import_module(name)
    importlib.import_module("cv2").setNumThreads(1)
    names = ("adeval", "anomalib", "scikit-learn", "torch", "numpy")
    versions = {name: importlib.metadata.version(name) for name in names}
    return {"versions": versions, "notes": [note for note in notes if note]}


def main() -> None:
    """Answer tasks until standard input closes; the peers' own prints go to standard error."""
    if hasattr(os, "sched_setaffinity"):  # the one core that everybody else is held to
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with contextlib.redirect_stdout(sys.stderr):
        try:
            started = prepare()
        except Exception as error:  # as below
            started = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(started), file=replies, flush=True)
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))), file=replies, flush=True)


if __name__ == "__main__":
    main()
