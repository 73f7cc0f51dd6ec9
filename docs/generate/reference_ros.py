"""The reference of the ROS 2 side: nodes, interfaces, jobs. Read from the code by ``endpoints``."""

from __future__ import annotations

import ast
import inspect
import runpy
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from docs.generate.endpoints import Endpoint, Parameter, Role, endpoints, module_of, parameters
from farl_ros import qos
from farl_ros.graph import (
    FINETUNE_ARGUMENTS,
    OFFLINE_ARGUMENTS,
    PERCEIVE_ARGUMENTS,
    LaunchArgument,
    NodeSpec,
    finetune_graph,
    offline_graph,
    perceive_graph,
)
from farl_ros.record_graph import RECORD_ARGUMENTS, record_graph
from farl_ros.replay_graph import REPLAY_ARGUMENTS, replay_graph

GENERATED = "<!-- Made by `python -m docs.generate` from the code: change the code, not this page. -->"
ROBOT_TASK = "FrankaFragilePushWall"
PROFILES = ("NEWEST", "STREAM", "EVENTS", "FRAMES", "LOCKED_FRAMES")


def node_names(root: Path) -> list[str]:
    """The executables that are nodes, as ``setup.py`` names them."""
    with patch("setuptools.setup", lambda **_: None):
        return list(runpy.run_path(str(root / "setup.py"))["NODES"])


def nodes_page(root: Path) -> str:
    """Every node with its topics, services, actions and parameters, and who is at the other end."""
    names = node_names(root)
    all_endpoints = {name: endpoints(name, set(names)) for name in names}
    parts = [
        GENERATED,
        "# Nodes",
        "What each node can have; which of it a graph has follows from its parameters ([jobs](jobs.md)). "
        "Names are relative; `~` is the node's own name. Message types are in [interfaces](interfaces.md). "
        "What runs now: `ros2 node info /episode`.",
        "## Quality of service",
        _profiles(),
        "## Topics",
        _topics(all_endpoints),
    ]
    for name in names:
        parts += [
            f"## {name}",
            _sentence(name),
            f"Source: [`farl_ros/nodes/{name}.py`](../../farl_ros/nodes/{name}.py)",
        ]
        if all_endpoints[name]:
            rows = [[str(e.role), f"`{e.name}`", f"`{e.type}`", e.qos] for e in _merged(all_endpoints[name])]
            parts.append(_table(["", "name", "type", "QoS"], rows))
        parts.append(_parameters(parameters(name, set(names))))
    return "\n\n".join(parts) + "\n"


def interfaces_page(root: Path) -> str:
    """The texts of messages, services and actions."""
    folder = root / "ros2_ws" / "src" / "farl_interfaces"
    parts = [GENERATED, "# Interfaces", "The package `farl_interfaces`: SI units, right-handed frames."]
    for kind, title in (("msg", "Messages"), ("srv", "Services"), ("action", "Actions")):
        parts.append(f"## {title}")
        for path in sorted((folder / kind).glob(f"*.{kind}")):
            text = path.read_text(encoding="utf-8").rstrip()
            parts += [f"### {path.stem}", f"```text\n{text}\n```"]
    return "\n\n".join(parts) + "\n"


def jobs_page() -> str:
    """The jobs: launch arguments, and the nodes that each starts."""
    jobs: list[tuple[str, str, Sequence[LaunchArgument], dict[str, list[NodeSpec]]]] = [
        (
            "finetune",
            "finetune",
            FINETUNE_ARGUMENTS,
            {
                "simulation": finetune_graph("BoundedPush", episodes=1),
                "simulation, through the camera": finetune_graph(ROBOT_TASK, episodes=1, source="camera"),
                "robot": finetune_graph(ROBOT_TASK, episodes=1, sim=False, host="172.16.0.2"),
            },
        ),
        (
            "record",
            "record",
            RECORD_ARGUMENTS,
            {
                "simulation": record_graph("BoundedPush"),
                "robot": record_graph(ROBOT_TASK, sim=False, host="172.16.0.2"),
            },
        ),
        ("offline", "offline", OFFLINE_ARGUMENTS, {"always": offline_graph("BoundedPush", "demos")}),
        ("perceive", "perceive", PERCEIVE_ARGUMENTS, {"always": perceive_graph(ROBOT_TASK)}),
        (
            "replay",
            "replay",
            REPLAY_ARGUMENTS,
            {
                "simulator": replay_graph("bag"),
                "arm": replay_graph("bag", into="arm", task=ROBOT_TASK, host="172.16.0.2", move_the_arm=True),
            },
        ),
    ]
    parts = [
        GENERATED,
        "# Jobs",
        "A job is a graph of nodes, stated once (`farl_ros/graph.py`): `ros2 launch` and `farl` start the "
        "same nodes with the same parameters. `ros2 launch farl_ros JOB.launch.py --show-args` prints these "
        "tables.",
    ]
    for title, launch, arguments, graphs in jobs:
        rows = [
            [f"`{a.name}`", f"`{a.default}`" if a.default else "", _cell(a.description)] for a in arguments
        ]
        parts += [
            f"## {title}",
            f"`ros2 launch farl_ros {launch}.launch.py` · "
            f"[`{launch}.launch.py`](../../launch/{launch}.launch.py) · "
            f"[`farl {title}`](commands.md#farl-{title})",
            _table(["argument", "default", "what for"], rows),
            _table(
                ["graph", "nodes"],
                [
                    [case, ", ".join(f"[{node.name}](nodes.md#{node.executable})" for node in graph)]
                    for case, graph in graphs.items()
                ],
            ),
        ]
    return "\n\n".join(parts) + "\n"


