"""Datasets that others wrote: what they lack is asked for or ruled, what does not fit is named."""

import json

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from farl.datasets import DatasetError
from farl.types import EpisodeKind
from farl_ros.bag_episodes import write_trajectory
from farl_ros.bags import BagError, read_folder
from farl_ros.interchange.completed import Choices
from farl_ros.interchange.errors import InterchangeError
from farl_ros.interchange.formats import Format, export_bags, import_dataset
from farl_ros.task_spec import load_task, parse_task

FRANKA = "FrankaFragilePushWall"
ROBOSUITE = {"env_name": "Lift", "type": 1, "env_kwargs": {"control_freq": 25}}
PUCK_X = (0.40, 0.46, 0.40, 0.40)
"""The wall's face is at x = 0.488 m, the puck's radius 0.035 m: only the second place touches it."""


def quiet(line: str) -> None:
    pass


def scene(puck_x: float) -> list[float]:
    """Hand, puck, its velocity, goal: the puck is at the goal when it is at x = 0.40 m."""
    return [0.3, -0.1, 0.03, puck_x, -0.1, 0.0, 0.0, 0.0, 0.0, 0.40, -0.1, 0.0]


def lerobot(folder, columns, *, fps=5, version="v3.0", lengths=None):
    """A dataset as another program writes it: lists of any length, one task, no statistics."""
    count = len(next(iter(columns.values())))
    lengths = [count] if lengths is None else lengths
    (folder / "meta/episodes/chunk-000").mkdir(parents=True)
    (folder / "data/chunk-000").mkdir(parents=True)
    features = {name: {"dtype": "float32", "shape": [1], "names": None} for name in columns}
    info = {"codebase_version": version, "fps": fps, "features": features}
    (folder / "meta/info.json").write_text(json.dumps(info))
    owner = [number for number, length in enumerate(lengths) for _ in range(length)]
    pq.write_table(pa.table({**columns, "episode_index": owner}), folder / "data/chunk-000/file-000.parquet")
    ends = np.cumsum(lengths)
    rows = {
        "episode_index": list(range(len(lengths))),
        "length": lengths,
        "dataset_from_index": (ends - lengths).tolist(),
        "dataset_to_index": ends.tolist(),
    }
    pq.write_table(pa.table(rows), folder / "meta/episodes/chunk-000/file-000.parquet")
    return folder


def robomimic(path, demos, env_args=None):
    with h5py.File(path, "w") as file:
        for name, content in demos.items():
            for key, values in content.items():
                file[f"data/{name}/{key}"] = values
        if env_args is not None:
            file["data"].attrs["env_args"] = json.dumps(env_args)
    return path


def franka_frames(**more):
    frames = [scene(x) for x in PUCK_X]
    return {"observation.state": frames, "action": [[0.1, 0.0, -0.5]] * len(frames), **more}


def bring(path, form, task, tmp_path, choices=None, observation=None):
    chosen = Choices(kind=EpisodeKind.RECOVERY) if choices is None else choices
    import_dataset(path, form, tmp_path / "bags", task, chosen, observation, quiet)
    return read_folder(tmp_path / "bags", task).demos.episodes


