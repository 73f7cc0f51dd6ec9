"""Obstructed Push: where the vase stands, that it changes no physics, and what fails."""

import mujoco
import numpy as np
import pytest

from failurebench.experts import PushExpert
from failurebench.obstructed_push import ObstructedPush

STEPS = 80


def run(env, seed, noise):
    """Play the expert with Gaussian noise on its actions; return observations, rewards and margins."""
    random = np.random.default_rng(1000 + seed)
    observation, info = env.reset(seed=seed)
    observations, rewards, margins, expert = [observation], [], [info["margin"]], PushExpert()
    for _ in range(STEPS):
        action = np.clip(expert(observation) + noise * random.normal(size=4), -1.0, 1.0)
        observation, reward, terminated, truncated, info = env.step(action.astype(np.float32))
        observations.append(observation)
        rewards.append(reward)
        margins.append(info["margin"])
        if terminated or truncated:
            break
    return np.array(observations), np.array(rewards), np.array(margins), info


def true_distance(env):
    """MuJoCo's distance of the arm's convex links to the drawn vase."""
    model, data = env._sawyer.model, env._sawyer.data
    bodies = [model.body(name).id for name in ("right_l4", "right_l5", "right_l6", "right_hand", "leftclaw")]
    geoms = [g for g in range(model.ngeom) if model.geom_bodyid[g] in bodies and model.geom_type[g] in (6, 7)]
    vase, ends = model.geom("vase").id, np.empty(6)
    return min(mujoco.mj_geomDistance(model, data, geom, vase, 1.0, ends) for geom in geoms)


def test_starts_as_far_from_the_vase_as_in_the_paper(make):
    env = make("ObstructedPush")
    observation, info = env.reset(seed=0)
    assert info["margin"] == pytest.approx(0.17, abs=0.01)  # the paper's clips print 0.17
    assert info["margin"] == pytest.approx(true_distance(env), abs=2e-3)
    assert observation[4:6] == pytest.approx([-0.0125, 0.6892], abs=1e-6)
    assert observation[36:38] == pytest.approx([0.0090, 0.8424], abs=1e-6)
    assert (env.horizon, env.action_repeat, env.success_hold) == (80, 2, 10)


def test_the_expert_passes_the_vase_narrowly(make):
    """The reference's own expert earns 1183 +- 8 in 80 agent steps, Meta-World's script 1179."""
    _, rewards, margins, info = run(make("ObstructedPush", end_on_success=False), 0, 0.0)
    assert 0.005 < margins.min() < 0.025
    assert not info["failed"]
    assert rewards.sum() == pytest.approx(1183.0, abs=8.0)
    assert len(rewards) == STEPS


@pytest.mark.parametrize(("shift", "low", "high"), [(0.02, 0.0, 0.1), (0.0, 0.15, 0.35), (-0.02, 0.5, 0.9)])
def test_the_failure_rate_is_as_steep_as_measured(make, shift, low, high):
    """With noise 0.3; the paper's unshielded baseline fails in a quarter of its episodes."""
    env = make("ObstructedPush", end_on_success=False, vase_axis=(0.325 + shift, 0.715))
    failed = [run(env, seed, 0.3)[3]["failed"] for seed in range(25)]
    assert low <= np.mean(failed) <= high


def test_the_vase_moves_nothing(make):
    """The same episode in Bounded Push, to the last bit, though the arm passes through the vase."""
    arguments = {"end_on_success": False, "horizon": STEPS}
    near = make("ObstructedPush", vase_axis=(0.2, 0.75), **arguments)
    with_vase, without = run(near, 3, 0.3), run(make("BoundedPush", **arguments), 3, 0.3)
    assert with_vase[3]["failed"]
    np.testing.assert_array_equal(with_vase[0], without[0])
    np.testing.assert_array_equal(with_vase[1], without[1])


class Watchful(ObstructedPush):
    """Measures after each physics step, whatever the bound says."""

    def _least_distance(self):
        distances = []
        for pose in self._poses:
            self._aside.qpos[:] = pose
            mujoco.mj_kinematics(self._sawyer.model, self._aside)
            distances.append(self._arm.distance(self._aside, self.vase))
        assert distances[-1] == self._margin()
        self._begin_step(distances[-1])
        return min(distances)


def test_skipped_measurements_miss_no_failure(make):
    nearer = {"end_on_success": False, "vase_axis": (0.31, 0.715)}
    careful, env = Watchful(**nearer), make("ObstructedPush", **nearer)
    failing = 0
    for seed in range(6):
        _, _, every, watched = run(careful, seed, 0.3)
        _, _, margins, info = run(env, seed, 0.3)
        assert info["failed"] == watched["failed"]
        np.testing.assert_array_equal(margins <= 0.0, every <= 0.0)
        assert (every <= margins).all()
        failing += info["failed"]
    assert 2 <= failing <= 5


def test_random_layouts_and_jitter(make):
    env = make("ObstructedPush", randomize=True)
    starts = np.array([env.reset(seed=seed)[0] for seed in range(5)])
    assert len(np.unique(starts[:, 4:6], axis=0)) == 5
    env = make("ObstructedPush", object_jitter=0.01)
    starts = np.array([env.reset(seed=seed)[0] for seed in range(5)])
    assert 0.0 < np.abs(starts[:, 4:6] - [-0.0125, 0.6892]).max() <= 0.01 + 1e-6


def test_the_observation_does_not_show_the_vase(make):
    observation, _ = make("ObstructedPush").reset(seed=0)
    assert not observation[11:18].any()
    assert not observation[29:36].any()
