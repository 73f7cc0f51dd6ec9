"""What is recorded of the graph: every node that records takes the same topics, as bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from farl_interfaces.msg import Action, ArmState, EpisodeEvent, ShieldDecision, State, Transition
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image

from farl_ros import qos
from farl_ros.messages import Event, Topic
from farl_ros.nodes.common import FarlNode
from farl_ros.recording import EpisodeMark, Recorder, Sample

STREAMS: dict[Topic, Any] = {
    Topic.STATE: State,
    Topic.DECISION: ShieldDecision,
    Topic.TRANSITION: Transition,
    Topic.ARM_STATE: ArmState,
}
PROPOSED = "proposed_action"


def record(node: FarlNode, writer: Recorder) -> None:
    """Have a recorder take states, decisions, transitions and arm states; events come with ``mark_of``."""
    for topic, message_type in STREAMS.items():
        node.create_subscription(message_type, topic[1:], _listener(writer, topic), qos.STREAM, raw=True)


def record_proposals(node: FarlNode, writer: Recorder) -> None:
    """Have a recorder take what was proposed, too; in a bag it is ``/action``."""
    node.create_subscription(Action, PROPOSED, _listener(writer, Topic.ACTION), qos.STREAM, raw=True)


class Pictures:
    """Has a recorder take colour pictures; those that it cannot keep up with are dropped and counted.

    It begins when somebody publishes them, with the reliability that is offered: a picture is many packets,
    and where one may be lost, in a busy moment all pictures are.
    """

    def __init__(self, node: FarlNode, writer: Recorder, topic: str) -> None:
        self._node, self._writer, self._topic = node, writer, topic
        self._listening = False

    def look(self) -> bool:
        """Begin to listen if there is somebody to listen to; returns whether there is."""
        if self._listening:
            return True
        offers = [
            info.qos_profile.reliability
            for info in self._node.get_publishers_info_by_topic(self._node.resolve_topic_name(self._topic))
        ]
        if not offers:
            return False
        reliable = all(offer == ReliabilityPolicy.RELIABLE for offer in offers)
        profile = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=10,
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.VOLATILE,
        )
        topic = f"/{self._topic}/compressed"
        self._node.create_subscription(
            Image, self._topic, lambda payload: self._writer.put_picture(topic, payload), profile, raw=True
        )
        self._listening = True
        return True


def mark_of(payload: bytes) -> EpisodeMark:
    """What a serialised episode event says to a recorder."""
    event = deserialize_message(payload, EpisodeEvent)
    return EpisodeMark(Event(event.event), event.episode)


def trigger(sample: Sample, mark: EpisodeMark | None) -> str:
    """What a message tells the black box: an intervention, a failure, or nothing."""
    if mark is not None:
        return "failure" if mark.event == Event.FAILED else ""
    if sample.topic != Topic.DECISION:
        return ""
    decision = deserialize_message(sample.payload, ShieldDecision)
    return "intervention" if decision.executed.source != decision.proposed.source else ""


def _listener(writer: Recorder, topic: Topic) -> Callable[[bytes], None]:
    return lambda payload: writer.put(topic, payload)
