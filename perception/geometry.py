"""From a detection and its depth to the position of an object in the robot's base frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from perception.detection.detection import Detection, Source
from perception.frame import Frame, Intrinsics, Points, Transform
from perception.shapes import Shape
from perception.transforms import deproject, move

Vector = NDArray[np.float64]
Floats = NDArray[np.floating]


class Rejection(Enum):
    """Why a detection gives no position."""

    NO_DEPTH = "no depth"  # too few of its pixels have one
    SCATTERED = "scattered"  # its depths are not those of one object
    TOO_SMALL = "too small"  # mostly hidden, or another thing of that colour
    TOO_LARGE = "too large"  # another thing of that colour
    OUT_OF_BOUNDS = "out of bounds"  # not where the task's objects can be


@dataclass(frozen=True, slots=True)
class Bounds:
    """A box in the base frame; both ends included.

    Attributes:
        lower: x, y, z, metres.
        upper: x, y, z, metres.
    """

    lower: tuple[float, float, float]
    upper: tuple[float, float, float]

    def holds(self, position: Vector) -> bool:
        """Whether a position (3,) is in the box; one that is not finite is not."""
        return bool(np.all(position >= self.lower) and np.all(position <= self.upper))


@dataclass(frozen=True, slots=True)
class ObjectModel:
    """What is known of the objects of a class.

    Attributes:
        shape: Its size.
        origin: From the shape's centre to the point that the task means, metres, base frame.
    """

    shape: Shape
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class LiftLimits:
    """What of a detection is believed.

    Attributes:
        bounds: Where objects can be.
        table_height: Of the table's surface in the base frame, metres.
        least_pixels: With depth.
        least_depth_share: Share of its pixels that must have a depth.
        least_visible: Least area over that of the whole object.
        greatest_visible: Greatest such ratio.
        deviation: Standard deviation of a position seen whole, metres on each axis.
    """

    bounds: Bounds
    table_height: float = 0.0
    least_pixels: int = 20
    least_depth_share: float = 0.3
    least_visible: float = 0.25
    greatest_visible: float = 1.8
    deviation: float = 0.003


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """Where one detection says that an object is.

    Attributes:
        object_class: Name of its class.
        position: (3,) metres, base frame.
        covariance: (3, 3) square metres.
        score: How well detector and size agree that it is one, in [0, 1].
        source: Who saw it.
        depth_share: Share of its pixels with a depth.
        visible_share: Area over that of the whole object; near 1.
    """

    object_class: str
    position: Vector
    covariance: NDArray[np.float64]
    score: float
    source: Source
    depth_share: float
    visible_share: float


def locate(
    detection: Detection,
    frame: Frame,
    intrinsics: Intrinsics,
    base_from_camera: Transform,
    model: ObjectModel,
    limits: LiftLimits,
) -> Measurement | Rejection:
    """Find where a detected object is.

    Args:
        detection: Where it is in the picture.
        frame: Gives the depth.
        intrinsics: Of the frame.
        base_from_camera: (4, 4).
        model: Size of its class.
        limits: What is believed.

    Returns:
        The position, or why there is none.
    """
    columns, rows, depth = _pixels(detection, frame, intrinsics, base_from_camera, limits)
    valid = np.isfinite(depth) & (depth > 0.0)
    count = int(np.count_nonzero(valid))
    depth_share = count / max(depth.size, 1)
    if count < limits.least_pixels or depth_share < limits.least_depth_share:
        return Rejection.NO_DEPTH
    middle = float(np.median(depth[valid]))
    near = valid & (np.abs(depth - middle) <= model.shape.reach)
    if np.count_nonzero(near) < 0.5 * count:
        return Rejection.SCATTERED
    # Holes come in patches, at one side: the picture knows the outline better than the valid pixels do.
    whole = np.where(near, depth, float(np.mean(depth[near])))
    seen = move(base_from_camera, deproject(intrinsics, columns, rows, whole)).mean(axis=0)

    towards = base_from_camera[:3, 3] - seen
    towards /= np.linalg.norm(towards)
    full = model.shape.shadow(towards) * intrinsics.fx * intrinsics.fy / middle**2
    visible = depth.size / full
    if visible < limits.least_visible:
        return Rejection.TOO_SMALL
    if visible > limits.greatest_visible:
        return Rejection.TOO_LARGE
    centre, covariance = seen - model.shape.surface(towards), limits.deviation**2 * np.eye(3)
    if visible < _WHOLE:
        # The mean of a part is not that of the whole, but the part lies on the same surface.
        points = move(base_from_camera, deproject(intrinsics, columns[near], rows[near], depth[near]))
        centre, doubt = _on_surface(points, centre, model.shape)
        covariance += doubt
    position = centre + np.array(model.origin)
    if not limits.bounds.holds(position):
        return Rejection.OUT_OF_BOUNDS
    return Measurement(
        detection.object_class,
        position,
        covariance,
        detection.score * min(visible, 1.0 / visible),
        detection.source,
        depth_share,
        visible,
    )


_WHOLE = 0.85
"""An object of which less is visible is partly hidden: area over that of the whole."""
_SPREAD = 0.004
"""Standard deviation of a single depth, metres."""


def _on_surface(points: Points, start: Vector, shape: Shape) -> tuple[Vector, NDArray[np.float64]]:
    """Fit a shape to points (n, 3) of its surface.

    Along directions in which the points say nothing, as across a flat top, the start is kept and the variance
    is large.

    Returns:
        The centre (3,), metres, and its covariance (3, 3).
    """
    centre = start
    trust = (_SPREAD / (0.5 * shape.reach)) ** 2 * np.eye(3)
    information = trust
    for _ in range(6):
        distances, normals = shape.distances(points - centre)
        near = np.abs(distances) < 0.5 * shape.reach
        normals, distances = normals[near], distances[near]
        information = normals.T @ normals + trust
        pull = normals.T @ distances + trust @ (start - centre)
        centre = centre + np.linalg.solve(information, pull)
    covariance = np.asarray(_SPREAD**2 * np.linalg.inv(information), np.float64)
    return centre, covariance


_ABOVE_TABLE = 0.006
"""What is so much higher than the table is no table, metres."""


def _pixels(
    detection: Detection,
    frame: Frame,
    intrinsics: Intrinsics,
    base_from_camera: Transform,
    limits: LiftLimits,
) -> tuple[Floats, Floats, Floats]:
    """Columns, rows, depths (n,) of an object's pixels: its mask, or what is above the table in its box."""
    region = detection.region
    if region is not None:
        rows, columns = np.nonzero(region.mask)
        rows, columns = rows + region.top, columns + region.left
        return columns.astype(float), rows.astype(float), frame.depth[rows, columns].astype(float)
    row_range, column_range = detection.box.pixels(frame.width, frame.height)
    cut = frame.depth[row_range, column_range].astype(float)
    rows, columns = np.nonzero(np.isfinite(cut) & (cut > 0.0))
    depth = cut[rows, columns]
    x, y = columns + float(column_range.start), rows + float(row_range.start)
    heights = move(base_from_camera, deproject(intrinsics, x, y, depth))[:, 2] - limits.table_height
    high = heights > _ABOVE_TABLE
    return x[high], y[high], depth[high]


def table_error(
    frame: Frame, intrinsics: Intrinsics, base_from_camera: Transform, limits: LiftLimits
) -> float | None:
    """Return the median height (metres) above the table of what is measured around it.

    It is near 0 while calibration, depth unit and camera pose are right, because objects and arm cover less
    than half of the table. None where too little of the table is in view.
    """
    step = 16
    depth = frame.depth[step // 2 :: step, step // 2 :: step].astype(float)
    rows, columns = np.nonzero(np.isfinite(depth) & (depth > 0.0))
    x, y = columns * step + step / 2.0, rows * step + step / 2.0
    points = move(base_from_camera, deproject(intrinsics, x, y, depth[rows, columns]))
    lower, upper = limits.bounds.lower, limits.bounds.upper
    inside = np.all((points[:, :2] >= lower[:2]) & (points[:, :2] <= upper[:2]), axis=1)
    if np.count_nonzero(inside) < 30:
        return None
    return float(np.median(points[inside, 2])) - limits.table_height
