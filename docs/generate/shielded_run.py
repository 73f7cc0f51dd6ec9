"""The README's picture: one episode without and with the shield (``python -m docs.generate.shielded_run``).

The same policy, start and exploration noise; the shield only watches in the upper row, and acts in the lower.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from failurebench.pictures import picture_of
from farl.actor import Actor
from farl.noise import episode_seed
from farl.policy import FastPolicy
from farl.presets import Preset, settings_for
from farl.shield import Shield
from farl.types import ActionSource
from farl_ros.environments import make_environment
from farl_ros.paths import share_folder
from farl_ros.plot_style import AMBER, BLUE, GREY, INK, RED
from farl_ros.task_models import load_models_for
from farl_ros.task_spec import load_task

TASK, EPISODE, NOISE = "FrankaFragilePushWall", 4, 0.2
SHOWN = (3, 7, 9, 12, 16, 30)
"""States whose pictures are shown."""
STEPS = 32
WIDTH, HEIGHT = 720, 540
WINDOW = slice(90, 440), slice(140, 620)
"""Rows and columns of a picture in which something happens."""
OUT = Path(__file__).resolve().parents[1] / "images" / "shielded_run.png"


@dataclass
class Life:
    """One episode: risk and threshold, swapped and failing steps, pictures of the states shown."""

    risk: list[float]
    threshold: float
    swapped: list[int]
    failing: list[int]
    pictures: dict[int, NDArray[np.uint8]]


def live(acts: bool) -> Life:
    """Play the episode; ``acts`` tells whether the shield's decisions are executed."""
    spec = load_task(TASK)
    bundle = load_models_for(spec, share_folder() / "models" / TASK)
    policy = FastPolicy.of(bundle.task_policy).with_std(NOISE)
    settings = settings_for(Preset.PAPER, bundle).shield
    recovery = FastPolicy.of(bundle.recovery_policy)
    shield = Shield(settings, policy, recovery, bundle.world_model, bundle.world_model_hash)
    actor = Actor(policy, seed=0, horizon=spec.horizon)
    environment = make_environment(spec, evaluation=True)
    observation, _ = environment.reset(seed=episode_seed(0, EPISODE))
    life = Life([], settings.threshold, [], [], {})
    for step in range(STEPS):
        if step in SHOWN:
            life.pictures[step] = picture_of(environment, WIDTH, HEIGHT)
        proposal = actor.propose(observation, EPISODE, step)
        decision = shield.check(observation, proposal)
        life.risk.append(decision.risk)
        if decision.source is ActionSource.RECOVERY:
            life.swapped.append(step)
        observation, _, _, _, info = environment.step(decision.executed if acts else proposal.values)
        if info["cost"] > 0.0:
            life.failing.append(step)
    return life


def draw(lives: dict[str, Life]) -> Figure:
    """Pictures in two rows, and the predicted risk of both beneath them."""
    figure = Figure(figsize=(12.0, 5.6), layout="constrained", dpi=110)
    grid = figure.add_gridspec(3, len(SHOWN), height_ratios=(1.0, 1.0, 0.9))
    for row, (title, life) in enumerate(lives.items()):
        for column, step in enumerate(SHOWN):
            axes = figure.add_subplot(grid[row, column])
            axes.imshow(life.pictures[step][WINDOW])
            axes.set_xticks([])
            axes.set_yticks([])
            _frame(axes, life, step, acts=row == 1)
            if column == 0:
                axes.set_ylabel(title)
    axes = figure.add_subplot(grid[2, :])
    alone, shielded = lives.values()
    axes.plot(alone.risk, color=GREY, label="without the shield")
    axes.plot(alone.failing, [alone.risk[step] for step in alone.failing], "X", color=RED, label="failure")
    axes.plot(shielded.risk, color=BLUE, label="with the shield")
    swapped = [shielded.risk[step] for step in shielded.swapped]
    axes.plot(shielded.swapped, swapped, "o", color=AMBER, label="recovery action swapped in")
    axes.axhline(shielded.threshold, color=INK, linewidth=1.0, linestyle="--", label="threshold")
    axes.set_xlim(-0.5, STEPS - 0.5)
    axes.set_xlabel("step, 5 a second")
    axes.set_ylabel("predicted risk")
    axes.legend(loc="upper right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _frame(axes: Axes, life: Life, step: int, acts: bool) -> None:
    """A red frame from the first failure on, an amber one where the recovery policy has just acted."""
    failed = any(failing < step for failing in life.failing)
    rescued = acts and step - 1 in life.swapped
    colour, note = (RED, "failed") if failed else (AMBER, "recovered") if rescued else (GREY, "")
    axes.set_title(
        f"step {step}{f': {note}' if note else ''}", color=INK if colour == GREY else colour, fontsize=10
    )
    axes.spines[:].set(color=colour, linewidth=3.0 if note else 1.0)


def main() -> None:
    """Play both, and write the picture."""
    os.environ.setdefault("MUJOCO_GL", "egl")  # MuJoCo chooses how to render when it is imported
    with rc_context({"font.size": 10, "text.color": INK, "axes.labelcolor": INK}):
        draw({"policy alone": live(acts=False), "under the shield": live(acts=True)}).savefig(OUT)
    print(OUT)


if __name__ == "__main__":
    main()
