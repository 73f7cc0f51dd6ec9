"""What a recording session counts and sets aside, and what a crash has left."""

import pytest

from farl.types import EpisodeKind
from farl_ros.bags import BagError, bags_in
from farl_ros.desk import counts, next_number, set_aside


@pytest.fixture
def out(tmp_path):
    names = ("task/episode_000000", "task/episode_000004", "task/episode_000007.partial", "recovery/other",
             "failure/episode_000001")  # fmt: skip
    for name in names:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "metadata.yaml").write_text(name)
        (folder / "x_0.mcap").write_bytes(b"recorded")
    return tmp_path


def test_whole_episodes_count_and_no_number_is_used_twice(out):
    assert counts(out) == {EpisodeKind.TASK: 2, EpisodeKind.RECOVERY: 0, EpisodeKind.FAILURE: 1}
    assert next_number(out / "task") == 8  # the cut-off one has its number, too
    assert next_number(out / "recovery") == 0
    assert next_number(out / "nowhere") == 0


def test_a_discarded_bag_is_no_bag_but_nothing_of_it_is_lost(out):
    bag = out / "failure" / "episode_000001"
    aside = set_aside(bag)
    assert not bag.exists()
    assert aside == out / "failure" / "discarded" / "episode_000001-1"
    assert (aside / "x_0.mcap.discarded").read_bytes() == b"recorded"
    with pytest.raises(BagError, match="no bag in it or below"):
        bags_in(out / "failure")
    assert next_number(out / "failure") == 0


def test_discarding_the_same_number_again_keeps_both(out):
    set_aside(out / "failure" / "episode_000001")
    again = out / "failure" / "episode_000001"
    again.mkdir()
    (again / "x_0.mcap").write_bytes(b"second")
    assert (set_aside(again) / "x_0.mcap.discarded").read_bytes() == b"second"
    assert len(list((out / "failure" / "discarded").iterdir())) == 2
