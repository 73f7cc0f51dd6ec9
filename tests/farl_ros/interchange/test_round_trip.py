"""Bags to a dataset and back: nothing that training reads may change, to the last bit."""

import numpy as np
import pytest

from farl.types import EpisodeKind
from farl_ros.bag_episodes import write_trajectory
from farl_ros.bag_tools.labels import Label, Outcome, add_label
from farl_ros.bags import read_bag, read_episode, read_folder
from farl_ros.interchange.bag_of_episode import write_incoming
from farl_ros.interchange.completed import Choices, Incoming
from farl_ros.interchange.formats import Format, export_bags, import_dataset
from farl_ros.messages import Topic

OTHERS = {"source", "imported_from", "imported_format", "kind"}
"""Metadata that say where a bag is from; and the kind, which a label may have changed since."""


def quiet(line: str) -> None:
    pass


def there_and_back(folder, form, tmp_path, spec):
    dataset, back = tmp_path / "dataset", tmp_path / "back"
    export_bags([folder], form, dataset, None, True, quiet)
    import_dataset(dataset, form, back, spec, Choices(), None, quiet)
    return back


def same(got, wanted) -> None:
    for name in ("observations", "actions", "rewards", "costs"):
        one, other = getattr(got, name), getattr(wanted, name)
        assert one.dtype == other.dtype == np.float32, name
        assert one.shape == other.shape, name
        assert one.tobytes() == other.tobytes(), name
    for name in ("kind", "terminated", "truncated", "success", "episode"):
        assert getattr(got, name) == getattr(wanted, name), name
    assert got.metadata["kind"] == wanted.kind.name
    assert {k: v for k, v in got.metadata.items() if k not in OTHERS} == {
        k: v for k, v in wanted.metadata.items() if k not in OTHERS
    }


@pytest.fixture
def demos(tmp_path, spec, record):
    """Every kind, odd numbers, one step, a label, a bag cut off, a folder order unlike the kinds'."""
    folder = tmp_path / "demos"
    for number, kind in enumerate(EpisodeKind):
        recorded = record(5 + number, seed=number, failure_at=3 if kind == EpisodeKind.FAILURE else None)
        recorded.observations[1, :4] = [-0.0, 1e-45, 3.4028235e38, np.float32(1) / 3]
        recorded.rewards[0] = -0.0
        remarks = {"operator": "AB", "reset_seed": str(number), "outcome": "timeout"}
        name = folder / f"{9 - number}_{kind.name.lower()}" / "episode"
        write_trajectory(name, spec, kind, 70 + number, recorded, seed=5, metadata=remarks)
    write_trajectory(folder / "one", spec, EpisodeKind.TASK, 0, record(1, success=True), seed=0)
    write_trajectory(folder / "relabelled", spec, EpisodeKind.TASK, 3, record(4), seed=0)
    label = Label(EpisodeKind.RECOVERY, Outcome.FAILURE, (2,))
    add_label(folder / "relabelled", label, "AB", "2026-01-01", "cup fell")
    write_trajectory(folder / "cut", spec, EpisodeKind.TASK, 4, record(200), seed=0)
    (file,) = (folder / "cut").glob("*.mcap")
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 6 // 10])
    return folder


@pytest.mark.parametrize("form", Format)
class TestRoundTrip:
    def test_training_reads_the_same(self, tmp_path, spec, demos, form):
        before = read_folder(demos, spec)
        after = read_folder(there_and_back(demos, form, tmp_path, spec), spec)
        assert len(before.demos.episodes) == len(after.demos.episodes) == 7
        for wanted, got in zip(before.demos.episodes, after.demos.episodes, strict=True):
            same(got, wanted)
        assert (after.recovered, after.rejected) == (before.recovered, ()) == (1, ())
        kinds = [episode.kind.name for episode in after.demos.episodes]
        assert kinds == ["ONLINE", "FAILURE", "RECOVERY", "TASK", "TASK", "TASK", "RECOVERY"]

    def test_a_late_recording_stays_suspicious(self, tmp_path, spec, record, form):
        recorded = record(40)
        write_trajectory(tmp_path / "whole", spec, EpisodeKind.TASK, 0, recorded, seed=0)
        stamps = np.arange(40, dtype=np.int64) * 40_000_000 + 12_345
        stamps[20:] += 400_000_000  # ten frames are missing
        late = Incoming(read_episode(tmp_path / "whole"), stamps, 17)
        write_incoming(tmp_path / "late" / "bag", spec, late, {})
        (before,) = read_folder(tmp_path / "late", spec).suspicious
        back = there_and_back(tmp_path / "late", form, tmp_path, spec)
        (after,) = read_folder(back, spec).suspicious
        assert after.what == before.what
        steps = [message.step for _, message in read_bag(back / "episode_000000").messages(Topic.TRANSITION)]
        assert steps == list(range(17, 57))
