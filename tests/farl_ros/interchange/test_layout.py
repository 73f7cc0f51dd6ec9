"""What is written is what the formats publish, read here with pyarrow and h5py alone."""

import json

import cv2
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from farl.types import EpisodeKind
from farl_ros.bag_episodes import demonstration_transitions, episode_to_messages, write_trajectory
from farl_ros.bags import BagWriter, bags_in
from farl_ros.interchange.errors import InterchangeError
from farl_ros.interchange.formats import Format, export_bags
from farl_ros.interchange.statistics import feature_statistics
from farl_ros.messages import typestore
from farl_ros.pictures import COMPRESSED

TOPIC = "/camera/color/image_raw/compressed"
KEY = "observation.images.camera_color_image_raw"


def quiet(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def demos(tmp_path_factory, spec, record):
    folder = tmp_path_factory.mktemp("demos")
    for number in range(3):
        recorded = record(4 + number, seed=number, failure_at=2 if number == 1 else None, success=number == 2)
        kind = EpisodeKind.FAILURE if number == 1 else EpisodeKind.TASK
        write_trajectory(folder / f"episode_{number}", spec, kind, number, recorded, seed=0)
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, demos):
    out = tmp_path_factory.mktemp("out") / "lerobot"
    export_bags([demos], Format.LEROBOT, out, None, True, quiet)
    return out


@pytest.fixture(scope="module")
def file(tmp_path_factory, demos):
    out = tmp_path_factory.mktemp("out") / "demos.hdf5"
    export_bags([demos], Format.ROBOMIMIC, out, None, True, quiet)
    with h5py.File(out) as opened:
        yield opened