class TestRuled:
    """Tasks in which reward, success and failures follow from the observation."""

    @pytest.fixture
    def task(self):
        return load_task(FRANKA)

    def test_failures_success_and_rewards_are_ruled_from_the_observations(self, tmp_path, task):
        data = lerobot(tmp_path / "set", franka_frames())
        (episode,) = bring(data, Format.LEROBOT, task, tmp_path)
        assert episode.kind == EpisodeKind.RECOVERY
        assert len(episode) == 3  # nobody knows what the fourth action led to
        assert episode.costs.tolist() == [
            1.0,
            1.0,
            0.0,
        ]  # failed at the end of the one, at the start of the other
        assert (episode.success, episode.terminated, episode.truncated) == (True, True, False)
        assert episode.rewards[0] < episode.rewards[2] - 5.0  # the penalty is 10
        np.testing.assert_array_equal(episode.observations, np.float32([scene(x) for x in PUCK_X]))
        assert episode.metadata["imported_from"] == str(data)

    def test_costs_that_a_person_marked_are_kept(self, tmp_path, task):
        data = lerobot(tmp_path / "set", franka_frames(**{"next.cost": [0.0, 0.0, 1.0, 0.0]}))
        (episode,) = bring(data, Format.LEROBOT, task, tmp_path)
        assert episode.costs.tolist() == [0.0, 0.0, 1.0]

    def test_a_kind_must_be_said(self, tmp_path, task):
        data = lerobot(tmp_path / "set", franka_frames())
        with pytest.raises(InterchangeError, match=r"set, episode 0: nothing says what .* say --kind task"):
            bring(data, Format.LEROBOT, task, tmp_path, Choices())
        assert list(tmp_path.iterdir()) == [data]  # nothing half-made stays

    def test_no_failures_cannot_be_said_over_the_rule(self, tmp_path, task):
        data = lerobot(tmp_path / "set", franka_frames())
        with pytest.raises(InterchangeError, match="follow from the observation; leave --no-failures"):
            bring(data, Format.LEROBOT, task, tmp_path, Choices(EpisodeKind.TASK, no_failures=True))

    @pytest.mark.parametrize(("fps", "fits"), [(5, True), (5.001, True), (5.1, False), (30, False)])
    def test_the_rate_must_be_the_tasks(self, tmp_path, task, fps, fits):
        data = lerobot(tmp_path / "set", franka_frames(), fps=fps)
        if fits:
            assert len(bring(data, Format.LEROBOT, task, tmp_path)) == 1
        else:
            with pytest.raises(
                InterchangeError, match=rf"set: {fps} Hz, but {FRANKA} is controlled at 5 Hz.*resample"
            ):
                bring(data, Format.LEROBOT, task, tmp_path)

    def test_observations_of_another_size(self, tmp_path, task):
        frames = franka_frames(**{"observation.state": [[0.0] * 7] * 4})
        with pytest.raises(InterchangeError, match=r"shape \(4, 7\), but .* has 12 entries \(hand_position"):
            bring(lerobot(tmp_path / "set", frames), Format.LEROBOT, task, tmp_path)

    def test_actions_of_another_size_or_unit(self, tmp_path, task):
        with pytest.raises(InterchangeError, match=r"actions have shape \(4, 2\), but .* has 3 entries"):
            bring(
                lerobot(tmp_path / "a", franka_frames(action=[[0.0] * 2] * 4)), Format.LEROBOT, task, tmp_path
            )
        degrees = lerobot(tmp_path / "b", franka_frames(action=[[0.0, 90.0, 0.0]] * 4))
        with pytest.raises(DatasetError, match=r"b, episode 0: actions reach 90\.000; expected .*\[-1, 1\]"):
            bring(degrees, Format.LEROBOT, task, tmp_path)

    def test_nan_and_missing_values(self, tmp_path, task):
        frames = franka_frames()
        frames["observation.state"][2] = [*scene(0.4)[:-1], float("nan")]
        with pytest.raises(InterchangeError, match="not finite, first in frame 2, entry 11"):
            bring(lerobot(tmp_path / "nan", frames), Format.LEROBOT, task, tmp_path)
        frames["observation.state"][2] = None
        with pytest.raises(InterchangeError, match=r"'observation\.state' has missing values"):
            bring(lerobot(tmp_path / "none", frames), Format.LEROBOT, task, tmp_path)

    def test_an_observation_out_of_several_features(self, tmp_path, task):
        frames = franka_frames()
        state = np.float32(frames.pop("observation.state"))
        frames |= {"hand": state[:, :3].tolist(), "observation.objects": state[:, 3:].tolist()}
        data = lerobot(tmp_path / "set", frames)
        with pytest.raises(
            InterchangeError, match=r"no feature 'observation\.state'; there are action, hand, observation\."
        ):
            bring(data, Format.LEROBOT, task, tmp_path)
        (episode,) = bring(data, Format.LEROBOT, task, tmp_path, observation=["hand", "observation.objects"])
        np.testing.assert_array_equal(episode.observations, state)

    def test_a_dataset_that_is_not_whole(self, tmp_path, task):
        data = lerobot(tmp_path / "set", franka_frames(), lengths=[2, 2])
        table = pq.read_table(data / "data/chunk-000/file-000.parquet")
        pq.write_table(table.slice(0, 3), data / "data/chunk-000/file-000.parquet")
        with pytest.raises(InterchangeError, match=r"episode 1: meta/episodes says frames 2 to 4 of 3"):
            bring(data, Format.LEROBOT, task, tmp_path)
        (data / "data/chunk-000/file-000.parquet").write_bytes(b"PAR1 and no more")
        with pytest.raises(InterchangeError, match="not a whole Parquet file"):
            bring(data, Format.LEROBOT, task, tmp_path)

    @pytest.mark.parametrize("version", ["v2.1", None])
    def test_another_version(self, tmp_path, task, version):
        data = lerobot(tmp_path / "set", franka_frames(), version=version)
        with pytest.raises(InterchangeError, match=f"of version {version}, expected v3; convert it"):
            bring(data, Format.LEROBOT, task, tmp_path)

    def test_no_dataset_at_all(self, tmp_path, task):
        with pytest.raises(InterchangeError, match=r"nowhere: not a LeRobotDataset .*expected a folder with"):
            bring(tmp_path / "nowhere", Format.LEROBOT, task, tmp_path)
        with pytest.raises(InterchangeError, match=r"nowhere: not a whole HDF5 file"):
            bring(tmp_path / "nowhere", Format.ROBOMIMIC, task, tmp_path)


