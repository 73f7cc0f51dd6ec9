"""A graph without demonstrations or training: untrained models of the disc table, episodes of 20 steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from farl.models import save_models
from farl.presets import Settings, settings_for
from farl_ros.composed import Composed
from farl_ros.graph import NodeSpec, finetune_graph
from farl_ros.paths import share_folder

from .bench import HORIZON, Bench, untrained_models


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "e2e: separate processes over real DDS")


@pytest.fixture(scope="session")
def task(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The disc table with short episodes."""
    text = (share_folder() / "config" / "tasks" / "disc_table.yaml").read_text(encoding="utf-8")
    assert "horizon: 100" in text
    path = tmp_path_factory.mktemp("task") / "disc_table.yaml"
    path.write_text(text.replace("horizon: 100", f"horizon: {HORIZON}"), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    save_models(untrained_models(3), folder)
    return folder


@pytest.fixture
def short_rollouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An update after every three episodes."""

    def short(*arguments: Any) -> Settings:
        settings = settings_for(*arguments)
        return replace(settings, ppo=replace(settings.ppo, rollout_steps=50, epochs=2, value_only_updates=1))

    monkeypatch.setattr("farl_ros.job.settings_for", short)


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    """Makes benches from (executable, parameters) pairs; all are closed at the end."""
    benches: list[Bench] = []

    def make(*nodes: tuple[str, dict[str, Any]]) -> Bench:
        specs = [NodeSpec(executable, executable, parameters) for executable, parameters in nodes]
        benches.append(Bench(Composed(specs, isolated=True).__enter__()))
        return benches[-1]

    yield make
    for made in benches:
        made.close()


@pytest.fixture
def finetune_specs(task: str, models: Path, tmp_path: Path) -> Callable[..., list[NodeSpec]]:
    """The fine-tuning graph, its finetuner without a report and quick to give up."""

    def make(run: Path = tmp_path / "run", **arguments: Any) -> list[NodeSpec]:
        specs = finetune_graph(task, models=str(models), run=str(run), **arguments)
        extra = {"report": False, "stall_limit": 2.0}
        finetuner = replace(specs[-1], parameters={**specs[-1].parameters, **extra})
        return [*specs[:-1], finetuner]

    return make
