"""Finished stages of the offline phase, kept until it is whole: what was cut off goes on from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from torch import nn

from farl.datasets import Episode
from farl.files import FileError, read_arrays, read_json, write_arrays, write_json
from farl.models import ModelError, arrays_of, fill

FORMAT = 1
Net = TypeVar("Net", bound=nn.Module)


@dataclass(frozen=True)
class KeptStages:
    """A folder with a safetensors file and a card per finished stage.

    Attributes:
        folder: Where they lie.
        made_from: What they are made from; a stage made from anything else is not used. Fits into JSON.
        tell: Called with one line for every stage that is taken up, or that cannot be used.
    """

    folder: Path
    made_from: Mapping[str, Any]
    tell: Callable[[str], None]

    def load(self, stage: str, empty: Callable[[], Net]) -> tuple[Net, dict[str, Any]] | None:
        """What a stage has made, and its report; None where it must be made.

        Args:
            stage: Its name.
            empty: Makes a module to fill.
        """
        weights, card_file = self._files(stage)
        if not card_file.is_file():
            return None
        try:
            card = read_json(card_file)
            if card["made_from"] != self._made_from():
                self.tell(f"{weights}: made from other demonstrations, settings, seed or code; made again")
                return None
            module, report = empty(), card["report"]
            fill(module, read_arrays(weights, card["sha256"]), weights)
        except (FileError, ModelError, KeyError, TypeError) as error:
            self.tell(f"{weights}: cannot be used ({error}); made again")
            return None
        self.tell(f"{stage}: finished before, taken up from {weights}")
        return module, report

    def save(self, stage: str, module: nn.Module, report: Mapping[str, Any]) -> None:
        """Keep what a stage has made, the card last: a stage with a card is whole."""
        weights, card_file = self._files(stage)
        sha256 = write_arrays(weights, arrays_of(module))
        write_json(card_file, {"made_from": self._made_from(), "sha256": sha256, "report": dict(report)})

    def _files(self, stage: str) -> tuple[Path, Path]:
        name = stage.replace(" ", "_")
        return self.folder / f"{name}.safetensors", self.folder / f"{name}.json"

    def _made_from(self) -> Any:  # noqa: ANN401 - as JSON gives it back
        return json.loads(json.dumps({**self.made_from, "format": FORMAT}))


def fingerprint(episodes: Sequence[Episode]) -> str:
    """SHA-256 of everything in episodes that is learnt from, in their order."""
    digest = hashlib.sha256()
    for e in episodes:
        for array in (e.observations, e.actions, e.rewards, e.costs):
            digest.update(np.ascontiguousarray(array, "<f4").tobytes())
        digest.update(bytes((e.terminated, e.truncated, e.success)))
    return digest.hexdigest()
