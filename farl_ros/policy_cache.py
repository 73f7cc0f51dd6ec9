"""The task policy beside its demonstrations, for failures and recoveries are made with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from farl.datasets import Episode
from farl.files import FileError, read_arrays, read_json, write_json
from farl.kept_stages import fingerprint
from farl.models import ModelError, fill, save_policy
from farl.offline import OfflineSettings
from farl.policy import GaussianPolicy
from farl.uni_o4.train import OfflinePolicy

WEIGHTS, CARD = "task_policy.safetensors", "task_policy.json"
FORMAT = 1


@dataclass(frozen=True)
class PolicyCache:
    """One policy in a folder, good for one set of demonstrations, settings and seed.

    Attributes:
        folder: Where it lies.
        made_from: What it is made from; a policy made from anything else is not used.
    """

    folder: Path
    made_from: dict[str, Any]

    @classmethod
    def of(
        cls, folder: Path, episodes: Sequence[Episode], settings: OfflineSettings, seed: int
    ) -> PolicyCache:
        """The place of the policy that is made from these."""
        used = {"policy": asdict(settings.policy), "reward_scale": settings.world_model.reward_scale}
        made_from = {
            "demonstrations": fingerprint(episodes),
            "settings": used,
            "seed": seed,
            "format": FORMAT,
        }
        return cls(folder, json.loads(json.dumps(made_from)))

    def load(self, tell: Callable[[str], None]) -> GaussianPolicy | None:
        """The kept policy; None if there is none, or none made from the same.

        Args:
            tell: Called with one line if there is one that cannot be used.
        """
        path = self.folder / WEIGHTS
        if not (self.folder / CARD).is_file():
            return None
        try:
            card = read_json(self.folder / CARD)
            if card["made_from"] != self.made_from:
                tell(f"{path}: made from other demonstrations, settings or seed; made again")
                return None
            arrays = read_arrays(path, card["sha256"])
            hidden, observations = arrays["body.0.weight"].shape
            policy = GaussianPolicy(observations, len(arrays["log_std"]), hidden)
            fill(policy, arrays, path)
        except (FileError, ModelError, KeyError, TypeError) as error:
            tell(f"{path}: cannot be used ({error}); made again")
            return None
        return policy

    def save(self, made: OfflinePolicy) -> None:
        """Keep a policy, the card last: a policy with a card is whole."""
        sha256 = save_policy(made.policy, self.folder / WEIGHTS)
        card = {"made_from": self.made_from, "sha256": sha256, "report": made.report}
        write_json(self.folder / CARD, card)
