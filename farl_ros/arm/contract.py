"""What every arm backend must do, as a check that its author can run: in a test, on an emulator, on the arm.

It moves the arm by ``reach`` at most. With a real one: limits set low, a person at the user stop.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from farl_interfaces.msg import ArmState

from farl.types import ActionSource
from farl_ros.arm.backend import ArmBackend, ArmCommand, ArmError, StateListener
from farl_ros.arm.pose import Pose
from farl_ros.conversions import pose_of, stamp_ns

STEPS = 4
"""Commands on the way out."""
PATIENCE = 20
"""More of the same until it is halfway there: arms lag, and emulated ones more on a busy machine."""
STILL = 1e-3
"""An arm that was told to stand still moves less than this, once it has come to rest [m]."""


class ContractError(AssertionError):
    """A backend breaks the contract; the message lists all that was found."""


@dataclass(frozen=True)
class Check:
    """What to check and how.

    Attributes:
        make: Makes the backend, not yet connected.
        action_size: Number of action dimensions A.
        takes_targets: Whether it stands behind the command chain and goes to ``ArmCommand.target``; else it
            makes the motion of ``ArmCommand.values`` itself.
        period: Control period [s].
        reach: How far it is moved, along +y of its base [m].
        fault: Causes a fault of the arm; None leaves faults out.
        undo: Takes the cause away, as a person does before re-arming; None where nothing needs it.
    """

    make: Callable[[StateListener], ArmBackend]
    action_size: int
    takes_targets: bool = True
    period: float = 0.1
    reach: float = 0.02
    fault: Callable[[ArmBackend], None] | None = None
    undo: Callable[[ArmBackend], None] | None = None


def check_backend(check: Check) -> None:
    """Run the whole contract against a backend; it takes some twenty control periods.

    Raises:
        ContractError: The backend breaks it.
        ArmError: It does not connect.
    """
    found = list(_breaches(check))
    if found:
        raise ContractError("the arm backend breaks the contract:\n- " + "\n- ".join(found))


def _breaches(check: Check) -> Iterator[str]:
    heard: list[ArmState] = []
    arm = check.make(heard.append)
    entered = arm.__enter__()
    try:
        if entered is not arm:
            yield f"__enter__ returned {type(entered).__name__}; expected the backend itself"
        yield from _stands_still(check, arm)
        unclear = list(_reports(check, arm, heard))
        yield from unclear
        if not unclear:  # else nobody knows where it is
            yield from _moves(check, arm)
        yield from _answers_gripper(arm)
        if (surplus := arm.events()) != []:
            yield f"events() told of faults although nothing went wrong: {'; '.join(map(str, surplus))}"
        if check.fault is not None and not unclear:
            yield from _tells_faults(check, arm)
    finally:
        arm.__exit__(None, None, None)
    count = len(heard)
    time.sleep(2.0 * check.period)
    if len(heard) != count:
        yield "states went on coming after __exit__: its threads must have ended"


def _stands_still(check: Check, arm: ArmBackend) -> Iterator[str]:
    """``hold`` answers with zeros, in the name of the state that it was given."""
    sent, took = _timed(lambda: arm.hold(7))
    if sent.source != ActionSource.HOLD or sent.stamp_ns != 7:
        yield f"hold(7) returned source {sent.source!r} and stamp {sent.stamp_ns}; expected HOLD and 7"
    if sent.values.shape != (check.action_size,) or np.any(sent.values):
        yield f"hold(7) returned values {sent.values!r}; expected {check.action_size} zeros"
    if not math.isnan(sent.log_prob):
        yield f"hold(7) returned log_prob {sent.log_prob}; expected NaN: no policy proposed it"
    if took > check.period:
        yield f"hold took {took:.3f} s; expected at most one control period, {check.period:g} s"


def _reports(check: Check, arm: ArmBackend, heard: list[ArmState]) -> Iterator[str]:
    """After the first command at the latest, ``state`` and the listener have one, with a believable pose."""
    end = time.monotonic() + max(1.0, 2.0 * check.period)
    while not heard and time.monotonic() < end:
        time.sleep(0.005)
    state = arm.state()
    if not heard or state is None:
        yield f"no state within {max(1.0, 2.0 * check.period):g} s: state() and the listener must have one"
        return
    try:
        pose_of(state.end_effector_pose)
    except ValueError as error:
        yield f"end_effector_pose of the state is none: {error}"
        return
    stamps = [stamp_ns(one.header.stamp) for one in heard]
    if any(later < earlier for earlier, later in pairwise(stamps)):
        yield "the stamps of its states go back in time"


def _moves(check: Check, arm: ArmBackend) -> Iterator[str]:
    """Commands come back as they were sent and move the arm that way; ``hold`` and ``stop`` end that."""
    start = _where(arm)
    command = ArmCommand(np.zeros(check.action_size, np.float32), ActionSource.TASK, 0, -1.5, 3)
    way = np.zeros(3)
    for step in range(1, STEPS + PATIENCE + 1):
        if step > STEPS and (way[1] > 0.5 * check.reach or not check.takes_targets):
            break
        given = replace(command, stamp_ns=100 + step)
        if check.takes_targets:
            aside = np.array([0.0, check.reach * min(1.0, step / STEPS), 0.0])
            given = replace(given, target=Pose(start.position + aside, start.quaternion))
        else:
            given.values[min(1, check.action_size - 1)] = 1.0
        began = time.monotonic()
        sent = arm.command(given)
        took = time.monotonic() - began
        if (sent.stamp_ns, sent.source, sent.policy_version) != (given.stamp_ns, given.source, 3):
            yield f"command returned {sent}; expected stamp, source and policy version of {given}"
        if sent.values.shape != given.values.shape or not (np.abs(sent.values) <= 1.0).all():
            yield f"command returned values {sent.values!r}; expected {check.action_size} in [-1, 1]"
        if took > check.period:
            yield f"command {step} took {took:.3f} s; expected at most one period, {check.period:g} s"
        time.sleep(max(0.0, check.period - took))
        way = _where(arm).position - start.position
    if check.takes_targets and not (way[1] > 0.5 * check.reach and np.hypot(way[0], way[2]) < check.reach):
        yield f"after targets up to {check.reach:g} m along +y it has moved by {np.round(way, 4).tolist()} m"
    if not check.takes_targets and not np.any(way):
        yield f"{STEPS} actions of 1.0 did not move the end-effector"
    for end in (lambda: arm.hold(200), arm.stop):
        end()
        time.sleep(3.0 * check.period)
        before = _where(arm).position
        time.sleep(2.0 * check.period)
        crept = float(np.linalg.norm(_where(arm).position - before))
        if crept > STILL:
            yield f"told to stand still it moved by {crept:.4f} m within two control periods"


def _answers_gripper(arm: ArmBackend) -> Iterator[str]:
    """The gripper moves, or the backend says with an ``ArmError`` that there is none."""
    try:
        arm.gripper(0.04)
    except ArmError:
        return
    except Exception as error:  # the controller catches nothing else, and would end
        yield f"gripper raised {type(error).__name__}: {error}; expected nothing, or an ArmError"


def _tells_faults(check: Check, arm: ArmBackend) -> Iterator[str]:
    """A fault is told once, refuses commands until ``recover``, and then the arm holds where it is."""
    assert check.fault is not None
    check.fault(arm)
    time.sleep(2.0 * check.period)
    try:
        arm.command(
            ArmCommand(np.zeros(check.action_size, np.float32), ActionSource.TASK, 300, 0.0, 0, _where(arm))
        )
        yield "it took a command although it had a fault; expected an ArmError"
    except ArmError:
        pass
    told = arm.events()
    if not told or not all(isinstance(fault, ArmError) for fault in told):
        yield f"events() after a fault was {told!r}; expected at least one ArmError"
    if (again := arm.events()) != []:
        yield f"events() told of the same fault twice: {'; '.join(map(str, again))}"
    if check.undo is not None:
        check.undo(arm)
    try:
        arm.recover()
        before = _where(arm).position
        arm.hold(301)
    except ArmError as error:
        yield f"recover and hold, with the cause gone: {error}"
        return
    time.sleep(2.0 * check.period)
    moved = float(np.linalg.norm(_where(arm).position - before))
    if moved > STILL:
        yield f"after recover it moved by {moved:.4f} m; expected it to hold the measured pose"


def _where(arm: ArmBackend) -> Pose:
    state = arm.state()
    if state is None:
        raise ContractError("state() is None after it was not: expected the newest measured state")
    return pose_of(state.end_effector_pose)


def _timed(call: Callable[[], ArmCommand]) -> tuple[ArmCommand, float]:
    began = time.monotonic()
    return call(), time.monotonic() - began
