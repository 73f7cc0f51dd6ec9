"""How fast the simulated tasks are: one agent step against the bare physics in it, and a reset.

    .venv/bin/python -m benchmarks.environments        # writes benchmarks/results/environments.csv and .md

The same contact-rich tape of noisy expert actions is played through the environment and, as bare physics, to
``mj_step`` (ten of them for an agent step; commands prepared beforehand). Process time, best of some passes,
one thread: what others on the machine take away is not ours.
"""

from __future__ import annotations

import csv
import os
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import mujoco
import numpy as np
from numpy.typing import NDArray

from failurebench.env import FailureBenchEnv
from failurebench.kit import kit, task_names
from farl_ros.provenance import versions

RESULTS = Path(__file__).resolve().parent / "results"
STEPS, PASSES, NOISE = 200, 30, 0.2
GOAL = 0.8


@dataclass(frozen=True)
class Row:
    """One task: microseconds for an agent step as bare physics and in the environment, and for a reset."""

    task: str
    raw_us: float
    step_us: float
    reset_us: float

    @property
    def ratio(self) -> float:
        """Speed of the environment as a share of the bare physics'."""
        return self.raw_us / self.step_us


def tape(task: str) -> NDArray[np.float32]:
    """Noisy expert actions (STEPS, A)."""
    environment, expert = kit(task).make(end_on_success=False, horizon=STEPS), kit(task).expert()
    random = np.random.default_rng(0)
    observation, _ = environment.reset(seed=0)
    expert.reset()
    actions = []
    for _ in range(STEPS):
        noise = NOISE * random.standard_normal(environment.action_size)
        actions.append(np.clip(expert(observation) + noise, -1.0, 1.0).astype(np.float32))
        observation, *_ = environment.step(actions[-1])
    return np.array(actions)


def step_time(environment: FailureBenchEnv, actions: NDArray[np.float32]) -> float:
    """Seconds of process time for one agent step in the environment."""
    environment.reset(seed=0)
    begin = time.process_time()
    for action in actions:
        environment.step(action)
    return (time.process_time() - begin) / len(actions)


def commands(environment: FailureBenchEnv, actions: NDArray[np.float32]) -> list[tuple[list[float], ...]]:
    """What MuJoCo is told in each simulator step: place of the hand's anchor, finger controls."""
    data = environment._sawyer.data
    environment.reset(seed=0)
    place, result = data.mocap_pos[0].copy(), []
    for action in np.repeat(actions.astype(float), environment.action_repeat, axis=0):
        place = np.clip(place + 0.01 * action[:3], (-0.5, 0.4, 0.05), (0.5, 1.0, 0.5))
        result.append((place.tolist(), [action[3], -action[3]]))
    return result


def raw_time(environment: FailureBenchEnv, told: list[tuple[list[float], ...]]) -> float:
    """Seconds of process time for the physics of one agent step."""
    model, data = environment._sawyer.model, environment._sawyer.data
    environment.reset(seed=0)
    begin = time.process_time()
    for place, control in told:
        data.mocap_pos[0] = place
        data.ctrl[:] = control
        mujoco.mj_step(model, data, nstep=5)
    return (time.process_time() - begin) / len(told) * environment.action_repeat


def reset_time(environment: FailureBenchEnv) -> float:
    """Seconds of process time for a reset."""
    begin = time.process_time()
    for _ in range(STEPS):
        environment.reset()
    return (time.process_time() - begin) / STEPS


def measure(task: str) -> Row:
    """Measure one task; passes take turns, so that a slow moment of the machine meets all alike."""
    environment, actions = kit(task).make(end_on_success=False, horizon=STEPS), tape(task)
    told = commands(environment, actions)
    raw, step, reset = np.inf, np.inf, np.inf
    for _ in range(PASSES):
        raw = min(raw, raw_time(environment, told))
        step = min(step, step_time(environment, actions))
        reset = min(reset, reset_time(environment))
    return Row(task, 1e6 * raw, 1e6 * step, 1e6 * reset)


def main() -> None:
    """Measure, print and write the table."""
    tasks = [task for task in task_names() if hasattr(kit(task).make(), "_sawyer")]
    rows = [measure(task) for task in sys.argv[1:] or tasks]
    with (RESULTS / "environments.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["task", "raw_us", "step_us", "ratio", "reset_us"])
        writer.writerows(
            [row.task, *(f"{v:.4g}" for v in (row.raw_us, row.step_us, row.ratio, row.reset_us))]
            for row in rows
        )
    lines = ["# Environments", "", "One agent step is two simulator steps, ten physics steps.", ""]
    lines += ["| task | bare physics | environment | speed ratio | reset |", "|---|---|---|---|---|"]
    for row in rows:
        numbers = f"{row.raw_us:.0f} µs | {row.step_us:.0f} µs | {row.ratio:.2f} | {row.reset_us:.0f} µs"
        lines.append(f"| {row.task} | {numbers} |")
    told = ", ".join(f"{name} {version}" for name, version in versions().items())
    command = " ".join(["python", "-m", "benchmarks.environments", *sys.argv[1:]])
    lines += ["", f"Goal for the ratio: {GOAL}.", ""]
    lines += [f"`{command}`; seed 0; {os.cpu_count()} cores, {platform.machine()}; {told}."]
    text = "\n".join(lines) + "\n"
    (RESULTS / "environments.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
