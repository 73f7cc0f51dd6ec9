"""Quality of service of every topic of the graph, in one place.

Everything is reliable. The topics of the control loop are transient-local too: a node that is matched a
moment after the first state still gets it, so that lock-step starts without a handshake. Who needs no past
subscribes volatile.
"""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def _reliable(depth: int, durability: DurabilityPolicy = DurabilityPolicy.TRANSIENT_LOCAL) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=durability,
    )


NEWEST = _reliable(1)
"""Actions, and every subscription that only wants the newest value."""

STREAM = _reliable(1000)
"""What nobody may miss a message of (states, decisions, transitions): longer than any episode, so that a reader
that lags behind a lock-step simulator has caught up before the next one starts."""

EVENTS = _reliable(50)
"""Episode events."""

MODES = _reliable(1)
"""Slowly changing state that late-comers must know."""

LIVE_STREAM = _reliable(1000, DurabilityPolicy.VOLATILE)
"""``STREAM`` for a reader that does not want the past."""
