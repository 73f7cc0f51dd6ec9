"""``farl export`` and ``farl import``, as a user meets them."""

import sys

import pytest

from farl.types import EpisodeKind
from farl_ros.bag_episodes import write_trajectory
from farl_ros.bags import read_folder
from farl_ros.interchange.errors import InterchangeError, library


@pytest.fixture
def demos(tmp_path, spec, record):
    for kind in (EpisodeKind.TASK, EpisodeKind.FAILURE):
        place = tmp_path / "demos" / kind.name.lower() / "episode_000000"
        write_trajectory(place, spec, kind, 0, record(4, failure_at=2), seed=0)
    return tmp_path / "demos"


@pytest.mark.parametrize("form", ["lerobot", "robomimic"])
def test_there_and_back(farl, tmp_path, demos, spec, capsys, form):
    assert farl("export", "demos", "--format", form, "--out", "set") == 0
    assert "2 episodes in set, 0 bags refused" in capsys.readouterr().out
    assert farl("import", "set", "--format", form, "--task", "DiscTable", "--out", "back") == 0
    shown = capsys.readouterr().out
    assert "set, demo_0 →" in shown or "set, episode 0 →" in shown
    assert "back/episode_000000: failure, 4 steps, 2 failing" in shown
    assert "2 episodes in back" in shown
    assert read_folder(tmp_path / "back", spec).demos.transitions == 8


def test_a_bag_that_cannot_be_used_is_named_and_costs_only_itself(farl, tmp_path, demos, capsys):
    (file,) = (demos / "task" / "episode_000000").glob("*.mcap")
    file.write_bytes(b"no bag")
    assert farl("export", "demos", "--format", "robomimic", "--out", "set.hdf5") == 1
    shown = capsys.readouterr().out
    assert "not exported: demos/task/episode_000000: " in shown
    assert "1 episodes in set.hdf5, 1 bags refused" in shown


def test_bags_of_another_task_are_named(farl, demos, capsys):
    arguments = ("export", "demos", "--format", "robomimic", "--task", "BoundedPush", "--out", "set.hdf5")
    assert farl(*arguments) == 2
    assert "a recording of task 'DiscTable', expected 'BoundedPush'" in capsys.readouterr().out


def test_what_is_missing_is_one_sentence(farl, tmp_path, capsys):
    arguments = ("--format", "lerobot", "--task", "DiscTable", "--out", "back")
    assert farl("import", tmp_path / "nowhere", *arguments) == 2
    assert "not a LeRobotDataset" in capsys.readouterr().out
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(("form", "name"), [("lerobot", "pyarrow"), ("robomimic", "h5py")])
def test_a_missing_library_says_what_to_install(farl, demos, tmp_path, monkeypatch, capsys, form, name):
    monkeypatch.setitem(sys.modules, name, None)
    assert farl("export", "demos", "--format", form, "--out", "set") == 2
    said = capsys.readouterr().out
    assert f"{name} is missing" in said
    assert "pip install -r requirements/interchange.txt" in said
    assert not (tmp_path / "set").exists()


def test_no_library_is_needed_before_it_is_used(monkeypatch):
    for name in ("pyarrow", "h5py"):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(InterchangeError, match=f"{name} is missing"):
            library(name)
