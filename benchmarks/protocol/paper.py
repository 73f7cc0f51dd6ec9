"""The paper's numbers (``benchmarks/paper.csv``), as printed.

Source: arXiv 2601.07821; where in it, the file says for each row. Failures: mean and standard deviation over
three seeds of 10^6 agent steps, those of Uni-O4 by the bar labels of Fig. 4. Normalised returns: per cent of
the scripted expert. An empty field is not published.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from farl.presets import Preset

_FILE = Path(__file__).resolve().parents[1] / "paper.csv"
METHODS = {Preset.UNI_O4: "Uni-O4", Preset.PAPER: "FARL"}
"""What the paper calls a preset."""
MEAN_REDUCTION = 0.436
"""Mean over the four tasks of the reductions that the failures in the file give (stated as 43.6 %)."""


@dataclass(frozen=True)
class PaperRow:
    """A method on a task; None where nothing is published.

    Attributes:
        failures_per_1e6_steps: Failing episodes in 10^6 agent steps.
        failures_sd: Standard deviation over seeds.
        initial_normalised: Return of the offline policy, per cent of the expert.
        final_normalised: Return of the fine-tuned policy, per cent of the expert.
        final_return: The same, raw.
        final_return_sd: Standard deviation over seeds.
    """

    failures_per_1e6_steps: float | None
    failures_sd: float | None
    initial_normalised: float | None
    final_normalised: float | None
    final_return: float | None
    final_return_sd: float | None


@cache
def paper_rows() -> dict[tuple[str, str], PaperRow]:
    """Rows by task and by the paper's name of the method."""
    with _FILE.open(newline="") as file:
        return {
            (row["task"], row["method"]): PaperRow(
                **{f.name: float(row[f.name]) if row[f.name] else None for f in fields(PaperRow)}
            )
            for row in csv.DictReader(file)
        }


def published(task: str, preset: Preset) -> PaperRow | None:
    """What the paper reports for a preset; None for another task or a method of our own."""
    return paper_rows().get((task, METHODS.get(preset, "")))


def published_reduction(task: str, preset: Preset) -> float | None:
    """Share of Uni-O4's failures that a method avoids in the paper."""
    before, after = published(task, Preset.UNI_O4), published(task, preset)
    if before is None or after is None or not before.failures_per_1e6_steps:
        return None
    if after.failures_per_1e6_steps is None:
        return None
    return 1.0 - after.failures_per_1e6_steps / before.failures_per_1e6_steps