class TestSimulated:
    """Tasks in which only the simulator knows reward, success and failures."""

    SAID = Choices(EpisodeKind.TASK, success=True, no_failures=True)

    def demo(self, steps=4, **more):
        random = np.random.default_rng(3)
        states = random.standard_normal((steps + 1, 10))
        return {
            "actions": random.uniform(-1, 1, (steps, 2)),
            "rewards": np.linspace(0, 1, steps),
            "obs/robot": states[:-1, :6],
            "obs/object": states[:-1, 6:],
            "next_obs/robot": states[1:, :6],
            "next_obs/object": states[1:, 6:],
            **more,
        }

    def test_a_robosuite_file(self, tmp_path, spec):
        demos = {f"demo_{n}": self.demo(4 + n) for n in (0, 10, 2)}
        path = robomimic(tmp_path / "lift.hdf5", demos, ROBOSUITE)
        episodes = bring(path, Format.ROBOMIMIC, spec, tmp_path, self.SAID, ["robot", "object"])
        assert [len(episode) for episode in episodes] == [4, 6, 14]  # in the order of their numbers
        wanted = demos["demo_2"]
        np.testing.assert_array_equal(episodes[1].actions, wanted["actions"].astype(np.float32))
        np.testing.assert_array_equal(
            episodes[1].observations[-1],
            np.concatenate([wanted["next_obs/robot"][-1], wanted["next_obs/object"][-1]]).astype(np.float32),
        )
        assert not episodes[1].costs.any()
        assert episodes[1].success

    def test_fields_of_other_names(self, tmp_path, spec):
        path = robomimic(tmp_path / "lift.hdf5", {"demo_0": self.demo()}, ROBOSUITE)
        with pytest.raises(InterchangeError, match="no obs/finger_position in it; there are object, robot"):
            bring(path, Format.ROBOMIMIC, spec, tmp_path, self.SAID)

    @pytest.mark.parametrize(
        ("choices", "missing"),
        [
            (Choices(EpisodeKind.TASK, success=True), "in which steps it failed.* say --no-failures"),
            (Choices(EpisodeKind.TASK, no_failures=True), "ended in success.* say --success or --no-success"),
        ],
    )
    def test_what_nobody_says_is_asked_for(self, tmp_path, spec, choices, missing):
        path = robomimic(tmp_path / "lift.hdf5", {"demo_0": self.demo()}, ROBOSUITE)
        with pytest.raises(InterchangeError, match=missing):
            bring(path, Format.ROBOMIMIC, spec, tmp_path, choices, ["robot", "object"])

    def test_rewards_cannot_be_made_up(self, tmp_path, spec):
        demo = self.demo()
        del demo["rewards"]
        path = robomimic(tmp_path / "lift.hdf5", {"demo_0": demo}, ROBOSUITE)
        with pytest.raises(InterchangeError, match="no rewards in it, and of DiscTable only its simulator"):
            bring(path, Format.ROBOMIMIC, spec, tmp_path, self.SAID, ["robot", "object"])

    def test_a_rate_that_nothing_says_is_asked_for(self, tmp_path, spec):
        path = robomimic(tmp_path / "lift.hdf5", {"demo_0": self.demo()})
        names = ["robot", "object"]
        with pytest.raises(InterchangeError, match="nothing in it says its rate; say it with --rate HZ"):
            bring(path, Format.ROBOMIMIC, spec, tmp_path, self.SAID, names)
        said = Choices(EpisodeKind.TASK, success=True, no_failures=True, rate_hz=25.0)
        assert len(bring(path, Format.ROBOMIMIC, spec, tmp_path, said, names)) == 1

    def test_costs_that_are_none(self, tmp_path, spec):
        path = robomimic(tmp_path / "a.hdf5", {"demo_0": self.demo(costs=[0.0, 0.5, 0.0, 1.0])}, ROBOSUITE)
        with pytest.raises(InterchangeError, match=r"cost 0\.5 in step 1; expected 1 in a step that fails"):
            bring(path, Format.ROBOMIMIC, spec, tmp_path, self.SAID, ["robot", "object"])

    def test_rows_that_do_not_fit(self, tmp_path, spec):
        names = ["robot", "object"]
        short = self.demo(rewards=[0.0])
        path = robomimic(tmp_path / "a.hdf5", {"demo_0": short}, ROBOSUITE)
        with pytest.raises(InterchangeError, match="demo_0: 1 rewards and 4 actions"):
            bring(path, Format.ROBOMIMIC, spec, tmp_path, self.SAID, names)
        none = {key: np.zeros((0, 2)) for key in ("actions", "rewards", "obs/robot", "obs/object")}
        path = robomimic(tmp_path / "c.hdf5", {"demo_0": none}, ROBOSUITE)
        with pytest.raises(InterchangeError, match=r"actions has shape \(0, 2\); expected a row per sample"):
            bring(path, Format.ROBOMIMIC, spec, tmp_path, self.SAID, names)
        torn = self.demo(**{"next_obs/robot": np.zeros((4, 6))})
        path = robomimic(tmp_path / "b.hdf5", {"demo_0": torn}, ROBOSUITE)
        with pytest.raises(InterchangeError, match="next_obs is not the obs of the next sample"):
            bring(path, Format.ROBOMIMIC, spec, tmp_path, self.SAID, names)


