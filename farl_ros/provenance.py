"""Which code made this: versions and git revision, for bags, runs and reports."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("farl_ros", "torch", "numpy", "mujoco", "metaworld", "gymnasium", "rosbags")


def versions() -> dict[str, str]:
    """Versions of Python and of what decides a run's numbers, and the git revision; each is text."""
    return {
        "python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
        "git_revision": git_revision() or "unknown",
    }


@lru_cache(maxsize=1)
def git_revision() -> str | None:
    """Commit of the checkout that this file lies in, ``-dirty`` after local changes.

    Outside of one, what ``FARL_REVISION`` says (an image is built with it), or None.
    """
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--match="]
    try:
        result = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10.0, check=True
        )
    except (OSError, subprocess.SubprocessError):  # no git, no checkout, or no commit yet
        return os.environ.get("FARL_REVISION") or None
    return result.stdout.strip()


@lru_cache(maxsize=32)
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
