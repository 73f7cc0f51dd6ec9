"""Quality of service of every topic of the graph, in one place.

Everything but pictures is reliable and transient-local: a node that is matched a moment after the first state
still gets it, so that lock-step starts without a handshake. Whoever wants no past (a console) may subscribe
volatile.
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

FRAMES = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE,
)
"""Pictures on the wall clock: an old one is worth nothing, and a lost one is not sent again."""

LOCKED_FRAMES = _reliable(16)
"""Pictures in lock-step, where a lost one would stop the world: as many as a reset shows, and some."""
