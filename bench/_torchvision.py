"""Lets anomalib be imported beside a torchvision whose compiled half does not fit torch.

Where no CPU build of torchvision is to be had, its import fails because operators are missing that
no metric uses. Then, and only then, they are declared here, without a body.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

_BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_kept: list[Any] = []


def make_importable() -> str | None:
    """Import torchvision; returns what had to be done for it, or None if nothing had."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        _declare_operators()
        importlib.import_module("torchvision")
        return "torchvision has no compiled half that fits; its operators were declared only"
    return None


def _declare_operators() -> None:
    torch = importlib.import_module("torch")
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}{_BOXES}")
    _kept.append(library)
