"""The D435 of a simulated table: what it would send, with a stereo camera's noise."""

from __future__ import annotations

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from failurebench.env import FailureBenchEnv
from failurebench.franka.table_env import FrankaEnv
from farl_ros import qos
from farl_ros.conversions import NANOSECONDS, time_of
from farl_ros.rendering import eye_of
from farl_ros.sight.files import TWIN, mounted
from farl_ros.sight.images import colour_message, depth_message, info_message
from farl_ros.sight.topics import COLOUR, DEPTH, INFO
from perception.cameras.simulated import StereoNoise
from perception.frame import Colour, Depth

FRAME_ID = "camera_color_optical_frame"
LEAD_IN = 6
"""Pictures of the still scene before an episode's first: what the camera takes in one agent step of 0.2 s."""


class TwinCamera:
    """Publishes colour, aligned depth and camera information."""

    def __init__(
        self, node: Node, environment: FailureBenchEnv, lock_step: bool, period_ns: int, pictures: int
    ) -> None:
        """Make the renderer.

        Args:
            node: To publish with.
            environment: The world, which must have been reset before it is looked at.
            lock_step: Whether no picture may be lost.
            period_ns: Length of an agent step [ns].
            pictures: Of each agent step: one of its end, the others, in lock-step, on the way there.

        Raises:
            SightError: The world has no camera, or this machine cannot render.
        """
        spec, mounting = mounted(TWIN)
        self._eye = eye_of(environment, spec.streams.width, spec.streams.height)
        self._intrinsics, self._noise = mounting.intrinsics, StereoNoise()
        self._gap_ns = NANOSECONDS // spec.streams.rate
        self._period_ns, self._shown_ns = period_ns, 0
        if lock_step and isinstance(environment, FrankaEnv):
            environment.look_on(pictures - 1, self._show_on_the_way)
        self._random = np.random.default_rng(0)
        profile = qos.LOCKED_FRAMES if lock_step else qos.FRAMES
        self._colours = node.create_publisher(Image, COLOUR, profile)
        self._depths = node.create_publisher(Image, DEPTH, profile)
        self._infos = node.create_publisher(CameraInfo, INFO, profile)

    def begin(self, seed: int, stamp_ns: int) -> None:
        """Show the still scene before an episode, up to its first picture.

        Args:
            seed: Of the episode's noise.
            stamp_ns: Of the first picture of the episode [ns]; those here have earlier stamps.
        """
        self._random = np.random.default_rng(seed)
        colour, depth = self._eye()
        for before in range(LEAD_IN, 0, -1):
            self._send(colour, depth, stamp_ns - before * self._gap_ns)

    def show(self, stamp_ns: int) -> None:
        """Show the world as it is now, at the end of an agent step."""
        self._shown_ns = stamp_ns
        self._send(*self._eye(), stamp_ns)

    def _show_on_the_way(self, share: float) -> None:
        self._send(*self._eye(), self._shown_ns + round(share * self._period_ns))

    def close(self) -> None:
        """Give the graphics memory back."""
        self._eye.__exit__(None, None, None)

    def _send(self, colour: Colour, depth: Depth, stamp_ns: int) -> None:
        stamp, noise = time_of(stamp_ns), self._noise
        self._infos.publish(info_message(self._intrinsics, stamp, FRAME_ID))
        self._depths.publish(depth_message(noise.on_depth(depth, self._random), stamp, FRAME_ID))
        self._colours.publish(colour_message(noise.on_colour(colour, self._random), stamp, FRAME_ID))
