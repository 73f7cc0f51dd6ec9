"""Error of a world model against the number of steps rolled out, on held-out episodes.

The shield's own dynamics, under the logged actions: only for those is there a truth to compare with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from farl.calibration import up_to_violation
from farl.datasets import Episode


class Dynamics(Protocol):
    """What is asked of a world model."""

    def encode(self, observations: Tensor) -> Tensor:
        """Latent states of observations, ``(..., O)``."""

    def next(self, latent: Tensor, action: Tensor) -> Tensor:
        """Next latent states."""

    def decode(self, latent: Tensor) -> Tensor:
        """Observations, ``(..., O)``, of latent states."""


@dataclass(frozen=True)
class Field:
    """A group of observation entries that belong together, such as a position; and their unit."""

    name: str
    unit: str
    place: slice


@dataclass(frozen=True)
class ErrorCurve:
    """Error against the number of steps rolled out; entry k is for k steps ahead, from 0 on.

    Attributes:
        name: Of the field; "latent" for the latent state.
        unit: Of the figures; latent errors are shares of the spread of the latent states.
        median: Median Euclidean error.
        p90: 90th percentile of it.
        unmoved: Median error of predicting that nothing changes.
    """

    name: str
    unit: str
    median: tuple[float, ...]
    p90: tuple[float, ...]
    unmoved: tuple[float, ...]


@torch.no_grad()
def prediction_errors(
    model: Dynamics, episodes: Sequence[Episode], horizon: int, fields: Sequence[Field]
) -> tuple[ErrorCurve, ...]:
    """Roll out the logged actions from every state up to the first violations.

    Args:
        model: World model.
        episodes: Held-out ones.
        horizon: Steps to roll out; roll-outs end with their episode, or at the violation.
        fields: Groups of observation entries; those that never change in these episodes are left out.
    """
    lengths = [up_to_violation(e) for e in episodes]
    truth = torch.from_numpy(
        np.concatenate([e.observations[: n + 1] for e, n in zip(episodes, lengths, strict=True)])
    )
    actions = torch.from_numpy(  # one row more per episode: a row of states and one of actions then match
        np.concatenate(
            [np.pad(e.actions[:n], ((0, 1), (0, 0))) for e, n in zip(episodes, lengths, strict=True)]
        )
    )
    left = torch.from_numpy(np.concatenate([np.arange(n, -1, -1) for n in lengths]))
    start = torch.arange(len(truth))[left > 0]
    encoded = model.encode(truth)
    spread = (encoded - encoded.mean(0)).square().sum(-1).mean().sqrt().clamp_min(1e-12)
    moving = [f for f in fields if float(np.ptp(truth[:, f.place].numpy(), axis=0).max()) > 0.0]
    rows: list[list[tuple[float, float, float]]] = [[] for _ in range(len(moving) + 1)]
    latent = encoded[start]
    for k in range(horizon + 1):
        there = left[start] >= k
        start, latent = start[there], latent[there]
        if not len(start):
            break
        now, then = start + k, truth[start]
        rows[0].append(_spread_of(latent - encoded[now], encoded[start] - encoded[now], float(spread)))
        decoded = model.decode(latent) - truth[now]
        for row, f in zip(rows[1:], moving, strict=True):
            row.append(_spread_of(decoded[:, f.place], (then - truth[now])[:, f.place], 1.0))
        latent = model.next(latent, actions[now])  # at its end an episode has no action; those go next
    names = [("latent", "of the spread"), *((f.name, f.unit) for f in moving)]
    return tuple(
        ErrorCurve(name, unit, *(tuple(c) for c in zip(*row, strict=True)))
        for (name, unit), row in zip(names, rows, strict=True)
    )


def _spread_of(error: Tensor, unmoved: Tensor, scale: float) -> tuple[float, float, float]:
    size = error.norm(dim=-1).numpy() / scale
    still = unmoved.norm(dim=-1).numpy() / scale
    return float(np.median(size)), float(np.quantile(size, 0.9)), float(np.median(still))
