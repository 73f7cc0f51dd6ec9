"""The project's messages without ROS: types from the .msg texts, messages from the values of ``farl``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from farl.types import ActionSource, Array, Decision, EpisodeKind, Proposal, Transition
from farl_ros.paths import INTERFACES, interface_folder
from farl_ros.task_spec import TaskSpec

Message = Any  # rosbags makes its message classes at run time, from the .msg texts


class Topic(StrEnum):
    """Topics of a bag: the graph's relative names, made absolute."""

    STATE = "/state"
    DECISION = "/decision"
    ACTION = "/action"
    ARM_STATE = "/arm_state"
    TRANSITION = "/transition"
    EPISODE_EVENT = "/episode_event"
    RECORDING = "/recording"  # one message: what the bag says of itself, as JSON


TYPES: Mapping[Topic, str] = MappingProxyType(
    {
        Topic.STATE: f"{INTERFACES}/msg/State",
        Topic.DECISION: f"{INTERFACES}/msg/ShieldDecision",
        Topic.ACTION: f"{INTERFACES}/msg/Action",
        Topic.ARM_STATE: f"{INTERFACES}/msg/ArmState",
        Topic.TRANSITION: f"{INTERFACES}/msg/Transition",
        Topic.EPISODE_EVENT: f"{INTERFACES}/msg/EpisodeEvent",
        Topic.RECORDING: "std_msgs/msg/String",
    }
)


class Event(IntEnum):
    """What happened to an episode; the numbers are those of ``EpisodeEvent``."""

    STARTED = 0
    SUCCEEDED = 1
    FAILED = 2
    TIMED_OUT = 3
    ABORTED = 4
    LABELLED = 5


@lru_cache(maxsize=1)
def typestore() -> Typestore:
    """The types of ROS 2 Jazzy and of ``farl_interfaces``, the latter read from their .msg texts."""
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for file in sorted((interface_folder() / "msg").glob("*.msg")):
        types.update(get_types_from_msg(file.read_text(encoding="utf-8"), f"{INTERFACES}/msg/{file.stem}"))
    store.register(types)
    return store


def recording_message(text: str) -> Message:
    """A ``std_msgs/String``."""
    return _new("std_msgs/msg/String", data=text)


def state_message(spec: TaskSpec, observation: Array, episode: int, step: int, stamp_ns: int) -> Message:
    """A ``State`` that holds every tracked object where the observation says, in sight and just seen.

    Args:
        spec: The task.
        observation: Shape ``(O,)``.
        episode: Number of the episode.
        step: Agent steps since the reset.
        stamp_ns: Acquisition time of the observation [ns].
    """
    return _new(
        TYPES[Topic.STATE],
        header=_header(stamp_ns),
        task=spec.name,
        observation=_floats(observation),
        objects=[
            _new(
                f"{INTERFACES}/msg/ObjectState",
                object_class=tracked.object_class,
                pose=_pose(spec.position(tracked.name, observation)),
                velocity=_twist(),
                age=0.0,
                visible=True,
            )
            for tracked in spec.objects
        ],
        episode=episode,
        step=step,
        validity=0,
    )


def action_message(proposal: Proposal, stamp_ns: int) -> Message:
    """An ``Action`` that answers the state of ``stamp_ns`` [ns]."""
    return _new(
        TYPES[Topic.ACTION],
        header=_header(stamp_ns),
        values=_floats(proposal.values),
        source=int(proposal.source),
        log_prob=float(proposal.log_prob),
        policy_version=proposal.policy_version,
        state_stamp=_time(stamp_ns),
    )


def decision_message(decision: Decision, stamp_ns: int) -> Message:
    """A ``ShieldDecision`` on the state of ``stamp_ns`` [ns]."""
    return _new(
        TYPES[Topic.DECISION],
        header=_header(stamp_ns),
        risk=float(decision.risk),
        threshold=float(decision.threshold),
        step_risk=_floats(decision.step_risk),
        proposed=action_message(decision.proposed, stamp_ns),
        executed=_executed(decision.executed, decision.source, decision.proposed, stamp_ns),
        reason=int(decision.reason),
        latency_ms=float(decision.latency_ms),
        model_hash=decision.model_hash,
    )


def transition_message(transition: Transition, stamp_ns: int) -> Message:
    """A ``Transition``; ``stamp_ns`` [ns] is that of the state that the actions answer."""
    return _new(
        TYPES[Topic.TRANSITION],
        header=_header(stamp_ns),
        episode=transition.episode,
        step=transition.step,
        observation=_floats(transition.observation),
        proposed=action_message(transition.proposed, stamp_ns),
        executed=_executed(transition.executed, transition.source, transition.proposed, stamp_ns),
        reward=float(transition.reward),
        cost=float(transition.cost),
        next_observation=_floats(transition.next_observation),
        terminated=transition.terminated,
        truncated=transition.truncated,
        success=transition.success,
        intervened=transition.intervened,
        risk=float(transition.risk),
    )


def event_message(event: Event, kind: EpisodeKind, episode: int, stamp_ns: int, note: str = "") -> Message:
    """An ``EpisodeEvent`` at ``stamp_ns`` [ns]."""
    return _new(
        TYPES[Topic.EPISODE_EVENT],
        header=_header(stamp_ns),
        event=int(event),
        kind=int(kind),
        episode=episode,
        operator_note=note,
    )


def _executed(values: Array, source: ActionSource, proposed: Proposal, stamp_ns: int) -> Message:
    """The executed action; its log-probability is known only where it is the proposed one."""
    if source == proposed.source and np.array_equal(values, proposed.values):
        return action_message(proposed, stamp_ns)
    return action_message(Proposal(values, float("nan"), proposed.policy_version, source), stamp_ns)


def _new(type_name: str, **fields: Any) -> Message:  # noqa: ANN401 - rosbags checks them when it serialises
    return typestore().types[type_name](**fields)


def _floats(values: Array) -> Array:
    return np.ascontiguousarray(values, dtype=np.float32)


def _time(stamp_ns: int) -> Message:
    seconds, nanoseconds = divmod(stamp_ns, 1_000_000_000)
    return _new("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds)


def _header(stamp_ns: int) -> Message:
    return _new("std_msgs/msg/Header", stamp=_time(stamp_ns), frame_id="")


def _pose(position: Array) -> Message:
    x, y, z = (float(value) for value in position)
    return _new(
        "geometry_msgs/msg/Pose",
        position=_new("geometry_msgs/msg/Point", x=x, y=y, z=z),
        orientation=_new("geometry_msgs/msg/Quaternion", x=0.0, y=0.0, z=0.0, w=1.0),
    )


def _twist() -> Message:
    return _new("geometry_msgs/msg/Twist", linear=_zero(), angular=_zero())


def _zero() -> Message:
    return _new("geometry_msgs/msg/Vector3", x=0.0, y=0.0, z=0.0)
