"""What is around an intervention or a failure is kept, and nothing else."""

from pathlib import Path

import pytest

from farl_ros.black_box import BlackBox, BlackBoxSettings, Kept

SECOND = 1_000_000_000


class FakeBag:
    def __init__(self, path: Path, what: str) -> None:
        self.path, self.what, self.written, self.closed = path, what, [], False

    def __enter__(self):
        self.path.mkdir()
        return self

    def __exit__(self, *error) -> None:
        self.closed = True

    def write_raw(self, topic, type_name, payload, stamp_ns) -> None:
        assert not self.closed
        self.written.append(stamp_ns // SECOND)


class Rig:
    def __init__(self, folder: Path, before: float = 3.0, after: float = 2.0, free: int = 100) -> None:
        self.bags, self.said, self.free = [], [], free
        self.box = BlackBox(
            BlackBoxSettings(before, after, 50), folder, self._open, self.said.append, lambda _: self.free
        )

    def _open(self, path: Path, what: str) -> FakeBag:
        self.bags.append(FakeBag(path, what))
        return self.bags[-1]

    def take(self, second: int, trigger: str = "") -> None:
        stamp = second * SECOND
        self.box.take(Kept("/state", "farl_interfaces/msg/State", b"", stamp, stamp), trigger)


@pytest.fixture
def rig(tmp_path) -> Rig:
    return Rig(tmp_path / "black_box")


def test_what_lies_around_an_event_is_kept(rig):
    for second in range(20):
        rig.take(second, "failure" if second == 10 else "")
    (bag,) = rig.bags
    assert (bag.what, bag.path.name, bag.closed) == ("failure", "000001-failure", True)
    assert bag.written == [7, 8, 9, 10, 11, 12]


def test_events_close_together_are_one_dump_and_no_message_is_in_it_twice(rig):
    for second in range(20):
        rig.take(second, "intervention" if second in (10, 12, 13) else "")
    (bag,) = rig.bags
    assert bag.written == list(range(7, 16))


def test_events_apart_are_dumps_of_their_own(rig):
    for second in range(30):
        rig.take(second, {5: "intervention", 20: "failure"}.get(second, ""))
    assert [bag.path.name for bag in rig.bags] == ["000001-intervention", "000002-failure"]
    assert [bag.written for bag in rig.bags] == [[2, 3, 4, 5, 6, 7], [17, 18, 19, 20, 21, 22]]


def test_a_dump_that_is_cut_short_is_closed(rig):
    for second in range(6):
        rig.take(second, "failure" if second == 5 else "")
    assert not rig.bags[0].closed
    rig.box.finish()
    assert rig.bags[0].closed and rig.bags[0].written == [2, 3, 4, 5]


def test_a_disk_that_is_nearly_full_is_said_loudly_and_nothing_is_deleted(rig, tmp_path):
    for second in range(30):
        rig.free = 49 if 10 < second < 25 else 50
        rig.take(second, "failure" if second in (5, 15, 16, 28) else "")
    assert [bag.written[-1] for bag in rig.bags] == [7, 29]  # room again: kept again
    assert len(rig.said) == rig.box.refused == 2
    assert "BLACK BOX STOPPED" in rig.said[0] and "Make room" in rig.said[0]
    assert sorted(p.name for p in (tmp_path / "black_box").iterdir()) == ["000001-failure", "000002-failure"]


def test_a_resumed_run_overwrites_nothing(tmp_path):
    for expected in ("000001-failure", "000002-failure"):
        rig = Rig(tmp_path / "black_box")
        rig.take(1, "failure")
        assert rig.bags[0].path.name == expected


def test_without_seconds_before_only_what_follows_is_kept(tmp_path):
    rig = Rig(tmp_path / "black_box", before=0.0, after=0.0)
    for second in range(5):
        rig.take(second, "failure" if second == 3 else "")
    assert rig.bags[0].written == [3]
