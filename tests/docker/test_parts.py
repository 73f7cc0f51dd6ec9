"""The controller apart from the rest: two parts that are the whole. And how a run knows its revision."""

import pytest
from typer.testing import CliRunner

from farl_ros import graph_job, provenance
from farl_ros.cli import app
from farl_ros.commands.common import UsageError
from farl_ros.graph import CONTROLLER, GraphError, Part, finetune_graph

ROBOT = {"task": "FrankaFragilePushWall", "episodes": 1, "sim": False, "host": "172.16.0.2", "robot": "fr3"}


@pytest.mark.parametrize("job", [{"task": "BoundedPush", "episodes": 1}, ROBOT, {**ROBOT, "shadow": True}])
def test_two_parts_are_the_whole(job):
    whole, controller, rest = (finetune_graph(**job, nodes=part) for part in Part)
    assert [spec.name for spec in controller] == [CONTROLLER]
    assert sorted([*controller, *rest], key=whole.index) == whole
    finetuner = rest[-1]
    assert CONTROLLER in finetuner.parameters["expected_nodes"]  # it waits for the one that runs elsewhere


def test_an_unknown_part_is_refused():
    with pytest.raises(GraphError, match="nodes 'arm': expected one of all, controller, rest"):
        finetune_graph("BoundedPush", episodes=1, nodes="arm")


@pytest.fixture
def started(monkeypatch):
    """The specs of what would be started; it ends as after SIGINT."""
    specs = []
    monkeypatch.setattr(graph_job, "run_processes", lambda given: specs.extend(given) or 130)
    return specs


def test_the_command_starts_the_controller_of_the_same_job(started):
    command = "finetune FrankaFragilePushWall --robot fr3 --host 172.16.0.2 --shadow --episodes 5"
    CliRunner().invoke(app, [*command.split(), "--nodes", "controller"], catch_exceptions=False)
    assert started == finetune_graph(**ROBOT, shadow=True, nodes=Part.CONTROLLER)


def test_a_controller_that_gives_up_is_an_error(monkeypatch):
    monkeypatch.setattr(graph_job, "run_processes", lambda specs: 1)
    with pytest.raises(GraphError, match="ended with code 1"):
        graph_job.run_controller("FrankaFragilePushWall", graph_job.Place("fr3", "172.16.0.2"), False)


def test_in_simulation_there_are_no_parts():
    with pytest.raises(UsageError, match="--nodes needs --robot"):
        CliRunner().invoke(app, ["finetune", "BoundedPush", "--nodes", "rest"], catch_exceptions=False)


def test_a_run_in_an_image_names_the_revision_that_it_was_built_from(monkeypatch):
    def no_git(*arguments, **options):
        raise FileNotFoundError("git")

    monkeypatch.setattr(provenance.subprocess, "run", no_git)
    monkeypatch.setenv("FARL_REVISION", "0123abc")
    assert provenance.git_revision.__wrapped__() == "0123abc"
    monkeypatch.setenv("FARL_REVISION", "")
    assert provenance.git_revision.__wrapped__() is None
