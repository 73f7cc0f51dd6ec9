"""Writes a pip.conf with this machine's own settings, for an image build.

Prints the local folders that the settings name. They are read from ``pip config list``: environment variables
and all of pip's files. The file may hold passwords of package servers: it is readable by its owner only, and
goes into a build as a secret, never into an image.

Usage: python3 docker/pip_settings.py PIP_CONF CERTIFICATES
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

KEPT = (
    "index-url",
    "extra-index-url",
    "find-links",
    "no-index",
    "trusted-host",
    "proxy",
    "timeout",
    "retries",
)
PLACES = ("index-url", "extra-index-url", "find-links")


def settings_of(lines: Iterable[str]) -> dict[str, str]:
    """What ``pip config list`` prints, without sections; environment variables win, as in pip."""
    found: dict[str, str] = {}
    for line in sorted(lines, key=lambda line: line.startswith(":env:")):
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2].removeprefix("default-")
        if name in KEPT:
            found[name] = str(ast.literal_eval(value))
    return found


def pip_conf(settings: dict[str, str], certificates: str) -> str:
    """The text of the file.

    Args:
        settings: As ``settings_of`` gives them; several values of one setting are parted by white space.
        certificates: Where the file of certificates will be in the image.
    """
    lines = ["[global]", f"cert = {certificates}"]
    for name, value in sorted(settings.items()):
        lines.append("\n    ".join([f"{name} =", *value.split()]))
    return "\n".join([*lines, ""])


def local_folders(settings: dict[str, str]) -> list[str]:
    """Folders of this machine that the settings name; an index's files lie beside its folder ``simple``."""
    found = set()
    for value in " ".join(settings.get(place, "") for place in PLACES).split():
        url = urlsplit(value)
        path = Path(url.path)
        if url.scheme in ("", "file") and path.is_dir():
            found.add(str(path.parent if path.name == "simple" else path))
    return sorted(found)


def main() -> None:
    """Write the file that the first argument names."""
    target, certificates = sys.argv[1:]
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # there may be no pip
    settings = settings_of(listed.stdout.splitlines())
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(pip_conf(settings, certificates))
    print("\n".join(local_folders(settings)))


if __name__ == "__main__":
    main()
