"""Whether a command is one: it is held against the parser of the program that it starts, which does not run.

``farl`` against its own options, ``ros2 launch`` against the graph of the job, ``make`` against the recipes,
``docker compose`` against its file, ``python -m`` against the module. Files of the repository must exist.
"""

from __future__ import annotations

import argparse
import importlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import dropwhile, pairwise
from typing import Any

import typer
import yaml

from farl_ros.cli import app
from farl_ros.graph import finetune_graph, graph_from_text, offline_graph, perceive_graph
from farl_ros.jobs import ARGUMENTS
from farl_ros.record_graph import record_graph
from farl_ros.replay_graph import replay_graph

from .collecting import ROOT, Command
from .shell import FILLED, PLACEHOLDER, simple_commands

GRAPHS = {
    "finetune": finetune_graph,
    "perceive": perceive_graph,
    "offline": offline_graph,
    "record": record_graph,
    "replay": replay_graph,
}
NODES = {path.stem for path in (ROOT / "farl_ros" / "nodes").glob("*.py")}
OURS = re.compile(r"(config|docker|docs|launch|models|requirements|ros2_ws|scripts|tests)/[\w./-]+\w")
"""A path that a command takes from the repository."""
MADE = re.compile(r"ros2_ws/(build|install|log)\b|ros2_ws/src/farl_ros\b")
"""Paths that appear when a command of the same page has run."""
SYSTEM = frozenset({
    "apt", "apt-get", "bash", "cat", "cd", "chmod", "chrt", "cp", "curl", "echo", "export", "git", "grep",
    "groups", "id", "journalctl", "kill", "ls", "lsusb", "mkdir", "mkdocs", "mv", "mypy", "newgrp", "ping",
    "pip", "pre-commit", "pro", "pytest", "reboot", "rm", "rsync", "ruff", "scp", "source", "ssh", "sysctl",
    "systemctl", "tail", "tar", "tee", "test", "timedatectl", "touch", "tty", "udevadm", "uname", "usermod",
    "xhost", "xset",
})  # fmt: skip
"""Programs of others, whose options are not checked."""


class WrongCommand(ValueError):
    """A documented command that cannot be right; the message says what is wrong with it."""


def check(command: Command) -> None:
    """Parse a command without running it; one in running text may leave out its arguments.

    Raises:
        WrongCommand: A program, option, argument, file or target does not exist.
    """
    for words in simple_commands(command.text):
        _check(words, named=command.inline)


def check_alone(command: Command) -> None:
    """The same for a command that can be typed as it stands.

    Raises:
        WrongCommand: As for ``check``, or something is missing.
    """
    for words in simple_commands(command.text):
        _check(words, named=False)


def _check(words: Sequence[str], named: bool) -> None:
    """One simple command; a ``named`` one may lack arguments that are required."""
    program, arguments = words[0].removeprefix(".venv/bin/"), list(words[1:])
    for word in words:
        path = OURS.match(word)
        if path and not MADE.match(word) and not (ROOT / path[0]).exists() and word not in _written(words):
            raise WrongCommand(f"{path[0]} is not in the repository")
    if program in NODES:
        return
    if program in _CHECKS:
        _CHECKS[program](arguments, named)
    elif program in ("python", "python3"):
        _check_python(arguments, named)
    elif "/" not in program and program not in SYSTEM:
        raise WrongCommand(f"{program}: no program of ours, nor one of SYSTEM in {__name__}")


def _written(words: Sequence[str]) -> Sequence[str]:
    """The words of a command that may name what is not there yet."""
    if words[0] == "cp":
        return words[-1:]
    inside = words.index("farl") if "farl" in words else len(words)  # of a container
    return words if words[0] == "mkdir" else words[inside:]


def _check_farl(arguments: Sequence[str], named: bool) -> None:
    check_typer(app, arguments, named)


