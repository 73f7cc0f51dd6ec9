"""Fine-tuning through the ROS graph: all nodes in this process, in lock-step."""

from __future__ import annotations

from rclpy.logging import LoggingSeverity, set_logger_level

from farl_ros.composed import INTERRUPTED, Composed
from farl_ros.graph import GraphError, finetune_graph
from farl_ros.job import Job
from farl_ros.nodes.finetuner import Finetuner
from farl_ros.run import RunFolder
from farl_ros.view import FinetuneView


def run_through_graph(job: Job, task: str, record: bool, view: FinetuneView) -> RunFolder:
    """Run a job to its end.

    The graph is seen by no other process, so that any number of runs can go on side by side on one machine.

    Args:
        job: The job.
        task: Task name or file, as the nodes take it.
        record: Whether to write a bag per episode.
        view: Shows the figures.

    Raises:
        GraphError: A node gave up; the message says why.
        KeyboardInterrupt: SIGINT or SIGTERM came; a checkpoint is saved.
    """
    limit = job.limit
    specs = finetune_graph(
        task,
        job.preset.value,
        str(job.models),
        str(job.run),
        job.seed,
        0 if limit.steps is None else limit.steps,
        0 if limit.episodes is None else limit.episodes,
        record=record,
        resume=job.resume,
    )
    for spec in specs:  # the view shows how it goes; what is wrong is still said
        set_logger_level(spec.name, LoggingSeverity.WARN)
    with Composed(specs, isolated=True) as graph:
        finetuner = graph.nodes["finetuner"]
        assert isinstance(finetuner, Finetuner)

        def show() -> None:
            if finetuner.loop is not None:
                view.show(finetuner.loop.run.summary, finetuner.loop.learner.policy_version)

        finetuner.on_episode = show
        code = graph.run()
        message = finetuner.message
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code != 0:
        raise GraphError(message or f"the graph ended with code {code}")
    return RunFolder.open(job.run)
