"""Bags: what goes in comes out, for us and for others, and damage is noticed, named and survived."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from farl.datasets import DatasetError
from farl.types import ActionSource, EpisodeKind, Proposal, Transition
from farl_ros import bag_writer
from farl_ros.bag_episodes import demonstration_transitions
from farl_ros.bags import (
    BagError,
    BagWriter,
    read_bag,
    read_episode,
    read_folder,
    write_episode,
    write_trajectory,
)
from farl_ros.messages import TYPES, Event, Topic, event_message, transition_message, typestore
from farl_ros.task_spec import load_task, parse_task

ROOT = Path(__file__).resolve().parents[2]
MCAP_END = 8


def mcap(bag: Path) -> Path:
    (file,) = bag.rglob("*.mcap")
    return file


def same_steps(episode, recorded, steps=None) -> None:
    steps = len(recorded.actions) if steps is None else steps
    np.testing.assert_array_equal(episode.observations, recorded.observations[: steps + 1])
    np.testing.assert_array_equal(episode.actions, recorded.actions[:steps])
    np.testing.assert_array_equal(episode.rewards, recorded.rewards[:steps])
    np.testing.assert_array_equal(episode.costs, recorded.costs[:steps])


def five_steps(record) -> list[Transition]:
    return list(demonstration_transitions(record(5), EpisodeKind.ONLINE, 0))


class TestRoundTrip:
    @pytest.mark.parametrize("kind", EpisodeKind)
    def test_an_episode_comes_back_bit_for_bit(self, tmp_path, spec, record, kind):
        recorded = record(37, failure_at=20)
        write_trajectory(tmp_path / "bag", spec, kind, 12, recorded, seed=5)
        episode = read_episode(tmp_path / "bag", spec)
        same_steps(episode, recorded)
        assert (episode.kind, episode.episode) == (kind, 12)
        assert (episode.terminated, episode.truncated, episode.success) == (False, True, False)
        assert episode.failed
        assert episode.metadata["seed"] == "5"
        assert episode.metadata["source"] == str(tmp_path / "bag")
        assert "recovered" not in episode.metadata

    def test_a_success_comes_back(self, tmp_path, spec, record):
        write_trajectory(tmp_path / "bag", spec, EpisodeKind.TASK, 0, record(3, success=True), seed=0)
        episode = read_episode(tmp_path / "bag", spec)
        assert (episode.terminated, episode.truncated, episode.success) == (True, False, True)

    def test_the_bag_says_what_it_is(self, tmp_path, spec, record):
        write_episode(
            tmp_path / "bag", spec, EpisodeKind.ONLINE, five_steps(record), metadata={"operator": "me"}
        )
        metadata = read_episode(tmp_path / "bag").metadata
        assert metadata["task"] == "DiscTable"
        assert metadata["kind"] == "ONLINE"
        assert metadata["spec_sha256"] == spec.sha256
        assert parse_task(json.loads(metadata["spec"]), "bag") == spec
        assert metadata["operator"] == "me"
        assert {"farl_ros", "git_revision"} <= set(metadata)

    def test_a_lost_metadata_file_loses_nothing(self, tmp_path, spec, record):
        write_trajectory(tmp_path / "bag", spec, EpisodeKind.RECOVERY, 0, record(5), seed=0)
        before = read_episode(tmp_path / "bag", spec)
        (tmp_path / "bag" / "metadata.yaml").unlink()
        after = read_episode(tmp_path / "bag", spec)
        assert after.metadata == before.metadata
        assert after.kind == EpisodeKind.RECOVERY

    def test_an_online_episode_keeps_proposal_decision_and_risk(self, tmp_path, spec, record, watch):
        recorded = record(8)
        transitions, decisions = watch(recorded, episode=4, swapped=(2, 3))
        write_episode(tmp_path / "bag", spec, EpisodeKind.ONLINE, transitions, decisions)
        same_steps(read_episode(tmp_path / "bag", spec), recorded)
        bag = read_bag(tmp_path / "bag")
        (stamp, swapped), (_, own) = list(bag.messages(Topic.TRANSITION))[2:5:2]
        assert stamp == 2 * 40_000_000  # 25 Hz
        assert swapped.intervened
        assert not own.intervened
        assert swapped.executed.source == ActionSource.RECOVERY
        assert np.isnan(swapped.executed.log_prob)
        assert own.executed.log_prob == -1.5
        assert own.proposed.policy_version == 3
        np.testing.assert_array_equal(swapped.proposed.values, -recorded.actions[2])
        assert swapped.risk == np.float32(0.9)
        _, decision = list(bag.messages(Topic.DECISION))[2]
        assert (decision.threshold, decision.model_hash) == (0.5, "ab" * 32)
        np.testing.assert_array_equal(decision.step_risk, decisions[2].step_risk)

    def test_states_hold_objects_where_the_observation_says(self, tmp_path, spec, record):
        recorded = record(4)
        write_trajectory(tmp_path / "bag", spec, EpisodeKind.TASK, 0, recorded, seed=0)
        states = [message for _, message in read_bag(tmp_path / "bag").messages(Topic.STATE)]
        assert [state.step for state in states] == [0, 1, 2, 3, 4]
        position = states[3].objects[0].pose.position
        assert (position.x, position.y, position.z) == (*recorded.observations[3, 2:4], 0.0)

    def test_events_tell_the_story_of_the_episode(self, tmp_path, spec, record):
        write_trajectory(tmp_path / "bag", spec, EpisodeKind.FAILURE, 2, record(6, failure_at=4), seed=0)
        events = list(read_bag(tmp_path / "bag").messages(Topic.EPISODE_EVENT))
        assert [Event(e.event) for _, e in events] == [Event.STARTED, Event.FAILED, Event.TIMED_OUT]
        assert [stamp for stamp, _ in events] == [0, 4 * 40_000_000, 6 * 40_000_000]

    def test_operator_notes_and_aborts_are_kept(self, tmp_path, spec, record):
        transitions = five_steps(record)
        with BagWriter(tmp_path / "bag", spec, EpisodeKind.TASK) as bag:
            for transition in transitions[:-1]:
                bag.write_transition(transition, transition.step)
            bag.write_event(Event.ABORTED, 0, 99, "cup fell over")
        episode = read_episode(tmp_path / "bag", spec)
        assert episode.metadata["aborted"] == "true"
        assert json.loads(episode.metadata["operator_notes"]) == ["cup fell over"]
        assert episode.truncated


OTHERS_VIEW = """
import json, sys
from pathlib import Path
from rosbags.highlevel import AnyReader
with AnyReader([Path(sys.argv[1])]) as bag:
    steps = [bag.deserialize(raw, c.msgtype) for c, _, raw in bag.messages() if c.topic == "/transition"]
    custom = bag.readers[0].storage.metadata.custom
    seen = {
        "topics": {name: info.msgcount for name, info in bag.topics.items()},
        "second": steps[1].observation.tolist(),
        "executed": steps[1].executed.values.tolist(),
        "duration": bag.duration,
        "kind": custom["kind"],
    }