@pytest.mark.parametrize("form", Format)
class TestOurs:
    def exported(self, tmp_path, spec, record, form):
        write_trajectory(tmp_path / "demos" / "a", spec, EpisodeKind.TASK, 0, record(3), seed=0)
        export_bags([tmp_path / "demos"], form, tmp_path / "set", None, True, quiet)
        return tmp_path / "set"

    def test_what_it_says_itself_cannot_be_said_again(self, tmp_path, spec, record, form):
        with pytest.raises(InterchangeError, match="farl export wrote it, so that it says all itself"):
            bring(self.exported(tmp_path, spec, record, form), form, spec, tmp_path)

    def test_another_failure_rule_means_other_costs(self, tmp_path, spec, record, form):
        content = spec.resolved()
        content["failure"]["limit"] = 0.3
        data = self.exported(tmp_path, spec, record, form)
        with pytest.raises(BagError, match=r"recorded when 'failure' of DiscTable was .*0\.45.*now it is"):
            bring(data, form, parse_task(content, "changed"), tmp_path, Choices())

    def test_nothing_is_written_over(self, tmp_path, spec, record, form):
        self.exported(tmp_path, spec, record, form)
        with pytest.raises(InterchangeError, match="set exists already; choose another --out"):
            self.exported(tmp_path / "again", spec, record, form)
            export_bags([tmp_path / "demos"], form, tmp_path / "set", None, True, quiet)


def test_a_last_observation_that_was_cut_is_named(tmp_path, spec, record):
    write_trajectory(tmp_path / "demos" / "a", spec, EpisodeKind.TASK, 0, record(3), seed=0)
    export_bags([tmp_path / "demos"], Format.LEROBOT, tmp_path / "set", None, True, quiet)
    file = tmp_path / "set/meta/episodes/chunk-000/file-000.parquet"
    table = pq.read_table(file)
    place = table.column_names.index("farl/last_observation")
    pq.write_table(table.set_column(place, "farl/last_observation", pa.array([[1.0, 2.0]])), file)
    with pytest.raises(InterchangeError, match=r"its last observation has shape \(2,\), expected \(10,\)"):
        bring(tmp_path / "set", Format.LEROBOT, spec, tmp_path, Choices())
    pq.write_table(table.set_column(place, "farl/kind_", pa.array(["TASK"])), file)
    with pytest.raises(InterchangeError, match="the last observation are gone; export it again"):
        bring(tmp_path / "set", Format.LEROBOT, spec, tmp_path, Choices())
    place = table.column_names.index("farl/kind")
    pq.write_table(table.set_column(place, "farl/kind", pa.array(["PRACTICE"])), file)
    with pytest.raises(InterchangeError, match=r"what farl export wrote of it was changed .*PRACTICE"):
        bring(tmp_path / "set", Format.LEROBOT, spec, tmp_path, Choices())