def check_typer(of: typer.Typer, arguments: Sequence[str], named: bool = False) -> None:
    """Parse the arguments of a Typer app.

    Args:
        of: The app.
        arguments: What follows its name.
        named: Whether required arguments may be missing, as where a text speaks of a command.

    Raises:
        WrongCommand: An option does not exist, a value is none, or something is missing.
    """
    command, rest = _click_command(of), [word for word in arguments if not word.startswith("[")]
    context = command.context_class(command, info_name="farl", resilient_parsing=True)
    while hasattr(command, "commands") and rest:
        if rest[0] not in command.commands:
            if rest[0].startswith("-") or PLACEHOLDER.fullmatch(rest[0]):
                return  # --help, or a command in general
            raise WrongCommand(f"no subcommand {rest[0]!r}: expected one of {', '.join(command.commands)}")
        command = command.commands[rest.pop(0)]
        context = command.context_class(command, parent=context, info_name=command.name)
    context.resilient_parsing = False
    if {"-h", "--help"} & set(rest):
        return
    try:
        values, left, _ = command.make_parser(context).parse_args(rest)
        if left:
            raise WrongCommand(f"too many arguments: {' '.join(left)}")
        for parameter in command.get_params(context):
            given = values.get(parameter.name)
            if given is None:
                if parameter.required and not named:
                    raise WrongCommand(f"{parameter.opts[-1]} is missing")
            elif not _is_filled_in(given):
                parameter.process_value(context, given)
    except WrongCommand:
        raise
    except Exception as error:  # Click's, or those of the copy that Typer brings
        if not hasattr(error, "format_message"):
            raise
        raise WrongCommand(error.format_message()) from error


@cache
def _click_command(of: typer.Typer) -> Any:
    return typer.main.get_command(of)


def _is_filled_in(given: object) -> bool:
    words = given if isinstance(given, (list, tuple)) else [given]
    return any(FILLED in str(word) or PLACEHOLDER.fullmatch(str(word)) for word in words)


def _check_make(arguments: Sequence[str], named: bool) -> None:
    """The recipes as ``make -n`` prints them, from an empty folder: nothing of ours is run."""
    for line in recipe(tuple(arguments)):
        for words in simple_commands(line):
            if words[0] == ".venv/bin/farl":
                _check(words, named)