def _topics(all_endpoints: dict[str, list[Endpoint]]) -> str:
    rows = []
    by_name: dict[tuple[str, str], dict[Role, set[str]]] = {}
    for node, found in all_endpoints.items():
        for endpoint in found:
            if endpoint.role in (Role.PUBLISHES, Role.SUBSCRIBES):
                name = f"{node}/{endpoint.name[2:]}" if endpoint.name.startswith("~/") else endpoint.name
                by_name.setdefault((name, endpoint.type), {}).setdefault(endpoint.role, set()).add(node)
    for (name, kind), roles in sorted(by_name.items()):
        ends = [", ".join(sorted(roles.get(role, ()))) or "-" for role in (Role.PUBLISHES, Role.SUBSCRIBES)]
        rows.append([f"`{name}`", f"`{kind}`", *ends])
    return _table(["topic", "type", "from", "to"], rows)


def _merged(found: Sequence[Endpoint]) -> list[Endpoint]:
    """Endpoints that differ in nothing but their quality of service as one."""
    merged: dict[tuple[str, Role, str, str], list[str]] = {}
    for endpoint in found:
        key = (endpoint.node, endpoint.role, endpoint.name, endpoint.type)
        merged.setdefault(key, []).append(endpoint.qos)
    return [Endpoint(*key, " or ".join(sorted(set(profiles)))) for key, profiles in merged.items()]


def _profiles() -> str:
    texts = _documented(qos)
    rows = []
    for name in PROFILES:
        profile: QoSProfile = getattr(qos, name)
        reliable = profile.reliability == ReliabilityPolicy.RELIABLE
        local = profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
        rows.append(
            [
                name,
                "reliable" if reliable else "best effort",
                str(profile.depth),
                "transient local" if local else "volatile",
                _cell(texts[name]),
            ]
        )
    return _table(["", "reliability", "depth", "durability", "for"], rows)


def _documented(module: object) -> dict[str, str]:
    """The texts under a module's constants."""
    body = ast.parse(inspect.getsource(module)).body  # type: ignore[arg-type]
    return {
        before.targets[0].id: str(after.value.value)
        for before, after in pairwise(body)
        if isinstance(before, ast.Assign)
        and isinstance(before.targets[0], ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }


def _sentence(node: str) -> str:
    """What a node's module says of itself, in its first paragraph."""
    text = inspect.getdoc(module_of(node)) or ""
    return " ".join(text.split("\n\n")[0].split())


def _parameters(found: Sequence[Parameter]) -> str:
    rows = []
    for parameter in sorted(found, key=lambda one: one.name):
        low, high = (
            "" if bound is None else f"{bound:g}" for bound in (parameter.minimum, parameter.maximum)
        )
        limits = (
            f"{low} to {high}" if low and high else (f"≥ {low}" if low else (f"≤ {high}" if high else ""))
        )
        default = "**required**" if parameter.default is None else _default(parameter.default)
        rows.append([f"`{parameter.name}`", default, limits, _cell(parameter.description)])
    return _table(["parameter", "default", "range", "what for"], rows)


def _default(value: object) -> str:
    if value == "the task's":
        return "the task's"
    if isinstance(value, str):
        return f"`{value}`" if value else "empty"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, ["---"] * len(header), *rows])