seen["ours"] = sorted(name for name in sys.modules if name.split(".")[0] in ("farl", "farl_ros"))
print(json.dumps(seen))
"""


def test_others_read_a_bag_with_nothing_of_ours(tmp_path, spec, record):
    recorded = record(30)
    write_trajectory(tmp_path / "bag", spec, EpisodeKind.TASK, 0, recorded, seed=0)
    done = subprocess.run(
        [sys.executable, "-c", OTHERS_VIEW, str(tmp_path / "bag")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(done.stdout)
    assert seen["ours"] == []
    assert seen["topics"] == {
        "/recording": 1, "/episode_event": 2, "/state": 31, "/action": 30, "/transition": 30
    }  # fmt: skip
    assert seen["second"] == recorded.observations[1].tolist()
    assert seen["executed"] == recorded.actions[1].tolist()
    assert seen["duration"] == 30 * 40_000_000 + 1
    assert seen["kind"] == "TASK"


class TestRaw:
    def test_payloads_of_the_graph_make_the_same_bag(self, tmp_path, spec, record):
        recorded = record(5)
        transitions = five_steps(record)
        with BagWriter(tmp_path / "bag", spec, EpisodeKind.ONLINE) as bag:
            for t in transitions:
                payload = typestore().serialize_cdr(transition_message(t, t.step), TYPES[Topic.TRANSITION])
                bag.write_raw("transition", TYPES[Topic.TRANSITION], bytes(payload), t.step)
        same_steps(read_episode(tmp_path / "bag", spec), recorded)
        assert set(read_bag(tmp_path / "bag").topics) == {"/recording", "/transition"}

    def test_any_standard_type_can_be_recorded(self, tmp_path, spec):
        message = typestore().types["std_msgs/msg/Float64"](data=1.5)
        payload = typestore().serialize_cdr(message, "std_msgs/msg/Float64")
        with BagWriter(tmp_path / "bag", spec, EpisodeKind.TASK) as bag:
            bag.write_raw("/arm/force", "std_msgs/msg/Float64", payload, 7)
        recorded = read_bag(tmp_path / "bag").recorded["/arm/force"]
        assert recorded.messages == ((7, bytes(payload)),)

    def test_an_unknown_type_and_a_second_type_are_errors(self, tmp_path, spec):
        with BagWriter(tmp_path / "bag", spec, EpisodeKind.TASK) as bag:
            with pytest.raises(BagError, match="topic /x: type 'my_msgs/msg/Thing' is not in"):
                bag.write_raw("x", "my_msgs/msg/Thing", b"", 0)
            bag.write_raw("x", "std_msgs/msg/Empty", b"\0\1\0\0\0", 0)
            with pytest.raises(
                BagError, match="topic /x: got a std_msgs/msg/Bool, but it carries std_msgs/msg/Empty"
            ):
                bag.write_raw("x", "std_msgs/msg/Bool", b"\0\1\0\0\1", 0)


class TestNames:
    def test_a_bag_has_its_name_only_when_it_is_whole(self, tmp_path, spec, record):
        with BagWriter(tmp_path / "bag", spec, EpisodeKind.TASK) as bag:
            bag.write_transition(five_steps(record)[0], 0)
            assert [path.name for path in tmp_path.iterdir()] == ["bag.partial"]
        assert [path.name for path in tmp_path.iterdir()] == ["bag"]
        assert sorted(path.name for path in (tmp_path / "bag").iterdir()) == ["bag.mcap", "metadata.yaml"]

    def test_a_name_that_is_taken_is_refused_before_anything_is_written(self, tmp_path, spec, record):
        write_trajectory(tmp_path / "bag", spec, EpisodeKind.TASK, 0, record(3), seed=0)
        before = mcap(tmp_path / "bag").read_bytes()
        with pytest.raises(BagError, match="bag exists already"):
            write_trajectory(tmp_path / "bag", spec, EpisodeKind.TASK, 0, record(4), seed=0)
        assert mcap(tmp_path / "bag").read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["bag"]

    def test_after_an_exception_everything_written_is_there_as_a_partial_bag(self, tmp_path, spec, record):
        with pytest.raises(RuntimeError), BagWriter(tmp_path / "bag", spec, EpisodeKind.TASK) as bag:
            for transition in five_steps(record)[:3]:
                bag.write_transition(transition, transition.step)
            raise RuntimeError("the arm stopped")
        assert [path.name for path in tmp_path.iterdir()] == ["bag.partial"]
        episode = read_episode(tmp_path / "bag.partial", spec)
        same_steps(episode, record(5), steps=3)
        assert episode.metadata["recovered"].startswith("3 steps")

    def test_what_a_crash_left_is_not_overwritten(self, tmp_path, spec, record):
        for _ in range(2):
            with pytest.raises(RuntimeError), BagWriter(tmp_path / "bag", spec, EpisodeKind.TASK) as bag:
                bag.write_transition(five_steps(record)[0], 0)
                raise RuntimeError
        write_trajectory(tmp_path / "bag", spec, EpisodeKind.TASK, 0, record(5), seed=0)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["bag", "bag.partial", "bag.partial2"]
        folder = read_folder(tmp_path, spec)
        assert [len(episode) for episode in folder.demos.episodes] == [5, 1, 1]
        assert folder.recovered == 2


class TestDamage:
    STEPS = 300

    @pytest.fixture
    def whole(self, tmp_path, spec, record):
        recorded = record(self.STEPS)
        write_trajectory(tmp_path / "bag", spec, EpisodeKind.TASK, 0, recorded, seed=0)
        return recorded, mcap(tmp_path / "bag").read_bytes()

    def test_a_bag_cut_anywhere_gives_a_true_beginning_or_a_clear_error(self, tmp_path, spec, whole):
        recorded, data = whole
        file, got = mcap(tmp_path / "bag"), []
        for cut in [0, 5, 8, 40, *np.linspace(60, len(data) - 1, 40).astype(int).tolist()]:
            file.write_bytes(data[:cut])
            try:
                episode = read_episode(tmp_path / "bag", spec)
            except BagError as error:
                assert str(tmp_path / "bag") in str(error)
                got.append(0)
                continue
            same_steps(episode, recorded, steps=len(episode))
            assert len(episode) == self.STEPS or (episode.truncated and "recovered" in episode.metadata)
            got.append(len(episode))
        assert got == sorted(got)
        assert got[:4] == [0, 0, 0, 0]
        assert got[-1] == self.STEPS
        assert len(set(got)) > 5  # chunk by chunk, not all or nothing

    def test_a_missing_end_is_named(self, tmp_path, spec, whole):
        _, data = whole
        mcap(tmp_path / "bag").write_bytes(data[: len(data) // 2])
        episode = read_episode(tmp_path / "bag", spec)
        assert episode.metadata["recovered"].startswith(f"{len(episode)} steps; bag.mcap")
        mcap(tmp_path / "bag").write_bytes(data[:300])
        with pytest.raises(BagError, match=r"bag: nothing in it can be read: bag\.mcap"):
            read_episode(tmp_path / "bag", spec)

    def test_flipped_bits_are_never_read_as_data(self, tmp_path, spec, whole):
        recorded, data = whole
        file, noticed = mcap(tmp_path / "bag"), 0
        for place in np.random.default_rng(0).integers(0, len(data), 60):
            damaged = bytearray(data)
            damaged[place] ^= 0x10
            file.write_bytes(damaged)
            try:
                episode = read_episode(tmp_path / "bag", spec)
            except (BagError, DatasetError):
                noticed += 1
                continue
            same_steps(episode, recorded, steps=len(episode))
            noticed += len(episode) < self.STEPS
        assert noticed > 30  # most bytes are chunk data; the rest is index, which reading does not need

    WRITER = """
