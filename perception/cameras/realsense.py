"""RealSense cameras: a D435, a librealsense recording or a software device, by one code path."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from perception.cameras.camera import CameraError, CameraState, Reading
from perception.cameras.librealsense import librealsense
from perception.frame import Frame, FrameError, Intrinsics

_RETRY = 0.5
"""Pause between looks for a device that went away, seconds."""
_SILENCE = 2.0
"""A device that is listed but gives nothing for so long was plugged out and in again: start anew, seconds."""

_STRAIGHT = 1e-3
"""Greatest distortion coefficient that moves no pixel by more than a fraction of one."""


@dataclass(frozen=True, slots=True)
class Streams:
    """What is asked of the device; the same size for colour and depth.

    Attributes:
        width: Pixels.
        height: Pixels.
        rate: Frames per second.
    """

    width: int = 640
    height: int = 480
    rate: int = 30


class RealSenseCamera:
    """Colour and depth aligned to it, through librealsense's own queue, which keeps only the newest pair.

    Stamps are Unix time. Where the device gives only its own clock, the least delay seen so far between it
    and the host maps it, so that a late frame stays late.
    """

    def __init__(
        self,
        streams: Streams | None = None,
        *,
        serial: str | None = None,
        file: Path | None = None,
        record: Path | None = None,
        context: Callable[[], Any] | None = None,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open nothing yet.

        Args:
            streams: Size and rate; default 640x480 at 30 Hz.
            serial: Serial number of the device; None for the only one.
            file: Plays this recording instead (``.db3``, or ``.bag`` of librealsense up to 2.57).
            record: Writes the streams to this file as they come; librealsense 2.59 wants ``.db3``.
            context: Makes the librealsense context that lists the devices (a software device has its own).
            wall: Unix time, seconds.
            steady: A clock that never jumps, seconds.
        """
        self.streams = Streams() if streams is None else streams
        self.serial = serial
        self._file, self._record = file, record
        self._make_context = context
        self._wall, self._steady = wall, steady
        self._pipeline: Any = None
        self._playback: Any = None
        self._align: Any = None
        self._offset: float | None = None
        self._heard = 0.0
        self._next_try = 0.0

    def __enter__(self) -> Self:
        """Open the device or file.

        Raises:
            CameraError: It is not there, is in use, or has no such streams.
        """
        if self._file is not None and not self._file.is_file():
            raise CameraError(f"no recording {self._file}; expected a file that librealsense has written")
        if self._file is None:
            self._choose_device()
        try:
            self._start()
        except RuntimeError as error:
            raise CameraError(self._cannot_start(error)) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it, and a recording that is being written."""
        self._stop()

    def read(self, timeout: float) -> Reading:
        """Return the newest frame; looks for the device again while it is away."""
        if self._pipeline is None:
            missing = self._reconnect(timeout)
            if missing is not None:
                return missing
        try:
            arrived, frames = self._pipeline.try_wait_for_frames(max(1, round(timeout * 1e3)))
        except RuntimeError as error:
            self._stop()
            return Reading(CameraState.UNPLUGGED, detail=f"{self._name()} stopped: {error}")
        if not arrived:
            return self._silent()
        self._heard = self._steady()
        aligned = self._align.process(frames)
        colour, depth = aligned.get_color_frame(), aligned.get_depth_frame()
        if not colour or not depth:
            return Reading(CameraState.WAITING, detail=f"{self._name()} gave only one of colour and depth")
        try:
            return Reading(CameraState.STREAMING, self._frame(colour, depth))
        except FrameError as error:
            return Reading(CameraState.MALFORMED, detail=str(error))

    def _frame(self, colour: Any, depth: Any) -> Frame:  # noqa: ANN401 - librealsense has no types
        given = colour.profile.as_video_stream_profile().intrinsics
        if max(map(abs, given.coeffs)) > _STRAIGHT:
            raise FrameError(
                f"expected a colour stream without lens distortion, as a D435 gives, got coefficients "
                f"{list(given.coeffs)}: positions would be wrong"
            )
        try:
            intrinsics = Intrinsics(given.width, given.height, given.fx, given.fy, given.ppx, given.ppy)
        except FrameError:
            intrinsics = None
        metres = np.asanyarray(depth.get_data()) * np.float32(depth.get_units())
        # The arrays are librealsense's own memory, which the next frames use again.
        picture = np.asanyarray(colour.get_data()).copy()
        return Frame(picture, metres, intrinsics, self._stamp(colour), int(colour.get_frame_number()))

    def _stamp(self, frame: Any) -> float:  # noqa: ANN401 - librealsense has no types
        stamp = float(frame.get_timestamp()) * 1e-3
        if frame.get_frame_timestamp_domain() != librealsense().timestamp_domain.hardware_clock:
            return stamp
        delay = self._wall() - stamp
        self._offset = delay if self._offset is None else min(delay, self._offset)
        return stamp + self._offset

    def _silent(self) -> Reading:
        rs = librealsense()
        if self._file is not None:
            over = self._playback.current_status() == rs.playback_status.stopped
            state = CameraState.ENDED if over else CameraState.WAITING
            return Reading(
                state, detail=f"the recording {self._file} {'is over' if over else 'gave nothing'}"
            )
        if not self._listed():
            self._stop()
            return Reading(CameraState.UNPLUGGED, detail=f"{self._name()} is gone; check cable and power")
        quiet = self._steady() - self._heard
        if quiet > _SILENCE:
            self._stop()
        return Reading(CameraState.WAITING, detail=f"{self._name()} has been silent for {quiet:.1f} s")

    def _reconnect(self, timeout: float) -> Reading | None:
        """Look for the device, at most every half second; None when it streams again."""
        wait = self._next_try - self._steady()
        if wait > 0.0:
            time.sleep(min(wait, timeout))
        detail = f"{self._name()} is not back yet; check cable and power"
        if self._steady() >= self._next_try:
            self._next_try = self._steady() + _RETRY
            if self._listed():
                try:
                    self._start()
                except RuntimeError as error:
                    detail = self._cannot_start(error)
                else:
                    return None
        return Reading(CameraState.UNPLUGGED, detail=detail)

    def _start(self) -> None:
        rs = librealsense()
        context = self._context()
        pipeline, config = rs.pipeline(context), rs.config()
        if self._file is not None:
            config.enable_device_from_file(str(self._file), repeat_playback=False)
        else:
            config.enable_device(self.serial)
        size = (self.streams.width, self.streams.height)
        config.enable_stream(rs.stream.depth, *size, rs.format.z16, self.streams.rate)
        config.enable_stream(rs.stream.color, *size, rs.format.bgr8, self.streams.rate)
        if self._record is not None:
            config.enable_record_to_file(str(self._record))
        if self._file is not None:
            # Before the start: after it, playback in real time has dropped the first frames already.
            self._playback = config.resolve(rs.pipeline_wrapper(pipeline)).get_device().as_playback()
            self._playback.set_real_time(False)
        profile = pipeline.start(config)
        for sensor in profile.get_device().query_sensors():
            if sensor.supports(rs.option.global_time_enabled):
                sensor.set_option(rs.option.global_time_enabled, 1.0)
        self._pipeline, self._align = pipeline, rs.align(rs.stream.color)
        self._heard, self._offset = self._steady(), None

    def _stop(self) -> None:
        if self._pipeline is not None:
            pipeline, self._pipeline = self._pipeline, None
            pipeline.stop()
        # A second start would write over the recording.
        self._record = None

    def _choose_device(self) -> None:
        serials = self._serials()
        if self.serial is None and len(serials) == 1:
            self.serial = serials[0]
        if self.serial is None or self.serial not in serials:
            wanted = "a RealSense camera" if self.serial is None else f"RealSense camera {self.serial}"
            found = (
                f"found {', '.join(serials)}: name one" if serials else "found none: check cable and power"
            )
            raise CameraError(f"expected {wanted}, {found}")

    def _serials(self) -> list[str]:
        rs = librealsense()
        devices = self._context().query_devices()
        return [str(device.get_info(rs.camera_info.serial_number)) for device in devices]

    def _listed(self) -> bool:
        return self.serial in self._serials()

    def _context(self) -> Any:  # noqa: ANN401 - librealsense has no types
        return librealsense().context() if self._make_context is None else self._make_context()

    def _name(self) -> str:
        return f"RealSense camera {self.serial}"

    def _cannot_start(self, error: RuntimeError) -> str:
        source = self._name() if self._file is None else f"the recording {self._file}"
        streams = self.streams
        return (
            f"{source} cannot stream colour and depth of {streams.width}x{streams.height} at "
            f"{streams.rate} Hz: {error}; is another program using it, or is it on a USB 2 port?"
        )
