"""TensorBoard's view of a run, under names that stay the same: ``charts/…``, ``losses/…``, ``shield/…``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from farl_ros.run_records import EpisodeRecord


class Board:
    """Writes scalars over agent steps; no file is made before the first."""

    def __init__(self, folder: Path, steps: int) -> None:
        """Go on after ``steps`` agent steps: what a resumed run writes again hides what it wrote before."""
        self._folder, self._purge = folder, steps + 1 if steps > 0 else None
        self._writer: SummaryWriter | None = None

    def show_episode(self, record: EpisodeRecord, failures: int) -> None:
        """Show a finished episode; ``failures`` is the number of failing episodes so far."""
        self._show(
            record.steps,
            {
                "charts/episodic_return": record.episode_return,
                "charts/episodic_length": record.length,
                "charts/success": record.success,
                "charts/failure": record.failed,
                "charts/failures": failures,
                "charts/steps_per_second": record.steps / record.wall_s if record.wall_s > 0.0 else math.nan,
                "shield/interventions": record.interventions,
                "shield/mean_risk": record.mean_risk,
                "shield/max_risk": record.max_risk,
                "shield/latency_ms": record.shield_ms_p50,
            },
        )

    def show_update(self, at_steps: int, figures: Mapping[str, float]) -> None:
        """Show what one update of the learner did."""
        self._show(at_steps, {f"losses/{name}": value for name, value in figures.items()})

    def close(self) -> None:
        """Flush and close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _show(self, step: int, scalars: Mapping[str, float]) -> None:
        if self._writer is None:
            self._writer = SummaryWriter(str(self._folder), purge_step=self._purge)
        for name, value in scalars.items():
            if math.isfinite(value):
                self._writer.add_scalar(name, float(value), step)
