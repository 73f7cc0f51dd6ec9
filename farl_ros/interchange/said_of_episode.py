"""What a dataset of ours says of an episode beyond what its format provides for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from farl.types import EpisodeKind
from farl_ros.interchange.errors import InterchangeError
from farl_ros.interchange.outgoing import Outgoing
from farl_ros.interchange.raw import Ours

KEYS = ("kind", "episode", "first_step", "terminated", "truncated", "stamps_ns", "metadata")


def said_of(outgoing: Outgoing) -> dict[str, Any]:
    """Plain values under ``KEYS``."""
    episode = outgoing.episode
    return {
        "kind": episode.kind.name,
        "episode": episode.episode,
        "first_step": outgoing.first_step,
        "terminated": episode.terminated,
        "truncated": episode.truncated,
        "stamps_ns": outgoing.stamps.tolist(),
        "metadata": json.dumps(dict(episode.metadata)),
    }


def ours(values: Mapping[str, Any], where: str) -> Ours:
    """What ``said_of`` said, read back.

    Raises:
        InterchangeError: Something was changed so that it makes no sense.
    """
    try:
        metadata = json.loads(values["metadata"])
        return Ours(
            kind=EpisodeKind[values["kind"]],
            episode=int(values["episode"]),
            first_step=int(values["first_step"]),
            terminated=bool(values["terminated"]),
            truncated=bool(values["truncated"]),
            stamps=np.array(values["stamps_ns"], np.int64),
            metadata={str(key): str(value) for key, value in metadata.items()},
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InterchangeError(
            f"{where}: what farl export wrote of it was changed ({type(error).__name__}: {error}); "
            "export it again, or take the keys out and import it as a foreign dataset"
        ) from error
