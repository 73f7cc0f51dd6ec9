"""YOLOv8 on ONNX Runtime, without torch or Ultralytics: letterbox, decoding and suppression are here."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from perception.detection.detection import Box, Detection, Source
from perception.frame import Colour

_GREY = 114
"""What Ultralytics pads with in training."""

Floats = NDArray[np.float32]


class ModelError(ValueError):
    """A file is no detector that fits: not ONNX, no YOLOv8 output, other classes; the message says which."""


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

    def __init__(self, file: Path, least_score: float, overlap: float, threads: int = 1) -> None:
        """Load the network.

        Args:
            file: Ends in ``.onnx``.
            least_score: Detections below are dropped.
            overlap: Intersection over union from which on two boxes of one class are one object.
            threads: Of ONNX Runtime. One is fastest where cores are shared.

        Raises:
            ModelError: It is not such a network.
        """
        self.file, self.least_score, self.overlap = file, least_score, overlap
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if not file.is_file():
            raise ModelError(f"no detector {file}; train one, or choose detection by colour alone")
        try:
            self._session = onnxruntime.InferenceSession(str(file), options, ["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own errors have no common base below this
            raise ModelError(f"{file}: not a network that ONNX Runtime can load: {error}") from error
        (given,) = self._session.get_inputs()
        self._input = str(given.name)
        self.classes = _classes(self._session, file)
        self.width, self.height = _size(given.shape, file)
        self._check_output()

    def _check_output(self) -> None:
        """Run it once: that also takes the time of the first run out of the first frame."""
        blank = np.zeros((1, 3, self.height, self.width), np.float32)
        shape = self._run(blank).shape
        if len(shape) != 2 or shape[0] != 4 + len(self.classes):
            raise ModelError(
                f"{self.file}: expected an output (1, {4 + len(self.classes)}, N) for its "
                f"{len(self.classes)} classes, got (1, {', '.join(map(str, shape))}); is it YOLOv8?"
            )

    def _run(self, blob: Floats) -> Floats:
        output: Floats = self._session.run(None, {self._input: blob})[0][0]
        return output

    def detect(self, colour: Colour) -> list[Detection]:
        """Return what the network sees, best first; masks are not its business."""
        height, width = colour.shape[:2]
        letterbox = Letterbox.of(width, height, self.width, self.height)
        output = self._run(letterbox.blob(colour, self.width, self.height))
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


def _classes(session: Any, file: Path) -> tuple[str, ...]:  # noqa: ANN401 - ONNX Runtime has no types
    text = session.get_modelmeta().custom_metadata_map.get("names")
    try:
        names = ast.literal_eval(text)
        return tuple(str(names[i]) for i in range(len(names)))
    except (ValueError, SyntaxError, KeyError, TypeError) as error:
        raise ModelError(f"{file}: expected metadata 'names' such as {{0: 'puck'}}, got {text!r}") from error


def _size(shape: list[Any], file: Path) -> tuple[int, int]:
    if len(shape) != 4 or shape[:2] != [1, 3] or not all(isinstance(n, int) for n in shape):
        raise ModelError(
            f"{file}: expected an input (1, 3, height, width) of fixed size, got {shape}; "
            "export it with dynamic=False"
        )
    return shape[3], shape[2]
