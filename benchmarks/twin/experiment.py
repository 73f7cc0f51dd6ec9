"""One run of the robot experiment: fifty episodes through the graph, and the policy before and after."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.protocol.identity import Identity, bound_to, resumable, shipped_job
from benchmarks.protocol.sizes import ROOT, Cell
from benchmarks.protocol.tables import CellRow
from farl.actor import Actor
from farl.evaluation import Evaluation, evaluate
from farl.finetuning import Limit
from farl.learner import Learner
from farl.policy import FastPolicy
from farl.rollout import Environment
from farl.shield import Shield, ShieldMode
from farl_ros.bags import read_folder
from farl_ros.checkpoints import newest_checkpoint
from farl_ros.environments import make_environment
from farl_ros.job import Job
from farl_ros.run import RunError
from farl_ros.run_metrics import RunMetrics

TASKS = ("FrankaFragilePushWall", "FrankaDisturbedPush", "FrankaBoundedSoccer")
SEEDS = (0, 1, 2, 3, 4)
EPISODES = 50
"""Online episodes of a run, as in the paper."""
JUDGED = 40
"""Episodes in which a policy is judged: they differ by where the objects stand and by what disturbs."""
_SEED = 1_000_000  # evaluations meet other scenes than the runs did
_LOG_LINES = 15


class ExperimentError(RuntimeError):
    """A run failed; the message holds the end of its log."""


@dataclass(frozen=True)
class TwinRow(CellRow):
    """One run.

    Attributes:
        episodes: Online episodes.
        steps: Agent steps of 0.2 s.
        failing_steps: State-action pairs in the failure set, what the paper's Fig. 7 counts.
        failing_episodes: Episodes with at least one.
        success_rate: Share of the episodes that ended in success.
        recovery_share: Share of the steps in which the recovery policy acted.
        return_before: Offline policy alone, mean action, whole horizon: mean over episodes.
        return_before_sd: Standard deviation over the same episodes.
        return_after: The same after the fifty episodes.
        return_after_sd: Standard deviation over the same episodes.
        failures_before: Share of the episodes of ``return_before`` with a failure.
        failures_after: Share of the episodes of ``return_after`` with a failure.
        steps_per_second: Through the graph, in lock-step.
        model_hash: Hash of the world model.
        settings_sha: Hash of task, models, settings and number of episodes.
    """

    episodes: int
    steps: int
    failing_steps: int
    failing_episodes: int
    success_rate: float
    recovery_share: float
    return_before: float
    return_before_sd: float
    return_after: float
    return_after_sd: float
    failures_before: float
    failures_after: float
    steps_per_second: float
    model_hash: str
    settings_sha: str


def job_of(cell: Cell, folder: Path) -> Job:
    """The job that a cell is.

    Raises:
        TaskError: There is no such task.
        ModelError: Its models are missing or do not fit.
    """
    return shipped_job(cell, folder, Limit(episodes=EPISODES))


def identity_of(cell: Cell) -> Identity:
    """What a cell would be made with now; raises as ``job_of``."""
    return bound_to(json.loads(json.dumps(job_of(cell, Path()).recorded())), episodes=EPISODES)


def command_of(cell: Cell, folder: Path, resume: bool) -> list[str]:
    """The command line of a run, for ``sys.executable``."""
    command = ["-m", "farl_ros.cli", "finetune", cell.task, "--preset", cell.preset.value]
    command += ["--seed", str(cell.seed), "--episodes", str(EPISODES), "--out", str(folder)]
    return [*command, "--resume"] if resume else command


def run(cell: Cell, folder: Path) -> None:
    """Make the run, or go on with it, through the ROS graph in lock-step.

    Raises:
        ExperimentError: It failed.
    """
    if folder.exists() and not resumable(folder, identity_of(cell)):
        raise ExperimentError(f"{folder}: begun with other models, task or settings; move it away")
    command = command_of(cell, folder, resume=folder.exists())
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(f"{folder.name}.log")
    with log.open("ab") as output:
        code = subprocess.call([sys.executable, *command], cwd=ROOT, stdout=output, stderr=output)
    if code != 0:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
        raise ExperimentError(f"{shlex.join(command)}\nended with code {code}; the end of {log}:\n{last}")


def judge(cell: Cell, folder: Path) -> TwinRow:
    """The figures of a finished run.

    Raises:
        RunError: It is not finished, or bags of it are missing.
    """
    job, identity = job_of(cell, folder), identity_of(cell)
    figures = RunMetrics(folder / "metrics").summary()
    checkpoint = newest_checkpoint(folder / "checkpoints")
    if checkpoint is None or figures["episodes"] < EPISODES:
        raise RunError(f"{folder}: {figures['episodes']} of {EPISODES} episodes; run it to its end first")
    recorded = read_folder(folder / "bags", job.spec).demos.episodes
    if len(recorded) != figures["episodes"]:
        raise RunError(
            f"{folder}/bags: {len(recorded)} episodes can be read, but the run had {figures['episodes']}; "
            "failing steps are counted in the bags: make the run again"
        )
    learner = Learner(job.bundle, job.settings.ppo, cell.seed)
    before = _returns(job, learner.fast_policy())
    learner.load(checkpoint)
    after = _returns(job, learner.fast_policy())
    return TwinRow(
        task=cell.task,
        preset=cell.preset.value,
        seed=cell.seed,
        episodes=figures["episodes"],
        steps=figures["steps"],
        failing_steps=sum(int((episode.costs > 0.0).sum()) for episode in recorded),
        failing_episodes=figures["failures"],
        success_rate=figures["success_rate"],
        recovery_share=figures["recovery_share"],
        return_before=before[0],
        return_before_sd=before[1],
        return_after=after[0],
        return_after_sd=after[1],
        failures_before=before[2],
        failures_after=after[2],
        steps_per_second=figures["steps_per_second"],
        model_hash=identity.model_hash,
        settings_sha=identity.settings_sha,
    )


def _returns(job: Job, policy: FastPolicy) -> tuple[float, float, float]:
    """Mean and standard deviation of the return, and share of failing episodes, of a policy alone."""
    result = alone(job, policy, make_environment(job.spec, evaluation=True), JUDGED)
    return result.mean_return, result.std_return, result.failure_rate


def alone(job: Job, policy: FastPolicy, environment: Environment, episodes: int) -> Evaluation:
    """Judge a policy's mean action, without the shield, in scenes that the runs never meet."""
    actor = Actor(policy, _SEED, job.spec.horizon, deterministic=True)
    off = replace(job.settings.shield, mode=ShieldMode.OFF)
    recovery = FastPolicy.of(job.bundle.recovery_policy)
    shield = Shield(off, policy, recovery, job.bundle.world_model, job.bundle.world_model_hash)
    return evaluate([environment], actor, shield, episodes, _SEED)
