"""Replays that need neither ROS nor a robot: what ``farl replay`` and the node ``replay`` both do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from farl.policy import FastPolicy
from farl.presets import Preset, settings_for
from farl.shield import Shield
from farl_ros.replay.into_shield import OnDecision, WhatIf, replay_into_shield
from farl_ros.replay.into_sim import OnStep, SimReplay, replay_into_sim
from farl_ros.replay.pace import Pace
from farl_ros.replay.recorded import Recorded
from farl_ros.replay.results import write_divergence, write_what_if
from farl_ros.task_models import load_models_for
from farl_ros.task_spec import TaskSpec


@dataclass(frozen=True)
class Asked:
    """What is asked of a replay.

    Attributes:
        out: Folder for what it leaves.
        from_step: Number of the first step; None for that of the bag.
        to_step: Number of the last step; None for that of the bag.
        speed: 1.0 as recorded; 0.0 as fast as possible.
    """

    out: Path
    from_step: int | None = None
    to_step: int | None = None
    speed: float = 0.0


def sim_replay(recorded: Recorded, asked: Asked, on_step: OnStep, seed: int | None = None) -> SimReplay:
    """Replay into the simulator and write down how far it diverges.

    Raises:
        BagError, TaskError, PaceError: It cannot be done; the message says why.
    """
    window = recorded.window(asked.from_step, asked.to_step)
    result = replay_into_sim(recorded, window, Pace(asked.speed), on_step, seed)
    summary = {
        "bag": str(recorded.path),
        "task": recorded.spec.name,
        "episode": recorded.episode,
        "bit_exact": result.divergence.same,
        "divergence_mean_m": result.divergence.mean,
        "divergence_max_m": result.divergence.greatest,
        "failing_steps_then": result.failing_then,
        "failing_steps_now": result.failing_now,
    }
    write_divergence(result.divergence, summary, asked.out)
    return result


def shield_replay(
    recorded: Recorded, asked: Asked, models: Path, preset: Preset, on_decision: OnDecision
) -> WhatIf:
    """Replay into a shield and write down what it decides.

    Args:
        recorded: The episode.
        asked: Which steps, how fast, where to.
        models: Folder of offline models.
        preset: The method whose shield it is.
        on_decision: Called with each decision.

    Raises:
        BagError, PaceError, ModelError: It cannot be done; the message says why.
    """
    window = recorded.window(asked.from_step, asked.to_step)
    shield = shield_from(recorded.spec, models, preset)
    result = replay_into_shield(recorded, window, shield, Pace(asked.speed), on_decision)
    summary = {
        "bag": str(recorded.path),
        "task": recorded.spec.name,
        "episode": recorded.episode,
        "models": str(models),
        "decisions_changed": int(result.changed.sum()),
    }
    write_what_if(result, summary, asked.out)
    return result


def shield_from(spec: TaskSpec, models: Path, preset: Preset) -> Shield:
    """The shield of a folder of models.

    Raises:
        ModelError: They cannot be used for the task.
    """
    bundle = load_models_for(spec, models)
    return Shield(
        settings_for(preset, bundle).shield,
        FastPolicy.of(bundle.task_policy),
        FastPolicy.of(bundle.recovery_policy),
        bundle.world_model,
        bundle.world_model_hash,
    )
