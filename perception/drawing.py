"""A picture for people: what was detected, what is tracked, what is wrong."""

from __future__ import annotations

import cv2
import numpy as np

from perception.detection.detection import Source
from perception.frame import Colour, Frame, Transform
from perception.pipeline import Scene
from perception.tracking.tracker import Track, TrackState
from perception.transforms import invert, project

_BOX = {Source.YOLO: (0, 165, 255), Source.COLOUR: (255, 200, 0), Source.BOTH: (0, 220, 0)}
_STATE = {
    TrackState.VISIBLE: (0, 220, 0),
    TrackState.PREDICTED: (0, 200, 255),
    TrackState.LOST: (0, 0, 255),
}
_FONT, _SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.45


def draw_scene(frame: Frame, scene: Scene, base_from_camera: Transform) -> Colour:
    """Return the frame's colour picture (H, W, 3) with boxes, masks, tracks and problems drawn in.

    Args:
        frame: The one that the scene is of.
        scene: What the pipeline made of it.
        base_from_camera: (4, 4).
    """
    picture = frame.colour.copy()
    for detection in scene.detections:
        box, paint = detection.box, _BOX[detection.source]
        corner = (round(box.left), round(box.top))
        cv2.rectangle(picture, corner, (round(box.right), round(box.bottom)), paint, 1)
        text = f"{detection.object_class} {detection.score:.2f} {detection.source.value}"
        _write(picture, text, corner[0], corner[1] - 4, paint)
        if detection.region is not None:
            region = detection.region
            outline, _ = cv2.findContours(
                region.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
            )
            cv2.drawContours(picture, outline, -1, paint, 1, offset=(region.left, region.top))
    if frame.intrinsics is not None:
        camera_from_base = invert(base_from_camera)
        for track in scene.tracks:
            column, row = project(frame.intrinsics, camera_from_base, track.position)
            if np.isfinite((column, row)).all():
                centre = (round(column), round(row))
                cv2.drawMarker(picture, centre, _STATE[track.state], cv2.MARKER_CROSS, 12, 2)
    for line, track in enumerate(scene.tracks):
        _write(picture, _told(track), 8, 18 + 18 * line, _STATE[track.state])
    if scene.problems:
        _write(picture, scene.detail, 8, frame.height - 10, _STATE[TrackState.LOST])
    return picture


def _told(track: Track) -> str:
    if not np.isfinite(track.position).all():
        return f"{track.name}: {track.state.value}"
    place = ", ".join(f"{value:+.3f}" for value in track.position)
    return f"{track.name}: {track.state.value}, {1e3 * track.age:.0f} ms, ({place}) m"


def _write(picture: Colour, text: str, column: int, row: int, paint: tuple[int, int, int]) -> None:
    """Write on a dark rim, to be read on any ground."""
    for colour, width in (((0, 0, 0), 3), (paint, 1)):
        cv2.putText(picture, text, (column, max(row, 12)), _FONT, _SIZE, colour, width, cv2.LINE_AA)
