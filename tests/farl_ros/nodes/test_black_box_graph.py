"""The black box in the graph of fine-tuning, whether or not whole episodes are recorded."""

import pytest

from farl_ros.bags import read_bag
from farl_ros.composed import Composed
from farl_ros.graph import finetune_graph
from farl_ros.messages import Topic


@pytest.mark.parametrize("record", [True, False])
def test_interventions_and_failures_are_kept(short_rollouts, finetune_specs, tmp_path, record):
    run = tmp_path / "run"
    specs = finetune_specs(run, seed=4, episodes=4, record=record, black_box=True)
    with Composed(specs, isolated=True) as graph:
        assert graph.run() == 0
    assert any((run / "bags").iterdir()) == record
    dumps = sorted((run / "black_box").iterdir())
    assert dumps and all(path.name[7:] in ("intervention", "failure") for path in dumps)
    for path in dumps:
        bag = read_bag(path)
        assert bag.problem is None
        assert bag.metadata["black_box"] == path.name[7:]
        assert {Topic.STATE, Topic.DECISION} <= set(bag.recorded)


def test_on_a_robot_it_is_on_and_in_simulation_off():
    def recorder(**arguments):
        specs = {spec.name: spec.parameters for spec in finetune_graph(**arguments, episodes=1)}
        return specs.get("recorder")

    robot = {"task": "FrankaFragilePushWall", "sim": False, "host": "172.16.0.2"}
    assert recorder(**robot)["black_box"] is True
    assert "black_box" not in recorder(task="DiscTable")
    assert recorder(task="DiscTable", record=False) is None
    assert recorder(**robot, record=False)["episodes"] is False
    assert recorder(**robot, record=False, black_box=False) is None
