"""Messages of the graph from the values of ``farl``, and back; arrays stay float32, bit for bit.

``array_of`` and ``floats`` move memory: assigning a NumPy array to a message field element by element costs
ten times as much.
"""

from __future__ import annotations

import math
from array import array
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from farl_interfaces.msg import Action as ActionMessage
from farl_interfaces.msg import ShieldDecision as DecisionMessage
from farl_interfaces.msg import Transition as TransitionMessage
from geometry_msgs.msg import Pose as PoseMessage
from numpy.typing import NDArray

from farl.types import ActionSource, Array, Decision, Proposal, Reason, Transition
from farl_ros.arm.pose import Pose

NANOSECONDS = 1_000_000_000


def stamp_ns(time: Time) -> int:
    """A stamp as nanoseconds."""
    return int(time.sec * NANOSECONDS + time.nanosec)


def time_of(nanoseconds: int) -> Time:
    """Nanoseconds as a stamp."""
    seconds, rest = divmod(nanoseconds, NANOSECONDS)
    return Time(sec=seconds, nanosec=rest)


def pose_of(message: PoseMessage) -> Pose:
    """A pose message, base frame, as a checked pose.

    Raises:
        ValueError: It is not finite, or its quaternion has not length 1.
    """
    position, orientation = message.position, message.orientation
    return Pose(
        np.array([position.x, position.y, position.z]),
        np.array([orientation.x, orientation.y, orientation.z, orientation.w]),
    )


def floats(values: NDArray[Any]) -> array[float]:
    """A vector as the value of a ``float32[]`` field."""
    return array("f", values.astype(np.float32, copy=False).tobytes())


def array_of(field: array[float]) -> Array:
    """A ``float32[]`` field as a vector that shares its memory."""
    return np.frombuffer(field, np.float32) if len(field) else np.empty(0, np.float32)


def action_message(
    values: Array, source: int, log_prob: float, policy_version: int, stamp: Time
) -> ActionMessage:
    """An ``Action`` that answers the state of ``stamp``; ``values`` has shape ``(A,)``."""
    message = ActionMessage()
    message.header.stamp = message.state_stamp = stamp
    message.values = floats(values)
    message.source = int(source)
    message.log_prob = log_prob
    message.policy_version = policy_version
    return message


def proposal_message(proposal: Proposal, stamp: Time) -> ActionMessage:
    """A proposed action."""
    return action_message(proposal.values, proposal.source, proposal.log_prob, proposal.policy_version, stamp)


def proposal_of(message: ActionMessage) -> Proposal:
    """A proposed action."""
    return Proposal(
        array_of(message.values), message.log_prob, message.policy_version, ActionSource(message.source)
    )


def _executed(values: Array, source: ActionSource, proposed: Proposal, stamp: Time) -> ActionMessage:
    """The executed action; its log-probability is known only where it is the proposed one."""
    own = source == proposed.source and np.array_equal(values, proposed.values)
    return action_message(
        values, source, proposed.log_prob if own else math.nan, proposed.policy_version, stamp
    )


def decision_message(decision: Decision, stamp: Time) -> DecisionMessage:
    """A decision on the state of ``stamp``."""
    message = DecisionMessage()
    message.header.stamp = stamp
    message.risk = decision.risk
    message.threshold = decision.threshold
    message.step_risk = floats(decision.step_risk)
    message.proposed = proposal_message(decision.proposed, stamp)
    message.executed = _executed(decision.executed, decision.source, decision.proposed, stamp)
    message.reason = int(decision.reason)
    message.latency_ms = decision.latency_ms
    message.model_hash = decision.model_hash
    return message


def decision_of(message: DecisionMessage) -> Decision:
    """A decision."""
    return Decision(
        risk=message.risk,
        threshold=message.threshold,
        step_risk=array_of(message.step_risk),
        proposed=proposal_of(message.proposed),
        executed=array_of(message.executed.values),
        source=ActionSource(message.executed.source),
        reason=Reason(message.reason),
        latency_ms=message.latency_ms,
        model_hash=message.model_hash,
    )


def transition_message(transition: Transition, stamp: Time) -> TransitionMessage:
    """A transition; ``stamp`` is that of the state that the actions answer."""
    message = TransitionMessage()
    message.header.stamp = stamp
    message.episode = transition.episode
    message.step = transition.step
    message.observation = floats(transition.observation)
    message.proposed = proposal_message(transition.proposed, stamp)
    message.executed = _executed(transition.executed, transition.source, transition.proposed, stamp)
    message.reward = transition.reward
    message.cost = transition.cost
    message.next_observation = floats(transition.next_observation)
    message.terminated = transition.terminated
    message.truncated = transition.truncated
    message.success = transition.success
    message.intervened = transition.intervened
    message.risk = transition.risk
    return message


def transition_of(message: TransitionMessage) -> Transition:
    """A transition."""
    return Transition(
        episode=message.episode,
        step=message.step,
        observation=array_of(message.observation),
        proposed=proposal_of(message.proposed),
        executed=array_of(message.executed.values),
        source=ActionSource(message.executed.source),
        reward=message.reward,
        cost=message.cost,
        next_observation=array_of(message.next_observation),
        terminated=message.terminated,
        truncated=message.truncated,
        success=message.success,
        risk=message.risk,
    )
