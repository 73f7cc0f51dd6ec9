"""The pages that are made from the code are what the code says now."""

import pytest

pytest.importorskip("mkdocs", reason="needs requirements/docs.txt")

from docs.generate.__main__ import PAGES
from docs.generate.endpoints import Role, endpoints, parameters
from docs.generate.places import ROOT
from docs.generate.reference_cli import command_names
from docs.generate.reference_ros import node_names

NODES = node_names(ROOT)


@pytest.mark.parametrize("name", PAGES)
def test_page_is_current(name):
    written = (ROOT / name).read_text(encoding="utf-8")
    assert written == PAGES[name](ROOT), f"{name} is out of date: run python -m docs.generate"


def test_what_the_shield_is_connected_to():
    found = {(e.role, e.name, e.type, e.qos) for e in endpoints("safety_shield", set(NODES))}
    assert found == {
        (Role.PUBLISHES, "decision", "farl_interfaces/ShieldDecision", "STREAM"),
        (Role.SUBSCRIBES, "state", "farl_interfaces/State", "NEWEST"),
        (Role.SUBSCRIBES, "proposed_action", "farl_interfaces/Action", "NEWEST"),
        (Role.SERVES, "~/load_models", "farl_interfaces/LoadModels", ""),
    }


def test_topics_made_by_a_helper_or_in_a_loop_are_found():
    session = {e.name for e in endpoints("session", set(NODES))}
    assert {"~/failed_just_now", "~/record_episode", "episode/start", "proposed_action"} <= session
    seen = {e.name for e in endpoints("state_estimator", set(NODES))}
    assert {"camera/color/image_raw", "sim_state", "estimate", "diagnostics"} <= seen


def test_whoever_subscribes_to_a_topic_of_ours_finds_somebody_who_publishes_it():
    found = [endpoint for node in NODES for endpoint in endpoints(node, set(NODES))]
    published = {e.name for e in found if e.role == Role.PUBLISHES}
    wanted = {e.name for e in found if e.role == Role.SUBSCRIBES}
    assert wanted - published == {"estimate"}  # a tracker of one's own
    assert "state" in {e.name for e in found if e.node == "state_estimator" and e.role == Role.PUBLISHES}


def test_every_parameter_says_what_it_is_for():
    for node in NODES:
        for parameter in parameters(node, set(NODES)):
            assert len(parameter.description) > 3, (node, parameter.name)


def test_inherited_parameters_are_found_and_those_of_others_are_not():
    assert "models" in {p.name for p in parameters("policy", set(NODES))}
    assert "preset" not in {p.name for p in parameters("policy", set(NODES))}


def test_commands_of_groups_are_named_whole():
    assert {"farl finetune", "farl bags check", "farl perception calibrate"} <= set(command_names())
