"""Quality of service of every topic of the graph, in one place.

Everything is reliable and transient-local: a node that is matched a moment after the first state still gets
it, so that lock-step starts without a handshake. Whoever wants no past (a console) may subscribe volatile.
"""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def _reliable(depth: int) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )


NEWEST = _reliable(1)
"""Actions, and every subscription that only wants the newest value."""

STREAM = _reliable(1000)
"""What nobody may miss a message of (states, decisions, transitions): longer than any episode, so that one
who lags behind a lock-step simulator has caught up before the next starts."""

EVENTS = _reliable(50)
"""Episode events, diagnostics."""
