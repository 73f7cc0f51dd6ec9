"""Shadow mode at its last hop: an arm that is told nothing but to stand still."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rclpy")

from farl.types import ActionSource
from farl_ros.arm.backend import ArmCommand, ArmError, FaultKind
from farl_ros.arm.fake import FakeBackend
from farl_ros.arm.held_still import HeldStill

calls = st.one_of(
    st.tuples(
        st.just("command"), st.lists(st.floats(-1, 1), min_size=3, max_size=3), st.sampled_from(ActionSource)
    ),
    st.tuples(st.sampled_from(("hold", "stop", "recover", "gripper", "events"))),
)


@given(st.lists(calls, max_size=20))
def test_whatever_it_is_told_the_arm_gets_zero_motion(script):
    arm = FakeBackend(3, lambda state: None)
    with HeldStill(arm) as shadow:
        for stamp, (call, *arguments) in enumerate(script):
            if call == "command":
                values, source = arguments
                sent = shadow.command(ArmCommand(np.array(values, np.float32), source, stamp, -1.0, 2))
                assert (sent.source, sent.stamp_ns) == (ActionSource.HOLD, stamp)
            elif call == "gripper":
                shadow.gripper(0.02)
            elif call == "hold":
                shadow.hold(stamp)
            else:
                getattr(shadow, call)()
    assert all(not command.values.any() for command in arm.commands)
    assert {command.source for command in arm.commands} <= {ActionSource.HOLD}
    assert not [call for call in arm.calls if call.startswith(("command", "gripper"))]
    position = arm.state().end_effector_pose.position
    assert (position.x, position.y, position.z) == (0.0, 0.0, 0.0)


def test_faults_and_states_come_through():
    arm = FakeBackend(3, lambda state: None)
    arm.pending.append(ArmError(FaultKind.REFLEX, "bang"))
    shadow = HeldStill(arm)
    assert [fault.kind for fault in shadow.events()] == [FaultKind.REFLEX]
    assert shadow.state() is arm.state()
    arm.fail_with = ArmError(FaultKind.NETWORK, "gone")
    with pytest.raises(ArmError, match="gone"):
        shadow.command(ArmCommand(np.zeros(3, np.float32), ActionSource.TASK, 1, 0.0, 0))
