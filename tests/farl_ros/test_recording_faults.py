"""What a recording loses when something happens to it: the table of docs/recording.md, row by row."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from farl_ros.bags import BagError, read_bag
from farl_ros.left_over import cut_off_bags
from farl_ros.messages import Topic

from .recording_child import RATE

ROOT = Path(__file__).resolve().parents[2]
SAID_AT_MOST = 1.0 + 0.2 + 0.3
"""Seconds that a crash may cost: a chunk, the pause between two looks at the queue, a busy machine."""


@contextmanager
def recording(folder: Path, *options: str) -> Iterator[subprocess.Popen]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.farl_ros.recording_child", str(folder), *options],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def states_in(folder: Path) -> int:
    """How many states can be read of the one cut-off bag, which must be said by name."""
    (partial,) = folder.glob("*.partial*")
    (line,) = cut_off_bags(folder)
    bag = read_bag(partial, (Topic.STATE,))
    assert bag.problem is not None
    assert bag.metadata["task"] == "DiscTable"  # it still says what it is
    readable = len(bag.recorded[Topic.STATE].messages)
    steps = [message.step for _, message in bag.messages(Topic.STATE)]
    assert steps == list(range(readable))  # all that came before is there
    assert line.startswith(f"{partial} was cut off: {readable} states")
    return readable


def test_kill_9(tmp_path):
    with recording(tmp_path) as child:
        put = 0
        while put < 3 * RATE:
            put = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        put = max([put, *(int(line) for line in child.stdout.read().split("\n")[:-1])])
    lost = put - states_in(tmp_path)
    print(f"kill -9: {lost} of {put} states lost")
    assert 0 <= lost <= SAID_AT_MOST * RATE


def test_disk_full(tmp_path):
    with recording(tmp_path, "--largest-file", "40000") as child:
        *counts, said = child.stdout.read().split("\n")[:-1]
        assert child.wait() == 1
    assert said == "OSError: File too large"  # ENOSPC takes the same way; this one needs no mount
    put, readable = int(counts[-1]), states_in(tmp_path)
    size = sum(file.stat().st_size for file in tmp_path.rglob("*.mcap"))
    print(f"disk full after {size} bytes: {put - readable} of {put} states lost")
    assert size <= 40000
    assert put - readable <= (SAID_AT_MOST + 1.0) * RATE  # the chunk that did not fit, and the next


def test_a_small_disk(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this machine lets nobody mount; test_disk_full does the same with a limit on files")
    try:
        with recording(small) as child:
            *_, said = child.stdout.read().split("\n")[:-1]
        assert said == "OSError: No space left on device"
        assert states_in(small) > 0
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_terminated_in_good_order_nothing_is_lost(tmp_path):
    with recording(tmp_path, "--seconds", "0.5") as child:
        put = int(child.stdout.read().split("\n")[-2])
        assert child.wait() == 0
    assert cut_off_bags(tmp_path) == []
    assert len(read_bag(tmp_path / "episode_000000").recorded[Topic.STATE].messages) == put


def test_what_was_cut_off_before_anything_was_written_is_said_too(tmp_path):
    (tmp_path / "task" / "episode_000003.partial" / "episode_000003").mkdir(parents=True)
    (line,) = cut_off_bags(tmp_path)
    assert "episode_000003.partial was cut off before anything was written" in line
    with pytest.raises(BagError):
        read_bag(tmp_path / "task" / "episode_000003.partial")
