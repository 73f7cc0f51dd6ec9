"""Merged and split bags hold what their sources held, each message once, and the sources stay."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from farl.types import EpisodeKind
from farl_ros.bag_episodes import demonstration_transitions, episode_to_messages
from farl_ros.bag_reader import read_bag, stream_bag
from farl_ros.bag_tools.labels import Label, add_label
from farl_ros.bag_tools.merge import merge_bags
from farl_ros.bag_tools.split import Mark, Segment, segments, split_bag
from farl_ros.bags import BagError, BagWriter, read_episode, read_folder, write_trajectory
from farl_ros.messages import TYPES, Topic, typestore


def fingerprint(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def quiet(*_: object) -> None:
    """Nobody listens."""


class TestMerge:
    @pytest.fixture
    def days(self, tmp_path, spec, record):
        for day in ("monday", "tuesday"):
            for episode in range(2):
                recorded = record(6, seed=episode + 10 * (day == "monday"))
                path = tmp_path / day / f"episode_{episode:06d}"
                write_trajectory(path, spec, EpisodeKind.RECOVERY, episode, recorded, seed=4)
        return tmp_path / "monday", tmp_path / "tuesday"

    def test_names_that_collide_are_numbered_anew(self, days, tmp_path, spec):
        before = [read_episode(bag, spec) for day in days for bag in sorted(day.iterdir())]
        sources = fingerprint(days[0]) | fingerprint(days[1])
        merged = merge_bags(days, tmp_path / "all", None, quiet)
        assert [made.name for _, made in merged.made] == [f"episode_00000{n}" for n in range(4)]
        after = read_folder(tmp_path / "all", spec).demos.episodes
        assert [episode.episode for episode in after] == [0, 1, 2, 3]
        for then, now in zip(before, after, strict=True):
            np.testing.assert_array_equal(now.observations, then.observations)
            np.testing.assert_array_equal(now.actions, then.actions)
            assert (now.kind, now.metadata["seed"]) == (EpisodeKind.RECOVERY, "4")
            assert now.metadata["copied_episode"] == str(then.episode)
            assert now.metadata["copied_from"] == then.metadata["source"]
        assert fingerprint(days[0]) | fingerprint(days[1]) == sources
        assert sorted(path.name for path in (tmp_path / "all").iterdir()) == [m.name for _, m in merged.made]

    def test_every_message_is_there_with_the_new_number_everywhere(self, days, tmp_path):
        merge_bags([days[0] / "episode_000001"], tmp_path / "all", None, quiet)
        before = list(stream_bag(days[0] / "episode_000001"))
        after = list(stream_bag(tmp_path / "all" / "episode_000000"))
        assert [(m.topic, m.stamp_ns) for m in after[1:]] == [(m.topic, m.stamp_ns) for m in before[1:]]
        for topic in (Topic.STATE, Topic.TRANSITION, Topic.EPISODE_EVENT):
            messages = [m for _, m in read_bag(tmp_path / "all" / "episode_000000").messages(topic)]
            assert {message.episode for message in messages} == {0}

    def test_more_can_be_added_later_but_nothing_twice(self, days, tmp_path, spec):
        merge_bags([days[0]], tmp_path / "all", None, quiet)
        merge_bags([days[1]], tmp_path / "all", None, quiet)
        assert len(read_folder(tmp_path / "all", spec).demos.episodes) == 4
        with pytest.raises(BagError, match="is given twice"):
            merge_bags([days[0], days[0] / "episode_000001"], tmp_path / "other", None, quiet)
        with pytest.raises(BagError, match=r"is in .*all already"):
            merge_bags([tmp_path], tmp_path / "all", None, quiet)

    def test_labels_and_cut_off_ends_come_along_and_bad_bags_are_named(self, days, tmp_path, spec):
        add_label(days[0] / "episode_000000", Label(failing_steps=(2,)), "AB", "now")
        file = next((days[0] / "episode_000001").glob("*.mcap"))
        file.write_bytes(file.read_bytes()[:-100])
        next((days[1] / "episode_000000").glob("*.mcap")).write_bytes(b"no bag any more")
        merged = merge_bags(days, tmp_path / "all", None, quiet)
        assert [path.name for path, _ in merged.refused] == ["episode_000000"]
        first, second, _ = read_folder(tmp_path / "all", spec).demos.episodes
        assert first.costs.tolist() == [0, 0, 1, 0, 0, 0]
        assert "ends before its footer" in second.metadata["recovered"]


@pytest.fixture
def long_bag(tmp_path, spec, record) -> Path:
    """Three episodes in one recording, with a topic that belongs to none of them."""
    with BagWriter(tmp_path / "long", spec, EpisodeKind.ONLINE) as bag:
        start = 0
        for episode, (steps, kind) in {5: (8, "TASK"), 6: (4, "RECOVERY"), 9: (6, "TASK")}.items():
            run = demonstration_transitions(record(steps, seed=episode), EpisodeKind[kind], episode)
            for topic, message, stamp in episode_to_messages(spec, run, EpisodeKind[kind], start_ns=start):
                bag.write(topic, message, stamp)
                if topic == Topic.TRANSITION:
                    number = typestore().types["std_msgs/msg/Float64"](
                        data=float(message.step + 100 * episode)
                    )
                    payload = typestore().serialize_cdr(number, "std_msgs/msg/Float64")
                    bag.write_raw("/force", "std_msgs/msg/Float64", payload, stamp)
            start = stamp + 1_000_000_000
    return tmp_path / "long"


class TestSplit:
    def test_each_episode_becomes_a_bag_and_nothing_is_left_out(self, long_bag, tmp_path, spec, record):
        with pytest.raises(BagError, match=r"steps of episodes \[5, 6, 9\] in one bag.*farl bags split"):
            read_episode(long_bag)
        before = fingerprint(long_bag)
        made = split_bag(long_bag, tmp_path / "cut", None, quiet)
        assert fingerprint(long_bag) == before
        assert [path.name for path in made] == ["episode_000005", "episode_000006", "episode_000009"]
        kinds = (EpisodeKind.TASK, EpisodeKind.RECOVERY, EpisodeKind.TASK)
        for path, number, steps, kind in zip(made, (5, 6, 9), (8, 4, 6), kinds, strict=True):
            episode = read_episode(path, spec)
            np.testing.assert_array_equal(episode.observations, record(steps, seed=number).observations)
            assert (episode.episode, episode.kind) == (number, kind)
            forces = [m.payload[4:] for m in stream_bag(path) if m.topic == "/force"]
            values = np.frombuffer(b"".join(forces), "<f8")
            assert values.tolist() == [100 * number + step for step in range(steps)]
        count = sum(1 for m in stream_bag(long_bag) if m.topic != Topic.RECORDING)
        assert sum(1 for path in made for m in stream_bag(path) if m.topic != Topic.RECORDING) == count

    def test_names_that_are_taken_are_not_touched(self, long_bag, tmp_path):
        split_bag(long_bag, tmp_path / "cut", None, quiet)
        before = fingerprint(tmp_path / "cut")
        with pytest.raises(BagError, match="episode_000005 exists already"):
            split_bag(long_bag, tmp_path / "cut", None, quiet)
        assert fingerprint(tmp_path / "cut") == before

    def test_the_same_number_from_the_front_again_is_another_episode(self):
        marks = [Mark(1, 0, 0), Mark(2, 0, 1), Mark(5, 0, 0), Mark(6, 0, 1)]
        assert segments(marks, 8) == [Segment(0, 0, 5), Segment(0, 5, 8)]

    def test_an_episode_begins_with_the_first_message_that_names_it(self):
        marks = [Mark(0, 1, None), Mark(1, 1, 0), Mark(3, 2, None), Mark(4, 1, None), Mark(6, 2, 0)]
        assert segments(marks, 9) == [Segment(1, 0, 3), Segment(2, 3, 9)]

    def test_without_transitions_nothing_can_be_cut(self, tmp_path, spec):
        with BagWriter(tmp_path / "bag", spec, EpisodeKind.TASK) as bag:
            bag.write_raw("/x", "std_msgs/msg/Empty", b"\0\1\0\0\0", 0)
        with pytest.raises(BagError, match="nothing else says where an episode ends"):
            split_bag(tmp_path / "bag", tmp_path / "cut", None, quiet)
        assert not (tmp_path / "cut").exists()


def test_unknown_types_are_copied_under_their_own_definition(tmp_path, spec, record):
    """A bag of another recorder, with a type of another laboratory, that does not say what it is."""
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg("float64 grip\n", "lab_msgs/msg/Hand"))
    steps = demonstration_transitions(record(3), EpisodeKind.TASK, 7)
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        hand = writer.add_connection("/hand", "lab_msgs/msg/Hand", typestore=store)
        topics = (Topic.TRANSITION, Topic.EPISODE_EVENT)
        ours = {t: writer.add_connection(t.value, TYPES[t], typestore=typestore()) for t in topics}
        for topic, message, stamp in episode_to_messages(spec, steps, EpisodeKind.TASK):
            if topic in ours:
                writer.write(ours[topic], stamp, typestore().serialize_cdr(message, TYPES[topic]))
                grip = store.types["lab_msgs/msg/Hand"](grip=stamp * 1e-9)
                writer.write(hand, stamp, store.serialize_cdr(grip, "lab_msgs/msg/Hand"))
    with pytest.raises(BagError, match="say it with --task"):
        split_bag(tmp_path / "bag", tmp_path / "cut", None, quiet)
    (made,) = split_bag(tmp_path / "bag", tmp_path / "cut", spec, quiet)
    then, now = ([m for m in stream_bag(bag) if m.topic == "/hand"] for bag in (tmp_path / "bag", made))
    assert [(m.payload, m.type_name) for m in now] == [(m.payload, m.type_name) for m in then]
    assert "float64 grip" in now[0].definition
    assert read_episode(made, spec).episode == 7


def test_farl_bags(farl, capsys, long_bag, tmp_path):
    assert farl("bags", "split", long_bag, "--out", "cut") == 0
    assert "3 episodes in cut" in capsys.readouterr().out
    assert farl("bags", "ls", "cut") == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].split() == [
        *("bag", "episode", "kind", "outcome", "steps", "failing", "seconds", "operator", "spec", "state")
    ]
    assert rows[2].split()[:5] == ["cut/episode_000006", "6", "recovery", "timeout", "4"]
    assert rows[-1] == "3 bags: 3 whole, 0 partial, 0 bad"
    label = ("bags", "label", "cut/episode_000006")
    assert farl(*label, "--outcome", "failure", "--failing", "1-2", "--operator", "AB") == 0
    assert "outcome: timeout → failure*" in (said := capsys.readouterr().out) and "2 from 1*" in said
    assert farl("bags", "info", "cut/episode_000006") == 0
    said = capsys.readouterr().out
    assert "/force" in said and "std_msgs/msg/Float64" in said and '"by": "AB"' in said
    assert farl(*label) == 2 and farl(*label, "--failing", "9") == 2 and farl(*label, "--failing", "x") == 2
    said = capsys.readouterr().out
    assert (
        "or --undo" in said
        and "there is no step 9; its steps are 0 to 3" in said
        and "expected steps" in said
    )
    assert farl("bags", "merge", "cut", "--out", "all") == 0
    assert "3 bags in all, 0 refused" in capsys.readouterr().out
