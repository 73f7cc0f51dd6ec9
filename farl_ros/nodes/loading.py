"""New policy versions, verified before they replace anything."""

from __future__ import annotations

from pathlib import Path

from farl_interfaces.srv import LoadModels

from farl.models import ModelError, load_policy
from farl.policy import FastPolicy


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
        raise ModelError(f"{request.path}: a policy of (observation, action) sizes {sizes}, expected {expected}")
    return policy
