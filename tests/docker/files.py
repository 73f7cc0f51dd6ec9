"""The container files, and compose files as Docker reads them without any environment variables."""

import re
import runpy
import shlex
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+):-(?P<default>[^}]*)\}")


def compose(name="compose.yaml"):
    """A compose file with every variable at its default; an unknown form of `$` is left, and fails later."""
    text = VARIABLE.sub(lambda match: match["default"], (DOCKER / name).read_text(encoding="utf-8"))
    return yaml.safe_load(text)


def variables(name="compose.yaml"):
    """The variables of a compose file with their defaults."""
    found = {}
    for match in VARIABLE.finditer((DOCKER / name).read_text(encoding="utf-8")):
        assert found.setdefault(match["name"], match["default"]) == match["default"], match["name"]
    return found


def words(command):
    return shlex.split(command)


def script(name):
    """The names that a script of docker/ defines; it is no package."""
    return runpy.run_path(str(DOCKER / name))