import sys
from pathlib import Path
import numpy as np
from farl.types import EpisodeKind, Proposal, Transition
from farl_ros.bags import BagWriter
from farl_ros.task_spec import load_task
spec = load_task("DiscTable")
states = np.random.default_rng(1).standard_normal((100_001, 10)).astype(np.float32)
action = np.zeros(2, np.float32)
with BagWriter(Path(sys.argv[1]), spec, EpisodeKind.TASK, durable=sys.argv[2] == "durable") as bag:
    for step in range(100_000):
        bag.write_transition(
            Transition(7, step, states[step], Proposal(action, 0.0, 0), action, 0, 0.5, 0.0, states[step + 1],
                       False, False, False, 0.0),
            step * 40_000_000,
        )
        if step % 10 == 9:
            print(step + 1, flush=True)
"""

    @pytest.mark.parametrize("durable", [False, True])
    def test_a_killed_writer_loses_at_most_one_chunk(self, tmp_path, spec, record, durable):
        writer = subprocess.Popen(
            [sys.executable, "-c", self.WRITER, str(tmp_path / "bag"), "durable" if durable else "fast"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        written = 0
        for line in writer.stdout:
            written = int(line)
            if written >= 1000:
                break
        writer.send_signal(signal.SIGKILL)
        later = [int(line) for line in writer.stdout.read().splitlines()]
        assert writer.wait() == -signal.SIGKILL
        written = max([written, *later])

        assert not (tmp_path / "bag").exists()
        episode = read_episode(tmp_path / "bag.partial", spec)
        states = np.random.default_rng(1).standard_normal((100_001, 10)).astype(np.float32)
        np.testing.assert_array_equal(episode.observations, states[: len(episode) + 1])
        assert episode.episode == 7
        assert episode.metadata["kind"] == "TASK"
        step = typestore().serialize_cdr(
            transition_message(five_steps(record)[0], 0), TYPES[Topic.TRANSITION]
        )
        chunk = 26 if durable else bag_writer.CHUNK_BYTES // len(step) + 1
        assert chunk < 150
        assert len(episode) >= written - chunk
        assert len(episode) < written + 20


def foreign_bag(path: Path, topic: str, type_name: str, payloads: list[bytes], store=None) -> None:
    """A bag as another recorder writes it: no topic /recording."""
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection(
            topic, type_name, typestore=typestore() if store is None else store
        )
        for stamp, payload in enumerate(payloads):
            writer.write(connection, stamp, payload)


def plain_bag(path: Path, transitions, kind: EpisodeKind | None = None) -> None:
    """Our messages, recorded by someone else's recorder."""
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        topics = (Topic.TRANSITION, Topic.EPISODE_EVENT)
        connections = {t: writer.add_connection(t.value, TYPES[t], typestore=typestore()) for t in topics}
        rows = [(Topic.TRANSITION, transition_message(t, t.step)) for t in transitions]
        if kind is not None:
            rows.insert(0, (Topic.EPISODE_EVENT, event_message(Event.STARTED, kind, 0, 0)))
        for topic, message in rows:
            writer.write(connections[topic], 0, typestore().serialize_cdr(message, TYPES[topic]))


