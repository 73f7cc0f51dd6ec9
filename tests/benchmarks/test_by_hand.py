"""The whole way from devices to a calibrated shield, with few demonstrations; the devices are virtual."""

import json

import pytest

from benchmarks.by_hand import LEAST_FAILURES, run
from farl_ros.bags import read_folder
from farl_ros.task_spec import load_task

DEMONSTRATIONS = 4


@pytest.mark.slow
def test_from_devices_to_a_calibrated_shield(tmp_path):
    out = tmp_path / "by_hand"
    story = run(out, DEMONSTRATIONS, seed=5)
    told = {row.what: row.came_of_it for row in story.rows}
    spec = load_task("DiscTable")

    def bags(kind):
        """Of a kind, and how many came late because the machine is busy: those are moved away."""
        late = len([*(out / "set_aside" / "demos" / kind).glob("*")])
        return read_folder(out / "demos" / kind, spec), late

    task, late = bags("task")
    assert len(task.demos.episodes) == DEMONSTRATIONS - late
    assert all(episode.success and not episode.costs.any() for episode in task.demos.episodes)  # labelled so
    assert len([*(out / "demos" / "task" / "discarded").iterdir()]) >= 1
    recoveries, late = bags("recovery")
    assert (len(recoveries.demos.episodes), recoveries.recovered) == (DEMONSTRATIONS + 1 - late, 1)
    assert "was cut off" in told["the next start"] and "was cut off" in told["`farl bags check demos`"]
    failures, late = bags("failure")
    fell = [bool(episode.costs.any()) for episode in failures.demos.episodes]
    assert len(fell) == DEMONSTRATIONS - late and sum(fell) >= DEMONSTRATIONS - 1 - late

    assert told["trained by the action server"].startswith("trained on ")
    calibration = json.loads((out / "offline" / "models" / "calibration.json").read_text())["conformal"]
    assert calibration["failures"] >= LEAST_FAILURES and calibration["miss_rate"] <= 0.1
    assert "<svg" in (out / "audit" / "audit.html").read_text()
    assert told["`farl replay task/episode_000000 --into sim`"].startswith("bit for bit")
    assert (
        "the states differ" in told["`farl replay task/episode_000000 --into sim`, from the layout of seed 7"]
    )
    assert "<svg" in story.plots["by_hand_replay.svg"]
