"""What a line of shell starts: its simple commands, with loops unrolled and everything filled in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import product

SEPARATORS = {"&&", "||", ";", "|", "&", "\n"}
FILLED = "FILLED"
"""What stands for ``…``, ``$(tty)``, ``$USER`` and a word in capitals such as BAG."""
PREFIXES = ("sudo", "nohup", "exec", "time")
PLACEHOLDER = re.compile(r"(?<![\w.-])[A-Z]{3,}(?![\w=-]|\.md)|…|<[a-z][\w -]*>")
"""A word in capitals (TASK, BAG), an ellipsis, or ``<name>``: somebody fills in what is meant."""
CHOICE = re.compile(r"[\w.-]+(?:\|[\w.-]+)+")


def is_form(text: str) -> bool:
    """Whether somebody must fill in something, or choose, before it is a command."""
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", text)
    return bool(PLACEHOLDER.search(bare) or CHOICE.search(bare))


def simple_commands(text: str) -> Iterator[list[str]]:
    """The words of each simple command of a line, every way to fill it in once.

    Environment variables in front, redirections, ``sudo`` and ``nice`` are left out.

    Raises:
        ValueError: A quotation is not closed.
    """
    text = re.sub(r"<<-?\s*['\"]?(\w+)['\"]?\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    for chosen in _choices(_unrolled(text)):
        filled = re.sub(r"\$\([^)]*\)|\$\{?\w+\}?|…|<[a-z][\w -]*>", FILLED, chosen)
        lexer = shlex.shlex(filled.replace("\n", ";"), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in lexer:
            if word in SEPARATORS:
                yield from _stripped(words)
                words = []
            else:
                words.append(word)
        yield from _stripped(words)


def _choices(text: str) -> Iterator[str]:
    """``a|b`` without blanks around it is a choice, not a pipe."""
    found = CHOICE.findall(text)
    for chosen in product(*(choice.split("|") for choice in found)):
        remaining = iter(chosen)
        yield CHOICE.sub(lambda _, remaining=remaining: next(remaining), text)


def _unrolled(text: str) -> str:
    loop = re.compile(r"for (\w+) in ([^;\n]+)[;\n]\s*do\b(.*?)[;\n]\s*done", re.DOTALL)

    def repeat(found: re.Match[str]) -> str:
        name, values, body = found.groups()
        return "\n".join(re.sub(rf"\${{?{name}\b}}?", value, body.strip()) for value in values.split())

    return loop.sub(repeat, text)


def _stripped(words: list[str]) -> Iterator[list[str]]:
    kept: list[str] = []
    skip = False
    for word in words:
        if skip or re.fullmatch(r"[<>&\d]*[<>][<>&\d]*", word):
            skip = not skip and not re.fullmatch(r"\d*>&\d*", word)
        else:
            kept.append(word)
    while kept and (re.match(r"\w+=", kept[0]) or kept[0] in PREFIXES or kept[0] == "nice"):
        kept = kept[3:] if kept[:2] == ["nice", "-n"] else kept[1:]
    if kept:
        yield kept
