"""The graph of a replay: one node, and on an arm the controller that it goes through."""

from __future__ import annotations

from farl_ros.graph import GraphError, LaunchArgument, NodeSpec, Value, checked

INTO = {"sim": 0, "shield": 1, "arm": 2}
"""Where to, by name; the numbers are those of ``ReplayBag``."""

REPLAY_ARGUMENTS = (
    LaunchArgument("bag", "", "the bag: its folder, or its .mcap file"),
    LaunchArgument("into", "sim", "sim, shield or arm"),
    LaunchArgument("task", "", "task name or YAML file; empty for the one that the bag names"),
    LaunchArgument(
        "speed", "auto", "1.0 as recorded, 0.0 as fast as possible; auto: 0.0, on an arm a quarter"
    ),
    LaunchArgument("from_step", "-1", "first step; -1 for the first of the bag"),
    LaunchArgument("to_step", "-1", "last step; -1 for the last of the bag"),
    LaunchArgument("out", "replays", "folder for CSV, figures and plots"),
    LaunchArgument("models", "", "with into:=shield: folder of models; empty for the shipped ones"),
    LaunchArgument("reset_seed", "-1", "with into:=sim: reset of the simulator; -1 for what the bag says"),
    LaunchArgument(
        "move_the_arm", "false", "with into:=arm: somebody stands at the robot and wants it to move"
    ),
    LaunchArgument("robot", "panda", "with into:=arm: panda, fr3, or a robot YAML file"),
    LaunchArgument("host", "", "with into:=arm: name or address of the robot"),
    LaunchArgument(
        "backend", "franky", "with into:=arm: franky, fake, sim for the simulated arm, or a package's own"
    ),
)
DEFAULT_ARM_SPEED = 0.25


def replay_graph(
    bag: str,
    into: str = "sim",
    task: str = "",
    speed: str = "auto",
    from_step: int = -1,
    to_step: int = -1,
    out: str = "replays",
    models: str = "",
    reset_seed: int = -1,
    move_the_arm: bool = False,
    robot: str = "panda",
    host: str = "",
    backend: str = "franky",
    autostart: bool = True,
) -> list[NodeSpec]:
    """The replay job; ``REPLAY_ARGUMENTS`` describes the arguments.

    Raises:
        GraphError: Something is missing, or the arm was not confirmed.
    """
    if into not in INTO:
        raise GraphError(f"into {into!r}: expected one of {', '.join(INTO)}")
    if not bag:
        raise GraphError("bag is empty; expected the folder of a bag, or its .mcap file")
    try:
        pace = (DEFAULT_ARM_SPEED if into == "arm" else 0.0) if speed == "auto" else float(speed)
    except ValueError as error:
        raise GraphError(f"speed {speed!r}: expected a number, or auto") from error
    parameters: dict[str, Value] = {
        "bag": bag,
        "into": INTO[into],
        "task": task,
        "speed": pace,
        "from_step": from_step,
        "to_step": to_step,
        "out": out,
        "models": models,
        "reset_seed": reset_seed,
        "move_the_arm": move_the_arm,
        "reset_scene": into == "arm" and backend == "sim",
        "autostart": autostart,
    }
    replay = NodeSpec("replay", "replay", parameters)
    if into != "arm":
        return checked([replay])
    if not 0.0 < pace <= 1.0:
        raise GraphError(f"speed {pace:g} on an arm: expected a share of the recorded speed, at most 1")
    if not task:
        raise GraphError("into arm without task: the controller needs the task's limits; give task")
    if not move_the_arm:
        raise GraphError("into arm without move_the_arm: stand at the robot, user stop in hand, and say so")
    from farl_ros.arm.registry import check_arm  # slow to import, and only needed here

    check_arm(backend)
    if backend == "franky" and not host:
        raise GraphError("into arm without host: give the robot's name or address, such as 172.16.0.2")
    controller: dict[str, Value] = {
        "task": task,
        "backend": backend,
        "robot": robot,
        "host": host,
        "real_time": True,
        "episodes_only": True,
        "automatic_recovery": False,  # the first fault ends the replay
    }
    nodes = [NodeSpec("franka_controller", "franka_controller", controller), replay]
    if backend == "sim":
        world: dict[str, Value] = {"task": task, "real_time": True, "endless": True}
        nodes.insert(0, NodeSpec("simulator", "simulator", world))
    return checked(nodes)
