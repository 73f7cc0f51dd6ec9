"""A folder of trained models: four safetensors files and one JSON card that binds them together by hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from farl.files import Arrays, FileError, read_arrays, read_json, write_arrays, write_json
from farl.policy import FastPolicy, GaussianPolicy, ValueFunction
from farl.world_model import WorldModel, WorldModelSize

CARD = "card.json"
FORMAT = 1


class ModelError(ValueError):
    """A folder of models cannot be used; the message says which file and why."""


@dataclass(frozen=True)
class ModelBundle:
    """Everything that fine-tuning starts from.

    Attributes:
        task_policy: π_task after the offline phase.
        value: V of the task policy, in scaled reward units.
        recovery_policy: π_rec; frozen.
        world_model: Frozen.
        horizon: H that the threshold was chosen for.
        risk_gamma: γ_risk that the threshold was chosen for.
        threshold: ε_safe for the plain discounted sum.
        reward_scale: Factor between environment reward and the value's units.
        card: What the models say of themselves: task, data, seeds, metrics, licence.
        world_model_hash: SHA-256 of the world model's file; empty until saved.
        calibration_hash: SHA-256 of the calibration file that horizon, discount and threshold are from; empty
            where they are those of the card.
    """

    task_policy: GaussianPolicy
    value: ValueFunction
    recovery_policy: GaussianPolicy
    world_model: WorldModel
    horizon: int
    risk_gamma: float
    threshold: float
    reward_scale: float
    card: Mapping[str, Any] = field(default_factory=dict)
    world_model_hash: str = ""
    calibration_hash: str = ""


def arrays_of(module: nn.Module) -> Arrays:
    """State dict of a module as NumPy arrays."""
    return {k: v.detach().cpu().numpy() for k, v in module.state_dict().items()}


def fill(module: nn.Module, arrays: Arrays, source: Path) -> None:
    """Put arrays into a module.

    Raises:
        ModelError: Names or shapes do not fit.
    """
    try:
        module.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})
    except RuntimeError as error:
        raise ModelError(
            f"{source}: does not fit a {type(module).__name__} of these sizes: {error}"
        ) from error


def save_models(bundle: ModelBundle, folder: Path) -> str:
    """Write a bundle, the card last: a folder with a card is whole. Returns the world model's hash."""
    modules: dict[str, nn.Module] = {
        "task_policy": bundle.task_policy,
        "value": bundle.value,
        "recovery_policy": bundle.recovery_policy,
        "world_model": bundle.world_model,
    }
    hashes = {name: write_arrays(folder / f"{name}.safetensors", arrays_of(m)) for name, m in modules.items()}
    size = bundle.world_model.size
    write_json(
        folder / CARD,
        {
            **bundle.card,
            "format": FORMAT,
            "sha256": hashes,
            "sizes": {
                "observation": bundle.task_policy.normalizer.mean.numel(),
                "action": bundle.task_policy.log_std.numel(),
                "policy_hidden": bundle.task_policy.body[0].out_features,
                "value_hidden": bundle.value.body[0].out_features,
                "latent": size.latent,
                "hidden": size.hidden,
                "bins": size.bins,
                "value_range": size.value_range,
            },
            "shield": {"horizon": bundle.horizon, "gamma": bundle.risk_gamma, "threshold": bundle.threshold},
            "reward_scale": bundle.reward_scale,
        },
    )
    return hashes["world_model"]


def load_models(folder: Path, task: str | None = None) -> ModelBundle:
    """Read and verify a folder of models.

    Args:
        folder: Where ``save_models`` wrote it.
        task: The task that they must be for; None to take any.

    Raises:
        ModelError: Something is missing, damaged, of another format or for another task.
    """
    try:
        card = read_json(folder / CARD)
        if card.get("format") != FORMAT:
            raise ModelError(
                f"{folder / CARD}: format {card.get('format')}, this version reads format {FORMAT}"
            )
        if task is not None and card.get("task") != task:
            raise ModelError(f"{folder}: models for task {card.get('task')!r}, expected {task!r}")
        sizes, hashes, shield = card["sizes"], card["sha256"], card["shield"]
        observation, action = sizes["observation"], sizes["action"]
        bundle = ModelBundle(
            GaussianPolicy(observation, action, sizes["policy_hidden"]),
            ValueFunction(observation, sizes["value_hidden"]),
            GaussianPolicy(observation, action, sizes["policy_hidden"]),
            WorldModel(
                observation,
                action,
                WorldModelSize(sizes["latent"], sizes["hidden"], sizes["bins"], sizes["value_range"]),
            ).eval(),
            int(shield["horizon"]),
            float(shield["gamma"]),
            float(shield["threshold"]),
            float(card["reward_scale"]),
            card,
            hashes["world_model"],
        )
        for name in ("task_policy", "value", "recovery_policy", "world_model"):
            path = folder / f"{name}.safetensors"
            fill(getattr(bundle, name), read_arrays(path, hashes[name]), path)
    except FileError as error:
        raise ModelError(str(error)) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{folder / CARD}: incomplete model card ({error!r})") from error
    return bundle


def save_policy(policy: GaussianPolicy, path: Path) -> str:
    """Write one policy version; returns its SHA-256."""
    return write_arrays(path, arrays_of(policy))


def load_policy(path: Path, sha256: str) -> FastPolicy:
    """Read and verify one policy version.

    Raises:
        ModelError: It is missing, damaged, has another hash, or is no policy.
    """
    try:
        arrays = read_arrays(path, sha256)
    except FileError as error:
        raise ModelError(str(error)) from error
    missing = {"normalizer.mean", "normalizer.inverse_std", "log_std", "body.0.weight"} - arrays.keys()
    if missing:
        raise ModelError(f"{path}: not a policy, {sorted(missing)} missing")
    if not all(np.isfinite(value).all() for value in arrays.values()):
        raise ModelError(f"{path}: holds weights that are not finite")
    return FastPolicy(arrays)
