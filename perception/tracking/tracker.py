"""Which measurement belongs to which object, and what is known of an object that is not measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from perception.detection.detection import Source
from perception.geometry import Measurement
from perception.tracking.kalman import ConstantVelocity

Floats = NDArray[np.float64]

_FAR = 1e6
"""Cost of an impossible pair."""
_UNKNOWN = 1.0
"""Standard deviation of the position of an object that was never seen, metres."""


class TrackState(Enum):
    """How much an object's position is worth."""

    VISIBLE = "visible"  # measured in this frame
    PREDICTED = "predicted"  # not in this frame; the motion is carried on for a short time
    LOST = "lost"  # unknown: the position is the last one, or not-a-number before the first


@dataclass(frozen=True, slots=True)
class TrackedObject:
    """An object of the task: its name, and the class that detectors know it by."""

    name: str
    object_class: str


@dataclass(frozen=True, slots=True)
class TrackLimits:
    """How a track lives.

    Attributes:
        acceleration: Standard deviation of what pushes the objects, metres per second squared.
        gate: Greatest squared Mahalanobis distance of a measurement that belongs to a track; 16.27 keeps
            99.9 % of three-dimensional Gaussian errors.
        jump: Farthest that a measurement may be from where its track is predicted, metres: however unsure a
            hidden object is, one that turns up elsewhere is first lost, and then found.
        lost_after: A track is lost when it was not measured for longer, seconds.
        confirm: Measurements in consecutive frames before an object counts as found (again).
        distinct: A free object is found only if the next candidate's score is at most this share of its own.
    """

    acceleration: float = 2.0
    gate: float = 16.27
    jump: float = 0.1
    lost_after: float = 0.5
    confirm: int = 2
    distinct: float = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """What is known of one object at one time.

    Attributes:
        name: Of the object.
        object_class: Name of its class.
        state: What the numbers are worth.
        position: (3,) metres, base frame.
        velocity: (3,) metres per second.
        covariance: (6, 6) of position and velocity.
        age: Seconds since it was last measured; infinite before the first time.
        source: Who measured it last; None before the first time.
        score: Of that measurement, in [0, 1].
        ambiguous: It is lost, and there are several candidates that look alike.
    """

    name: str
    object_class: str
    state: TrackState
    position: Floats
    velocity: Floats
    covariance: Floats
    age: float
    source: Source | None
    score: float
    ambiguous: bool


class _Follower:
    """The memory of one object: a filter while something is followed, the last measurement, the last view."""

    def __init__(self, target: TrackedObject) -> None:
        self.target = target
        self.filter: ConstantVelocity | None = None
        self.hits = 0
        self.found = False
        self.seen: float | None = None
        self.last: Measurement | None = None
        self.rest = np.full(3, np.nan)
        self.ambiguous = False

    def take(self, measurement: Measurement, stamp: float, limits: TrackLimits) -> None:
        position, covariance = measurement.position, measurement.covariance
        if self.filter is None:
            self.filter = ConstantVelocity(position, covariance, limits.acceleration)
        else:
            self.filter.update(position, covariance)
        self.hits += 1
        self.found = self.found or self.hits >= limits.confirm
        if self.found:
            self.seen, self.last = stamp, measurement

    def miss(self, stamp: float, limits: TrackLimits) -> None:
        self.hits = 0
        if not self.found:
            self.filter = None
        elif self.seen is not None and stamp - self.seen > limits.lost_after:
            self.drop()

    def drop(self) -> None:
        if self.found and self.filter is not None:
            self.rest = self.filter.mean[:3].copy()
        self.filter, self.found, self.hits = None, False, 0


