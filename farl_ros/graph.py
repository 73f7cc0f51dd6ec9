"""The graph of each job, stated once: nodes, names, parameters and remappings. It is read without ROS.

The launch files turn it into ``launch_ros`` actions; ``farl_ros.processes`` and ``farl_ros.composed`` run it
where ROS 2 comes from PyPI. None of them adds or leaves out anything.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import get_type_hints

from farl.noise import PLAY_ON_EVERY

PACKAGE = "farl_ros"
RESET_LIMIT_S = 300.0
"""On a robot: longest wait for the person who puts the objects back [s]."""
CONTROLLER = "franka_controller"
Value = bool | int | float | str | Sequence[str]


class Part(StrEnum):
    """Which nodes of a graph are started here; the controller may have a container of its own."""

    ALL = "all"
    CONTROLLER = "controller"
    REST = "rest"


class GraphError(ValueError):
    """A graph cannot be built as asked; the message says what is missing."""


@dataclass(frozen=True)
class NodeSpec:
    """One node.

    Attributes:
        name: Name in the graph.
        executable: Executable of the package, and module under ``farl_ros.nodes``.
        parameters: Overrides of its parameters.
        remappings: Pairs (from, to) of topic or service names.
        required: Whether the graph ends when it ends.
    """

    name: str
    executable: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    remappings: tuple[tuple[str, str], ...] = ()
    required: bool = True


@dataclass(frozen=True)
class LaunchArgument:
    """One argument of a job; its value comes as text."""

    name: str
    default: str
    description: str


FINETUNE_ARGUMENTS = (
    LaunchArgument("task", "BoundedPush", "task name, or a task YAML file"),
    LaunchArgument("preset", "paper", "method: paper (with the shield) or uni_o4 (without)"),
    LaunchArgument("models", "", "folder of offline models; empty for the shipped ones"),
    LaunchArgument("run", "", "run folder to write; empty for runs/<task>-<preset>-<seed>"),
    LaunchArgument("seed", "0", "everything random follows from it"),
    LaunchArgument("steps", "0", "stop after this many agent steps; 0 for no such limit"),
    LaunchArgument("episodes", "50", "stop after this many episodes; 0 for no such limit"),
    LaunchArgument("sim", "true", "simulated task (true), or the robot (false)"),
    LaunchArgument(
        "real_time",
        "auto",
        "wall clock (true), or lock-step: as fast as the machine allows (false); auto: true on the robot",
    ),
    LaunchArgument("robot", "panda", "with sim:=false: panda, fr3, or a robot YAML file"),
    LaunchArgument("host", "", "with sim:=false: name or address of the robot"),
    LaunchArgument(
        "backend", "", "the arm: sim, franky, fake, or a package's own; empty for the one that sim asks for"
    ),
    LaunchArgument(
        "source",
        "",
        "privileged (what the simulator knows), camera, or topic for a tracker of your own; empty for "
        "privileged in simulation, camera on a robot",
    ),
    LaunchArgument(
        "camera", "", "camera name or YAML file; empty for franka_twin in simulation, d435 on a robot"
    ),
    LaunchArgument(
        "frames",
        "",
        "of the camera: realsense, or topics for a driver of its own; empty for realsense on a robot",
    ),
    LaunchArgument("shadow", "false", "decide and record everything, hold the arm still, learn nothing"),
    LaunchArgument(
        "uncalibrated", "false", "go online although nothing says how the shield's threshold was chosen"
    ),
    LaunchArgument("record", "true", "one MCAP bag per episode in <run>/bags"),
    LaunchArgument(
        "black_box",
        "auto",
        "keep the seconds around interventions and failures in <run>/black_box; auto: on the robot",
    ),
    LaunchArgument("resume", "false", "go on from the newest checkpoint of the run"),
    LaunchArgument("nodes", "all", "which of them to start here: all, controller (the arm's alone), or rest"),
)

PERCEIVE_ARGUMENTS = (
    LaunchArgument("task", "FrankaFragilePushWall", "task name, or a task YAML file"),
    LaunchArgument("camera", "d435", "camera name, or a camera YAML file"),
    LaunchArgument("frames", "realsense", "realsense, topics for a driver of its own, or recording"),
    LaunchArgument("recording", "", "with frames:=recording: the file that librealsense has written"),
    LaunchArgument("debug_rate", "5.0", "pictures on state_estimator/debug_image per second; 0 for none"),
    LaunchArgument("autostart", "true", "configure and activate the state estimator at once"),
)

OFFLINE_ARGUMENTS = (
    LaunchArgument("task", "BoundedPush", "task name, or a task YAML file"),
    LaunchArgument("bags", "demos", "folder with demonstration bags of all three kinds"),
    LaunchArgument("out", "", "run folder to write; empty for runs/offline-<task>-<seed>"),
    LaunchArgument("seed", "0", "everything random follows from it"),
    LaunchArgument("force", "false", "train without the bad bags and with the suspicious ones"),
)


def finetune_graph(
    task: str,
    preset: str = "paper",
    models: str = "",
    run: str = "",
    seed: int = 0,
    steps: int = 0,
    episodes: int = 0,
    sim: bool = True,
    real_time: bool | None = None,
    record: bool = True,
    black_box: bool | None = None,
    resume: bool = False,
    robot: str = "panda",
    host: str = "",
    backend: str = "",
    source: str = "",
    camera: str = "",
    frames: str = "",
    shadow: bool = False,
    uncalibrated: bool = False,
    nodes: str = Part.ALL,
) -> list[NodeSpec]:
    """The online job: five hops from state to command, episodes, learner, recorder.

    On the robot, the scene and a camera stand in for the simulator. ``FINETUNE_ARGUMENTS`` describes the
    arguments; ``real_time`` and ``black_box`` are None for what ``sim`` asks for.

    Raises:
        GraphError: The arguments contradict each other, or something is missing.
    """
    arm = backend or ("sim" if sim else "franky")
    eyes = source or ("privileged" if sim else "camera")
    on_wall_clock = not sim if real_time is None else real_time
    if sim:
        _check_sim_job(arm, host, eyes, camera, frames, on_wall_clock)
    else:
        _check_robot_job(task, arm, host, eyes, on_wall_clock)
    if steps < 1 and episodes < 1:
        raise GraphError(f"a run needs a limit: steps or episodes of at least 1, got {steps} and {episodes}")
    folder = run or f"runs/{task}-{preset}-{seed}"
    world: dict[str, Value] = {"task": task, "real_time": on_wall_clock, "play_on_every": PLAY_ON_EVERY}
    estimator: dict[str, Value] = {"task": task, "source": eyes}
    scene = NodeSpec("scene", "scene", {"task": task, "shadow": shadow, "reset_limit": RESET_LIMIT_S})
    controller: dict[str, Value] = {
        "task": task,
        "backend": arm,
        "real_time": on_wall_clock,
        "shadow": shadow,
    }
    outcomes: dict[str, Value] = {"task": task, "seed": seed, "real_time": on_wall_clock}
    if eyes == "camera":
        estimator |= {
            "camera": camera or ("franka_twin" if sim else "d435"),
            "frames": frames or ("topics" if sim else "realsense"),
            "real_time": on_wall_clock,
        }
        if sim:
            world["render"], outcomes["observations"] = True, "state"
    if not sim:
        controller |= {"robot": robot, "host": host, "episodes_only": True}
        outcomes |= {"outcomes": "observation", "play_on_every": PLAY_ON_EVERY}
    specs = [
        NodeSpec("simulator", "simulator", world) if sim else scene,
        NodeSpec("state_estimator", "state_estimator", estimator),
        NodeSpec("policy", "policy", {"task": task, "models": models, "seed": seed}),
        NodeSpec(
            "safety_shield",
            "safety_shield",
            {"task": task, "models": models, "preset": preset, "real_time": on_wall_clock},
        ),
        NodeSpec(CONTROLLER, CONTROLLER, controller),
        NodeSpec("episode", "episode", outcomes),
    ]
    boxed = not sim if black_box is None else black_box
    if record or boxed:
        recorder: dict[str, Value] = {"task": task, "run": folder, "real_time": on_wall_clock}
        if boxed:
            recorder |= {"black_box": True, "episodes": record}
        specs.append(NodeSpec("recorder", "recorder", recorder))
    finetuner: dict[str, Value] = {
        "task": task,
        "preset": preset,
        "models": models,
        "run": folder,
        "seed": seed,
        "steps": steps,
        "episodes": episodes,
        "resume": resume,
        "shadow": shadow,
        "uncalibrated": uncalibrated,
        "autostart": True,
        "expected_nodes": [spec.name for spec in specs],
    }
    if not sim:
        finetuner["stall_limit"] = RESET_LIMIT_S + 30.0  # the scene is the first to give up
    return part_of(checked([*specs, NodeSpec("finetuner", "finetuner", finetuner)]), nodes)


def _check_sim_job(arm: str, host: str, eyes: str, camera: str, frames: str, real_time: bool) -> None:
    """What does not go together where everything is simulated.

    Raises:
        GraphError: Something was asked for that only a robot has.
    """
    if (arm, host) != ("sim", "") or eyes not in ("privileged", "camera"):
        raise GraphError(
            f"sim=true with the arm {arm!r}, host {host!r} and source {eyes!r}: the simulator brings its "
            "own arm and eyes; use sim=false for a robot"
        )
    if camera or frames:
        raise GraphError(
            f"sim=true with camera {camera!r} and frames {frames!r}: the simulated table has its own camera; "
            "source=camera looks through it"
        )
    if eyes == "camera" and real_time:
        raise GraphError(
            "sim=true with source 'camera' and real_time=true: only in lock-step does the world wait until "
            "it is rendered and seen; leave real_time out"
        )


def _check_robot_job(task: str, arm: str, host: str, eyes: str, real_time: bool) -> None:
    """What the job needs where nothing is simulated.

    Raises:
        GraphError: It is not there.
    """
    from farl_ros.arm.registry import check_arm  # slow to import, and only needed here
    from farl_ros.task_spec import load_task

    check_arm(arm)
    if arm == "sim":
        raise GraphError("sim=false with the arm 'sim': expected franky, or fake for a trial without a robot")
    if eyes == "privileged":
        raise GraphError(
            "sim=false with source 'privileged': only a simulator knows; expected camera or topic"
        )
    if not real_time:
        raise GraphError("sim=false with real_time=false: a robot does not wait; leave real_time out")
    if arm == "franky" and not host:
        raise GraphError("sim=false without host: give the robot's name or address, such as 172.16.0.2")
    spec = load_task(task)
    if not spec.on_robot:
        raise GraphError(
            f"sim=false with {spec.name}: no robot plays it, only a simulator knows its outcomes "
            f"(reward.source is {spec.reward.source.value!r}); choose one of the Franka's table: farl tasks"
        )


def perceive_graph(
    task: str,
    camera: str = "d435",
    frames: str = "realsense",
    recording: str = "",
    debug_rate: float = 5.0,
    autostart: bool = True,
) -> list[NodeSpec]:
    """Camera and state estimator alone: to see what they see, before anything moves."""
    parameters: dict[str, Value] = {
        "task": task,
        "source": "camera",
        "camera": camera,
        "frames": frames,
        "recording": recording,
        "real_time": True,
        "debug_rate": debug_rate,
        "without_episodes": True,
        "autostart": autostart,
    }
    return checked([NodeSpec("state_estimator", "state_estimator", parameters)])


def offline_graph(task: str, bags: str, out: str = "", seed: int = 0, force: bool = False) -> list[NodeSpec]:
    """The offline job: demonstration bags to models."""
    parameters: dict[str, Value] = {
        "task": task,
        "bags": bags,
        "out": out or f"runs/offline-{task}-{seed}",
        "seed": seed,
        "force": force,
        "autostart": True,
    }
    return checked([NodeSpec("offline_trainer", "offline_trainer", parameters)])


_BOOLS = {"true": True, "false": False}
_FROM_TEXT: Mapping[type, Callable[[str], object]] = {
    bool: lambda text: _BOOLS[text.lower()],
    int: int,
    float: float,
    str: str,
    bool | None: lambda text: {**_BOOLS, "auto": None}[text.lower()],
}


def graph_from_text(build: Callable[..., list[NodeSpec]], texts: Mapping[str, str]) -> list[NodeSpec]:
    """The graph of a job whose arguments come as text, as launch files get them.

    Args:
        build: ``finetune_graph`` or another of them; its type hints say what the texts stand for.
        texts: The argument's values by name.

    Raises:
        ValueError: A text does not stand for a value of the argument's type.
        GraphError: The graph cannot be built as asked.
    """
    types = get_type_hints(build)
    return build(**{name: _from_text(name, text, types[name]) for name, text in texts.items()})


def _from_text(name: str, text: str, wanted: type) -> object:
    try:
        return _FROM_TEXT[wanted](text)
    except (KeyError, ValueError) as error:
        expected = getattr(wanted, "__name__", "bool, or auto")
        raise ValueError(f"{name}:={text}: expected a value of type {expected}") from error


def checked(specs: Iterable[NodeSpec]) -> list[NodeSpec]:
    """The specs as a list.

    Raises:
        GraphError: Two nodes have one name.
    """
    nodes = list(specs)
    twice = sorted(name for name, count in Counter(node.name for node in nodes).items() if count > 1)
    if twice:
        raise GraphError(f"two nodes are called {twice[0]!r}; every node needs a name of its own")
    return nodes


def part_of(specs: Sequence[NodeSpec], part: str) -> list[NodeSpec]:
    """The nodes of a graph that are started here; ``part`` is a value of ``Part``.

    Raises:
        GraphError: There is no such part.
    """
    if part not in list(Part):
        raise GraphError(f"nodes {part!r}: expected one of {', '.join(Part)}")
    alone = part == Part.CONTROLLER
    return [spec for spec in specs if part == Part.ALL or (spec.name == CONTROLLER) == alone]


def ros_arguments(spec: NodeSpec) -> list[str]:
    """What follows the executable: ``--ros-args -r __node:=name -p key:=value -r from:=to``."""
    arguments = ["--ros-args", "-r", f"__node:={spec.name}"]
    for key, value in spec.parameters.items():
        arguments += ["-p", f"{key}:={yaml_value(value)}"]
    for source, target in spec.remappings:
        arguments += ["-r", f"{source}:={target}"]
    return arguments


def command_line(spec: NodeSpec) -> list[str]:
    """The command line of the node, with its executable's bare name first."""
    return [spec.executable, *ros_arguments(spec)]


def yaml_value(value: Value) -> str:
    """A parameter's value as YAML that keeps its type: text is quoted, a float has a point or an exponent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        return repr(value).replace("nan", ".nan").replace("inf", ".inf")
    return json.dumps(list(value), ensure_ascii=False)
