"""YOLOv8 without torch or Ultralytics: letterbox, decoding and suppression."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.detection.detection import Box, Detection, Source
from perception.detection.runtime import ModelError, Runtime, load_network
from perception.frame import Colour

_GREY = 114
"""What Ultralytics pads with in training."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture lies in the network's input: scaled alike on both axes, grey margins.

    Attributes:
        scale: Network pixels for each pixel of the picture.
        left: Margin, network pixels.
        top: Margin, network pixels.
    """

    scale: float
    left: int
    top: int

    @classmethod
    def of(cls, width: int, height: int, net_width: int, net_height: int) -> Letterbox:
        """Fit a picture into the input, centred; all sizes in pixels."""
        scale = min(net_width / width, net_height / height)
        left = (net_width - round(width * scale)) // 2
        top = (net_height - round(height * scale)) // 2
        return cls(scale, left, top)

    def blob(self, colour: Colour, net_width: int, net_height: int) -> Floats:
        """Return the network's input (1, 3, h, w), red first, in [0, 1]."""
        height, width = colour.shape[:2]
        size = (round(width * self.scale), round(height * self.scale))
        canvas = np.full((net_height, net_width, 3), _GREY, np.uint8)
        inner = canvas[self.top : self.top + size[1], self.left : self.left + size[0]]
        inner[:] = colour if size == (width, height) else cv2.resize(colour, size)
        blob: Floats = np.asarray(cv2.dnn.blobFromImage(canvas, 1.0 / 255.0, swapRB=True), np.float32)
        return blob

    def to_picture(self, box: Floats, width: int, height: int) -> Box:
        """Turn left, top, right, bottom (4,) in network pixels into a box of the picture, cut at its rim."""
        left, right = ((box[[0, 2]] - self.left) / self.scale).clip(0.0, width).tolist()
        top, bottom = ((box[[1, 3]] - self.top) / self.scale).clip(0.0, height).tolist()
        return Box(left, top, right, bottom)


def decode(output: Floats, least_score: float) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Read YOLOv8's output.

    Args:
        output: (4 + classes, N): centre x, y, width, height in network pixels, then a score for each class.
        least_score: Lower ones are dropped.

    Returns:
        Boxes (n, 4) left, top, right, bottom; scores (n,); classes (n,).
    """
    scores = output[4:]
    best = scores.max(axis=0)
    kept = np.flatnonzero(best >= least_score)
    x, y, width, height = output[:4, kept]
    boxes = np.stack((x - width / 2, y - height / 2, x + width / 2, y + height / 2), axis=1)
    return boxes, best[kept], scores[:, kept].argmax(axis=0)


def suppress(boxes: Floats, scores: Floats, classes: NDArray[np.intp], overlap: float) -> list[int]:
    """Keep the best of boxes of one class that overlap (greedy non-maximum suppression).

    Args:
        boxes: (n, 4) left, top, right, bottom.
        scores: (n,).
        classes: (n,).
        overlap: Intersection over union from which on two boxes are one object.

    Returns:
        Indices of the kept boxes, best first.
    """
    left, top, right, bottom = boxes.T
    areas = (right - left) * (bottom - top)
    waiting = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while waiting.size:
        best, waiting = int(waiting[0]), waiting[1:]
        kept.append(best)
        wide = np.minimum(right[best], right[waiting]) - np.maximum(left[best], left[waiting])
        high = np.minimum(bottom[best], bottom[waiting]) - np.maximum(top[best], top[waiting])
        both = np.maximum(wide, 0.0) * np.maximum(high, 0.0)
        same = classes[waiting] == classes[best]
        waiting = waiting[~(same & (both >= overlap * (areas[best] + areas[waiting] - both)))]
    return kept


class YoloDetector:
    """A YOLOv8 network that Ultralytics has exported to ONNX; classes and input size come from the file."""

    def __init__(
        self,
        file: Path,
        least_score: float,
        overlap: float,
        threads: int = 1,
        runtime: Runtime = Runtime.ONNXRUNTIME,
    ) -> None:
        """Load the network.

        Args:
            file: Ends in ``.onnx``.
            least_score: Detections below are dropped.
            overlap: Intersection over union from which on two boxes of one class are one object.
            threads: That compute; one is fastest where cores are shared.
            runtime: Which library computes.

        Raises:
            ModelError: It is not such a network, or the library is not there.
        """
        self.file, self.least_score, self.overlap = file, least_score, overlap
        self._network = load_network(file, runtime, threads)
        self.classes = self._network.classes
        self._check_output()

    def _check_output(self) -> None:
        """Run it once: that also takes the time of the first run out of the first frame."""
        blank = np.zeros((1, 3, self._network.height, self._network.width), np.float32)
        shape = self._network.run(blank).shape
        if len(shape) != 2 or shape[0] != 4 + len(self.classes):
            raise ModelError(
                f"{self.file}: expected an output (1, {4 + len(self.classes)}, N) for its "
                f"{len(self.classes)} classes, got (1, {', '.join(map(str, shape))}); is it YOLOv8?"
            )

    def detect(self, colour: Colour) -> list[Detection]:
        """Return what the network sees, best first; masks are not its business."""
        height, width = colour.shape[:2]
        network = self._network
        letterbox = Letterbox.of(width, height, network.width, network.height)
        output = network.run(letterbox.blob(colour, network.width, network.height))
        boxes, scores, classes = decode(output, self.least_score)
        return [
            Detection(
                self.classes[int(classes[i])],
                float(scores[i]),
                letterbox.to_picture(boxes[i], width, height),
                Source.YOLO,
            )
            for i in suppress(boxes, scores, classes, self.overlap)
        ]
