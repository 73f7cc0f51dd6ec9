"""Where a recorded episode started: what brings the same simulator back to it, bit for bit.

A demonstration says it itself. An online episode of a run started from a seed that follows from the seed of
the run and the number of the episode; that is in the run folder around the bag.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from failurebench.env import FailureBenchEnv, Snapshot
from farl.files import FileError, read_json
from farl.noise import episode_seed
from farl.types import Array
from farl_ros.bag_reader import Bag
from farl_ros.bag_writer import BagError
from farl_ros.run import SETTINGS

SEED, STATE = "reset_seed", "start_state"
"""Keys of a bag's metadata."""


@dataclass(frozen=True)
class Start:
    """Start of an episode in a simulator.

    Attributes:
        seed: Of the reset.
        snapshot: Moment of that episode to go on from; None for its beginning.
    """

    seed: int
    snapshot: Snapshot | None = None

    def apply(self, environment: FailureBenchEnv) -> Array:
        """Bring a simulator there; returns its observation, shape ``(O,)``.

        Raises:
            ValueError: The moment is one of another task.
        """
        observation, _ = environment.reset(seed=self.seed)
        return observation if self.snapshot is None else environment.restore(self.snapshot)


def start_of(bag: Bag, episode: int) -> Start | None:
    """The start of the episode in a bag; None where nothing says it.

    Args:
        bag: The bag.
        episode: Number of its episode.

    Raises:
        BagError: What says it is damaged.
    """
    metadata = bag.metadata
    if SEED in metadata:
        try:
            state = metadata.get(STATE)
            snapshot = None if state is None else _snapshot(json.loads(state))
            return Start(int(metadata[SEED]), snapshot)
        except (KeyError, TypeError, ValueError) as error:
            raise BagError(
                f"{bag.path}: its metadata say the start of the episode wrongly ({error})"
            ) from error
    settings = bag.path.parent.parent / SETTINGS  # <run>/bags/episode_000012
    if not settings.is_file():
        return None
    try:
        seed = int(read_json(settings)["seed"])
    except (FileError, KeyError, TypeError, ValueError):
        return None
    return Start(episode_seed(seed, episode))


def said(start: Start) -> dict[str, str]:
    """The start as metadata of a bag."""
    state = {} if start.snapshot is None else {STATE: json.dumps(_plain(start.snapshot))}
    return {SEED: str(start.seed), **state}


def _plain(snapshot: Snapshot) -> dict[str, Any]:
    """In JSON types; Python writes every float64 so that it comes back bit for bit."""
    return {
        "state": snapshot.state.tolist(),
        "steps": snapshot.steps,
        "success_steps": snapshot.success_steps,
        "failed": snapshot.failed,
        "ended": snapshot.ended,
    }


def _snapshot(plain: Any) -> Snapshot:  # noqa: ANN401 - whatever was in the file
    return Snapshot(
        state=np.array(plain["state"], np.float64),
        steps=int(plain["steps"]),
        success_steps=int(plain["success_steps"]),
        failed=bool(plain["failed"]),
        ended=bool(plain["ended"]),
    )