class TestForeign:
    def test_a_topic_that_is_missing_is_named_with_those_that_are_there(self, tmp_path):
        foreign_bag(tmp_path / "bag", "/camera", "std_msgs/msg/Empty", [b"\0\1\0\0\0"])
        with pytest.raises(BagError, match=r"bag: no messages on topic /transition; topics in it: /camera"):
            read_episode(tmp_path / "bag")

    def test_another_type_on_our_topic_is_named(self, tmp_path):
        foreign_bag(tmp_path / "bag", "/transition", "std_msgs/msg/Empty", [b"\0\1\0\0\0"])
        with pytest.raises(
            BagError,
            match="bag, topic /transition: type std_msgs/msg/Empty, expected farl_interfaces/msg/Transition",
        ):
            read_episode(tmp_path / "bag")

    def test_another_definition_of_our_type_is_refused(self, tmp_path):
        store = get_typestore(Stores.ROS2_JAZZY)
        name = TYPES[Topic.TRANSITION]
        store.register(get_types_from_msg("float32[] observation\nfloat32[] values\n", name))
        message = store.types[name](observation=np.zeros(3, np.float32), values=np.zeros(2, np.float32))
        foreign_bag(tmp_path / "bag", "/transition", name, [bytes(store.serialize_cdr(message, name))], store)
        with pytest.raises(
            BagError, match="recorded with another definition of farl_interfaces/msg/Transition"
        ):
            read_episode(tmp_path / "bag")

    def test_a_damaged_message_is_named(self, tmp_path):
        foreign_bag(tmp_path / "bag", "/transition", TYPES[Topic.TRANSITION], [b"\0\1\0\0" + b"\xff" * 30])
        with pytest.raises(BagError, match="topic /transition: damaged message at 0 ns"):
            read_episode(tmp_path / "bag")

    def test_the_graphs_topics_from_a_plain_recorder_are_enough(self, tmp_path, spec, record):
        plain_bag(tmp_path / "bag", five_steps(record), EpisodeKind.RECOVERY)
        episode = read_episode(tmp_path / "bag", spec)
        same_steps(episode, record(5))
        assert episode.kind == EpisodeKind.RECOVERY

    def test_without_any_kind_the_bag_is_refused(self, tmp_path, spec, record):
        plain_bag(tmp_path / "bag", five_steps(record))
        with pytest.raises(
            BagError, match="nothing says what it was recorded for; expected the topic /recording"
        ):
            read_episode(tmp_path / "bag", spec)

    @pytest.mark.parametrize("make", [lambda path: None, Path.mkdir])
    def test_no_bag_at_all(self, tmp_path, make):
        make(tmp_path / "bag")
        with pytest.raises(
            BagError, match=r"bag: expected a folder with one \.mcap file .* but there is none"
        ):
            read_episode(tmp_path / "bag")


