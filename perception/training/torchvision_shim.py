"""Makes torchvision importable beside a CPU build of torch, for which its own operators cannot load."""

from __future__ import annotations

import importlib
import sys

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def ensure_torchvision() -> bool:
    """Import torchvision, if need be with its one operator that Ultralytics asks for written in torch.

    Returns:
        Whether torchvision's own operators are in use.

    Raises:
        RuntimeError: It cannot be imported for another reason.
    """
    try:
        importlib.import_module("torchvision")
        return True
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    # torchvision registers fake kernels for both at import, so that both must exist.
    torch.library.define("torchvision::nms", _SCHEMA)
    torch.library.impl("torchvision::nms", "CPU", suppress)
    torch.library.define("torchvision::qnms", _SCHEMA)
    vars(importlib.import_module("torchvision.extension"))["_has_ops"] = lambda: True
    return False


def suppress(boxes: torch.Tensor, scores: torch.Tensor, overlap: float) -> torch.Tensor:
    """Greedy non-maximum suppression.

    Args:
        boxes: (n, 4) left, top, right, bottom.
        scores: (n,).
        overlap: Intersection over union above which the lower score goes.

    Returns:
        Indices (k,) of the kept boxes, best first.
    """
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    waiting = torch.argsort(scores, descending=True, stable=True)
    kept = []
    while waiting.numel():
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        low = torch.maximum(boxes[best, :2], boxes[waiting, :2])
        high = torch.minimum(boxes[best, 2:], boxes[waiting, 2:])
        both = (high - low).clamp(min=0).prod(dim=1)
        waiting = waiting[both <= overlap * (area[best] + area[waiting] - both)]
    return torch.stack(kept) if kept else torch.empty(0, dtype=torch.int64)