class TestLeRobot:
    def test_the_files(self, dataset):
        files = {str(path.relative_to(dataset)) for path in dataset.rglob("*") if path.is_file()}
        assert files == {
            "meta/info.json",
            "meta/stats.json",
            "meta/tasks.parquet",
            "meta/episodes/chunk-000/file-000.parquet",
            "data/chunk-000/file-000.parquet",
        }

    def test_info(self, dataset):
        info = json.loads((dataset / "meta/info.json").read_text())
        features = info.pop("features")
        assert info == {
            "codebase_version": "v3.0",
            "robot_type": None,
            "total_episodes": 3,
            "total_frames": 15,
            "total_tasks": 1,
            "chunks_size": 1000,
            "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 200,
            "fps": 25,
            "splits": {"train": "0:3"},
            "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
            "video_path": None,
        }
        assert features["action"] == {"dtype": "float32", "shape": [2], "names": ["finger_dx", "finger_dy"]}
        assert features["observation.state"]["shape"] == [10]
        assert features["observation.state"]["names"][:3] == [
            "finger_position.0", "finger_position.1", "puck_position.0"
        ]  # fmt: skip
        for name in ("timestamp", "frame_index", "episode_index", "index", "task_index"):
            kind = "float32" if name == "timestamp" else "int64"
            assert features[name] == {"dtype": kind, "shape": [1], "names": None}

    def test_the_frames(self, dataset, record):
        table = pq.read_table(dataset / "data/chunk-000/file-000.parquet")
        assert table.schema.field("action").type == pa.list_(pa.float32(), 2)
        assert table.schema.field("next.reward").type == pa.float32()
        assert table["index"].to_pylist() == list(range(15))
        assert table["episode_index"].to_pylist() == [0] * 4 + [1] * 5 + [2] * 6
        assert table["frame_index"].to_pylist()[4:9] == [0, 1, 2, 3, 4]
        np.testing.assert_allclose(
            table["timestamp"].to_pylist()[4:9], [0, 0.04, 0.08, 0.12, 0.16], atol=1e-7
        )
        done = [False] * 15
        done[3] = done[8] = done[14] = True
        assert table["next.done"].to_pylist() == done
        assert table["next.cost"].to_pylist() == [0.0] * 6 + [1.0] * 3 + [0.0] * 6
        assert table["next.success"].to_pylist() == [False] * 14 + [True]
        first = np.array(table["observation.state"].to_pylist()[:4], np.float32)
        np.testing.assert_array_equal(first, record(4).observations[:4])

    def test_the_episodes(self, dataset):
        rows = pq.read_table(dataset / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
        assert [(r["episode_index"], r["length"], r["tasks"]) for r in rows] == [
            (0, 4, ["DiscTable"]), (1, 5, ["DiscTable"]), (2, 6, ["DiscTable"])
        ]  # fmt: skip
        assert [(r["dataset_from_index"], r["dataset_to_index"]) for r in rows] == [(0, 4), (4, 9), (9, 15)]
        assert {(r["data/chunk_index"], r["data/file_index"]) for r in rows} == {(0, 0)}
        assert {(r["meta/episodes/chunk_index"], r["meta/episodes/file_index"]) for r in rows} == {(0, 0)}
        assert rows[1]["stats/next.cost/mean"] == [pytest.approx(0.6)]
        assert rows[1]["stats/action/count"] == [5]
        assert [r["farl/kind"] for r in rows] == ["TASK", "FAILURE", "TASK"]

    def test_the_tasks_index_is_what_pandas_makes_its_index(self, dataset):
        table = pq.read_table(dataset / "meta/tasks.parquet")
        assert table.to_pylist() == [{"task_index": 0, "task": "DiscTable"}]
        assert json.loads(table.schema.metadata[b"pandas"])["index_columns"] == ["task"]

    def test_statistics(self, dataset):
        stats = json.loads((dataset / "meta/stats.json").read_text())
        table = pq.read_table(dataset / "data/chunk-000/file-000.parquet")
        assert set(stats) == set(table.column_names)
        assert stats["index"] == {
            "min": [0.0], "max": [14.0], "mean": [7.0], "count": [15],
            "std": [pytest.approx(np.sqrt(56 / 3))],
            "q01": [pytest.approx(0.14)], "q10": [pytest.approx(1.4)], "q50": [7.0],
            "q90": [pytest.approx(12.6)], "q99": [pytest.approx(13.86)],
        }  # fmt: skip

    def test_statistics_of_one_frame(self):
        found = feature_statistics(np.array([[True, False]]))
        assert found["mean"] == [1.0, 0.0]
        assert found["std"] == [0.0, 0.0]


class TestRobomimic:
    def test_the_groups(self, file):
        assert sorted(file["data"]) == ["demo_0", "demo_1", "demo_2"]
        assert file["data"].attrs["total"] == 15
        assert json.loads(file["data"].attrs["env_args"])["env_name"] == "FailureBench/DiscTable-v0"
        demo = file["data/demo_1"]
        assert demo.attrs["num_samples"] == 5
        assert demo["actions"].shape == (5, 2)
        assert demo["dones"][()].tolist() == [0, 0, 0, 0, 1]
        assert demo["rewards"].shape == (5,)
        fields = ["finger_position", "finger_velocity", "goal_position", "puck_position", "puck_velocity"]
        assert sorted(demo["obs"]) == sorted(demo["next_obs"]) == fields
        assert demo["obs/puck_position"].shape == (5, 2)
        np.testing.assert_array_equal(demo["next_obs/puck_position"][:-1], demo["obs/puck_position"][1:])

    def test_the_filter_keys(self, file):
        assert file["mask/valid"][()].tolist() == [b"demo_2"]
        assert file["mask/train"][()].tolist() == [b"demo_0", b"demo_1"]
        assert file["mask/failure"][()].tolist() == [b"demo_1"]


def with_pictures(path, spec, recorded, colours, offset_ns=0, size=(48, 64)):
    """A bag whose camera takes twice as many pictures as there are steps, each of one colour."""
    store = typestore()
    steps = demonstration_transitions(recorded, EpisodeKind.TASK, 0)
    with BagWriter(path, spec, EpisodeKind.TASK) as bag:
        for topic, message, stamp in episode_to_messages(spec, steps, EpisodeKind.TASK):
            bag.write(topic, message, stamp)
        for number, colour in enumerate(colours):
            stamp = offset_ns + number * 20_000_000
            data = cv2.imencode(".jpg", np.full((*size, 3), colour, np.uint8))[1].reshape(-1)
            time = store.types["builtin_interfaces/msg/Time"](sec=stamp // 10**9, nanosec=stamp % 10**9)
            header = store.types["std_msgs/msg/Header"](stamp=time, frame_id="camera")
            message = store.types[COMPRESSED](header=header, format="jpeg", data=data)
            bag.write_raw(TOPIC, COMPRESSED, store.serialize_cdr(message, COMPRESSED), stamp)


class TestPictures:
    COLOURS = tuple((10 * n, 250 - 10 * n, 60) for n in range(20))  # blue, green, red

    def test_each_frame_is_the_latest_picture_of_its_step(self, tmp_path, spec, record):
        for number in range(2):
            with_pictures(tmp_path / "bags" / f"{number}", spec, record(9), self.COLOURS)
        export_bags([tmp_path / "bags"], Format.LEROBOT, tmp_path / "set", None, True, quiet)
        info = json.loads((tmp_path / "set/meta/info.json").read_text())
        assert info["video_path"] == "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
        assert info["features"][KEY]["dtype"] == "video"
        assert info["features"][KEY]["shape"] == [48, 64, 3]
        video = cv2.VideoCapture(str(tmp_path / f"set/videos/{KEY}/chunk-000/file-001.mp4"))
        assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(25.0)
        frames = []
        while (read := video.read())[0]:
            frames.append(read[1].mean(axis=(0, 1)))
        np.testing.assert_allclose(frames, self.COLOURS[0:18:2], atol=8)
        rows = pq.read_table(tmp_path / "set/meta/episodes/chunk-000/file-000.parquet").to_pylist()
        assert [r[f"videos/{KEY}/file_index"] for r in rows] == [0, 1]
        assert [r[f"videos/{KEY}/to_timestamp"] for r in rows] == [pytest.approx(0.36)] * 2
        stats = json.loads((tmp_path / "set/meta/stats.json").read_text())[KEY]
        assert np.shape(stats["mean"]) == (3, 1, 1)
        np.testing.assert_allclose(np.ravel(stats["mean"]), [60 / 255, 170 / 255, 80 / 255], atol=0.02)

    def test_pictures_of_another_clock_are_refused(self, tmp_path, spec, record):
        with_pictures(tmp_path / "bags" / "a", spec, record(9), self.COLOURS, offset_ns=5_000_000_000)
        with pytest.raises(InterchangeError, match=rf"topic {TOPIC}: the picture of step 0 is 5\.0 s away"):
            export_bags([tmp_path / "bags"], Format.LEROBOT, tmp_path / "set", None, True, quiet)
        assert not (tmp_path / "set").exists()
        export_bags([tmp_path / "bags"], Format.LEROBOT, tmp_path / "set", None, False, quiet)

    def test_a_bag_without_the_others_camera_is_named(self, tmp_path, spec, record):
        with_pictures(tmp_path / "bags" / "a", spec, record(9), self.COLOURS)
        write_trajectory(tmp_path / "bags" / "b", spec, EpisodeKind.TASK, 0, record(3), seed=0)
        with pytest.raises(InterchangeError, match=r"bags/b has pictures on no topic, .*bags/a on /camera"):
            export_bags([tmp_path / "bags"], Format.LEROBOT, tmp_path / "set", None, True, quiet)
        assert len(bags_in(tmp_path)) == 2