class TestWrongTask:
    def test_another_task(self, tmp_path, spec, record):
        write_trajectory(tmp_path / "bag", spec, EpisodeKind.TASK, 0, record(3), seed=0)
        with pytest.raises(BagError, match="bag: a recording of task 'DiscTable', expected 'BoundedPush'"):
            read_episode(tmp_path / "bag", load_task("BoundedPush"))

    def test_another_failure_limit_means_other_labels(self, tmp_path, spec, record):
        write_trajectory(tmp_path / "bag", spec, EpisodeKind.TASK, 0, record(3), seed=0)
        content = spec.resolved()
        content["failure"]["limit"] = 0.3
        with pytest.raises(
            BagError, match=r"recorded when 'failure' of DiscTable was .*0\.45.* now it is .*0\.3"
        ):
            read_episode(tmp_path / "bag", parse_task(content, "changed"))

    def test_another_horizon_or_layout_does_not_matter(self, tmp_path, spec, record):
        write_trajectory(tmp_path / "bag", spec, EpisodeKind.TASK, 0, record(3), seed=0)
        content = spec.resolved() | {"horizon": 7}
        assert len(read_episode(tmp_path / "bag", parse_task(content, "changed"))) == 3

    def test_sizes_are_checked_where_the_bag_does_not_name_its_task(self, tmp_path, record):
        plain_bag(tmp_path / "bag", five_steps(record), EpisodeKind.TASK)
        with pytest.raises(
            BagError, match="topic /transition: observation has 10 entries, but BoundedPush has 39"
        ):
            read_episode(tmp_path / "bag", load_task("BoundedPush"))


