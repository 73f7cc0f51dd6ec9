"""A Kalman filter for a point that moves at constant velocity, pushed now and then (white acceleration)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FIRST_SPEED = 0.3
"""Standard deviation of the velocity of a point seen once, metres per second."""


class ConstantVelocity:
    """Mean (6,): x, y, z, and their rates; covariance (6, 6). Metres and seconds."""

    def __init__(self, position: Floats, covariance: Floats, acceleration: float) -> None:
        """Start from one measurement, at rest as far as is known.

        Args:
            position: (3,) metres.
            covariance: (3, 3) square metres.
            acceleration: Standard deviation of what pushes it, metres per second squared.
        """
        self.mean = np.concatenate((position, np.zeros(3)))
        self.covariance = np.zeros((6, 6))
        self.covariance[:3, :3] = covariance
        self.covariance[3:, 3:] = _FIRST_SPEED**2 * np.eye(3)
        self._acceleration = acceleration

    def at(self, step: float) -> tuple[Floats, Floats]:
        """Return mean (6,) and covariance (6, 6) after a time without measurements.

        Args:
            step: Seconds; not negative.
        """
        move = np.eye(6)
        move[:3, 3:] = step * np.eye(3)
        gain = np.concatenate((np.full(3, 0.5 * step**2), np.full(3, step))) * self._acceleration
        # The same axis's position and rate are pushed together, different axes are not.
        noise = np.outer(gain, gain) * np.tile(np.eye(3), (2, 2))
        return move @ self.mean, move @ self.covariance @ move.T + noise

    def predict(self, step: float) -> None:
        """Go on by a time, seconds."""
        self.mean, self.covariance = self.at(step)

    def distance(self, position: Floats, covariance: Floats) -> float:
        """Squared Mahalanobis distance of a measured position (3,) with covariance (3, 3)."""
        error = position - self.mean[:3]
        return float(error @ np.linalg.solve(self.covariance[:3, :3] + covariance, error))

    def update(self, position: Floats, covariance: Floats) -> None:
        """Take in a measured position (3,), metres, with covariance (3, 3)."""
        spread = self.covariance[:3, :3] + covariance
        gain = np.linalg.solve(spread, self.covariance[:3]).T
        self.mean = self.mean + gain @ (position - self.mean[:3])
        # Joseph's form: stays symmetric and positive whatever the rounding.
        rest = np.eye(6)
        rest[:, :3] -= gain
        self.covariance = rest @ self.covariance @ rest.T + gain @ covariance @ gain.T
