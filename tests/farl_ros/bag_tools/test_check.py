"""What is wrong with a bag is found and named, and a sound bag is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from farl.types import EpisodeKind
from farl_ros.bag_episodes import demonstration_transitions, episode_to_messages
from farl_ros.bag_tools.check import check_bag
from farl_ros.bag_tools.findings import Severity
from farl_ros.bags import BagWriter, write_trajectory
from farl_ros.messages import Topic, transition_message
from farl_ros.task_spec import load_task

PERIOD = 40_000_000  # 25 Hz


@pytest.fixture
def write(tmp_path, spec, record):
    """A bag of 40 steps whose stamps [ns] are those that ``stamp`` makes of the step's number."""

    def make(stamp=lambda step: step * PERIOD, leave_out=(), recorded=None, metadata=None) -> Path:
        steps = demonstration_transitions(record(40) if recorded is None else recorded, EpisodeKind.TASK, 0)
        with BagWriter(tmp_path / "bag", spec, EpisodeKind.TASK, metadata) as bag:
            for step in steps:
                if step.step not in leave_out:
                    bag.write(Topic.TRANSITION, transition_message(step, stamp(step.step)), stamp(step.step))
        return tmp_path / "bag"

    return make


def only(bag: Path, severity: Severity, *words: str) -> None:
    (finding,) = check_bag(bag)
    line = str(finding)
    assert finding.severity == severity, line
    assert str(bag) in line and "\n" not in line
    for word in words:
        assert word in line


def test_nothing_is_wrong_with_a_sound_bag(write, tmp_path, spec, record):
    assert check_bag(write()) == []
    write_trajectory(tmp_path / "whole", spec, EpisodeKind.TASK, 0, record(40, failure_at=20), seed=0)
    assert check_bag(tmp_path / "whole", spec) == []


def test_a_late_frame_is_told_and_lost_ones_are_suspicious(write):
    late = write(lambda step: step * PERIOD + (PERIOD if step > 20 else 0))
    only(late, Severity.NOTE, "1 of 39 steps came late, 0 of them with frames lost", "0.080 s (step 20)")


def test_lost_frames_are_suspicious(write):
    lost = write(lambda step: step * PERIOD + (2 * PERIOD if step > 20 else 0))
    only(lost, Severity.SUSPICIOUS, "1 of them with frames lost", "0.120 s (step 20), expected 0.040 s")


def test_a_recording_that_ran_too_slowly_is_suspicious(write):
    only(write(lambda step: round(step * 1.6 * PERIOD)), Severity.SUSPICIOUS, "39 of 39 steps came late")


def test_a_clock_that_was_set_back_is_suspicious(write):
    bag = write(lambda step: step * PERIOD + (0 if step < 20 else -10 * PERIOD))
    only(bag, Severity.SUSPICIOUS, "step 20 is stamped 0.360 s before")


def test_dropped_messages_are_suspicious_and_dropped_pictures_are_not(write):
    bag = write(metadata={"dropped_messages": "7", "dropped_pictures": "2"})
    assert [(f.severity, "7" in f.what, "2" in f.what) for f in check_bag(bag)] == [
        (Severity.SUSPICIOUS, True, False),
        (Severity.NOTE, False, True),
    ]


def test_a_missing_step_is_bad(write):
    only(write(leave_out=(7,)), Severity.BAD, "step 7 is missing; 6 is followed by 8")


def test_numbers_that_are_none_are_bad(write, record):
    recorded = record(40)
    recorded.observations[4, 2] = np.nan
    only(write(recorded=recorded), Severity.BAD, "observations are not finite at (4, 2)")


def test_another_task_is_bad(write):
    bag = write()
    (finding,) = check_bag(bag, load_task("BoundedPush"))
    assert finding.severity == Severity.BAD
    assert "a recording of task 'DiscTable', expected 'BoundedPush'" in str(finding)
    assert str(finding).count(str(bag)) == 1


def test_a_recording_that_was_cut_off_is_noted(write):
    file = next(write().glob("*.mcap"))
    file.write_bytes(file.read_bytes()[:-100])
    only(file.parent, Severity.NOTE, "ends before its footer", "nothing needs to be done")


def test_a_damaged_chunk_is_suspicious_or_bad(write, record):
    file = next(write(recorded=record(40)).glob("*.mcap"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)
    worst = check_bag(file.parent)[0]
    assert worst.severity >= Severity.SUSPICIOUS
    assert "copy the bag again" in worst.advice


def test_no_bag_is_bad(tmp_path):
    (tmp_path / "bag.mcap").write_bytes(b"no bag any more")
    only(tmp_path / "bag.mcap", Severity.BAD, "nothing in it can be read")


def test_gaps_on_other_topics_and_states_that_were_not_valid_are_noted(tmp_path, spec, record):
    steps = list(demonstration_transitions(record(40), EpisodeKind.TASK, 0))
    with BagWriter(tmp_path / "bag", spec, EpisodeKind.TASK) as bag:
        for topic, message, stamp in episode_to_messages(spec, steps, EpisodeKind.TASK):
            if topic == Topic.STATE:
                if message.step in (10, 11, 12):
                    continue
                message.validity = 2 if message.step == 30 else 0
            bag.write(topic, message, stamp)
    found = [str(finding) for finding in check_bag(tmp_path / "bag")]
    assert any("1 of 38 states were not valid (object lost), first in step 30" in line for line in found)
    assert any(
        "/state: 1 gaps in 38 messages, the longest 0.160 s, expected one every 0.040 s" in line
        for line in found
    )
    assert all(line.startswith("note: ") for line in found)


def test_without_a_lost_file_of_metadata_all_is_known(write):
    bag = write()
    (bag / "metadata.yaml").unlink()
    only(bag, Severity.NOTE, "metadata.yaml is missing", "ros2 bag reindex")


class TestTraining:
    @pytest.fixture
    def folder(self, tmp_path, write):
        suspicious = write(metadata={"dropped_messages": "7"})
        folder = tmp_path / "demos" / "task"
        folder.mkdir(parents=True)
        suspicious.rename(folder / "episode_000000")
        return tmp_path / "demos"

    def test_suspicious_bags_are_refused_and_used_with_force(self, farl, capsys, folder, monkeypatch):
        trained = []

        def train(demos, *_):
            trained.append(demos)
            raise KeyboardInterrupt

        monkeypatch.setattr("farl_ros.offline.train_offline", train)
        offline = ("offline", "DiscTable", "--bags", folder, "--out", "off")
        assert farl(*offline) == 2
        said = capsys.readouterr().out
        assert "dropped 7 messages" in said and "--force" in said and not trained
        assert farl(*offline, "--force") == 130
        assert "used although suspicious" in " ".join(capsys.readouterr().out.split())
        assert len(trained[0].episodes) == 1


def test_farl_bags_check_ends_with_1_only_if_there_is_something(farl, capsys, write):
    bag = write()
    assert farl("bags", "check", bag) == 0
    assert "1 bags, nothing found" in capsys.readouterr().out
    (bag / "metadata.yaml").unlink()
    assert farl("bags", "check", bag) == 1
    said = capsys.readouterr().out
    assert "note: " in said and "1 findings in 1 bags" in said