class TestContent:
    def test_nan_is_named(self, tmp_path, spec, record):
        recorded = record(6)
        recorded.observations[4, 2] = np.nan
        write_trajectory(tmp_path / "bag", spec, EpisodeKind.TASK, 0, recorded, seed=0)
        with pytest.raises(DatasetError, match=r"bag: observations are not finite at \(4, 2\)"):
            read_episode(tmp_path / "bag", spec)

    def test_a_missing_step_is_named(self, tmp_path, spec, record):
        transitions = five_steps(record)
        write_episode(tmp_path / "bag", spec, EpisodeKind.TASK, [*transitions[:2], *transitions[3:]])
        with pytest.raises(BagError, match="topic /transition: step 2 is missing; 1 is followed by 3"):
            read_episode(tmp_path / "bag", spec)

    def test_a_broken_chain_of_states_is_named(self, tmp_path, spec, record):
        transitions = five_steps(record)
        transitions[2] = replace(transitions[2], next_observation=transitions[2].observation)
        write_episode(tmp_path / "bag", spec, EpisodeKind.TASK, transitions)
        with pytest.raises(BagError, match="step 2 does not lead to the observation of step 3"):
            read_episode(tmp_path / "bag", spec)

    def test_two_episodes_in_one_bag_are_refused(self, tmp_path, spec, record):
        with BagWriter(tmp_path / "bag", spec, EpisodeKind.TASK) as bag:
            for episode in (0, 1):
                bag.write_transition(replace(five_steps(record)[0], episode=episode), 0)
        with pytest.raises(BagError, match=r"steps of episodes \[0, 1\] in one bag"):
            read_episode(tmp_path / "bag", spec)


