"""What becomes of a documented command: it is run, run small, or only parsed; every one falls into one class.

``scenarios.PAGES`` says page by page what is run and how, ``RULES`` what is only parsed everywhere, and why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .collecting import Command
from .parsing import WrongCommand, check_alone
from .shell import is_form


@dataclass(frozen=True)
class Key:
    """A key that a person presses.

    Attributes:
        wait_for: Pattern; pressed once the terminal has shown it since the key before.
        press: What is typed; ``CTRL_C`` interrupts.
        times: How often, 0.1 s apart, as a key that is held.
    """

    wait_for: str
    press: str
    times: int = 1


CTRL_C = "\x03"


@dataclass(frozen=True)
class Run:
    """The command is executed in the folder of its page, after those above it.

    Attributes:
        instead: Reductions: parts of its text, and what stands for them.
        also: Options that are added, likewise to make it small.
        why: Why it is not run as it stands; with ``instead`` or ``also``.
        before: Lines of shell that run first: what the page takes for granted.
        exit_code: The one that the page tells.
        keys: What a person presses; then it runs on a terminal of its own.
    """

    instead: Mapping[str, str] = field(default_factory=dict)
    also: str = ""
    why: str = ""
    before: str = ""
    exit_code: int = 0
    keys: tuple[Key, ...] = ()

    def text(self, documented: str) -> str:
        """What is typed where the page says ``documented``.

        Raises:
            ValueError: The reduction does not fit the command, or no reason is given for it.
        """
        if bool(self.instead or self.also) != bool(self.why):
            raise ValueError(f"{documented}: a reduction needs a reason, and a reason a reduction")
        for part, small in self.instead.items():
            if part not in documented:
                raise ValueError(f"{documented}: {part!r} is to be replaced, and is not in it")
            documented = documented.replace(part, small)
        return f"{documented} {self.also}".rstrip()


@dataclass(frozen=True)
class Parsed:
    """The command is held against the parser of its program, and not run; ``why`` says why not."""

    why: str


OF_PAGES: tuple[tuple[str, str], ...] = (
    (r"docs/experiments\.md", "tells what was done, not what to do"),
    (r"docs/extending\.md", "run by tests/docs/test_extending.py"),
    (r"docs/reference/", "generated from the code"),
)
"""Pages whose commands are only parsed: a pattern of the path, and why."""
RULES: tuple[tuple[str, str], ...] = (
    (r"--host|--robot|--device (gamepad|spacemouse)|host:=|sim:=false", "needs a robot, or a device"),
    (r"^farl (ready|rearm|preflight|perceive)\b|^farl perception calibrate", "needs a robot, or a camera"),
    (r"^farl perception train", "needs Ultralytics, and ten minutes; tests/perception/test_training.py"),
    (r"\bros2 |\bcolcon\b|/opt/ros/", "needs a ROS 2 installation; tests/launch, ros2_ws"),
    (r"^docker\b|^docker/|xhost", "needs a Docker daemon, or makes an image"),
    (r"^(sudo|apt|apt-get|systemctl|udevadm|usermod|journalctl|xset|chrt)\b", "changes the machine"),
    (
        r"^(\.venv/bin/)?(git|pip|python3? -m (pip|venv)|pre-commit|curl|ssh|scp|rsync)\b",
        "downloads, or changes a checkout",
    ),
    (r"^(source|cd|export|cp|mkdir)\b", "is about the shell or the folder that it is typed into"),
    (r"python -m docs\.generate", "writes the pages themselves"),
    (
        r"^make (setup|test|test-docs|test-robot|lint|clean|docs\S*)\b",
        "makes or tests what this test runs in",
    ),
    (r"^make (models|demos|benchmark|failurebench)\b", "minutes to days; its recipe is parsed"),
    (r"python3? -m benchmarks\.|^pytest\b|^mkdocs\b", "measures for minutes to hours, or is a test itself"),
)
"""What is only parsed wherever it stands: a pattern, and why. The first that fits counts."""

FORM = Parsed("somebody must fill something in")
NAMED = Parsed("the text speaks of it and leaves its arguments out")


def rule_for(command: Command) -> Parsed | None:
    """The class that a command has on every page; None if its page must say."""
    for pattern, why in OF_PAGES:
        if re.match(pattern, command.page):
            return Parsed(why)
    for pattern, why in RULES:
        if re.search(pattern, command.text):
            return Parsed(why)
    if command.inline and is_form(command.text):
        return FORM
    if command.inline and _is_named(command):
        return NAMED
    return None


def _is_named(command: Command) -> bool:
    try:
        check_alone(command)
    except WrongCommand:
        return True
    return re.fullmatch(r"farl( bags| perception)? [a-z]+", command.text) is not None
