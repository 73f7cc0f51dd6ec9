"""A person in command: every state is answered with what the hand at the device asks for.

It stands where the policy stands: the same topic, message, limits and shield. Without the dead-man, or
without the device, the answer is HOLD.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from farl_interfaces.msg import Action, State
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from std_srvs.srv import Trigger

from farl.types import ActionSource, Array, Proposal
from farl_ros import qos
from farl_ros.conversions import proposal_message
from farl_ros.nodes.common import FarlNode, NodeError
from farl_ros.nodes.running import main_of
from farl_ros.teleop.device import Command, Press
from farl_ros.teleop.keyboard import Keyboard
from farl_ros.teleop.link import DeviceLink
from farl_ros.teleop.make import DeviceName, make_device
from farl_ros.teleop.shaping import Feel, Shaper

POLL_S = 0.01
"""Between two looks at the device [s]."""
REPORT_S = 1.0


class Teleop(FarlNode):
    """Publishes ``proposed_action`` and ``diagnostics``; calls the services of ``session``."""

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("teleop", arguments, context)
        spec = self.declare_task()
        name = self.declare("device", DeviceName.KEYBOARD.value, f"what moves: {', '.join(DeviceName)}")
        path = self.declare("path", "", "of a SpaceMouse: its /dev/hidraw…; empty to look for one")
        terminal = self.declare("terminal", "", "of the keys, as `tty` prints it; empty for /dev/tty")
        feel = Feel()
        dead_zone = self.declare("dead_zone", feel.dead_zone, "share of an axis that moves nothing", 0.0, 0.9)
        ramp = self.declare("ramp", feel.ramp, "from rest to the whole speed [s]; 0 for at once", 0.0)
        speeds = self.declare("speeds", [str(s) for s in feel.speeds], "speed scales in (0, 1], increasing")
        facing = self.declare("facing", 0.0, "where the person looks, about z of the robot's base [deg]")
        if name not in list(DeviceName):
            raise NodeError(f"parameter 'device' is {name!r}; expected one of {', '.join(DeviceName)}")
        try:
            feel = Feel(dead_zone, ramp, tuple(float(s) for s in speeds), math.radians(facing))
            self._shaper = Shaper(spec, feel)
        except ValueError as error:  # a ShapingError too
            raise NodeError(str(error)) from error
        self._period = 1.0 / spec.control_rate_hz
        self._zeros = np.zeros(spec.action_size, np.float32)
        self._hand = DeviceLink(make_device(DeviceName(name), path, terminal or "/dev/tty"))
        self._links = [self._hand]
        if name != DeviceName.KEYBOARD and terminal:
            self._links.append(DeviceLink(Keyboard(terminal, moves=False)))
        self._said = ""
        self._desk = {name: self.create_client(Trigger, f"session/{name}") for name in Command}
        self._actions = self.create_publisher(Action, "proposed_action", qos.NEWEST)
        self._diagnostics = self.create_publisher(DiagnosticArray, "diagnostics", qos.EVENTS)
        self.create_subscription(State, "state", self._on_state, qos.NEWEST)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(POLL_S, self._poll, clock=steady)
        self.create_timer(REPORT_S, self._report, clock=steady)

    def _on_state(self, state: State) -> None:
        self._poll()
        values = self._shaper.action(self._hand.reading, self._period)
        source = ActionSource.HOLD if values is None else ActionSource.TELEOP
        action: Array = self._zeros if values is None else values
        self._actions.publish(proposal_message(Proposal(action, math.nan, 0, source), state.header.stamp))

    def _poll(self) -> None:
        now = time.monotonic()
        for link in self._links:
            for press in link.poll(now):
                self._obey(press)
        if self._hand.problem != self._said:
            self._said = self._hand.problem
            if self._said:
                self.get_logger().error(f"holding still: {self._said}")
            else:
                self.get_logger().info(f"{self._hand.name} is there")
            self._report()

    def _obey(self, press: Press) -> None:
        if not isinstance(press, Command):
            self._shaper.change(press)
            return
        client = self._desk[press]
        if client.service_is_ready():
            client.call_async(Trigger.Request()).add_done_callback(
                lambda future: self._on_answer(press, future.result())
            )
        else:
            self.get_logger().warn(f"{press}: nobody records here (no service {client.srv_name})")

    def _on_answer(self, command: Command, answer: Trigger.Response) -> None:
        if not answer.success:
            self.get_logger().warn(f"{command}: {answer.message}")

    def _report(self) -> None:
        hand, reading = self._hand, self._hand.reading
        held = reading is not None and reading.held
        lost = DiagnosticStatus.ERROR if hand.problem else DiagnosticStatus.OK
        figures = {"speed": f"{self._shaper.speed:g}", "held": str(held), "losses": str(hand.losses)}
        status = DiagnosticStatus(
            level=lost,
            name=f"{self.get_name()}: {hand.name}",
            message=hand.problem or ("moving" if held else "dead-man not held"),
            values=[KeyValue(key=key, value=value) for key, value in figures.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def close(self) -> None:
        """Give the devices back."""
        for link in self._links:
            link.close()


main = main_of(Teleop)

if __name__ == "__main__":
    main()
