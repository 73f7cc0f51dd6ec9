"""A calibration beside the models: a threshold with a guarantee, bound to models, task and data by hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from farl.calibration import Quality
from farl.conformal import CONFIDENCE, ConformalThreshold
from farl.files import FileError, read_json, write_json
from farl.models import ModelBundle, ModelError
from farl.selection import CARD_KEY, Choice

CALIBRATION = "calibration.json"
FORMAT = 1
_SEAL = "content_sha256"


@dataclass(frozen=True)
class Calibration:
    """What a calibration file holds.

    Attributes:
        format: Version of this layout.
        guarantee: What is promised, in words.
        task: Name of the task.
        task_spec: What of the task the threshold depends on.
        models_sha256: The models, by file.
        data_sha256: The failing episodes that the threshold was set on.
        data: Each of them, as ``farl.datasets.digests`` tells them apart.
        fresh: Whether none of them served to choose H and γ_risk; None where the models do not say.
        horizon: H [agent steps].
        gamma: γ_risk.
        conformal: Threshold, and bounds on the miss rate.
        figures: What the threshold does on all held-out episodes.
        clean: Held-out episodes without a failure: those that false alarms are counted on.
        made_by: Versions and command line.
    """

    format: int
    guarantee: str
    task: str
    task_spec: dict[str, Any]
    models_sha256: dict[str, str]
    data_sha256: str
    data: tuple[str, ...]
    fresh: bool | None
    horizon: int
    gamma: float
    conformal: ConformalThreshold
    figures: Quality
    clean: int
    made_by: dict[str, str]

    @property
    def threshold(self) -> float:
        """ε_safe."""
        return self.conformal.threshold


def guarantee(conformal: ConformalThreshold, figures: Quality, fresh: bool | None) -> str:
    """What a threshold promises, and of what: one paragraph for the file, the console and the report."""
    of_choice = {
        True: "H and discount were chosen on other episodes.",
        False: "H and discount were chosen on some of these episodes: strictly, the bound needs episodes "
        "that did not serve for that (--fresh).",
        None: "The models do not say which episodes H and discount were chosen on: strictly, the bound needs "
        "others.",
    }
    return (
        f"Of new failing episodes that come about as the {conformal.failures} of this calibration did (same "
        f"task policy and noise, nobody intervening), at most {conformal.miss_rate:.2%} are missed: not "
        f"flagged between {figures.window} and {figures.lead} steps before the failure. That is on average "
        f"over such calibrations; in {CONFIDENCE:.0%} of them it is at most {conformal.miss_rate_sure:.2%}. "
        f"{of_choice[fresh]}"
    )


def write_calibration(calibration: Calibration, folder: Path) -> Path:
    """Write ``calibration.json`` into a folder of models, and return its path."""
    content = json.loads(json.dumps(asdict(calibration)))
    write_json(folder / CALIBRATION, {**content, _SEAL: _seal(content)})
    return folder / CALIBRATION


def read_calibration(path: Path) -> Calibration:
    """Read a calibration.

    Raises:
        ModelError: It cannot be read, is not whole, was changed by hand, or has another format.
    """
    try:
        content = read_json(path)
    except FileError as error:
        raise ModelError(f"{error}; {_AGAIN}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise ModelError(f"{path}: format {found}, this version reads format {FORMAT}; {_AGAIN}")
    seal = content.pop(_SEAL, None)
    if seal != _seal(content):
        raise ModelError(
            f"{path}: its content has another SHA-256 than it says: it was changed or damaged; {_AGAIN}"
        )
    try:
        return TypeAdapter(Calibration).validate_python(content)
    except ValidationError as error:
        raise ModelError(f"{path}: not a whole calibration ({error}); {_AGAIN}") from error


def with_calibration(
    bundle: ModelBundle, folder: Path, task: str, task_spec: Mapping[str, Any]
) -> ModelBundle:
    """The models with H, discount and threshold of the calibration beside them; as they are if there is none.

    Args:
        bundle: The models in the folder.
        folder: Where they lie.
        task: Name of the task that they shall serve.
        task_spec: What a calibration depends on of that task, as it is now.

    Raises:
        ModelError: There is a calibration, but it is damaged, or of other models or another task.
    """
    path = folder / CALIBRATION
    if not path.exists():
        return bundle
    calibration = read_calibration(path)
    if calibration.task != task:
        raise ModelError(f"{path}: made for task {calibration.task!r}, expected {task!r}; {_AGAIN}")
    for key, now in task_spec.items():
        if calibration.task_spec.get(key) != now:
            then = json.dumps(calibration.task_spec.get(key))
            raise ModelError(
                f"{path}: made when {key} of {task} was {then}, now it is {json.dumps(now)}; {_AGAIN}"
            )
    hashes: Mapping[str, str] = bundle.card["sha256"]
    other = sorted(name for name, sha256 in hashes.items() if calibration.models_sha256.get(name) != sha256)
    if other:
        raise ModelError(f"{path}: made for other models ({', '.join(other)} differ); {_AGAIN}")
    return replace(
        bundle,
        horizon=calibration.horizon,
        risk_gamma=calibration.gamma,
        threshold=calibration.threshold,
        calibration_hash=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def require_calibrated(bundle: ModelBundle, folder: Path) -> None:
    """Let no shield go online whose threshold nobody has chosen on held-out demonstrations.

    Either a calibration file says it, or the model card: the offline phase chooses H, discount and threshold
    on demonstrations that it does not train on, and the card holds the models' hashes beside that choice.

    Args:
        bundle: From ``with_calibration``.
        folder: Where it comes from.

    Raises:
        ModelError: Neither does.
    """
    if bundle.calibration_hash:
        return
    to_do = "calibrate them (farl calibrate), or insist with --uncalibrated"
    if CARD_KEY not in bundle.card:
        raise ModelError(
            f"{folder}: no calibration: there is no {CALIBRATION}, and the model card does not say how its "
            f"threshold {bundle.threshold:g} was chosen; {to_do}"
        )
    choice = Choice.of_card(bundle.card)
    chosen = (choice.horizon, choice.gamma, choice.threshold)
    used = (bundle.horizon, bundle.risk_gamma, bundle.threshold)
    if chosen != used:
        raise ModelError(
            f"{folder}: the model card's shield has H, discount and threshold {used}, but {chosen} were "
            f"chosen on held-out demonstrations: it was changed by hand; {to_do}"
        )


_AGAIN = "calibrate again (farl calibrate), or remove the file to go by the model card"


def _seal(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