class TestFolder:
    def test_bad_bags_are_named_and_cost_only_themselves(self, tmp_path, spec, record):
        names = {"task": EpisodeKind.TASK, "recovery": EpisodeKind.RECOVERY, "failure": EpisodeKind.FAILURE}
        for number, (name, kind) in enumerate(names.items()):
            for index in range(2):
                write_trajectory(
                    tmp_path / name / f"episode_{index}",
                    spec,
                    kind,
                    index,
                    record(4 + number, index, 2),
                    seed=0,
                )
        nan = record(3)
        nan.rewards[0] = np.nan
        write_trajectory(tmp_path / "task" / "nan", spec, EpisodeKind.TASK, 9, nan, seed=0)
        foreign_bag(tmp_path / "failure" / "camera", "/camera", "std_msgs/msg/Empty", [b"\0\1\0\0\0"])
        empty = tmp_path / "recovery" / "empty"
        shutil.copytree(tmp_path / "recovery" / "episode_0", empty)
        mcap(empty).write_bytes(b"")
        gone = tmp_path / "recovery" / "gone"
        shutil.copytree(tmp_path / "recovery" / "episode_0", gone)
        mcap(gone).unlink()
        cut = mcap(tmp_path / "failure" / "episode_1")
        os.truncate(cut, cut.stat().st_size - MCAP_END - 1)

        folder = read_folder(tmp_path, spec)
        assert {kind: len(folder.demos.of(kind)) for kind in names.values()} == dict.fromkeys(
            names.values(), 2
        )
        assert folder.demos.transitions == 2 * (4 + 5 + 6)
        assert folder.recovered == 1
        reasons = {str(path.relative_to(tmp_path)): reason for path, reason in folder.rejected}
        assert set(reasons) == {"failure/camera", "recovery/empty", "recovery/gone", "task/nan"}
        assert "rewards are not finite" in reasons["task/nan"]
        assert "there is none" in reasons["recovery/gone"]
        assert all(str(tmp_path / name) in reason for name, reason in reasons.items())

    def test_a_folder_without_a_usable_bag_is_an_error_that_says_why(self, tmp_path, spec):
        foreign_bag(tmp_path / "bag", "/camera", "std_msgs/msg/Empty", [b"\0\1\0\0\0"])
        with pytest.raises(
            BagError, match=r"none of 1 bags can be used:\n  .*bag: no messages on topic /transition"
        ):
            read_folder(tmp_path, spec)

    def test_an_empty_and_a_missing_folder(self, tmp_path, spec):
        with pytest.raises(BagError, match="no bag in it or below"):
            read_folder(tmp_path, spec)
        with pytest.raises(BagError, match="nowhere: no such folder"):
            read_folder(tmp_path / "nowhere", spec)


def test_a_proposal_without_a_policy_has_no_probability(tmp_path, spec):
    with BagWriter(tmp_path / "bag", spec, EpisodeKind.TASK) as bag:
        bag.write_action(Proposal(np.zeros(2, np.float32), float("nan"), 0, ActionSource.TELEOP), 5)
        bag.write_state(np.arange(10, dtype=np.float32), episode=1, step=2, stamp_ns=6)
    read = read_bag(tmp_path / "bag")
    ((stamp, action),) = read.messages(Topic.ACTION)
    assert (stamp, action.source) == (5, ActionSource.TELEOP)
    assert np.isnan(action.log_prob)
    ((_, state),) = read.messages(Topic.STATE)
    assert (state.task, state.episode, state.step) == ("DiscTable", 1, 2)
