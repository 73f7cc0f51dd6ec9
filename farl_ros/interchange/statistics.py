"""Statistics of a dataset's features, as LeRobot's training normalises with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}


def feature_statistics(values: NDArray[Any], count: int | None = None) -> dict[str, list[float] | list[int]]:
    """Minimum, maximum, mean, standard deviation, quantiles and count of each entry.

    LeRobot estimates the quantiles with histograms; these are exact.

    Args:
        values: Shape ``(N, D)``, N at least 1.
        count: How many frames they are of; N by default.

    Returns:
        Lists of D numbers; ``count`` has one.
    """
    table = values.astype(np.float64)
    result: dict[str, list[float] | list[int]] = {
        "min": table.min(axis=0).tolist(),
        "max": table.max(axis=0).tolist(),
        "mean": table.mean(axis=0).tolist(),
        "std": table.std(axis=0).tolist(),
        "count": [len(table) if count is None else count],
    }
    rows = np.quantile(table, list(QUANTILES.values()), axis=0)
    return result | {name: row.tolist() for name, row in zip(QUANTILES, rows, strict=True)}
