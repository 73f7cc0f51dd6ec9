"""Takes the pictures of "What healthy looks like" out of the reports of real runs.

    .venv/bin/python -m docs.generate.report_pictures runs

The runs are those of ``make failurebench SIZE=full`` and ``python -m benchmarks.franka_twin``, seed 0; a
picture is the report's own, so that it looks as a reader's will.
"""

from __future__ import annotations

import base64
import re
import sys
from pathlib import Path

from docs.generate.places import ROOT

RETURN, FAILURES, SHIELD, UPDATES = (
    "return and success rate",
    "failing episodes so far, and failure rate",
    "recovery share, and predicted risk",
    "figures of the updates",
)
RISK, PATH = "predicted risk over time", "paths of object and hand from above"
PICTURES = {
    "push_return": ("failurebench/full/BoundedPush-paper-s0", RETURN, 0),
    "push_failures": ("failurebench/full/BoundedPush-paper-s0", FAILURES, 0),
    "push_shield": ("failurebench/full/BoundedPush-paper-s0", SHIELD, 0),
    "push_updates": ("failurebench/full/BoundedPush-paper-s0", UPDATES, 0),
    "push_saved_risk": ("failurebench/full/BoundedPush-paper-s0", RISK, 0),
    "push_saved_path": ("failurebench/full/BoundedPush-paper-s0", PATH, 0),
    "push_failed_risk": ("failurebench/full/BoundedPush-paper-s0", RISK, 1),
    "push_failed_path": ("failurebench/full/BoundedPush-paper-s0", PATH, 1),
    "soccer_shield": ("failurebench/full/BoundedSoccer-paper-s0", SHIELD, 0),
    "soccer_failed_risk": ("failurebench/full/BoundedSoccer-paper-s0", RISK, 1),
    "wall_failures": ("failurebench/full/FragilePushWall-uni_o4-s0", FAILURES, 0),
    "twin_return": ("franka_twin/FrankaDisturbedPush-paper-s0", RETURN, 0),
    "twin_shield": ("franka_twin/FrankaDisturbedPush-paper-s0", SHIELD, 0),
}
"""By file name: run, the picture's text in its report, and which of those with that text."""
FOLDER = ROOT / "docs" / "images" / "healthy"


def picture(report: Path, text: str, which: int) -> bytes:
    """One picture of a report, as SVG.

    Raises:
        LookupError: The report has no such picture.
    """
    html = report.read_text(encoding="utf-8")
    found = re.findall(rf'<img alt="{text}" src="data:image/svg\+xml;base64,([^"]+)"', html)
    if len(found) <= which:
        raise LookupError(
            f"{report}: {len(found)} pictures {text!r}; write the report again: farl report {report.parent}"
        )
    return base64.b64decode(found[which])


def main() -> None:
    """Write every picture; the folder with the runs is the argument."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (run, text, which) in PICTURES.items():
        (FOLDER / f"{name}.svg").write_bytes(picture(Path(sys.argv[1]) / run / "report.html", text, which))


if __name__ == "__main__":
    main()
