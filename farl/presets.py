"""Named sets of settings; every result says which one it shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from farl.experience import SwappedSteps
from farl.models import ModelBundle
from farl.noise import PLAY_ON_EVERY
from farl.risk import RiskForm
from farl.shield import ShieldMode, ShieldSettings


@dataclass(frozen=True)
class PPOSettings:
    """Settings of the online phase; every figure with its reason.

    Attributes:
        rollout_steps: Agent steps per update; episodes are finished before the update.
        epochs: Passes over them.
        minibatch: Steps per gradient step.
        policy_rate: Adam step size of the policy; at twice as much the swapped steps push it about.
        value_rate: Adam step size of the value; ten times the policy's, so that advantages stay honest.
        clip: ε of the clipped ratio.
        gamma: Discount per agent step.
        lam: λ of GAE.
        entropy: Weight of the entropy bonus.
        gradient_norm: Gradients are clipped to this norm; it bounds what one improbable recovery action can
            do.
        value_only_updates: First updates that fit the value and leave the policy alone.
        initial_log_std: log σ of the exploration noise at the start; the offline policy's own is that of its
            data.
        swapped: What swapped steps put into the policy loss.
        play_on_every: Every so many-th episode goes on to the horizon after a held success, so that V knows
            what comes after one; 0 for none. Seven of eight still end there.
    """

    rollout_steps: int = 2048
    epochs: int = 8
    minibatch: int = 256
    policy_rate: float = 5e-5
    value_rate: float = 1e-3
    clip: float = 0.2
    gamma: float = 0.99
    lam: float = 0.95
    entropy: float = 0.0
    gradient_norm: float = 0.5
    value_only_updates: int = 4
    initial_log_std: float = -1.2
    swapped: SwappedSteps = SwappedSteps.EXECUTED
    play_on_every: int = PLAY_ON_EVERY


@dataclass(frozen=True)
class Settings:
    """Everything that a fine-tuning run is set by, beside task, models and seed."""

    preset: str
    ppo: PPOSettings
    shield: ShieldSettings


class Preset(StrEnum):
    """The presets."""

    UNI_O4 = "uni_o4"  # PPO from the offline policy, no shield
    PAPER = "paper"  # FARL as the paper describes it


def settings_for(preset: Preset, models: ModelBundle) -> Settings:
    """Settings of a preset; horizon, discount and threshold are those that the models were calibrated for."""
    shield = ShieldSettings(
        ShieldMode.ON, models.horizon, models.risk_gamma, RiskForm.DISCOUNTED_SUM, models.threshold
    )
    if preset == Preset.UNI_O4:
        shield = replace(shield, mode=ShieldMode.OFF)
    return Settings(preset.value, PPOSettings(), shield)
