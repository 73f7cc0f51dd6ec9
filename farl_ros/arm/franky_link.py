"""One connection to the robot: a thread that reads its state, and one that makes the calls that may block.

A robot that froze or vanished leaves franky's object dead, and calls to it may never return. So a link is
thrown away then, threads and all, and a new one is made.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import franky

from farl_ros.arm.backend import ArmError, FaultKind
from farl_ros.arm.franky_faults import PREEMPTED, kind_of_errors, kind_of_message
from farl_ros.arm.franky_motions import Motions, make_motions
from farl_ros.arm.franky_options import FrankyOptions, MotionMode
from farl_ros.arm.franky_state import Measured, measured
from farl_ros.arm.pose import Pose
from farl_ros.arm.robots import RobotSpec
from farl_ros.arm.worker import Worker

T = TypeVar("T")
FAULTS = (
    franky.Exception,
    franky.InvalidMotionTypeException,
    franky.MotionReuseException,
    franky.ReactionRecursionException,
    franky.TorqueSignalTimeoutException,
    RuntimeError,
)
"""What franky raises when the robot or the network is at fault; these types have no base of their own."""
RECOVERY_TIMEOUT = 20.0
"""Real robots were seen to take 0.4 to 16 s to recover [s]."""
JOIN_TIMEOUT = 3.0
"""For a motion that is waited for [s]; a leash of some centimetres takes well below one."""
JOIN_SLICE = 0.05
"""How often a motion that is waited for is looked after [s]: franky notices a silent robot after a second."""
SILENT = 0.05
"""After so long without a new state nothing is sent that nobody asked for [s]; one is due every 0.01 s."""
MODE_TIMEOUT = 1.0
"""From the end of a recovery to a state that shows it [s]."""

StateListener = Callable[[Measured], None]
FaultListener = Callable[[ArmError], None]


class FrankyLink:
    """Drives one ``franky.Robot``, until ``end`` or until it is lost."""

    def __init__(
        self,
        arm: franky.Robot,
        robot: RobotSpec,
        options: FrankyOptions,
        on_state: StateListener,
        on_fault: FaultListener,
    ) -> None:
        self._arm, self._options = arm, options
        self._on_state, self._on_fault = on_state, on_fault
        self._dead_man = robot.watchdog.dead_man * options.period
        self._motions: Motions = make_motions(arm, robot, options)
        self._make_motions = lambda: make_motions(arm, robot, options)
        self._joint_names = [f"{robot.name.lower()}_joint{number}" for number in range(1, 8)]
        self._lock = threading.Lock()  # franky refuses to read a state while a motion starts
        self._ended = threading.Event()
        self._fresh = threading.Condition()
        self._state: Measured | None = None
        self._state_at = time.monotonic()
        self._commanded_at: float | None = None
        self._worker = Worker("franky calls")
        self._watcher = threading.Thread(target=self._watch, name="franky state", daemon=True)
        self._watcher.start()

    # --- calls ------------------------------------------------------------------------------------

    def send(self, target: Pose) -> None:
        """Start a motion to the target.

        Raises:
            ArmError: The robot does not take it, or does not answer.
        """
        here = self.pose()
        self._call(lambda: self._motions.send(target, here), self._options.call_timeout)
        self._commanded_at = time.monotonic()
        if self._motions.blocking:
            self._join()

    def hold(self) -> None:
        """Stand still where the arm is.

        Raises:
            ArmError: The robot does not take it, or does not answer.
        """
        here = self.pose()
        self._commanded_at = None
        self._call(lambda: self._motions.hold(here), self._options.call_timeout)

    def stop(self) -> None:
        """End the motion at once.

        Raises:
            ArmError: The robot does not answer.
        """
        self._commanded_at = None

        def stop() -> None:
            if self._arm.is_in_control:
                self._arm.stop()
            self._motions = self._make_motions()  # the next target follows no earlier one

        self._call(stop, self._options.call_timeout)

    def rest(self) -> None:
        """Stand still, and wait for it.

        Raises:
            ArmError: The robot does not take it, or does not answer.
        """
        self.hold()
        if self._await_state(lambda state: state.mode != "Move").mode == "Move":
            self.stop()  # a spring never ends by itself

    def recover(self) -> None:
        """Clear the robot's errors, and wait until its state says so.

        Raises:
            ArmError: They are still there.
        """
        if self._state is not None and self._state.mode == "UserStopped":
            raise ArmError(FaultKind.USER_STOP, "the user stop is still pressed: release it, then re-arm")
        self._commanded_at = None
        # Without the lock: states must go on coming, and franky allows it.
        self._call(self._arm.recover_from_errors, RECOVERY_TIMEOUT, locked=False)
        self._motions = self._make_motions()
        state = self._await_state(lambda state: state.mode == "Idle")
        if state.mode != "Idle":
            errors = f" with {', '.join(state.errors)}" if state.errors else ""
            raise ArmError(
                kind_of_errors(state.errors) or FaultKind.OTHER,
                f"after recovering the robot is in mode {state.mode}{errors}, expected Idle",
            )

    def end(self) -> None:
        """End both threads; the robot stands still by itself when nobody answers its states."""
        self._ended.set()
        self._worker.end()
        if threading.current_thread() is not self._watcher:
            self._watcher.join(self._options.call_timeout)

    def pose(self) -> Pose:
        """Where the end-effector is.

        Raises:
            ArmError: No state has come yet.
        """
        return self._await_state(lambda _: True, since=0.0).pose

    def silence(self) -> float:
        """Time since the last new state [s]."""
        return time.monotonic() - self._state_at

    def _join(self) -> None:
        """Wait until the motion ends.

        Raises:
            ArmError: It ended with a fault, the robot fell silent, or it takes too long.
        """
        end = time.monotonic() + JOIN_TIMEOUT
        while not self._call(
            lambda: self._arm.join_motion(JOIN_SLICE),
            JOIN_SLICE + self._options.call_timeout,
            locked=False,
        ):
            if self.silence() > self._options.state_timeout:
                raise ArmError(
                    FaultKind.NETWORK, f"the robot fell silent: {self.silence():.3f} s in a motion"
                )
            if time.monotonic() > end:
                self.hold()
                raise ArmError(FaultKind.MOTION_LIMIT, f"the motion did not end within {JOIN_TIMEOUT:g} s")

    def _call(self, function: Callable[[], T], timeout: float, locked: bool = True) -> T:
        def guarded() -> T:
            if not locked:
                return function()
            with self._lock:
                return function()

        try:
            return self._worker.call(guarded, timeout)
        except TimeoutError as error:
            raise ArmError(
                FaultKind.NETWORK, f"a call to the robot took longer than {timeout:g} s"
            ) from error
        except FAULTS as error:
            raise fault_of(error) from error

    # --- states -----------------------------------------------------------------------------------

    def _await_state(self, wanted: Callable[[Measured], bool], since: float | None = None) -> Measured:
        """The newest state, once one from after ``since`` (now) is as wanted, or after the time-out."""
        since = time.monotonic() if since is None else since

        def ready() -> bool:
            return self._state is not None and self._state_at > since and wanted(self._state)

        with self._fresh:
            self._fresh.wait_for(ready, MODE_TIMEOUT)
        if self._state is None:
            raise ArmError(FaultKind.NETWORK, f"no state from the robot within {MODE_TIMEOUT:g} s")
        return self._state

    def _watch(self) -> None:
        """Read the state and look for faults, until the end or the robot's."""
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                self._read()
                self._expire(began)
            except ArmError as error:
                self._tell(error)
            except FAULTS as error:
                fault = fault_of(error)
                self._tell(fault)
                if fault.kind == FaultKind.NETWORK:
                    return
            self._ended.wait(max(0.0, began + self._options.state_period - time.monotonic()))

    def _read(self) -> None:
        # A fault of an asynchronous motion is kept by franky and would be raised by the next command. Asked
        # for first: once a motion has died of a lost connection, reading the state never returns.
        try:
            self._arm.poll_motion()
        except FAULTS as error:
            if PREEMPTED not in str(error):
                raise
        with self._lock:
            state = self._arm.state
        jacobian = self._arm.model.zero_jacobian(franky.Frame.EndEffector, state)
        now = measured(state, jacobian, self._joint_names, time.time_ns())
        if self._state is None or now.time_ms != self._state.time_ms:
            self._report(now)

    def _report(self, state: Measured) -> None:
        """Faults first: whoever waits for a state without them must not be overtaken by an old one."""
        if state.mode == "UserStopped":
            self._tell(ArmError(FaultKind.USER_STOP, "the user stop is pressed"))
        elif state.errors:
            kind = kind_of_errors(state.errors) or FaultKind.OTHER
            self._tell(ArmError(kind, f"the robot stopped itself: {', '.join(state.errors)}"))
        with self._fresh:
            self._state, self._state_at = state, time.monotonic()
            self._fresh.notify_all()
        self._on_state(state)

    def _tell(self, fault: ArmError) -> None:
        """Report a fault, but not of a link that has been replaced."""
        if not self._ended.is_set():
            self._on_fault(fault)

    def _expire(self, now: float) -> None:
        """The dead-man of a spring, which would hold its last target for ever."""
        if self._options.mode != MotionMode.IMPEDANCE or self._commanded_at is None:
            return
        late = now - self._commanded_at > self._dead_man
        if late and self._state is not None and self.silence() < SILENT:  # or the call would wait for nobody
            self._commanded_at, here = None, self._state.pose
            self._call(lambda: self._motions.hold(here), self._options.call_timeout)


def fault_of(error: Exception) -> ArmError:
    """A fault of the arm from what franky raised."""
    message = " ".join(str(error).split())
    return ArmError(kind_of_message(message), message)
