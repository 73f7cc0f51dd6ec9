"""Failing episodes against agent steps as one SVG, a panel for each task; no library, no script, no font."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 210, 150
LEFT, TOP, GAP = 58, 30, 66
COLOURS = {"uni_o4": "#c0504d", "paper": "#2a7f9e"}
LABELS = {"uni_o4": "uni_o4, no shield", "paper": "paper, the shield"}
GREY = "#808080"


def failure_curves(rows: Sequence[Mapping[str, str]]) -> str:
    """The picture; each line is the mean over the seeds at the steps that all of them reached.

    Args:
        rows: With ``task``, ``preset``, ``seed``, ``steps`` and ``failures``.
    """
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    width = LEFT + len(tasks) * (WIDTH + GAP)
    height = TOP + HEIGHT + 58
    panels = [_panel(rows, task, LEFT + i * (WIDTH + GAP)) for i, task in enumerate(tasks)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="12" fill="{GREY}">{"".join(panels)}{_legend(height)}</svg>\n'
    )


def _panel(rows: Sequence[Mapping[str, str]], task: str, x: float) -> str:
    lines = {preset: _mean(rows, task, preset) for preset in COLOURS}
    most_steps = max((step for line in lines.values() for step, _ in line), default=1.0)
    most = max((count for line in lines.values() for _, count in line), default=1.0) or 1.0
    parts = [
        f'<text x="{x}" y="{TOP - 10}" font-weight="bold">{task}</text>',
        f'<path d="M{x},{TOP}V{TOP + HEIGHT}H{x + WIDTH}" stroke="{GREY}" fill="none"/>',
        f'<text x="{x - 5}" y="{TOP + 8}" text-anchor="end">{most:,.0f}</text>',
        f'<text x="{x - 5}" y="{TOP + HEIGHT}" text-anchor="end">0</text>',
        f'<text x="{x + WIDTH}" y="{TOP + HEIGHT + 16}" text-anchor="end">'
        f"{most_steps / 1e6:.1f} million steps</text>",
    ]
    for preset, line in lines.items():
        points = " ".join(
            f"{x + WIDTH * step / most_steps:.1f},{TOP + HEIGHT * (1 - count / most):.1f}"
            for step, count in line
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[preset]}" stroke-width="2"/>')
    return "".join(parts)


def _mean(rows: Sequence[Mapping[str, str]], task: str, preset: str) -> list[tuple[float, float]]:
    """Pairs (steps, failing episodes so far), mean over the seeds point by point."""
    seeds: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if (row["task"], row["preset"]) == (task, preset):
            seeds.setdefault(row["seed"], []).append((float(row["steps"]), float(row["failures"])))
    return [
        (sum(step for step, _ in points) / len(points), sum(count for _, count in points) / len(points))
        for points in zip(*seeds.values(), strict=False)
    ]


def _legend(height: float) -> str:
    return "".join(
        f'<rect x="{LEFT + i * 160}" y="{height - 20}" width="18" height="4" fill="{COLOURS[preset]}"/>'
        f'<text x="{LEFT + i * 160 + 24}" y="{height - 14}">{label}</text>'
        for i, (preset, label) in enumerate(LABELS.items())
    )
