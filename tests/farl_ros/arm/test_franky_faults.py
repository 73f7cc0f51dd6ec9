"""Which fault it is, and who may clear it; texts and names are those that franky 2.0.0 gave."""

import pytest

from farl_ros.arm.backend import FaultKind
from farl_ros.arm.franky_faults import RecoveryBudget, kind_of_errors, kind_of_message

REFLEX = "libfranka: Move command aborted: motion aborted by reflex! "


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (f'{REFLEX}["cartesian_reflex"]\ncontrol_command_success_rate: 1', FaultKind.REFLEX),
        (f'{REFLEX}["joint_reflex"]', FaultKind.REFLEX),
        (f'{REFLEX}["cartesian_motion_generator_joint_velocity_discontinuity"]', FaultKind.MOTION_LIMIT),
        (f'{REFLEX}["communication_constraints_violation"]', FaultKind.COMMUNICATION),
        (f'{REFLEX}["power_limit_violation"]', FaultKind.OTHER),
        ("libfranka: Move command aborted: User Stop pressed!", FaultKind.USER_STOP),
        ('libfranka: command not possible in the current mode ("User stopped")!', FaultKind.USER_STOP),
        ("libfranka: UDP receive: Timeout", FaultKind.NETWORK),
        ("libfranka: TCP send bytes: I/O error", FaultKind.NETWORK),
        ("libfranka: TCP connection got interrupted", FaultKind.NETWORK),
        ("Net Exception", FaultKind.NETWORK),
        ("libfranka: server closed connection", FaultKind.NETWORK),
        ("libfranka robot: Attempted to start multiple motions!", FaultKind.NETWORK),
        ("Running kernel does not have realtime capabilities.", FaultKind.COMMUNICATION),
        ("Motion planner failed with error code -100", FaultKind.MOTION_LIMIT),
        (
            "libfranka: Incompatible library version (server version: 5, library version: 10).",
            FaultKind.VERSION,
        ),
        ("something new", FaultKind.OTHER),
    ],
)
def test_kind_of_an_exception(message, kind):
    assert kind_of_message(message) == kind


def test_the_most_serious_error_counts():
    assert kind_of_errors([]) is None
    assert kind_of_errors(["cartesian_reflex", "joint_velocity_violation"]) == FaultKind.REFLEX
    names = ["cartesian_reflex", "communication_constraints_violation"]
    assert kind_of_errors(names) == FaultKind.COMMUNICATION
    assert kind_of_errors([*names, "instability_detected"]) == FaultKind.OTHER


def test_every_name_is_one_of_libfrankas():
    franky = pytest.importorskip("franky", reason="needs the franky library (requirements/franka.txt)")
    from farl_ros.arm import franky_faults

    known = {name for name in dir(franky.Errors) if not name.startswith("_")}
    assert len(known) == 41
    assert {*franky_faults.CONTACT, *franky_faults.COMMUNICATION, *franky_faults.MOTION} <= known
    for prefix in franky_faults.MOTION_PREFIXES:
        assert any(name.startswith(prefix) for name in known)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_only_reflexes_and_motion_limits_are_cleared_without_a_person(kind):
    allowed = RecoveryBudget().refusal(kind, 0.0) == ""
    assert allowed == (kind in (FaultKind.REFLEX, FaultKind.MOTION_LIMIT))


def test_recoveries_count_for_a_minute():
    budget = RecoveryBudget(most=2, window=60.0)
    for now in (0.0, 30.0):
        assert budget.refusal(FaultKind.REFLEX, now) == ""
        budget.spend(now)
    assert "2 automatic recoveries in 60 s" in budget.refusal(FaultKind.REFLEX, 60.0)
    assert budget.refusal(FaultKind.REFLEX, 60.1) == ""  # the first is a minute old
    budget.spend(60.1)
    assert budget.refusal(FaultKind.REFLEX, 61.0) != ""
    budget.reset()
    assert budget.refusal(FaultKind.REFLEX, 61.0) == ""
