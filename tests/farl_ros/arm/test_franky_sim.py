"""The happy path with dynamics and contacts: franky-sim's FR3, unmodified franky, our backend and our node.

The controller pushes a puck over a table. ``make test-robot`` makes the environment that franky-sim needs.
"""

import numpy as np
import pytest

from tests.farl_ros.arm.node_driving import ControlledArm
from tests.franky_sim.process import FrankySimProcess, needs_franky_sim

pytest.importorskip("franky", reason="needs the franky library (requirements/franka.txt)")
pytestmark = [pytest.mark.slow, needs_franky_sim]

HAND = np.array([0.36, 0.0, 0.03])
SPEED, SECONDS = 0.05, 3.0  # [m/s, s]
ACROSS = 0.003
"""Bound on the distance to the line of the targets [m]."""
BEHIND = 0.006
"""Bound on the distance to the target along it [m], where the simulator keeps up with the clock. Where its
second takes longer, the arm may be behind by twice the way that the targets go meanwhile in 0.2 s."""


@pytest.mark.parametrize(
    ("rate", "direction", "ahead"),
    [(5.0, (1.0, 0.0, 0.0), 0.07), (5.0, (0.0, 1.0, 0.0), 0.09), (50.0, (1.0, 0.0, 0.0), 0.07)],
    ids=["5 Hz away", "5 Hz left", "50 Hz away"],
)
def test_the_controller_pushes_a_puck(rate, direction, ahead):
    way = np.array(direction)
    with FrankySimProcess(HAND, (HAND + ahead * way)[:2]) as server, ControlledArm(server.host, rate) as arm:
        before, start = server.report(), arm.now.position
        assert np.allclose(start, HAND, atol=1e-3)
        ends = arm.drive((SPEED * way).tolist(), SECONDS)
        driven = server.report()
        arm.settle(1.5)
        after, rest = server.report(), arm.now.position
    speed_of_time = (driven["seconds"] - before["seconds"]) / (driven["clock"] - before["clock"])
    targets = start + np.outer(np.arange(1, len(ends) + 1) * SPEED / rate, way)
    errors = np.array([heard.position for heard in ends]) - targets
    along = errors @ way
    across = np.linalg.norm(errors - np.outer(along, way), axis=1)
    moved = np.array(after["puck"]) - np.array(before["puck"])
    sideways = np.linalg.norm(moved - (moved @ way) * way)
    print(
        f"\nfranky-sim, {rate:g} Hz, {direction}: behind the targets {1e3 * np.mean(-along):.1f} mm mean, "
        f"{1e3 * np.max(-along):.1f} mm most; across {1e3 * across.max():.2f} mm most; puck moved "
        f"{1e3 * (moved @ way):.0f} mm, {1e3 * sideways:.1f} mm sideways; its second took "
        f"{1 / speed_of_time:.2f} s"
    )
    assert [heard.state.fault for heard in ends if heard.state.fault] == []
    assert across.max() < ACROSS
    assert np.abs(along).max() < BEHIND + 2.0 * SPEED * 0.2 * max(0.0, 1.0 / speed_of_time - 1.0)
    assert moved @ way > 0.04 and sideways < 0.15 * (moved @ way)  # it went where it was pushed,
    gap = (np.array(after["puck"]) - rest) @ way
    assert 0.03 < gap < 0.09  # and lies in front of the hand, by its radius and half of the fingers
