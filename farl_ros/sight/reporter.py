"""What people are shown of the camera: ``/diagnostics``, and now and then a picture."""

from __future__ import annotations

import math
import time

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import Image

from farl_ros import qos
from farl_ros.conversions import NANOSECONDS, time_of
from farl_ros.sight.health import Health, Level
from farl_ros.sight.images import colour_message
from perception.drawing import draw_scene
from perception.frame import Frame, Transform
from perception.pipeline import Scene

PERIOD_S = 1.0
_LEVELS = {
    Level.OK: DiagnosticStatus.OK,
    Level.WARN: DiagnosticStatus.WARN,
    Level.ERROR: DiagnosticStatus.ERROR,
}


class Reporter:
    """Publishes ``diagnostics`` once a second, and ``~/debug_image`` to those who look at it."""

    def __init__(self, node: Node, health: Health, debug_rate: float, lock_step: bool) -> None:
        """Begin.

        Args:
            node: Whose reports these are.
            health: What is told.
            debug_rate: Pictures per second [Hz]; 0 for none.
            lock_step: Whether the newest frame's time is the time; else it is the node's clock.
        """
        self._node, self._health, self._lock_step = node, health, lock_step
        self._drawing_every = math.inf if debug_rate == 0.0 else 1.0 / debug_rate
        self._drawn = -math.inf
        self._reported = time.monotonic()
        self._newest = 0.0
        self._said = ""
        self._diagnostics = node.create_publisher(DiagnosticArray, "diagnostics", qos.EVENTS)
        self._pictures = node.create_publisher(Image, "~/debug_image", qos.FRAMES)
        self._timer = node.create_timer(
            PERIOD_S, self._on_report, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def close(self) -> None:
        """Stop."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._diagnostics)
        self._node.destroy_publisher(self._pictures)

    def take(self, frame: Frame | None, scene: Scene, base_from_camera: Transform | None) -> None:
        """Count a frame, and draw it if somebody looks and the last picture is old enough."""
        self._health.take(scene, None if frame is None else frame.stamp)
        self._newest = scene.stamp
        now = time.monotonic()
        if frame is None or base_from_camera is None or now - self._drawn < self._drawing_every:
            return
        if self._pictures.get_subscription_count() == 0:
            return
        self._drawn = now
        picture = np.ascontiguousarray(draw_scene(frame, scene, base_from_camera))
        stamp = time_of(round(frame.stamp * NANOSECONDS))
        self._pictures.publish(colour_message(picture, stamp, "camera_color_optical_frame"))

    def _on_report(self) -> None:
        wall = time.monotonic()
        seconds, self._reported = wall - self._reported, wall
        clock = self._node.get_clock().now()
        report = self._health.report(self._newest if self._lock_step else clock.nanoseconds * 1e-9, seconds)
        status = DiagnosticStatus(
            level=_LEVELS[report.level],
            name=f"{self._node.get_name()}: camera",
            message=report.message,
            values=[KeyValue(key=key, value=f"{value:.6g}") for key, value in report.figures.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = clock.to_msg()
        self._diagnostics.publish(message)
        if report.level is not Level.OK and report.message != self._said and not self._lock_step:
            self._node.get_logger().warn(report.message)
        self._said = report.message
