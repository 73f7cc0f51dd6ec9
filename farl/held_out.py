"""Which demonstrations are kept from training, and what must not be trained on because of that."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from farl.datasets import DatasetError, Episode


def split(episodes: Sequence[Episode], held_out: float, seed: int) -> tuple[list[Episode], list[Episode]]:
    """Split failure demonstrations by whole episodes into (training, held-out) by seed.

    Both sides hold failing episodes, and the held-out side clean ones too: false alarms are counted on those.

    Raises:
        DatasetError: There are too few of one kind for that.
    """
    failing = sum(e.failed for e in episodes)
    clean = len(episodes) - failing
    if failing < 2 or clean < 1:
        raise DatasetError(
            f"{failing} failure demonstrations contain a failure and {clean} do not; choosing the threshold "
            "needs at least 2 and 1: record more, some of which end well"
        )
    generator = np.random.default_rng([seed, len(episodes)])
    count = min(max(2, round(len(episodes) * held_out)), len(episodes) - 1)
    while True:  # a drawing that leaves one side without its kinds is repeated
        held = set(generator.permutation(len(episodes))[:count].tolist())
        failing_held = sum(episodes[i].failed for i in held)
        if 0 < failing_held < min(failing, count):
            return [e for i, e in enumerate(episodes) if i not in held], [episodes[i] for i in sorted(held)]


def starting_elsewhere(episodes: Sequence[Episode], held_out: Sequence[Episode]) -> list[Episode]:
    """Those of ``episodes`` that do not start in a state of a held-out failing episode.

    Recovery demonstrations are taken back to moments before a failure. Made with the seed of the failure
    demonstrations, they start inside of these very episodes, held-out ones included: a world model trained on
    them has seen states that its quality is counted on. A state that a held-out episode itself starts in
    does not count: without jitter all episodes of a task start there.
    """
    seen = {row.tobytes() for e in held_out if e.failed for row in e.observations[1:]}
    return [e for e in episodes if e.observations[0].tobytes() not in seen]
