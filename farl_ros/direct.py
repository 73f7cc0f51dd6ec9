"""Fine-tuning without ROS: the same job, the same numbers, environments in a plain loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from farl.finetuning import finetune
from farl.learner import UpdateStats
from farl.rollout import FinishedEpisode
from farl_ros.checkpoints import save_checkpoint
from farl_ros.environments import make_environment
from farl_ros.job import Job
from farl_ros.run import RunFolder
from farl_ros.view import FinetuneView


def run_direct(job: Job, environments: int, view: FinetuneView, command: Sequence[str]) -> RunFolder:
    """Run a job to its end; a checkpoint is saved after every update.

    Stopped at any moment (Ctrl-C, kill -9, power), a resumed run goes on from the newest checkpoint and makes
    the same numbers again that an uninterrupted run would have made.

    Args:
        job: The job.
        environments: How many side by side; the numbers depend on it.
        view: Shows the figures.
        command: The command line, for the run folder.
    """
    job = replace(job, environments=environments)
    run, learner = job.begin(command)
    actor = job.actor(learner)

    def on_episode(episode: FinishedEpisode) -> None:
        run.add_episode(episode.transitions, episode.decisions)
        view.show(run.summary, learner.policy_version)

    def on_update(stats: UpdateStats) -> None:
        run.add_update(asdict(stats))
        save_checkpoint(learner, run.checkpoints)

    with run:
        finetune(
            [make_environment(job.spec) for _ in range(environments)],
            learner,
            actor,
            job.shield(actor.policy),
            job.seed,
            job.limit,
            on_episode,
            on_update,
        )
        save_checkpoint(learner, run.checkpoints)
    return run