@cache
def recipe(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """The lines that ``make`` with these arguments would run.

    Raises:
        WrongCommand: There is no such target.
    """
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            ["make", "-n", "-f", str(ROOT / "Makefile"), *arguments],
            cwd=empty,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise WrongCommand(f"make: {done.stderr.strip()}")
    return tuple(done.stdout.replace("\\\n", " ").splitlines())


def _check_ros2(arguments: Sequence[str], named: bool) -> None:
    verb, rest = arguments[0], list(arguments[1:])
    if verb == "launch":
        _check_launch(rest, named)
    elif verb == "run":
        if rest[0] == "farl_ros" and rest[1] not in NODES:
            raise WrongCommand(f"farl_ros has no executable {rest[1]!r}")
    elif verb in ("service", "action", "topic", "param", "lifecycle", "node"):
        for name in (word for word in rest if word.startswith("/") and FILLED not in word):
            node = name.split("/")[1]
            if verb != "topic" and node not in NODES:
                raise WrongCommand(f"{name}: there is no node {node!r}")
    elif verb not in ("bag", "interface", "doctor", "daemon", "pkg", "component"):
        raise WrongCommand(f"ros2 {verb}: no verb that {__name__} knows")


def _check_launch(rest: Sequence[str], named: bool) -> None:
    if named and not rest:
        return
    package, file, given = rest[0], rest[1], rest[2:]
    if package != "farl_ros":
        return  # a driver's own launch file
    job = file.removesuffix(".launch.py")
    if PLACEHOLDER.search(job):
        return
    if job not in ARGUMENTS or not (ROOT / "launch" / file).is_file():
        raise WrongCommand(f"no launch file {file}: expected one of {', '.join(ARGUMENTS)}")
    if "--show-args" in given or (named and not given):
        return
    texts = dict(word.split(":=", 1) for word in given)
    declared = {argument.name: argument.default for argument in ARGUMENTS[job]}
    unknown = sorted(set(texts) - set(declared))
    if unknown:
        raise WrongCommand(f"{file} has no argument {unknown[0]!r}: expected some of {', '.join(declared)}")
    try:
        graph_from_text(GRAPHS[job], declared | texts)
    except ValueError as error:
        raise WrongCommand(str(error)) from error


def _check_python(arguments: Sequence[str], named: bool) -> None:
    if arguments[:1] != ["-m"]:
        if arguments and not arguments[0].startswith("-") and not (ROOT / arguments[0]).is_file():
            raise WrongCommand(f"no file {arguments[0]}")
        return
    module, rest = arguments[1], list(arguments[2:])
    if module == "colcon":
        _check_colcon(rest, named)
    if module in ("colcon", "venv", "pip", "pytest"):
        return
    if not (ROOT / (module.replace(".", "/") + ".py")).is_file():
        raise WrongCommand(f"no module {module}")
    if rest:
        _check_main(importlib.import_module(module).main, rest)


class _Parsed(Exception):
    """The arguments are right; nothing is to be run."""


def _check_main(main: Callable[..., None], arguments: Sequence[str]) -> None:
    """The ``main`` of a module: run by Typer, or building an ``ArgumentParser``; another is left alone.

    Only one that builds a parser itself is called, because that ends before anything is done.
    """
    if main.__code__.co_argcount > 1:
        of = typer.Typer()
        of.command()(main)
        check_typer(of, arguments)
        return
    if "ArgumentParser" not in main.__code__.co_names:
        return
    parse = argparse.ArgumentParser.parse_args

    def parse_alone(parser: argparse.ArgumentParser, *given: object) -> None:
        parse(parser, *given)
        raise _Parsed

    argparse.ArgumentParser.parse_args = parse_alone
    kept, sys.argv = sys.argv, [main.__module__, *arguments]
    try:
        main()
    except _Parsed:
        return
    except SystemExit as error:
        raise WrongCommand(f"{main.__module__} refuses {' '.join(arguments)}") from error
    finally:
        argparse.ArgumentParser.parse_args, sys.argv = parse, kept


def _check_colcon(arguments: Sequence[str], named: bool) -> None:
    _known("verb", arguments[:1], {"build", "list", "test", "test-result"})


def _check_docker(arguments: Sequence[str], named: bool) -> None:
    """``docker compose`` against its file and what it runs, ``docker build`` against stages and arguments."""
    if arguments[:1] == ["compose"]:
        _check_compose(arguments, named)
    elif arguments[:1] == ["build"]:
        text = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
        stages = set(re.findall(r"^FROM .* AS (\w[\w-]*)", text, re.MULTILINE | re.IGNORECASE))
        names = set(re.findall(r"^ARG (\w+)", text, re.MULTILINE))
        _known("target", _after("--target", arguments), stages)
        _known("build argument", [word.split("=")[0] for word in _after("--build-arg", arguments)], names)


def _check_compose(arguments: Sequence[str], named: bool) -> None:
    file = ROOT / "docker" / "compose.yaml"
    if not file.is_file():
        raise WrongCommand(f"no file {file}")
    services: Mapping[str, dict] = yaml.safe_load(file.read_text(encoding="utf-8"))["services"]
    profiles = {profile for service in services.values() for profile in service.get("profiles", ())}
    _known("profile", _after("--profile", arguments), profiles)
    verbs = ("build", "exec", "kill", "logs", "run", "stop", "up")
    at = next((index for index, word in enumerate(arguments) if word in verbs), len(arguments))
    after = list(dropwhile(lambda word: word.startswith("-"), arguments[at + 1 :]))
    _known("service", after[:1], set(services))
    if after[1:] and arguments[at] in ("run", "exec"):
        _check(after[1:], named)


def _after(option: str, arguments: Sequence[str]) -> list[str]:
    return [value for name, value in pairwise(arguments) if name == option]


def _known(what: str, names: Sequence[str], known: set[str]) -> None:
    for name in names:
        if name not in known and not PLACEHOLDER.fullmatch(name) and name != FILLED:
            raise WrongCommand(f"docker: no {what} {name!r}: expected one of {', '.join(sorted(known))}")


_CHECKS: Mapping[str, Callable[[Sequence[str], bool], None]] = {
    "farl": _check_farl,
    "make": _check_make,
    "ros2": _check_ros2,
    "colcon": _check_colcon,
    "docker": _check_docker,
}
