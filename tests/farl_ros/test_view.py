"""The live view: seldom enough to cost nothing, and right at the end."""

import io
from typing import Any

from rich.console import Console

from farl.finetuning import Limit
from farl_ros.run_records import LatencyHistogram, summarise
from farl_ros.view import FinetuneView


def figures(steps: int) -> dict[str, Any]:
    nothing = summarise([], LatencyHistogram())
    return {
        **nothing,
        "steps": steps,
        "mean_return": 1.5,
        "success_rate": 0.5,
        "failure_rate": 0.25,
        "recovery_share": 0.125,
        "steps_per_second": 100.0,
    }


def show(terminal: bool) -> tuple[str, int]:
    """Draw 100 episodes in a second; returns what was printed, and how often was summed up."""
    text, now, asked = io.StringIO(), 0.0, 0
    console = Console(file=text, force_terminal=terminal, width=100)

    def summary() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return figures(round(now * 1000))

    with FinetuneView("task", Limit(steps=1000), console, clock=lambda: now) as view:
        for _ in range(100):
            now += 0.01
            view.show(summary, 3)
    return text.getvalue(), asked


def test_it_sums_up_a_few_times_a_second_and_ends_with_the_last_figures() -> None:
    printed, asked = show(terminal=True)
    assert asked <= 6
    assert "1000/1000 steps" in printed and "50%" in printed and "policy version" in printed


def test_without_a_terminal_it_prints_lines() -> None:
    printed, _ = show(terminal=False)
    lines = printed.strip().splitlines()
    assert 2 <= len(lines) <= 11
    assert lines[-1].startswith("steps 1000/1000") and "failing 0" in lines[-1]
