"""Every shell command of a page: of its blocks, and of its running text.

A block tagged ``bash``, ``sh``, ``shell`` or ``console``, or one without a tag that shows commands, is read
line by line. With ``$`` prompts the lines without one are what the command before them printed. In running
text, code that starts with a program of ``PROGRAMS`` and goes on is a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
SHELL_TAGS = ("bash", "sh", "shell", "console")
PROGRAMS = (
    "farl", "make", "ros2", "colcon", "docker", "docker/test.sh", "python", "python3", "pip", "pytest",
    "mkdocs", "source", "cd", "git", "apt", "sudo", "xset", "systemctl", "export",
)  # fmt: skip
"""What a command starts with in running text, and in a block without a tag."""
PROMPT = "$ "
BLOCKS = ("fence", "code_block")


@dataclass(frozen=True)
class Command:
    """One command as a page shows it.

    Attributes:
        page: Path of the page, from the root of the repository.
        line: Line number in the page, from 1; in running text that of its paragraph.
        text: What is typed, on one line; a here-document or a loop keeps its lines.
        shown: What the page shows as its output; empty where it shows none.
        block: First line of the block that it stands in; its own line in running text.
        shown_of_block: On the last command of a block, what the block right after shows of the output of all.
        inline: Whether it stands in running text, where a name without arguments is no command.
    """

    page: str
    line: int
    text: str
    shown: tuple[str, ...] = ()
    block: int = 0
    shown_of_block: tuple[str, ...] = ()
    inline: bool = False

    def __str__(self) -> str:
        """Where it stands, and what it is."""
        return f"{self.page}:{self.line}: {self.text}"


def pages(root: Path = ROOT) -> tuple[str, ...]:
    """README.md, CONTRIBUTING.md and everything in docs/."""
    found = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]
    return tuple(str(path.relative_to(root)) for path in found)


@cache
def commands_of(page: str, root: Path = ROOT) -> tuple[Command, ...]:
    """All commands of a page, from top to bottom."""
    return tuple(collect(page, (root / page).read_text(encoding="utf-8")))


def collect(page: str, text: str) -> Iterator[Command]:
    """All commands of a Markdown text.

    Args:
        page: What to call it.
        text: The Markdown.
    """
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.map is None:
            continue
        if token.type in BLOCKS and _shows_commands(token):
            first = token.map[0] + (2 if token.type == "fence" else 1)
            found = list(_of_block(page, first, token.content.splitlines()))
            if found and after is not None and after.type in BLOCKS and _shows_output(after):
                output = tuple(line.rstrip() for line in after.content.splitlines() if line.strip())
                found[-1] = replace(found[-1], shown_of_block=output)
            yield from found
        elif token.type == "inline":
            yield from _of_text(page, token.map[0] + 1, token.children or ())


def _shows_commands(token: Token) -> bool:
    tag = token.info.strip().partition(" ")[0]
    if tag:
        return tag in SHELL_TAGS
    lines = [line.strip() for line in token.content.splitlines() if line.strip()]
    return any(line.startswith(PROMPT) or _program(line) in PROGRAMS for line in lines)


def _shows_output(token: Token) -> bool:
    return not token.info.strip() and not _shows_commands(token)


def _program(text: str) -> str:
    return next(iter(text.split()), "").removeprefix(".venv/bin/")


def _of_text(page: str, line: int, children: Sequence[Token]) -> Iterator[Command]:
    for child in children:
        if (
            child.type == "code_inline"
            and _program(child.content) in PROGRAMS
            and " " in child.content.strip()
        ):
            yield Command(page, line, " ".join(child.content.split()), block=line, inline=True)


def _of_block(page: str, first: int, lines: Sequence[str]) -> Iterator[Command]:
    prompted = any(line.startswith(PROMPT) for line in lines)
    command: tuple[int, str] | None = None
    shown: list[str] = []
    for number, text, printed in _entries(lines, prompted):
        if printed:
            shown.append(text)
            continue
        if command is not None:
            yield Command(page, command[0], command[1], tuple(shown), first)
        command, shown = (first + number, text), []
    if command is not None:
        yield Command(page, command[0], command[1], tuple(shown), first)


def _entries(lines: Sequence[str], prompted: bool) -> Iterator[tuple[int, str, bool]]:
    """Triples of line, text, and whether it is output; lines that belong together are joined."""
    rest = list(enumerate(lines))
    while rest:
        number, line = rest.pop(0)
        if prompted and not line.startswith(PROMPT):
            if line.strip():
                yield number, line.rstrip(), True
            continue
        text = without_comment(line.removeprefix(PROMPT) if prompted else line)
        while text.endswith("\\") and rest:
            text = text.removesuffix("\\").rstrip() + " " + without_comment(rest.pop(0)[1]).strip()
        while rest and (end := _end_of(text)) is not None:
            body = rest.pop(0)[1]
            text += "\n" + body
            if body.strip() == end:
                break
        if text:
            yield number, text, False


def _end_of(text: str) -> str | None:
    """The line that ends what a first line has opened: a here-document or a loop."""
    document = re.search(r"<<-?\s*['\"]?(\w+)['\"]?", text)
    if document is not None:
        return document[1]
    for opens, ends in (("for", "done"), ("while", "done"), ("if", "fi")):
        if text.startswith(f"{opens} ") and not re.search(rf"\b{ends}$", text):
            return ends
    return None


def without_comment(line: str) -> str:
    """A line without the comment at its end; a ``#`` in quotes or inside a word is none."""
    for found in re.finditer(r"(?:^|\s)#", line):
        before = line[: found.start()]
        if before.count('"') % 2 == 0 and before.count("'") % 2 == 0:
            return before.strip()
    return line.strip()
