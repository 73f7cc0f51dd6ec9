"""Makes a task's perception from its file and the camera's."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from perception.camera_spec import CameraSpec, Mounting
from perception.detection.colour import ColourDetector, ColourRange
from perception.detection.detection import Detector
from perception.detection.fusion import FusedDetector, Fusion
from perception.detection.model_folder import load_detector
from perception.detection.runtime import Runtime
from perception.geometry import Bounds, LiftLimits, ObjectModel
from perception.pipeline import Perception
from perception.problems import StreamCheck, StreamLimits
from perception.shapes import Cylinder, Ellipsoid, Shape
from perception.spec import ClassSpec, CylinderSpec, PerceptionSpec
from perception.tracking.tracker import TrackedObject, Tracker, TrackLimits


def make_perception(
    spec: PerceptionSpec,
    camera: CameraSpec,
    mounting: Mounting,
    models: Path,
    steady: Callable[[], float] = time.perf_counter,
) -> Perception:
    """Build the pipeline.

    Args:
        spec: The task's.
        camera: Which frames are believed.
        mounting: Where the camera is.
        models: The folder in which the detector's model folder lies.
        steady: Clock for latencies, seconds.

    Raises:
        ModelError: The task needs a detector that is missing or does not fit.
    """
    limits = camera.limits.model_dump()
    table_tolerance = float(limits.pop("table_tolerance"))
    return Perception(
        make_detector(spec, models),
        object_models(spec),
        Tracker(
            [TrackedObject(one.name, one.object_class) for one in spec.objects],
            TrackLimits(**spec.tracking.model_dump()),
        ),
        StreamCheck(StreamLimits(**limits)),
        lift_limits(spec),
        mounting,
        table_tolerance,
        steady,
    )


def make_detector(spec: PerceptionSpec, models: Path) -> Detector:
    """Build a task's detector.

    Raises:
        ModelError: The model is missing or does not fit.
    """
    colours = colour_detector(spec)
    chosen = spec.detector
    if chosen.kind == "colour" or chosen.model is None:
        return colours
    yolo = load_detector(
        models / chosen.model,
        tuple(spec.classes),
        chosen.least_score,
        chosen.overlap,
        chosen.threads,
        Runtime(chosen.runtime),
    )
    if chosen.kind == "yolo":
        return yolo
    rule = Fusion(chosen.colour_share, chosen.yolo_alone, chosen.colour_alone)
    return FusedDetector(yolo, colours, rule)


def colour_detector(spec: PerceptionSpec) -> ColourDetector:
    """Build the detector that needs no model; a class without a colour is none of its business."""
    return ColourDetector(
        {name: colour for name, one in spec.classes.items() if (colour := _colour(one)) is not None}
    )


def object_models(spec: PerceptionSpec) -> dict[str, ObjectModel]:
    """What is known of the objects of each class."""
    return {name: ObjectModel(_shape(one), one.origin) for name, one in spec.classes.items()}


def lift_limits(spec: PerceptionSpec) -> LiftLimits:
    """What of a detection is believed."""
    bounds = Bounds(spec.bounds.lower, spec.bounds.upper)
    return LiftLimits(bounds, spec.table_height, **spec.locating.model_dump())


def _shape(spec: ClassSpec) -> Shape:
    if isinstance(spec.shape, CylinderSpec):
        return Cylinder(spec.shape.radius, spec.shape.half_height)
    return Ellipsoid(spec.shape.half_axes)


def _colour(spec: ClassSpec) -> ColourRange | None:
    colour = spec.colour
    if colour is None:
        return None
    return ColourRange(colour.hue, colour.saturation, colour.value, colour.least_area)
