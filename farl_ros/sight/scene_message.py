"""A scene as the task's state."""

from __future__ import annotations

import numpy as np
from farl_interfaces.msg import ObjectState, State
from numpy.typing import NDArray

from farl_ros.conversions import floats, time_of
from farl_ros.sight.observation import ObservationMaker
from perception.pipeline import Scene
from perception.tracking.tracker import Track, TrackState

NOWHERE = np.full(3, np.nan)
"""The position of a hand that nobody tells of."""


def state_of(scene: Scene, hand: NDArray[np.float64] | None, maker: ObservationMaker, stamp_ns: int) -> State:
    """Make the state; episode, step and task are left to the caller.

    An object that is hidden for a moment is predicted: the state stays valid, ``visible`` and ``age`` tell.
    One that is lost makes it OBJECT_LOST; a frame that cannot be believed, or a silent arm, STALE.

    Args:
        scene: What is known.
        hand: Its position (3,) when the picture was taken, metres; None where the arm does not tell.
        maker: The task's observation.
        stamp_ns: Of the frame [ns].
    """
    tracks = {track.name: track for track in scene.tracks}
    told = NOWHERE if hand is None else hand
    message = State(observation=floats(maker.make(told, tracks)), validity=State.VALID)
    message.header.stamp, message.header.frame_id = time_of(stamp_ns), "base"
    message.objects = [_object(tracks[name]) for name in maker.objects]
    if scene.problems or hand is None:
        message.validity |= State.STALE
    if any(tracks[name].state is TrackState.LOST for name in maker.objects):
        message.validity |= State.OBJECT_LOST
    return message


def _object(track: Track) -> ObjectState:
    message = ObjectState(
        object_class=track.object_class, age=track.age, visible=track.state is TrackState.VISIBLE
    )
    at, moving = message.pose.position, message.velocity.linear
    at.x, at.y, at.z = track.position.tolist()
    moving.x, moving.y, moving.z = track.velocity.tolist()
    return message