class Tracker:
    """Follows the task's objects by name; time comes only from the stamps of the frames.

    Measurements go to the tracks of their class so that the sum of distances is least, none beyond the gate.
    An object that was lost, or never seen, is found by what then remains, once it is seen in enough frames.
    """

    def __init__(self, objects: Sequence[TrackedObject], limits: TrackLimits) -> None:
        """Start with everything lost.

        Args:
            objects: Names must differ; several may be of one class.
            limits: How tracks live.
        """
        self.limits = limits
        self._followers = [_Follower(target) for target in objects]
        self._stamp: float | None = None

    def reset(self) -> None:
        """Forget everything, also the time: after a jump of the clock."""
        self._followers = [_Follower(follower.target) for follower in self._followers]
        self._stamp = None

    def update(self, stamp: float, measurements: Sequence[Measurement]) -> tuple[Track, ...]:
        """Take in a frame.

        Args:
            stamp: Of the frame, seconds.
            measurements: All of it; none is also an answer.

        Raises:
            ValueError: The stamp is before the last one.
        """
        step = 0.0 if self._stamp is None else stamp - self._stamp
        if not step >= 0.0:
            raise ValueError(
                f"expected a stamp after {self._stamp} s, got {stamp} s; reset after a clock jump"
            )
        self._stamp = stamp
        for follower in self._followers:
            if (
                follower.seen is not None
                and follower.found
                and stamp - follower.seen > self.limits.lost_after
            ):
                # Too long without a frame: what is there now need not be what was there then.
                follower.drop()
            if follower.filter is not None:
                follower.filter.predict(step)
        for object_class in dict.fromkeys(follower.target.object_class for follower in self._followers):
            followers = [f for f in self._followers if f.target.object_class == object_class]
            own = [m for m in measurements if m.object_class == object_class]
            self._share_out(followers, own, stamp)
        return self.view(stamp)

    def view(self, now: float) -> tuple[Track, ...]:
        """Return what is known at a time, seconds, without taking anything in."""
        return tuple(self._track(follower, now) for follower in self._followers)

    def _share_out(self, followers: list[_Follower], own: list[Measurement], stamp: float) -> None:
        following = [f for f in followers if f.filter is not None]
        pairs = self._pairs(following, own)
        for follower in following:
            if follower in pairs:
                follower.take(pairs[follower], stamp, self.limits)
            else:
                follower.miss(stamp, self.limits)
        taken = {id(measurement) for measurement in pairs.values()}
        rest = sorted((m for m in own if id(m) not in taken), key=lambda m: m.score, reverse=True)
        free = [f for f in followers if f.filter is None]
        count = len(free)
        alike = len(rest) > count > 0 and rest[count].score > self.limits.distinct * rest[count - 1].score
        for follower in followers:
            follower.ambiguous = alike and follower in free
        if not alike:
            for follower, measurement in zip(free, rest, strict=False):
                follower.take(measurement, stamp, self.limits)

    def _pairs(self, followers: list[_Follower], own: list[Measurement]) -> dict[_Follower, Measurement]:
        if not followers or not own:
            return {}
        cost = np.full((len(followers), len(own)), _FAR)
        for i, follower in enumerate(followers):
            for j, measurement in enumerate(own):
                if follower.filter is not None:
                    cost[i, j] = self._distance(follower.filter, measurement)
        chosen = zip(*linear_sum_assignment(cost), strict=True)
        return {followers[i]: own[j] for i, j in chosen if cost[i, j] < _FAR}

    def _distance(self, predicted: ConstantVelocity, measurement: Measurement) -> float:
        if np.linalg.norm(measurement.position - predicted.mean[:3]) > self.limits.jump:
            return _FAR
        distance = predicted.distance(measurement.position, measurement.covariance)
        return distance if distance <= self.limits.gate else _FAR

    def _track(self, follower: _Follower, now: float) -> Track:
        age = float("inf") if follower.seen is None else now - follower.seen
        mean = np.concatenate((follower.rest, np.zeros(3)))
        covariance = _UNKNOWN**2 * np.eye(6)
        state = TrackState.LOST
        if follower.filter is not None and follower.found and self._stamp is not None:
            mean, covariance = follower.filter.at(max(0.0, now - self._stamp))
            state = TrackState.LOST if age > self.limits.lost_after else TrackState.PREDICTED
            if follower.seen == self._stamp and now == self._stamp:
                state = TrackState.VISIBLE
        last = follower.last
        return Track(
            follower.target.name,
            follower.target.object_class,
            state,
            mean[:3],
            mean[3:],
            covariance,
            age,
            None if last is None else last.source,
            0.0 if last is None else last.score,
            follower.ambiguous,
        )
