"""The reference of the command line, read from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import get_args

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from docs.generate.reference_ros import GENERATED
from farl_ros.cli import app


def commands_page() -> str:
    """Every command with its arguments and options."""
    group = _root()
    parts = [
        GENERATED,
        "# Commands",
        "Bad input ends with exit code 2 and one sentence that says what was expected, what came and what to "
        "do; Ctrl-C with 130. "
        "`farl COMMAND --help` prints the same as this page.",
        _overview(group),
    ]
    for name, command in _commands(group, "farl"):
        parts += [f"## {name}", *_described(command), _options(name, command)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _commands(group: TyperGroup, name: str) -> Iterator[tuple[str, TyperCommand]]:
    """All commands below a group, groups themselves left out."""
    for word, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _commands(command, f"{name} {word}")
        elif isinstance(command, TyperCommand):
            yield f"{name} {word}", command


def command_names() -> list[str]:
    """The names of all commands, such as ``farl bags check``."""
    return [name for name, _ in _commands(_root(), "farl")]


def _root() -> TyperGroup:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def _overview(group: TyperGroup) -> str:
    lines = ["| command | |", "| --- | --- |"]
    for name, command in _commands(group, "farl"):
        lines.append(f"| [`{name}`](#{name.replace(' ', '-')}) | {_first_line(command)} |")
    return "\n".join(lines)


def _first_line(command: TyperCommand) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


def _described(command: TyperCommand) -> list[str]:
    """The help text; lines of examples become a code block."""
    text, _, examples = re.sub(r"\x08\n?", "", command.help or "").partition("Example")
    parts = [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]
    found = re.findall(r"farl .*?(?=\s+farl |\n\n|\Z)", examples, re.DOTALL)
    if found:
        parts.append("```bash\n" + "\n".join(" ".join(line.split()) for line in found) + "\n```")
    return parts


def _options(name: str, command: TyperCommand) -> str:
    usage, lines = [name], ["| option | default | |", "| --- | --- | --- |"]
    for parameter in command.params:
        if isinstance(parameter, TyperArgument):
            usage.append(str(parameter.metavar or parameter.name).upper())
            lines.append(f"| `{usage[-1]}` | **required** | {_text(parameter)} |")
        if not isinstance(parameter, TyperOption) or parameter.name == "help":
            continue
        names = " / ".join(f"`{option}`" for option in [*parameter.opts, *parameter.secondary_opts])
        lines.append(f"| {names}{_kind(parameter)} | {_default(parameter)} | {_text(parameter)} |")
    return f"Usage: `{' '.join(usage)} [OPTIONS]`\n\n" + "\n".join(lines)


def _kind(parameter: TyperOption) -> str:
    """The values that an option takes, as they are typed."""
    if parameter.is_flag:
        return ""
    annotation = parameter.type_descriptor.annotation
    kind = next((one for one in get_args(annotation) if one is not type(None)), annotation)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " " + ", ".join(f"`{member.value}`" for member in kind)
    words = {int: "N", float: "X", Path: "PATH"}
    low, high = parameter.min, parameter.max
    limits = "" if low is None else (f" ≥ {low:g}" if high is None else f" {low:g} to {high:g}")
    return f" {words.get(kind, 'TEXT')}{limits}"


def _default(parameter: TyperOption) -> str:
    if parameter.required:
        return "**required**"
    value = parameter.default
    if parameter.is_flag and parameter.secondary_opts and value is not None:
        return f"`{parameter.opts[0] if value else parameter.secondary_opts[0]}`"
    if value is None or value is False or value == [] or callable(value):
        return ""
    return f"`{getattr(value, 'value', value)}`"


def _text(parameter: TyperOption | TyperArgument) -> str:
    return " ".join((getattr(parameter, "help", "") or "").split()).replace("|", "\\|").replace("<", "&lt;")
