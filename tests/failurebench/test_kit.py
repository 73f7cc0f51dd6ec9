"""The table of tasks."""

import numpy as np
import pytest

from failurebench.env import FailureBenchEnv
from failurebench.kit import kit, task_names


def test_names():
    assert {"BoundedPush", "BoundedSoccer", "FragilePushWall", "DiscTable"} <= set(task_names())


@pytest.mark.parametrize(("given", "meant"), [("boundedpush", "BoundedPush"), ("Disc", "DiscTable")])
def test_an_unknown_name_is_answered_with_the_nearest(given, meant):
    with pytest.raises(ValueError, match=f"no task is called '{given}'; did you mean '{meant}'"):
        kit(given)


def test_makes_the_bare_environment_with_arguments(task):
    env = kit(task).make(horizon=3, end_on_failure=True)
    assert isinstance(env, FailureBenchEnv)
    assert (env.horizon, env.end_on_failure) == (3, True)


def test_scripts_give_actions_of_the_environment(make, task):
    env = make(task)
    observation, _ = env.reset(seed=0)
    chosen = kit(task)
    for controller in (chosen.expert(), chosen.recovery(), chosen.demonstrator(np.random.default_rng(0))):
        controller.reset()
        action = controller(observation)
        assert env.action_space.contains(action)
