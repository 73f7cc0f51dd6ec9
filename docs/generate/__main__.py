"""Writes the pages that are made from the code: ``python -m docs.generate``; a test says when it is due."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from docs.generate.licences import licences_table
from docs.generate.places import ROOT
from docs.generate.reference_cli import commands_page
from docs.generate.reference_ros import interfaces_page, jobs_page, nodes_page

PAGES: dict[str, Callable[[Path], str]] = {
    "docs/reference/nodes.md": nodes_page,
    "docs/reference/interfaces.md": interfaces_page,
    "docs/reference/jobs.md": lambda root: jobs_page(),
    "docs/reference/commands.md": lambda root: commands_page(),
    "docs/reference/packages.md": lambda root: "# Pinned packages\n\n" + licences_table(root),
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(ROOT), encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main()
