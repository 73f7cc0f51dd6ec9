"""Compressed pictures in a bag become a video with one frame per step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farl_ros.bag_reader import stream_bag
from farl_ros.interchange.errors import InterchangeError
from farl_ros.interchange.outgoing import Outgoing
from farl_ros.messages import Message, typestore
from farl_ros.pictures import COMPRESSED
from farl_ros.recording import header_stamp

FARTHEST_NS = 1_000_000_000
"""A picture that is farther from its step is of another clock, or of a camera that had stopped [ns]."""
SAMPLE_EVERY = 16
"""Statistics are made of every so many-th row and column."""
CODEC, FOURCC = "vp9", "vp09"
"""OpenCV's wheels can encode it; browsers, PyAV and torchcodec can decode it."""


@dataclass(frozen=True)
class Video:
    """A video that was written.

    Attributes:
        height: Rows.
        width: Columns.
        codec: As FFmpeg calls it.
        sample: Red, green, blue of some pixels, shape ``(N, 3)``, 0 to 255.
    """

    height: int
    width: int
    codec: str
    sample: NDArray[np.uint8]


def video_of(outgoing: Outgoing, topic: str, path: Path, rate_hz: float) -> Video:
    """Write the latest picture before each step, or the first one where there is none yet.

    Args:
        outgoing: The episode.
        topic: Of the pictures, in its bag.
        path: The file.
        rate_hz: Frames per second.

    Raises:
        InterchangeError: A picture is too far from its step, damaged or of another size; or no codec.
    """
    import cv2  # slow to import, and only needed where there are pictures

    where = f"{outgoing.bag}, topic {topic}"
    payloads = [message.payload for message in stream_bag(outgoing.bag) if message.topic == topic]
    shown = _shown(payloads, outgoing, where)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer: Any = None
    size, sample = (0, 0), list[NDArray[np.uint8]]()
    try:
        for number, payload in enumerate(payloads):
            times = int((shown == number).sum())
            if not times:
                continue
            message: Message = typestore().deserialize_cdr(payload, COMPRESSED)
            picture = cv2.imdecode(np.asarray(message.data), cv2.IMREAD_COLOR)
            if picture is None:
                raise InterchangeError(f"{where}: picture {number} is damaged")
            height, width = picture.shape[:2]
            picture = picture[: height // 2 * 2, : width // 2 * 2]  # the codec halves both
            if writer is None:
                size = picture.shape[:2]
                writer = cv2.VideoWriter(
                    str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*FOURCC), rate_hz, size[::-1]
                )
                if not writer.isOpened():
                    raise InterchangeError(
                        f"{path}: this OpenCV cannot encode {CODEC}; install requirements/perception.txt, or "
                        "leave the pictures out with --no-pictures"
                    )
            if picture.shape[:2] != size:
                raise InterchangeError(f"{where}: picture {number} is {picture.shape[:2]}, the first {size}")
            for _ in range(times):
                writer.write(picture)
            pixels = picture[::SAMPLE_EVERY, ::SAMPLE_EVERY, ::-1].reshape(-1, 3)
            sample.append(np.asarray(pixels, np.uint8))
    finally:
        if writer is not None:
            writer.release()
    return Video(size[0], size[1], CODEC, np.concatenate(sample))


def _shown(payloads: Sequence[bytes], outgoing: Outgoing, where: str) -> NDArray[np.int64]:
    """Number of the picture that each step shows, increasing, shape ``(T,)``."""
    taken = np.array([header_stamp(payload) for payload in payloads], np.int64)
    if not len(taken):
        raise InterchangeError(f"{where}: no picture in it; leave the pictures out with --no-pictures")
    taken = np.maximum.accumulate(taken)
    shown = np.maximum(np.searchsorted(taken, outgoing.stamps, side="right") - 1, 0)
    gaps = np.abs(taken[shown] - outgoing.stamps)
    if gaps.max() > FARTHEST_NS:
        step = int(gaps.argmax())
        raise InterchangeError(
            f"{where}: the picture of step {step} is {gaps[step] * 1e-9:.1f} s away from it (another clock, "
            "or the camera had stopped); leave the pictures out with --no-pictures"
        )
    return np.asarray(np.maximum.accumulate(shown), np.int64)
