"""What the nodes with models share: the parameters that name them, and new policy versions, verified."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from farl_interfaces.srv import LoadModels
from rclpy.context import Context

from farl.models import ModelBundle, ModelError, load_policy
from farl.policy import FastPolicy
from farl.presets import Preset
from farl_ros.nodes.common import FarlNode, NodeError
from farl_ros.paths import share_folder
from farl_ros.task_models import load_models_for
from farl_ros.task_spec import TaskSpec


class ModelNode(FarlNode):
    """A node that needs models."""

    def __init__(
        self, name: str, arguments: Sequence[str] | None = None, context: Context | None = None
    ) -> None:
        super().__init__(name, arguments, context)
        torch.set_num_threads(1)  # two threads collapse as soon as another process wants the core

    def declare_models_folder(self, spec: TaskSpec) -> Path:
        """Declare ``models``; by default those shipped for the task."""
        given = self.declare("models", "", "folder of offline models; empty for those shipped for the task")
        return Path(given) if given else share_folder() / "models" / spec.name

    def declare_preset(self) -> Preset:
        """Declare ``preset``."""
        name = self.declare("preset", Preset.PAPER.value, f"method: {', '.join(Preset)}")
        if name not in list(Preset):
            raise NodeError(f"parameter 'preset' is {name!r}; expected one of {', '.join(Preset)}")
        return Preset(name)

    def declare_models(self, spec: TaskSpec) -> ModelBundle:
        """Declare ``models`` and load them; by default those shipped for the task."""
        folder = self.declare_models_folder(spec)
        try:
            models = load_models_for(spec, folder)
        except ModelError as error:
            raise NodeError(str(error)) from error
        sizes = (models.task_policy.normalizer.mean.numel(), models.task_policy.log_std.numel())
        if sizes != (spec.observation_size, spec.action_size):
            raise NodeError(
                f"{folder}: models for {sizes[0]} observation entries and {sizes[1]} action dimensions, but "
                f"{spec.name} has {spec.observation_size} and {spec.action_size}: train them again"
            )
        return models


def checked_policy(request: LoadModels.Request, present: FastPolicy) -> FastPolicy:
    """Read the policy that a request names.

    Args:
        request: Path, SHA-256 and version.
        present: The policy in use; the new one must have its sizes.

    Raises:
        ModelError: The file is missing, damaged, has another hash, or is for another task.
    """
    policy = load_policy(Path(request.path), request.sha256)
    sizes = (policy.observation_size, policy.action_size)
    expected = (present.observation_size, present.action_size)
    if sizes != expected:
        raise ModelError(
            f"{request.path}: a policy of (observation, action) sizes {sizes}, expected {expected}"
        )
    return policy
