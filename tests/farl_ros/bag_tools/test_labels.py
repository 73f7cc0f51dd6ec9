"""Labels change what is believed, never what was recorded, and survive being killed at any moment."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from farl.types import EpisodeKind
from farl_ros.bag_tools.labels import FILE, Label, Outcome, add_label, history, labels_file, read_label
from farl_ros.bag_tools.overview import outcome_of, overview
from farl_ros.bag_writer import BagError
from farl_ros.bags import read_episode, write_trajectory

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def bag(tmp_path, spec, record) -> Path:
    write_trajectory(tmp_path / "bag", spec, EpisodeKind.TASK, 3, record(10), seed=0)
    return tmp_path / "bag"


def contents(bag: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in bag.iterdir() if file.name != FILE}


def say(bag: Path, **fields) -> None:
    add_label(bag, Label(**fields), "AB", "2026-11-21T10:00:00+00:00", "looked at it again")


def test_a_label_changes_the_episode_and_nothing_recorded(bag, spec):
    before, recorded = contents(bag), read_episode(bag, spec)
    say(bag, kind=EpisodeKind.FAILURE, outcome=Outcome.FAILURE, failing_steps=(4, 5))
    episode = read_episode(bag, spec)
    assert episode.kind == EpisodeKind.FAILURE
    assert episode.costs.tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]
    assert (episode.success, episode.terminated, episode.truncated) == (False, False, True)
    np.testing.assert_array_equal(episode.observations, recorded.observations)
    np.testing.assert_array_equal(episode.actions, recorded.actions)
    np.testing.assert_array_equal(episode.rewards, recorded.rewards)
    assert contents(bag) == before
    add_label(bag, None, "AB", "2026-11-21T11:00:00+00:00")
    again = read_episode(bag, spec)
    assert again.metadata == recorded.metadata
    assert (again.kind, again.costs.tolist()) == (EpisodeKind.TASK, [0.0] * 10)
    said = [json.loads(line) for line in history(bag)]
    assert said[0]["failing_steps"] == [4, 5] and said[0]["note"] == "looked at it again"
    assert said[1] == {"given": "2026-11-21T11:00:00+00:00", "by": "AB", "note": "", "undo": True}


@pytest.mark.parametrize(
    ("outcome", "success", "terminated", "costs"),
    [
        (Outcome.SUCCESS, True, True, 0),
        (Outcome.FAILURE, False, False, 1),  # it must have failed somewhere: at the end
        (Outcome.TIMEOUT, False, False, 0),
        (Outcome.ABORTED, False, False, 0),
    ],
)
def test_every_outcome_comes_back(bag, spec, outcome, success, terminated, costs):
    say(bag, outcome=outcome)
    episode = read_episode(bag, spec)
    assert (episode.success, episode.terminated, episode.truncated) == (success, terminated, not terminated)
    assert episode.costs.sum() == costs
    assert outcome_of(episode) == outcome
    assert costs == 0 or episode.costs[-1] == 1.0


def test_later_labels_add_to_earlier_ones(bag):
    say(bag, outcome=Outcome.FAILURE, failing_steps=(2,))
    say(bag, failing_steps=())
    assert read_label(bag) == Label(None, Outcome.FAILURE, ())
    say(bag, kind=EpisodeKind.RECOVERY)
    assert read_label(bag) == Label(EpisodeKind.RECOVERY, Outcome.FAILURE, ())


def test_a_mark_of_a_person_can_be_taken_back(tmp_path, spec, record):
    write_trajectory(tmp_path / "bag", spec, EpisodeKind.TASK, 3, record(10, failure_at=6), seed=0)
    assert overview(tmp_path / "bag").failing_steps == (6, 7, 8, 9)
    say(tmp_path / "bag", failing_steps=())
    assert overview(tmp_path / "bag").failing_steps == ()


def test_a_partial_recording_can_be_labelled(bag, spec):
    file = next(bag.glob("*.mcap"))
    file.write_bytes(file.read_bytes()[:-200])
    say(bag, outcome=Outcome.ABORTED)
    assert read_episode(bag, spec).metadata["aborted"] == "true"


def test_a_torn_line_counts_for_nothing_and_what_follows_counts(bag):
    say(bag, outcome=Outcome.SUCCESS)
    with labels_file(bag).open("a") as file:
        file.write('{"given": "x", "by": "AB", "outc')
    assert read_label(bag) == Label(outcome=Outcome.SUCCESS)
    say(bag, kind=EpisodeKind.FAILURE)
    assert read_label(bag) == Label(EpisodeKind.FAILURE, Outcome.SUCCESS)


def test_what_is_no_label_is_named(bag, tmp_path):
    labels_file(bag).write_text('{"given": "x", "by": "AB", "outcome": "fine"}\n')
    with pytest.raises(BagError, match=r"labels.jsonl, line 1: not a label:"):
        read_episode(bag)
    assert overview(bag).state == "bad"
    with pytest.raises(BagError, match="no such bag to label"):
        say(tmp_path / "nothing", outcome=Outcome.SUCCESS)


def test_a_step_that_is_not_there_is_named(bag):
    say(bag, failing_steps=(10,))
    with pytest.raises(BagError, match=r"labelled as failing in step 10, but its steps are 0 to 9"):
        read_episode(bag)


LABELLER = """
import sys
from itertools import count
from pathlib import Path
from farl_ros.bag_tools.labels import Label, add_label
for number in count():
    add_label(Path(sys.argv[1]), Label(failing_steps=(number % 10,)), "AB", "now", "x" * 2000)
    print(number, flush=True)
"""


def test_killed_at_any_moment_the_bag_and_every_finished_label_are_there(bag, spec):
    before, chance = contents(bag), random.Random(0)
    for _ in range(3):
        labeller = subprocess.Popen(
            [sys.executable, "-c", LABELLER, str(bag)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        told = [int(labeller.stdout.readline())]
        time.sleep(chance.uniform(0.0, 0.05))
        labeller.send_signal(signal.SIGKILL)
        told += [int(line) for line in labeller.stdout.read().splitlines()]
        assert labeller.wait() == -signal.SIGKILL
        episode = read_episode(bag, spec)
        (failing,) = np.flatnonzero(episode.costs).tolist()
        assert failing in (told[-1] % 10, (told[-1] + 1) % 10)
        assert contents(bag) == before
