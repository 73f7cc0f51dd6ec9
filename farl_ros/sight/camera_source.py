"""The source of observations that looks: frames and arm poses become states.

Wall clock: each frame becomes a state at once, with the arm's pose of its moment; where no frame comes, a
blind state says so once a period. Lock-step: nothing may be missed, and a state waits for the arm and the
number that the simulator gave the moment; frames without a number are looked at, and nobody is told.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from farl_interfaces.msg import ArmState, SimState, State
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from farl_ros import qos
from farl_ros.conversions import NANOSECONDS, array_of, pose_of, stamp_ns
from farl_ros.nodes.common import NodeError
from farl_ros.sight.arm_poses import ArmPoses
from farl_ros.sight.devices import Frames, open_camera
from farl_ros.sight.errors import SightError
from farl_ros.sight.files import detectors, mounted, perception_of
from farl_ros.sight.frame_join import FrameJoin, Stream
from farl_ros.sight.health import Health
from farl_ros.sight.images import frame_of
from farl_ros.sight.observation import ObservationMaker
from farl_ros.sight.reporter import Reporter
from farl_ros.sight.scene_message import state_of
from farl_ros.sight.topics import COLOUR, DEPTH, INFO
from farl_ros.task_spec import TaskSpec
from perception.build import make_perception
from perception.cameras.camera import Camera, CameraError, CameraState, Reading
from perception.detection.model_folder import ModelError
from perception.frame import FrameError
from perception.pipeline import Scene

ARM_LAG_S = 0.1
"""On the wall clock the newest arm pose still counts for a frame that is so much younger [s]."""
_POLLS = 4
"""Looks for a new frame of a device in each of its periods."""
_WARM_UP = 3

Listener = Callable[[State], None]


@dataclass(frozen=True)
class CameraOptions:
    """What the node's parameters ask for.

    Attributes:
        camera: Name of a camera, or its file.
        frames: Where its frames come from.
        recording: The file, where they come from one.
        real_time: Wall clock, or lock-step with a simulator.
        debug_rate: Pictures for people per second [Hz]; 0 for none.
    """

    camera: str
    frames: Frames
    recording: Path | None
    real_time: bool
    debug_rate: float


class CameraSource:
    """A ``StateSource``: see the module. Making it loads everything and warms up; ``listen`` begins."""

    def __init__(self, spec: TaskSpec, options: CameraOptions) -> None:
        """Load what is needed.

        Raises:
            SightError: The task cannot be seen as asked.
        """
        self._options = options
        self.numbers = not options.real_time
        if not options.real_time and options.frames is not Frames.TOPICS:
            raise SightError(
                f"frames from {options.frames.value!r} in lock-step: only a simulator waits for what is "
                "seen; use real_time: true"
            )
        seen = perception_of(spec.name)
        self._maker = ObservationMaker.of(spec, seen)
        self._camera_spec, self._mounting = mounted(options.camera)
        try:
            self._perception = make_perception(seen, self._camera_spec, self._mounting, detectors())
        except ModelError as error:
            raise SightError(str(error)) from error
        streams = self._camera_spec.streams
        # A device's neighbouring frames are a period apart; half of it tells them apart.
        self._join = FrameJoin(NANOSECONDS // (2 * streams.rate) if options.real_time else 0)
        for _ in range(_WARM_UP):
            self._perception.warm_up(streams.height, streams.width)
        self._period = 1.0 / spec.control_rate_hz
        # In lock-step the wall's rate is that of the machine.
        self._health = Health(spec.control_rate_hz if options.real_time else 0.0)
        self._poses = ArmPoses(round(ARM_LAG_S * NANOSECONDS) if options.real_time else 0)
        self._device: Camera | None = None
        if options.frames is not Frames.TOPICS:
            self._device = open_camera(self._camera_spec, options.frames, options.recording)
        self._trouble: Reading | None = None
        self._number = 0
        self._scenes: dict[int, Scene] = {}
        self._steps: dict[int, tuple[int, int]] = {}
        self._closing = ExitStack()

    def listen(self, node: Node, listener: Listener) -> None:
        """Open the camera and begin.

        Raises:
            SightError: The camera cannot be opened.
        """
        self._node, self._listener = node, listener
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._heard = steady.now()
        self._steady = steady
        self._reporter = Reporter(node, self._health, self._options.debug_rate, self.numbers)
        self._closing.callback(self._reporter.close)
        arm = node.create_subscription(ArmState, "arm_state", self._on_arm, qos.STREAM)
        self._closing.callback(node.destroy_subscription, arm)
        if self._device is None:
            self._subscribe(node)
        else:
            try:
                self._closing.enter_context(self._device)
            except CameraError as error:
                raise SightError(str(error)) from error
            self._poll_every(node, self._camera_spec.streams.rate)
        if self._options.real_time:
            blind = node.create_timer(self._period, self._on_silence, clock=steady)
            self._closing.callback(node.destroy_timer, blind)

    def close(self) -> None:
        """Stop listening, and close the camera."""
        self._closing.close()

    def _subscribe(self, node: Node) -> None:
        profile = qos.FRAMES if self._options.real_time else qos.LOCKED_FRAMES
        for kind, topic, stream in (
            (Image, COLOUR, Stream.COLOUR),
            (Image, DEPTH, Stream.DEPTH),
            (CameraInfo, INFO, Stream.INFO),
        ):
            subscription = node.create_subscription(kind, topic, self._taker(stream), profile)
            self._closing.callback(node.destroy_subscription, subscription)
        if self.numbers:
            steps = node.create_subscription(SimState, "sim_state", self._on_number, qos.STREAM)
            self._closing.callback(node.destroy_subscription, steps)

    def _taker(self, stream: Stream) -> Callable[[Image | CameraInfo], None]:
        def take(message: Image | CameraInfo) -> None:
            whole = self._join.add(stream, stamp_ns(message.header.stamp), message)
            self._health.unpaired = self._join.dropped
            if whole is None:
                return
            self._number += 1
            try:
                reading = Reading(CameraState.STREAMING, frame_of(*whole, self._number))
            except FrameError as error:
                reading = Reading(CameraState.MALFORMED, detail=str(error))
            self._look(reading, stamp_ns(whole[0].header.stamp))

        return take

    def _poll_every(self, node: Node, rate: int) -> None:
        """Ask the device: a recording gives every frame, so it is asked at its own pace."""
        polls = 1 if self._options.frames is Frames.RECORDING else _POLLS
        timer = node.create_timer(1.0 / (polls * rate), self._on_poll, clock=self._steady)
        self._closing.callback(node.destroy_timer, timer)

    def _on_poll(self) -> None:
        reading = self._device.read(1e-3)
        if reading.frame is not None:
            self._look(reading, round(reading.frame.stamp * NANOSECONDS))
        elif reading.state is CameraState.MALFORMED:
            self._look(reading, self._now_ns())
        elif reading.state is CameraState.ENDED:
            self._node.get_logger().info(reading.detail)
            self._node.exit_code = 0
        else:
            self._trouble = reading

    def _look(self, reading: Reading, at_ns: int) -> None:
        """Take a frame in, or what came in its place."""
        self._heard, self._trouble = self._steady.now(), None
        # Those of a recording and of a simulator are judged by their own time.
        own_time = self.numbers or self._options.frames is Frames.RECORDING
        now = (at_ns if own_time else self._now_ns()) / NANOSECONDS
        pose = self._poses.at(at_ns)
        scene = self._perception.process(reading, now, pose)
        self._reporter.take(reading.frame, scene, self._mounting.base_from_camera(pose))
        if self.numbers:
            self._scenes[at_ns] = scene
            self._tell_numbered(at_ns)
        else:
            stamp = at_ns if reading.frame is not None and not scene.problems else round(now * NANOSECONDS)
            self._listener(state_of(scene, self._hand(at_ns), self._maker, stamp))

    def _on_silence(self) -> None:
        """Say that nothing is seen, where no frame has come for a while."""
        quiet, now = (self._steady.now() - self._heard).nanoseconds / NANOSECONDS, self._now_ns()
        if quiet < self._period:
            return
        plain = Reading(CameraState.WAITING, detail=f"no frame for {quiet:.1f} s: is the camera there?")
        scene = self._perception.process(self._trouble or plain, now / NANOSECONDS)
        self._reporter.take(None, scene, None)
        self._listener(state_of(scene, self._hand(now), self._maker, now))

    def _on_arm(self, message: ArmState) -> None:
        at = stamp_ns(message.header.stamp)
        try:
            self._poses.add(at, pose_of(message.end_effector_pose))
        except ValueError as error:
            self._node.get_logger().error(f"arm_state: {error}", throttle_duration_sec=1.0)
            return
        if self.numbers:
            self._tell_numbered(at)

    def _on_number(self, message: SimState) -> None:
        """Which step a moment is; nothing else of what the simulator knows is looked at."""
        at = stamp_ns(message.header.stamp)
        self._steps[at] = message.episode, message.step
        self._tell_numbered(at)

    def _tell_numbered(self, at_ns: int) -> None:
        hand = self._hand(at_ns)
        if at_ns not in self._scenes or at_ns not in self._steps or hand is None:
            return
        scene = self._scenes[at_ns]
        state = state_of(scene, hand, self._maker, at_ns)
        state.episode, state.step = self._steps[at_ns]
        self._scenes = {at: scene for at, scene in self._scenes.items() if at > at_ns}
        self._steps = {at: step for at, step in self._steps.items() if at > at_ns}
        if not np.isfinite(array_of(state.observation)).all():
            raise NodeError(
                f"episode {state.episode}, step {state.step}: not everything was ever in sight "
                f"({', '.join(f'{track.name} is {track.state.value}' for track in scene.tracks)}); in "
                "lock-step nobody can wait for it: look at ~/debug_image"
            )
        self._listener(state)

    def _hand(self, at_ns: int) -> np.ndarray | None:
        pose = self._poses.at(at_ns)
        return None if pose is None else pose[:3, 3]

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)
