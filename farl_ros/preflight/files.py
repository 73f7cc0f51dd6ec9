"""The files that a run depends on: calibration and models."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from farl.models import ModelError
from farl_ros.calibration_file import require_calibrated
from farl_ros.preflight.outcome import Check, Outcome
from farl_ros.task_models import load_models_for
from farl_ros.task_spec import TaskSpec

AGEING, TOO_OLD = timedelta(days=7), timedelta(days=30)
"""Age of a calibration from which to warn, and to refuse it: somebody will have bumped the camera."""
CLOCK_SKEW = timedelta(hours=1)
"""A calibration from farther in the future was not made when it says."""
SHOWN = 12
"""Characters of a hash that are shown; the JSON file has the same."""


@dataclass(frozen=True, slots=True)
class CalibrationFacts:
    """A calibration file.

    Attributes:
        made: When; None if that cannot be read.
        sha256: Of the file.
        error: Why it cannot be read.
    """

    made: datetime | None
    sha256: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A folder of models.

    Attributes:
        sha256: Of the world model, as card and file say; empty if they cannot be used.
        error: Why they cannot be used for the task.
    """

    sha256: str
    error: str = ""


def probe_calibration(path: Path | None) -> CalibrationFacts:
    """Read what `farl perception calibrate` wrote, as a run would; its age is judged later."""
    from perception.calibration.file import load_calibration  # OpenCV; most commands do not need it
    from perception.calibration.hand_eye import CalibrationError

    if path is None:
        return CalibrationFacts(None, error="no file given")
    try:
        found = load_calibration(path, datetime.now(UTC), timedelta.max)
    except CalibrationError as error:
        return CalibrationFacts(None, error=str(error))
    return CalibrationFacts(found.created, hashlib.sha256(path.read_bytes()).hexdigest())


def check_calibration(facts: CalibrationFacts, now: datetime) -> Check:
    """Where the camera stands must be known, and known lately."""
    again = "farl perception calibrate, and give the file with --calibration"
    if facts.made is None:
        return Check("calibration", Outcome.FAIL, facts.error, again)
    age = now - facts.made
    found = f"{age / timedelta(days=1):.1f} days old, sha256 {facts.sha256[:SHOWN]}"
    if age < -CLOCK_SKEW:
        return Check("calibration", Outcome.FAIL, f"made in the future, {facts.made:%Y-%m-%d %H:%M}", again)
    if age > TOO_OLD:
        return Check("calibration", Outcome.FAIL, f"{found}; older than {TOO_OLD.days} days", again)
    if age > AGEING:
        return Check("calibration", Outcome.WARN, found, again)
    return Check("calibration", Outcome.PASS, found)


def probe_models(spec: TaskSpec, folder: Path) -> ModelFacts:
    """Load the models as a run would: hashes against the card, card against the task, and calibrated."""
    try:
        bundle = load_models_for(spec, folder)
        require_calibrated(bundle, folder)
    except ModelError as error:
        return ModelFacts("", str(error))
    return ModelFacts(bundle.world_model_hash)


def check_models(facts: ModelFacts, spec: TaskSpec) -> Check:
    """The models must be whole, and made for this task as it is now."""
    if facts.error:
        to_do = f"make them: farl offline {spec.name} --bags DIR --out RUN; or give others with --models"
        return Check("models", Outcome.FAIL, facts.error, to_do)
    return Check("models", Outcome.PASS, f"made for {spec.name}, world model sha256 {facts.sha256[:SHOWN]}")
