"""Parameters, topics, services and actions of the nodes, read from the calls that make them.

The calls are found in the source of a node and of the helpers that it imports; their arguments are
evaluated in the module that they stand in. Nothing runs: no node is made, no device opened.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType, ModuleType
from typing import Any

HELPERS = ("farl_ros.nodes.", "farl_ros.sight.", "farl_ros.arm.")
"""Where a node's helpers lie; everything else makes no topics."""


class EndpointError(ValueError):
    """A call cannot be read; the message names it."""


class Role(StrEnum):
    """What a node does with a topic, a service or an action."""

    PUBLISHES = "publishes"
    SUBSCRIBES = "subscribes to"
    SERVES = "serves"
    CALLS = "calls"
    ACTS = "acts for"


@dataclass(frozen=True, order=True)
class Endpoint:
    """One topic, service or action of a node.

    Attributes:
        node: The node.
        role: What it does with it.
        name: Relative name; ``~`` stands for the node's.
        type: Interface, such as ``farl_interfaces/State``.
        qos: Names of the profiles in ``farl_ros/qos.py``; empty for services and actions.
    """

    node: str
    role: Role
    name: str
    type: str
    qos: str = ""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a node.

    Attributes:
        name: Its name.
        default: Its default, which also gives its type; None where it must be given.
        description: What it is for.
        minimum: Least value, if there is one.
        maximum: Greatest value, if there is one.
    """

    name: str
    default: object
    description: str
    minimum: float | None = None
    maximum: float | None = None


MAKERS = {
    "create_publisher": (Role.PUBLISHES, 0, 1, 2),
    "create_lifecycle_publisher": (Role.PUBLISHES, 0, 1, 2),
    "create_subscription": (Role.SUBSCRIBES, 0, 1, 3),
    "_subscribe": (Role.SUBSCRIBES, 1, 2, None),
    "create_service": (Role.SERVES, 0, 1, None),
    "create_client": (Role.CALLS, 0, 1, None),
    "GoalServer": (Role.ACTS, 1, 2, None),
}
"""Of each call: the role, and which of its arguments are type, name and quality of service."""

PASSED_ON = {("farl_ros.nodes.state_estimator", "kind")}
"""Calls, by module and the argument for the type, that only pass on what their own callers say."""

KNOWN = {
    ("farl_ros.nodes.listening", "self._topic"): "camera/color/image_raw",
    ("farl_ros.nodes.franka_controller", "self._spec.control_rate_hz"): "the task's",
}
"""What follows from other parameters, by module and expression."""


def module_of(node: str) -> ModuleType:
    """The module of a node."""
    return importlib.import_module(f"farl_ros.nodes.{node}")


def helpers(module: ModuleType, nodes: set[str]) -> list[ModuleType]:
    """The module and the helpers that it imports, directly or not; other nodes are not among them."""
    found, waiting = [module], [module]
    while waiting:
        for name in sorted(_imported(waiting.pop())):
            if not name.startswith(HELPERS) or name.removeprefix("farl_ros.nodes.") in nodes:
                continue
            helper = importlib.import_module(name)
            if helper not in found:
                found.append(helper)
                waiting.append(helper)
    return found


def endpoints(node: str, nodes: set[str]) -> list[Endpoint]:
    """All topics, services and actions that a node can have, whatever its parameters.

    Args:
        node: Name of the node.
        nodes: Names of all nodes.

    Raises:
        EndpointError: A call cannot be read.
    """
    found = {
        endpoint
        for module in helpers(module_of(node), nodes)
        for call, assigned in _calls(module)
        for endpoint in _endpoints_of(node, module, call, assigned)
    }
    return sorted(found)


def parameters(node: str, nodes: set[str]) -> list[Parameter]:
    """The parameters of a node, in the order of its source.

    Raises:
        EndpointError: A call cannot be read.
    """
    found: dict[str, Parameter] = {}
    main = module_of(node)
    modules = helpers(main, nodes)
    used = _used(modules)
    for module in modules:
        for call, assigned in _calls(module):
            function = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            if function not in ("declare", "declare_required", "declare_task"):
                continue
            if module is not main and not _inherited(module, call, used):
                continue
            parameter = _parameter_of(module, function, call, assigned)
            if parameter is not None:
                found.setdefault(parameter.name, parameter)
    return list(found.values())


def _inherited(module: ModuleType, call: ast.Call, used: set[str]) -> bool:
    """Whether the function of a helper that makes the call is used by the node."""
    return any(
        function.name in used and any(inner is call for inner in ast.walk(function))
        for function in _functions(module)
    )


def _used(modules: list[ModuleType]) -> set[str]:
    """Methods that a node (the first of the modules) uses, and those that these use in turn."""
    used = _attributes(_tree(modules[0]))
    while True:
        more = {
            name
            for module in modules[1:]
            for function in _functions(module)
            if function.name in used
            for name in _attributes(function)
        }
        if more <= used:
            return used
        used |= more


def _functions(module: ModuleType) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(_tree(module)) if isinstance(node, ast.FunctionDef)]


def _attributes(tree: ast.AST) -> set[str]:
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def _parameter_of(
    module: ModuleType, function: str, call: ast.Call, assigned: Mapping[str, ast.expr]
) -> Parameter | None:
    if function == "declare_task":
        return Parameter("task", None, "task name, or a task YAML file")
    if function == "declare_required":
        name, description = (_value(module, argument, assigned) for argument in call.args[:2])
        return Parameter(name, None, description)
    if module.__name__ == "farl_ros.nodes.common":
        return None  # it only passes on what the nodes say
    values = [_value(module, argument, assigned) for argument in call.args]
    named = {word.arg: _value(module, word.value, assigned) for word in call.keywords if word.arg}
    low = values[3] if len(values) > 3 else named.get("minimum")
    high = values[4] if len(values) > 4 else named.get("maximum")
    return Parameter(values[0], values[1], values[2], low, high)


def _endpoints_of(
    node: str, module: ModuleType, call: ast.Call, assigned: Mapping[str, ast.expr]
) -> Iterator[Endpoint]:
    maker = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if maker not in MAKERS:
        return
    role, at_type, at_name, at_qos = MAKERS[maker]
    if len(call.args) <= at_name:
        return
    kind, name = call.args[at_type], call.args[at_name]
    if (module.__name__, ast.unparse(kind)) in PASSED_ON:
        return
    profile = "" if at_qos is None else ast.unparse(call.args[at_qos])
    if maker == "_subscribe":
        profile = "qos.STREAM"
    for bound in _loops(module, call, assigned):
        yield Endpoint(
            node,
            role,
            _value(module, name, assigned, bound),
            _interface(_value(module, kind, assigned, bound)),
            _profile(module, profile),
        )


def _profile(module: ModuleType, text: str) -> str:
    if text.startswith("qos."):
        return text.removeprefix("qos.")
    if text == "profile":  # chosen a few lines above: name all that it may be
        source = inspect.getsource(module)
        return (
            " or ".join(name for name in ("FRAMES", "LOCKED_FRAMES") if f"qos.{name}" in source)
            or "as offered"
        )
    return text


def _interface(kind: type) -> str:
    package, _, _ = kind.__module__.partition(".")
    return f"{package}/{kind.__name__}"


def _loops(module: ModuleType, call: ast.Call, assigned: Mapping[str, ast.expr]) -> Iterator[dict[str, Any]]:
    """What the variables of the loops around a call may be; one empty dictionary without a loop."""
    loops = [
        (part.target, part.iter)
        for parent in ast.walk(_tree(module))
        for part in _parts(parent)
        if any(inner is call for inner in ast.walk(parent))
    ]
    if not loops:
        yield {}
        return
    target, values = loops[-1]
    for value in _value(module, values, assigned):
        if isinstance(target, ast.Tuple):
            yield {
                name.id: one
                for name, one in zip(target.elts, value, strict=True)
                if isinstance(name, ast.Name)
            }
        elif isinstance(target, ast.Name):
            yield {target.id: value}


def _parts(node: ast.AST) -> list[ast.For | ast.comprehension]:
    if isinstance(node, ast.For):
        return [node]
    return [*node.generators] if isinstance(node, ast.ListComp | ast.DictComp | ast.SetComp) else []


def _calls(module: ModuleType) -> Iterator[tuple[ast.Call, dict[str, ast.expr]]]:
    """Every call in a function of a module, with what its function assigns to local names."""
    for function in _functions(module):
        assigned: dict[str, ast.expr] = {}
        for statement in ast.walk(function):
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                assigned.setdefault(statement.targets[0].id, statement.value)
        for inner in ast.walk(function):
            if isinstance(inner, ast.Call):
                yield inner, assigned


def _value(
    module: ModuleType,
    expression: ast.expr,
    assigned: Mapping[str, ast.expr],
    bound: Mapping[str, Any] = MappingProxyType({}),
) -> Any:  # noqa: ANN401 - whatever the source says
    """What an expression is; local names in it are evaluated first."""
    known = KNOWN.get((module.__name__, ast.unparse(expression)))
    if known is not None:
        return known
    names = {name.id for name in ast.walk(expression) if isinstance(name, ast.Name)}
    try:
        local = {
            name: _value(module, assigned[name], {k: v for k, v in assigned.items() if k != name}, bound)
            for name in names & assigned.keys() - bound.keys() - vars(module).keys()
        }
        code = compile(ast.Expression(expression), module.__name__, "eval")
        return eval(code, vars(module) | local | dict(bound))
    except Exception as error:
        raise EndpointError(
            f"{module.__name__}, line {expression.lineno}: cannot evaluate {ast.unparse(expression)!r} "
            f"({error}); "
            "write it so that it follows from constants of the module, or teach docs/generate/endpoints.py"
        ) from error


_trees: dict[str, ast.Module] = {}


def _tree(module: ModuleType) -> ast.Module:
    if module.__name__ not in _trees:
        _trees[module.__name__] = ast.parse(inspect.getsource(module))
    return _trees[module.__name__]


def _imported(module: ModuleType) -> set[str]:
    return {
        statement.module or ""
        for statement in ast.walk(_tree(module))
        if isinstance(statement, ast.ImportFrom)
    }
