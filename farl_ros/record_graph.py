"""The graph of a recording session: that of fine-tuning, a person in the place of policy and learner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from farl.adviser import ShieldRole
from farl.types import EpisodeKind
from farl_ros.graph import GraphError, LaunchArgument, NodeSpec, Value, checked, finetune_graph

RECORD_ARGUMENTS = (
    LaunchArgument("task", "BoundedPush", "task name, or a task YAML file"),
    LaunchArgument("kind", "task", "what is demonstrated: task, recovery or failure"),
    LaunchArgument("out", "", "folder for the bags, which go into out/KIND; empty for demos/<task>"),
    LaunchArgument("target", "0", "how many of the kind are wanted; 0 for no target"),
    LaunchArgument("stop_at_target", "false", "end once the folder holds that many"),
    LaunchArgument("operator", "", "who demonstrates"),
    LaunchArgument("device", "keyboard", "what moves the arm: keyboard, gamepad or spacemouse"),
    LaunchArgument("path", "", "of a SpaceMouse: its /dev/hidraw...; empty to look for one"),
    LaunchArgument("terminal", "", "of the keys, as the command tty prints it"),
    LaunchArgument("facing", "0.0", "where the person looks, about z of the robot's base [deg]"),
    LaunchArgument("reaction_time", "0.3", "a failure that is marked was so long ago [s]"),
    LaunchArgument("pictures", "0", "quality of recorded pictures (JPEG); 0 for none"),
    LaunchArgument("shield", "off", "off, adviser (decisions are published, nothing is swapped) or on"),
    LaunchArgument("models", "", "of the shield: folder of offline models; empty for the shipped ones"),
    LaunchArgument("seed", "0", "the resets of the simulator follow from it"),
    LaunchArgument("sim", "true", "simulated task (true), or the robot (false)"),
    LaunchArgument("real_time", "true", "wall clock; false only for devices that are programs"),
    LaunchArgument("robot", "panda", "with sim:=false: panda, fr3, or a robot YAML file"),
    LaunchArgument("host", "", "with sim:=false: name or address of the robot"),
    LaunchArgument("backend", "", "the arm: sim, franky or fake; empty for the one that sim asks for"),
    LaunchArgument(
        "source", "", "who sees: privileged, camera or topic; empty for the one that sim asks for"
    ),
    LaunchArgument("camera", "", "with sim:=false: camera name or YAML file"),
    LaunchArgument("frames", "", "of the camera: realsense, or topics for a driver of its own"),
)
KINDS = {kind.name.lower(): kind for kind in (EpisodeKind.TASK, EpisodeKind.RECOVERY, EpisodeKind.FAILURE)}


def record_graph(
    task: str,
    kind: str = "task",
    out: str = "",
    target: int = 0,
    stop_at_target: bool = False,
    operator: str = "",
    device: str = "keyboard",
    path: str = "",
    terminal: str = "",
    facing: float = 0.0,
    reaction_time: float = 0.3,
    pictures: int = 0,
    shield: str = "off",
    models: str = "",
    seed: int = 0,
    sim: bool = True,
    real_time: bool = True,
    robot: str = "panda",
    host: str = "",
    backend: str = "",
    source: str = "",
    camera: str = "",
    frames: str = "",
) -> list[NodeSpec]:
    """The recording job; ``RECORD_ARGUMENTS`` describes the arguments.

    Raises:
        GraphError: The arguments contradict each other, or something is missing.
    """
    if kind not in KINDS:
        raise GraphError(f"kind {kind!r}: expected one of {', '.join(KINDS)}")
    online = finetune_graph(
        task,
        models=models,
        seed=seed,
        episodes=1,
        sim=sim,
        real_time=real_time,
        record=False,
        black_box=False,
        robot=robot,
        host=host,
        backend=backend,
        source=source,
        camera=camera,
        frames=frames,
    )
    with_a_policy = {spec.name: spec for spec in online}
    clock: dict[str, Value] = {"real_time": real_time}
    world: dict[str, Value] = {"play_on_every": 0, **({"render": True} if pictures > 0 else {})}
    teleop: dict[str, Value] = {
        "task": task,
        "device": device,
        "path": path,
        "terminal": terminal,
        "facing": facing,
    }
    own_camera = not sim and source in ("", "camera") and frames in ("", "realsense")  # it has no topic
    session: dict[str, Value] = {
        "task": task,
        "out": out or f"demos/{task}",
        "kind": int(KINDS[kind]),
        "target": target,
        "stop_at_target": stop_at_target,
        "operator": operator,
        "reaction_time": reaction_time,
        "pictures": pictures,
        "pictures_of": "state_estimator/debug_image" if own_camera else "camera/color/image_raw",
        "seed": seed,
        "simulated": sim,
        **clock,
    }
    checker: dict[str, Value] = {**with_a_policy["safety_shield"].parameters, "teleop": True, "role": shield}
    if shield == ShieldRole.OFF:
        del checker["models"]  # there may be none yet
    outcomes: dict[str, Value] = {"kind": int(KINDS[kind]), **({} if sim else {"play_on_every": 0})}
    return checked(
        [
            _with(with_a_policy["simulator"], world) if sim else with_a_policy["scene"],
            with_a_policy["state_estimator"],
            NodeSpec("teleop", "teleop", teleop),
            NodeSpec("safety_shield", "safety_shield", checker),
            with_a_policy["franka_controller"],
            _with(with_a_policy["episode"], outcomes),
            NodeSpec("session", "session", session),
        ]
    )


def _with(spec: NodeSpec, parameters: Mapping[str, Value]) -> NodeSpec:
    return replace(spec, parameters={**spec.parameters, **parameters})
