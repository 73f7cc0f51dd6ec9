"""Demonstrations that cannot be trained on: one clear error each, before any training starts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from farl.types import EpisodeKind
from farl_ros.bag_episodes import write_trajectory
from farl_ros.task_spec import TaskSpec, load_task, parse_task
from tests.farl_ros.conftest import Recorded

Write = Callable[..., None]


@pytest.fixture
def bag(tmp_path: Path, spec: TaskSpec) -> Write:
    """Write one bag into demos/KIND."""
    counts: dict[EpisodeKind, int] = {}

    def write(kind: EpisodeKind, recorded: Recorded | None = None, task: TaskSpec = spec) -> None:
        index = counts[kind] = counts.get(kind, -1) + 1
        folder = tmp_path / "demos" / kind.name.lower() / f"episode_{index:06d}"
        write_trajectory(folder, task, kind, index, recorded or Recorded(8, index), seed=0)

    return write


@pytest.fixture
def refused(farl, capsys, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Run ``farl offline`` on demos/, which must be refused before training; returns what it says."""

    def never(*_: object) -> None:
        pytest.fail("training has started")

    for name in ("train_policy", "fit_value", "train_world_model"):
        monkeypatch.setattr(f"farl.offline.{name}", never)

    def run() -> str:
        assert farl("offline", "DiscTable", "--bags", "demos", "--out", "off") == 2
        assert not Path("off").exists()
        said = " ".join(capsys.readouterr().out.split())
        assert "error: " in said and "Traceback" not in said
        return said

    return run


def sound(bag: Write, *, leave_out: EpisodeKind | None = None) -> None:
    """Three demonstrations of each kind, two failures among them."""
    for kind in (EpisodeKind.TASK, EpisodeKind.RECOVERY, EpisodeKind.FAILURE):
        for index in range(3) if kind != leave_out else ():
            fails = kind == EpisodeKind.FAILURE and index < 2
            bag(kind, Recorded(8, index, failure_at=5 if fails else None))


@pytest.mark.parametrize("kind", [EpisodeKind.TASK, EpisodeKind.RECOVERY, EpisodeKind.FAILURE])
def test_a_missing_kind(bag: Write, refused: Callable[[], str], kind: EpisodeKind) -> None:
    sound(bag, leave_out=kind)
    said = refused()
    assert f"no {kind.name.lower()} demonstrations; found {{" in said and "record some" in said


def test_failure_demonstrations_without_a_failure(bag: Write, refused: Callable[[], str]) -> None:
    sound(bag, leave_out=EpisodeKind.FAILURE)
    bag(EpisodeKind.FAILURE)
    assert "none of the 1 failure demonstrations contains a failure" in refused()


def test_another_task(bag: Write, refused: Callable[[], str]) -> None:
    recorded = Recorded(8)
    random = np.random.default_rng(0)
    recorded.observations = random.standard_normal((9, 39)).astype(np.float32)
    recorded.actions = random.uniform(-1, 1, (8, 4)).astype(np.float32)
    bag(EpisodeKind.TASK, recorded, load_task("BoundedPush"))
    assert "a recording of task 'BoundedPush', expected 'DiscTable'" in refused()
    sound(bag)  # among sound ones it is refused all the same, for it is there by mistake
    said = refused()
    assert "1 bags hold something else than sound demonstrations of DiscTable" in said
    assert "demos/task/episode_000000" in said and "move them away" in said


def test_another_observation_layout(bag: Write, refused: Callable[[], str], spec: TaskSpec) -> None:
    sound(bag)
    content = json.loads(json.dumps(spec.resolved()))
    first, second, *others = content["observation"]
    content["observation"] = [second, first, *others]
    bag(EpisodeKind.TASK, None, parse_task(content, "swapped"))
    said = refused()
    assert "recorded when 'observation' of DiscTable was" in said
    assert "demos/task/episode_000003" in said and "nothing is trained" in said


def test_numbers_that_are_none(bag: Write, refused: Callable[[], str]) -> None:
    sound(bag)
    recorded = Recorded(8)
    recorded.observations[4, 2] = np.nan
    bag(EpisodeKind.RECOVERY, recorded)
    said = refused()
    assert "observations are not finite at (4, 2)" in said
    assert "demos/recovery/episode_000003" in said and "nothing is trained" in said


def test_a_model_card_that_does_not_match_the_task(farl, capsys, tmp_path: Path) -> None:
    """Its failures and recoveries would be made with a policy of something else."""
    from farl_ros.paths import share_folder

    shipped = share_folder() / "models" / "DiscTable"
    copied = tmp_path / "models"
    copied.mkdir()
    for file in shipped.iterdir():
        (copied / file.name).write_bytes(file.read_bytes())
    card = json.loads((copied / "card.json").read_text())
    demos = ("demos", "DiscTable", "--kind", "failure", "--out", "demos", "--models", copied)

    def refused(**changes: object) -> str:
        (copied / "card.json").write_text(json.dumps({**card, **changes}))
        assert farl(*demos) == 2
        assert not Path("demos").exists()
        return " ".join(capsys.readouterr().out.split())

    assert "models for task 'Another', expected 'DiscTable'" in refused(task="Another")
    other = {**card.get("task_spec", {}), "action_repeat": 7}
    assert "with action_repeat 7, now it is 1" in refused(task_spec=other)
    assert "does not fit" in refused(sizes={**card["sizes"], "observation": 9})
