"""From parameters to limits: what motions that nothing can cut short may ask for."""

import pytest

from farl_ros.arm.command_chain import ChainSettings
from farl_ros.arm.make import CALLS, with_short_steps
from farl_ros.arm.robots import REST, load_robot
from farl_ros.task_spec import load_task


@pytest.mark.parametrize("rate", [1.0, 5.0, 20.0, 50.0])
def test_a_motion_that_is_waited_for_rests_in_time(rate):
    spec, robot = load_task("FrankaDisturbedPush"), load_robot("fr3")
    chain = ChainSettings.of(spec.action, spec.workspace, spec.control_rate_hz, robot.control).at(rate)
    short = with_short_steps(chain, robot).control.step
    longest = 1.0 / rate + REST - CALLS
    # From rest to rest with 0.05 x 9 m/s2 and 0.02 x 4500 m/s3: 5 ms until the full acceleration is there.
    ramp, acceleration = 0.005, 0.45
    took = 2.0 * (ramp / 2.0 + (ramp**2 / 4.0 + short.translation / acceleration) ** 0.5)
    assert took <= longest + 1e-9
    assert short.translation == pytest.approx(
        min(chain.control.step.translation, 0.45 * (0.5 * longest - 0.005) * 0.5 * longest)
    )
    assert 0.0 < short.rotation <= chain.control.step.rotation
    assert with_short_steps(chain, robot).control.leash == chain.control.leash


def test_at_5_hz_it_is_24_mm():
    spec, robot = load_task("FrankaDisturbedPush"), load_robot("fr3")
    chain = ChainSettings.of(spec.action, spec.workspace, spec.control_rate_hz, robot.control)
    assert with_short_steps(chain, robot).control.step.translation == pytest.approx(0.0243, abs=1e-4)
