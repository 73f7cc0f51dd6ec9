"""The arm: published kinematics, and a hand that goes where it is sent."""

import math

import mujoco
import numpy as np
import pytest

from failurebench.franka.panda import Panda, Reach
from failurebench.franka.panda_model import JOINT_LOWER, JOINT_SPEED, JOINT_UPPER, READY
from failurebench.franka.scene import Contact, Scene, finger_contacts

REACH = Reach((0.28, -0.25, 0.025), (0.72, 0.25, 0.25), 0.03)
BLOCK = '<geom name="block" type="box" pos=".45 0 .05" size=".02 .2 .05"/>'


@pytest.fixture
def panda():
    arm = Panda(Scene("").compile(), REACH, (0.4, 0.0, 0.1), 0.2)
    arm.reset()
    mujoco.mj_forward(arm.model, arm.data)
    return arm


def go(panda, action, steps):
    for _ in range(steps):
        panda.command(action)
        mujoco.mj_step(panda.model, panda.data, 50)
        mujoco.mj_kinematics(panda.model, panda.data)


# Ready pose by hand, in the x-z plane: the shoulder is at (0, 0.333); the upper arm, 0.316 long, leans back
# by 45 degrees to (-0.2234, 0.5564); the offset 0.0825 at a right angle to it, forward and up, ends at
# (-0.1651, 0.6148). The elbow folds forward by 135 degrees: the forearm, 0.384 long, points along x and its
# offset 0.0825 up, so the wrist is at (0.2189, 0.6973). From there 0.088 forward and 0.107 down: (0.3069,
# 0.5903). Stretched (all joints 0): x = 0.0825 - 0.0825 + 0.088, z = 0.333 + 0.316 + 0.384 - 0.107. The last
# is the first, turned to y.
@pytest.mark.parametrize(
    ("joints", "flange"),
    [
        (READY, (0.3069, 0.0, 0.5903)),
        ((0.0,) * 7, (0.088, 0.0, 0.926)),
        ((math.pi / 2, *READY[1:]), (0.0, 0.3069, 0.5903)),
    ],
)
def test_the_flange_is_where_the_published_parameters_put_it(panda, joints, flange):
    panda.data.qpos[:7] = joints
    mujoco.mj_kinematics(panda.model, panda.data)
    body = panda.data.body("flange")
    np.testing.assert_allclose(body.xpos, flange, atol=5e-5)
    np.testing.assert_allclose(body.xmat[[2, 5, 8]], (0, 0, -1), atol=1e-9)  # z axis: straight down
    np.testing.assert_allclose(panda.hand, (*flange[:2], flange[2] - 0.1034), atol=5e-5)


def test_every_joint_agrees_with_the_textbook_product():
    """Against the transforms of modified Denavit-Hartenberg parameters, multiplied out."""
    lengths = (0, 0, 0, 0.0825, -0.0825, 0, 0.088)
    offsets = (0.333, 0, 0.316, 0, 0.384, 0, 0)
    twists = np.array((0, -1, 1, 1, -1, 1, 1)) * math.pi / 2
    model = Scene("").compile()
    data = mujoco.MjData(model)
    for joints in np.random.default_rng(0).uniform(JOINT_LOWER, JOINT_UPPER, (20, 7)):
        data.qpos[:7] = joints
        mujoco.mj_kinematics(model, data)
        frame = np.eye(4)
        for number, (a, d, twist, angle) in enumerate(zip(lengths, offsets, twists, joints, strict=True), 1):
            c, s, ct, st = math.cos(angle), math.sin(angle), math.cos(twist), math.sin(twist)
            frame = frame @ np.array(
                [
                    [c, -s, 0, a],
                    [s * ct, c * ct, -st, -d * st],
                    [s * st, c * st, ct, d * ct],
                    [0, 0, 0, 1],
                ]
            )
            body = data.body(f"link{number}")
            np.testing.assert_allclose(body.xpos, frame[:3, 3], atol=1e-9)
            np.testing.assert_allclose(body.xmat.reshape(3, 3), frame[:3, :3], atol=1e-9)


def test_the_hand_starts_at_home_and_stands_still(panda):
    np.testing.assert_allclose(panda.hand, (0.4, 0.0, 0.1), atol=1e-6)
    go(panda, [0.0, 0.0, 0.0], 20)
    np.testing.assert_allclose(panda.hand, (0.4, 0.0, 0.1), atol=5e-4)


@pytest.mark.parametrize("action", [(1.0, 0.0, 0.0), (0.0, -0.5, 0.0), (0.0, 0.0, 1.0), (0.5, 0.5, -0.2)])
def test_an_action_moves_the_hand_by_its_share_of_the_step(panda, action):
    go(panda, list(action), 4)
    go(panda, [0.0] * 3, 3)
    np.testing.assert_allclose(panda.hand, np.array((0.4, 0.0, 0.1)) + 4 * 0.03 * np.array(action), atol=1e-3)


def test_the_hand_lags_behind_by_the_servos_lag_and_stays_on_its_line(panda):
    go(panda, [1.0, 0.0, 0.0], 5)
    x, y, z = panda.hand
    assert 0.55 - 0.15 * 0.06 < x < 0.55  # 0.15 m/s; 0.04 s of lag, and a little for the start
    assert abs(y) < 1e-4 and abs(z - 0.1) < 1e-3


def test_the_hand_stays_in_its_box_and_upright_and_the_joints_in_their_limits(panda):
    random = np.random.default_rng(1)
    for _ in range(60):
        go(panda, (np.sign(random.uniform(-1, 1, 3))).tolist(), int(random.integers(1, 12)))
        assert np.all(np.array(panda.hand) > np.array(REACH.lower) - 2e-3)
        assert np.all(np.array(panda.hand) < np.array(REACH.upper) + 2e-3)
        assert panda.data.site("tip").xmat[8] < -math.cos(math.radians(1.0))  # fingers down
        assert np.all(panda.data.act >= JOINT_LOWER) and np.all(panda.data.act <= JOINT_UPPER)
        assert np.all(np.abs(panda.data.ctrl) <= JOINT_SPEED)


def test_a_blocked_hand_does_not_push_harder_and_harder():
    arm = Panda(Scene(BLOCK, finger_contacts("block", 0.3)).compile(), REACH, (0.38, 0.0, 0.05), 0.2)
    arm.reset()
    mujoco.mj_forward(arm.model, arm.data)
    go(arm, [1.0, 0.0, 0.0], 20)
    assert arm.hand[0] < 0.43
    go(arm, [-1.0, 0.0, 0.0], 4)  # the leash: two steps back at most are lost
    assert arm.hand[0] < 0.43 - 0.03


def test_only_named_contacts_exist():
    model = Scene(BLOCK, (Contact("finger0", "block", 0.3),)).compile()
    assert model.npair == 1
    assert not model.geom_contype.any() and not model.geom_conaffinity.any()


def test_the_camera_is_the_d435s_and_looks_at_the_middle_of_the_table():
    model = Scene("").compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    camera = data.camera("d435")
    assert model.camera("d435").fovy[0] == 42.5
    line = -camera.xmat.reshape(3, 3)[:, 2]  # it looks along its own -z
    point = camera.xpos - line * camera.xpos[2] / line[2]
    assert 0.4 < point[0] < 0.6 and abs(point[1]) < 1e-6
