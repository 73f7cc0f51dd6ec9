"""The points on the arm against MuJoCo's own distances."""

import mujoco
import numpy as np
import pytest

from failurebench.experts import PushExpert

LINKS = ("right_l3", "right_l4", "right_l5", "right_l6", "right_hand", "hand", "rightclaw", "leftclaw")
DRAWN = (mujoco.mjtGeom.mjGEOM_MESH, mujoco.mjtGeom.mjGEOM_BOX)


@pytest.fixture(scope="module")
def poses(scene):
    """Moments of noisy episodes and of random reaches, as physical states."""
    env, states = scene, []
    random = np.random.default_rng(0)
    for episode in range(8):
        observation, _ = env.reset(seed=episode)
        expert, aim = PushExpert(), random.uniform((-0.2, 0.5, 0.06), (0.4, 0.9, 0.4))
        for step in range(80):
            reach = [*(aim - observation[:3]) * 10.0, 0.0]
            wanted = expert(observation) if episode < 5 else reach
            action = np.clip(wanted + random.normal(0.0, 0.3, 4), -1.0, 1.0)
            observation, *_ = env.step(action.astype(np.float32))
            if step % 8 == 7:
                states.append(env.snapshot())
    return states


@pytest.fixture(scope="module")
def scene():
    from failurebench.kit import kit

    return kit("ObstructedPush").make(end_on_success=False)


def test_points_are_at_most_two_millimetres_off(scene, poses):
    """MuJoCo knows the links as their convex hulls, so it may come out lower where a link is hollow."""
    model, data = scene._sawyer.model, scene._sawyer.data
    bodies = [model.body(name).id for name in LINKS]
    geoms = [g for g in range(model.ngeom) if model.geom_bodyid[g] in bodies and model.geom_type[g] in DRAWN]
    vase, ends, off = model.geom("vase").id, np.empty(6), []
    for state in poses:
        scene.restore(state)
        true = min(mujoco.mj_geomDistance(model, data, geom, vase, 1.0, ends) for geom in geoms)
        if true > -0.05:  # deeper, MuJoCo's penetration depth is another thing: the shortest way out
            off.append(scene._margin() - true)
    assert len(off) > 60
    assert min(off) > -2e-3
    assert np.median(off) < 1e-3
    assert np.quantile(off, 0.95) < 2e-3


def test_which_link_was_nearest_does_not_matter(scene, poses):
    """Culling only skips work: the number is the same bit for bit, whatever came before."""
    there = []
    for state in poses:
        scene.restore(state)
        there.append(scene._margin())
    back = []
    for state in reversed(poses):
        scene.restore(state)
        scene._arm._nearest = (0, 0)
        back.append(scene._margin())
    assert there == back[::-1]


def test_no_point_moves_farther_than_the_bound(scene):
    arm, data = scene._arm, scene._sawyer.data

    def points():
        frames, origins = data.xmat[arm._bodies].reshape(-1, 3, 3), data.xpos[arm._bodies]
        moved = zip(frames, arm._points, origins, strict=True)
        return np.concatenate([(frame @ link).T + origin for frame, link, origin in moved])

    random, seen, poses = np.random.default_rng(0), [], []
    scene.reset(seed=0)
    for _ in range(100):
        scene._sawyer.step(random.choice((-1.0, 1.0), 4).tolist())
        seen.append(points())
        poses.append(data.qpos.copy())
    bounds = arm.ways(np.array(poses), poses[50])
    ways = np.linalg.norm(np.array(seen) - seen[50], axis=2).max(axis=1)
    assert (ways <= bounds).all()
    assert ways.max() > 0.05
    assert np.median(ways[ways > 0.0] / bounds[ways > 0.0]) > 0.2  # a bound worth having
