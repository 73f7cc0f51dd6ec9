"""Models and the task that they were made for: what a calibration is bound to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from farl.models import ModelBundle, ModelError, load_models
from farl_ros.calibration_file import with_calibration
from farl_ros.task_spec import TaskSpec

BINDING = ("observation", "action", "control_rate_hz", "action_repeat", "failure", "shield")
"""Keys of a task that the models and their threshold were made for."""


def task_of_models(spec: TaskSpec) -> dict[str, Any]:
    """What a model card keeps of its task."""
    resolved = spec.resolved()
    return {key: resolved[key] for key in BINDING}


def load_models_for(spec: TaskSpec, folder: Path, calibrated: bool = True) -> ModelBundle:
    """Load models that were made for this task as it is now, with the threshold of a calibration beside them.

    Args:
        spec: The task.
        folder: The models.
        calibrated: False to leave a calibration aside and take what the model card says.

    Raises:
        ModelError: They cannot be read, the task has changed since in something that they depend on, or the
            calibration does not match.
    """
    bundle = load_models(folder, spec.name)
    policy = bundle.task_policy
    sizes = (policy.normalizer.mean.numel(), policy.log_std.numel())
    if sizes != (spec.observation_size, spec.action_size):
        raise ModelError(
            f"{folder}: models for {sizes[0]} observations and {sizes[1]} actions, but {spec.name} has "
            f"{spec.observation_size} and {spec.action_size}; train again (farl offline)"
        )
    made_for = bundle.card.get("task_spec")
    if made_for is not None:  # else made by hand, not by the offline phase
        for key, now in task_of_models(spec).items():
            if made_for.get(key) != now:
                raise ModelError(
                    f"{folder}: made for {spec.name} with {key} {json.dumps(made_for.get(key))}, now it is "
                    f"{json.dumps(now)}; the shield would foretell something else: train again (farl offline)"
                )
    return with_calibration(bundle, folder, spec.name, task_of_models(spec)) if calibrated else bundle
