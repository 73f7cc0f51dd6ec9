"""A process that records, for tests that do it harm: `python -m tests.farl_ros.recording_child FOLDER …`.

It prints how many states it has given to the recorder, one line each, and how the recording ended.
"""

import argparse
import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np

from farl.types import EpisodeKind
from farl_ros.messages import TYPES, Event, Topic, event_message, state_message, typestore
from farl_ros.recording import EpisodeMark, Recorder
from farl_ros.task_spec import load_task

RATE = 200.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--largest-file", type=int, default=0, help="bytes; the kernel refuses more")
    given = parser.parse_args()
    if given.largest_file:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then a write fails with EFBIG
        resource.setrlimit(resource.RLIMIT_FSIZE, (given.largest_file, given.largest_file))
    spec = load_task("DiscTable")
    recorder = Recorder(spec, given.folder, EpisodeKind.TASK, wall_clock=True, durable=True)
    random = np.random.default_rng(0)

    def put(message: object, topic: Topic, mark: EpisodeMark | None = None) -> None:
        recorder.put(topic, bytes(typestore().serialize_cdr(message, TYPES[topic])), mark)

    begin = time.time_ns()
    started = event_message(Event.STARTED, EpisodeKind.TASK, 0, begin)
    put(started, Topic.EPISODE_EVENT, EpisodeMark(Event.STARTED, 0))
    for step in range(round(given.seconds * RATE)):
        time.sleep(max(0.0, (begin + step * 1e9 / RATE - time.time_ns()) * 1e-9))
        observation = random.standard_normal(10).astype(np.float32)
        put(state_message(spec, observation, 0, step, time.time_ns()), Topic.STATE)
        print(step + 1, flush=True)
        if recorder.error() is not None:
            break
    try:
        recorder.close()
    except OSError as error:
        print(f"OSError: {error.strerror}", flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
