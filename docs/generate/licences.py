"""Third-party licences: what each pinned package says of itself, from its installed metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from packaging.requirements import Requirement

from docs.generate.reference_ros import GENERATED

FILES = (
    "runtime",
    "perception",
    "ros",
    "franka",
    "interchange",
    "test",
    "docs",
    "perception-train",
    "perception-openvino",
)
STATED = {
    "ultralytics-opencv-headless": "AGPL-3.0",
    "ultralytics-thop": "AGPL-3.0",
    "ultralytics-platform": "AGPL-3.0",
    "torch": "BSD-3-Clause, with parts under other licences",  # builds differ in what they say
    "torchvision": "BSD-3-Clause",
    "openvino": "Apache-2.0",
    "openvino-telemetry": "Apache-2.0",
    "anyio": "MIT",
    "h11": "MIT",
    "httpcore": "BSD-3-Clause",
    "httpx": "BSD-3-Clause",
    "nvidia-ml-py": "BSD-3-Clause",
    "polars": "MIT",
    "polars-runtime-32": "MIT",
    "psutil": "BSD-3-Clause",
}
"""Licences of what no set-up of ours installs, as their own pages on PyPI state them; and of one more."""
SAID_OTHERWISE = {
    "ros-jazzy-rclpy": "Apache-2.0",
    "ros-jazzy-common-interfaces": "Apache-2.0",
}
"""Of wheels whose metadata are silent: from the package.xml of what they hold."""


def licences_table(root: Path) -> str:
    """A table of every pinned package, its version, its licence, and the file that pins it."""
    lines = [GENERATED, "", "| package | version | licence | pinned in |", "| --- | --- | --- | --- |"]
    for name, version, file in pins(root):
        lines.append(f"| `{name}` | {version} | {licence_of(name)} | `{file}` |")
    return "\n".join(lines) + "\n"


def pins(root: Path) -> Iterator[tuple[str, str, str]]:
    """Name, version and file of each package that a file of ``requirements/`` names, each once."""
    seen = set()
    for stem in FILES:
        path = root / "requirements" / f"{stem}.txt"
        for line in path.read_text(encoding="utf-8").splitlines():
            if not re.match(r"[A-Za-z]", line):
                continue
            requirement = Requirement(line.partition("#")[0].strip())
            if requirement.name not in seen:
                seen.add(requirement.name)
                yield requirement.name, str(requirement.specifier).lstrip("="), path.name


def licence_of(package: str) -> str:
    """The licence that a package states: its expression, else its classifiers, else its short text.

    Raises:
        LookupError: It is not installed, or says nothing, and no table here says it.
    """
    if package in STATED:
        return STATED[package]
    try:
        said = metadata(package).json
    except PackageNotFoundError as error:
        raise LookupError(
            f"{package} is not installed: run make setup, or name its licence in {__name__}"
        ) from error
    expression, text = str(said.get("license_expression", "")), str(said.get("license", "")).strip()
    classified = [
        entry.rpartition(" :: ")[2] for entry in said.get("classifier", []) if entry.startswith("License ::")
    ]
    if expression:
        return expression
    if text and "\n" not in text and len(text) < 60 and text.upper() != "UNKNOWN":
        return text
    if classified:
        return ", ".join(classified)
    if package in SAID_OTHERWISE:
        return SAID_OTHERWISE[package]
    raise LookupError(f"{package}: its metadata name no licence; look it up, and name it in SAID_OTHERWISE")
