"""Fine-tuning through the ROS graph: in simulation all nodes in this process, on a robot each in its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rclpy.logging import LoggingSeverity, set_logger_level

from farl_ros.composed import INTERRUPTED, Composed
from farl_ros.graph import GraphError, NodeSpec, Part, finetune_graph
from farl_ros.job import Job
from farl_ros.nodes.finetuner import Finetuner
from farl_ros.processes import run_processes
from farl_ros.run import RunFolder
from farl_ros.view import FinetuneView

SIGNALLED = (INTERRUPTED, 143)


@dataclass(frozen=True)
class Place:
    """Where a job runs; see ``farl_ros.graph.FINETUNE_ARGUMENTS``.

    Attributes:
        robot: Robot name or file; None for the simulator.
        host: Address of the robot.
        backend: The arm; empty for the usual one.
        source: Where observations come from; empty for the usual one.
        real_time: Wall clock or lock-step; None for the usual one.
        camera: Camera name or file; empty for the usual one.
        frames: Where its frames come from; empty for the usual one.
        nodes: Which nodes are started here ; all of them in simulation.
    """

    robot: str | None = None
    host: str = ""
    backend: str = ""
    source: str = ""
    real_time: bool | None = None
    camera: str = ""
    frames: str = ""
    nodes: Part = Part.ALL


def run_through_graph(
    job: Job,
    task: str,
    record: bool,
    view: FinetuneView,
    place: Place | None = None,
    black_box: bool | None = None,
) -> RunFolder:
    """Run a job to its end.

    In simulation the graph is seen by no other process, so that any number of runs can go on side by side on
    one machine. On a robot each node has a process, so that nothing delays the controller, and the person at
    the robot can talk to them (``farl ready``).

    Args:
        job: The job.
        task: Task name or file, as the nodes take it.
        record: Whether to write a bag per episode.
        view: Shows the figures; on a robot the nodes' own output is shown.
        place: Where; None for the simulator in lock-step.
        black_box: Whether to keep what is around interventions and failures; None for: on a robot.

    Raises:
        GraphError: A node gave up; the message says why.
        KeyboardInterrupt: SIGINT or SIGTERM came; a checkpoint is saved.
    """
    limit, place = job.limit, Place() if place is None else place
    specs = finetune_graph(
        task,
        job.preset.value,
        str(job.models),
        str(job.run),
        job.seed,
        0 if limit.steps is None else limit.steps,
        0 if limit.episodes is None else limit.episodes,
        sim=place.robot is None,
        real_time=place.real_time,
        record=record,
        black_box=black_box,
        resume=job.resume,
        robot="panda" if place.robot is None else place.robot,
        host=place.host,
        backend=place.backend,
        source=place.source,
        camera=place.camera,
        frames=place.frames,
        shadow=job.shadow,
        uncalibrated=job.uncalibrated,
        nodes=place.nodes,
    )
    code, message = _run_here(specs, view) if place.robot is None else (run_processes(specs), "")
    if code in SIGNALLED:
        raise KeyboardInterrupt
    if code != 0:
        raise GraphError(message or f"the graph ended with code {code}")
    return RunFolder.open(job.run)


def run_controller(task: str, place: Place, shadow: bool) -> None:
    """Run the controller of a robot's graph alone, until a signal; ``Part.REST`` runs elsewhere.

    Args:
        task: Task name or file.
        place: The robot.
        shadow: Whether the arm is held still.

    Raises:
        GraphError: The controller gave up; it said why.
    """
    robot, host, backend = "panda" if place.robot is None else place.robot, place.host, place.backend
    specs = finetune_graph(
        task,
        episodes=1,
        sim=False,
        robot=robot,
        host=host,
        backend=backend,
        shadow=shadow,
        nodes=Part.CONTROLLER,
    )
    code = run_processes(specs)
    if code not in SIGNALLED:
        raise GraphError(f"the controller ended with code {code}")


def _run_here(specs: Sequence[NodeSpec], view: FinetuneView) -> tuple[int, str]:
    """Run a graph in this process; returns its exit code, and how the finetuner ended."""
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
        return code, finetuner.message
