"""Times RealSenseCamera on a D435 in librealsense's memory: queue, alignment to colour, copies; no USB."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from perception.cameras.librealsense import librealsense
from perception.cameras.realsense import RealSenseCamera

WIDTH, HEIGHT, RATE = 640, 480, 30
_BASELINE = 0.015
"""From the left infrared to the colour camera, metres."""


def capture_seconds(frames: int, clock: Callable[[], float]) -> list[float]:
    """Return how long each read took, seconds, with a textured depth picture."""
    rs = librealsense()
    device, context, keep = rs.software_device(), rs.context(), []
    for key, value in (("name", "D435"), ("serial_number", "BENCH"), ("product_line", "D400")):
        device.register_info(getattr(rs.camera_info, key), value)
    streams = [
        _stream(rs, device.add_sensor("Stereo Module"), rs.stream.depth, rs.format.z16, 1, 2, 385.0),
        _stream(rs, device.add_sensor("RGB Camera"), rs.stream.color, rs.format.bgr8, 2, 3, 615.0),
    ]
    streams[0][0].add_read_only_option(rs.option.depth_units, 0.001)
    beside = rs.extrinsics()
    beside.rotation, beside.translation = np.eye(3).ravel().tolist(), [_BASELINE, 0.0, 0.0]
    streams[0][1].register_extrinsics_to(streams[1][1], beside)
    device.create_matcher(rs.matchers.dlr_c)
    # The context itself does not keep a software device alive: this list does.
    context.set_devices_changed_callback(lambda info: keep.append(info.get_new_devices()))
    device.add_to(context)
    while len(context.query_devices()) == 0:
        time.sleep(0.005)
    random = np.random.default_rng(0)
    depth = random.integers(700, 900, (HEIGHT, WIDTH), dtype=np.uint16)
    colour = random.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    seconds = []
    with RealSenseCamera(serial="BENCH", context=lambda: context) as camera:
        for number in range(1, frames + 1):
            for (sensor, profile), pixels in zip(streams, (depth, colour), strict=True):
                _push(rs, sensor, profile, pixels, number)
            begin = clock()
            reading = camera.read(1.0)
            seconds.append(clock() - begin)
            if reading.frame is None:
                raise RuntimeError(f"expected frame {number} of the software device, got {reading.state}")
    return seconds[10:]


def _stream(rs: Any, sensor: Any, kind: Any, fmt: Any, uid: int, size: int, focal: float) -> tuple[Any, Any]:
    stream, lens = rs.video_stream(), rs.intrinsics()
    lens.width, lens.height, lens.fx, lens.fy = WIDTH, HEIGHT, focal, focal
    lens.ppx, lens.ppy, lens.model, lens.coeffs = 320.0, 240.0, rs.distortion.brown_conrady, [0.0] * 5
    stream.type, stream.index, stream.uid, stream.fmt, stream.bpp = kind, 0, uid, fmt, size
    stream.width, stream.height, stream.fps, stream.intrinsics = WIDTH, HEIGHT, RATE, lens
    sensor.set_metadata(rs.frame_metadata_value.actual_fps, RATE * 1000)
    return sensor, sensor.add_video_stream(stream, True).as_video_stream_profile()


def _push(rs: Any, sensor: Any, profile: Any, pixels: np.ndarray, number: int) -> None:
    frame = rs.software_video_frame()
    size = pixels.itemsize * (1 if pixels.ndim == 2 else 3)
    frame.stride, frame.bpp, frame.pixels = WIDTH * size, size, pixels
    frame.timestamp, frame.domain = 1e6 + number * 1000.0 / RATE, rs.timestamp_domain.system_time
    frame.frame_number, frame.profile = number, profile
    if pixels.ndim == 2:
        frame.depth_units = 0.001
    sensor.on_video_frame(frame)
