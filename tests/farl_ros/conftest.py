"""Made-up episodes of the disc table for the tests of bags, runs and reports."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from farl.types import ActionSource, Decision, EpisodeKind, Proposal, Reason, Transition
from farl_ros import cli
from farl_ros.bag_episodes import demonstration_transitions
from farl_ros.task_spec import TaskSpec, load_task


class Recorded:
    """A demonstration of T steps with random numbers; it fails in the steps from ``failure_at`` on."""

    def __init__(
        self, steps: int, seed: int = 0, failure_at: int | None = None, success: bool = False
    ) -> None:
        random = np.random.default_rng(seed)
        self.observations = random.standard_normal((steps + 1, 10)).astype(np.float32)
        self.actions = random.uniform(-1, 1, (steps, 2)).astype(np.float32)
        self.rewards = random.uniform(0, 1, steps).astype(np.float32)
        self.costs = np.zeros(steps, np.float32)
        if failure_at is not None:
            self.costs[failure_at:] = 1.0
        self.terminated, self.truncated, self.success = success, not success, success


def watched(
    recorded: Recorded, episode: int = 0, swapped: tuple[int, ...] = (), latency_ms: float = 0.25
) -> tuple[list[Transition], list[Decision]]:
    """The same as an online episode that a shield watched and in which it swapped some steps."""
    transitions, decisions = [], []
    for given in demonstration_transitions(recorded, EpisodeKind.ONLINE, episode):
        swap = given.step in swapped
        risk = float(np.float32(0.9 if swap else 0.125))
        source = ActionSource.RECOVERY if swap else ActionSource.TASK
        proposal = Proposal(-given.executed if swap else given.executed, -1.5, 3)
        reason = Reason.RISK_ABOVE_THRESHOLD if swap else Reason.SAFE
        steps = np.linspace(0, 1, 6, dtype=np.float32)
        transitions.append(replace(given, proposed=proposal, source=source, risk=risk))
        decisions.append(
            Decision(risk, 0.5, steps, proposal, given.executed, source, reason, latency_ms, "ab" * 32)
        )
    return transitions, decisions


@pytest.fixture(scope="session")
def spec() -> TaskSpec:
    return load_task("DiscTable")


@pytest.fixture(scope="session")
def record() -> type[Recorded]:
    return Recorded


@pytest.fixture(scope="session")
def watch() -> Callable[..., tuple[list[Transition], list[Decision]]]:
    return watched


@pytest.fixture
def farl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run ``farl`` in an empty folder; returns the exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["farl", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
            raise SystemExit(0)
        return int(ended.value.code or 0)

    return run
