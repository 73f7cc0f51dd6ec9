"""The contract of an arm backend: those of this release keep it, and each way to break it is told."""

import time

import numpy as np
import pytest

from farl.types import ActionSource
from farl_ros.arm.backend import ArmCommand, ArmError, FaultKind
from farl_ros.arm.contract import Check, ContractError, check_backend
from farl_ros.arm.fake import FakeBackend
from tests.farl_ros.arm.driving import PERIOD, backend
from tests.farl_ros.arm.metronome import counts_when_punctual
from tests.fci.process import FciProcess

SIZE, TICK = 3, 0.02


class Broken(FakeBackend):
    """A backend in memory with one thing wrong with it."""

    wrong = ""

    def __init__(self, on_state):
        super().__init__(SIZE, on_state)
        self.drift = 0.0

    def hold(self, stamp_ns):
        sent = super().hold(stamp_ns)
        if self.wrong == "stamp":
            return ArmCommand(sent.values, sent.source, 0, sent.log_prob, 0)
        if self.wrong == "source":
            return ArmCommand(sent.values, ActionSource.TASK, stamp_ns, sent.log_prob, 0)
        if self.wrong == "zeros":
            return ArmCommand(np.ones(SIZE, np.float32), sent.source, stamp_ns, sent.log_prob, 0)
        if self.wrong == "late":
            time.sleep(3 * TICK)
        return sent

    def command(self, command):
        if self.wrong == "deaf":
            return command
        if self.wrong == "beyond":
            command.values[:] = 2.0
        return super().command(command)

    def state(self):
        if self.wrong == "creeps":
            self._state.end_effector_pose.position.x += 0.01
        if self.wrong == "no pose":
            self._state.end_effector_pose.orientation.w = 0.0
        return self._state

    def gripper(self, width):
        if self.wrong == "gripper":
            raise NotImplementedError("no gripper")

    def events(self):
        return [ArmError(FaultKind.OTHER, "a ghost")] if self.wrong == "ghost" else []

    def __enter__(self):
        return None if self.wrong == "enter" else super().__enter__()


def check(wrong: str, **changes) -> Check:
    kind = type("Broken", (Broken,), {"wrong": wrong})
    return Check(kind, SIZE, **{"period": TICK, **changes})


@pytest.mark.parametrize("targets", [True, False])
@counts_when_punctual
def test_the_arm_in_memory_keeps_it(targets):
    check_backend(Check(lambda on_state: FakeBackend(SIZE, on_state), SIZE, targets, TICK))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("stamp", r"hold\(7\) returned source .* and stamp 0; expected HOLD and 7"),
        ("source", "expected HOLD and 7"),
        ("zeros", r"returned values array\(\[1., 1., 1.\].*expected 3 zeros"),
        ("late", r"hold took 0\.\d+ s; expected at most one control period, 0\.02 s"),
        ("deaf", r"after targets up to 0\.02 m along \+y it has moved by \[0\.0, 0\.0, 0\.0\] m"),
        ("beyond", r"command returned values .*expected 3 in \[-1, 1\]"),
        ("creeps", r"told to stand still it moved by 0\.0\d+ m"),
        ("no pose", "end_effector_pose of the state is none: quaternion"),
        ("gripper", "gripper raised NotImplementedError: no gripper; expected nothing, or an ArmError"),
        ("ghost", "told of faults although nothing went wrong: other: a ghost"),
        ("enter", "__enter__ returned NoneType; expected the backend itself"),
    ],
)
def test_each_breach_is_told(wrong, said):
    with pytest.raises(ContractError, match=said):
        check_backend(check(wrong))


def test_a_fault_that_is_not_told_or_not_refused_is_a_breach():
    with pytest.raises(ContractError, match="took a command although it had a fault") as caught:
        check_backend(check("", fault=lambda arm: None))
    assert "events() after a fault was []; expected at least one ArmError" in str(caught.value)


@pytest.mark.slow
@counts_when_punctual
def test_the_franka_keeps_it_on_an_emulated_arm():
    pytest.importorskip("franky", reason="needs the franky library (requirements/franka.txt)")
    with FciProcess(10) as server:
        check_backend(
            Check(
                lambda on_state: backend(server, on_state=on_state),
                SIZE,
                period=PERIOD,
                fault=lambda arm: server.tell("reflex"),
            )
        )
