"""Pictures with labels, and the folder of them that Ultralytics trains from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from perception.cameras.simulated import StereoNoise
from perception.detection.detection import Box, Detector, Mask
from perception.frame import Colour, Frame, Points, Transform

_LEAST_AREA = 60
"""Less of an object in view is not labelled, pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPicture:
    """A frame in which everything is known.

    Attributes:
        frame: Colour, depth, intrinsics.
        base_from_camera: (4, 4).
        masks: The visible pixels (H, W) of each class's object; absent where it is not in the scene.
        positions: Where the point that the task means is (3,), metres, base frame, of the same classes.
    """

    frame: Frame
    base_from_camera: Transform
    masks: Mapping[str, Mask]
    positions: Mapping[str, Points]

    def boxes(self) -> dict[str, Box]:
        """Return the box around the visible part of each class's object, if enough of it is visible."""
        found = {}
        for name, mask in self.masks.items():
            if np.count_nonzero(mask) >= _LEAST_AREA:
                rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
                box = Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
                found[name] = box
        return found


Labelled = tuple[Colour, Mapping[str, Box]]
"""A picture (H, W, 3), and the box of each class's object in it."""

Draw = Callable[[np.random.Generator], LabelledPicture]
"""Makes a picture of a random scene: all that the training needs of a simulator."""


@dataclass(frozen=True, slots=True)
class SensorNoise:
    """What a camera does to a rendered picture; all drawn anew for each picture.

    Attributes:
        gain: Range of the brightness factor.
        tint: Greatest relative change of a single colour.
        grain: Greatest standard deviation of the noise, grey levels.
        blur: Greatest standard deviation of the blur, pixels; in a third of the pictures.
    """

    gain: tuple[float, float] = (0.7, 1.2)
    tint: float = 0.06
    grain: float = 8.0
    blur: float = 1.5

    def on(self, colour: Colour, random: np.random.Generator) -> Colour:
        """Return a changed picture (H, W, 3)."""
        factors = random.uniform(*self.gain) * (1.0 + random.uniform(-self.tint, self.tint, 3))
        grain = random.standard_normal(colour.shape, dtype=np.float32) * random.uniform(0.0, self.grain)
        changed = np.clip(colour * factors.astype(np.float32) + grain, 0.0, 255.0).astype(np.uint8)
        if random.uniform() < 1.0 / 3.0:
            deviation = random.uniform(0.4, max(0.4, self.blur))
            changed = np.asarray(cv2.GaussianBlur(changed, (0, 0), deviation), np.uint8)
        return changed


class DatasetWriter:
    """Writes pictures and labels in the layout that Ultralytics reads."""

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        """Make the folder.

        Args:
            folder: Must not hold a dataset yet.
            classes: In the order of the network's outputs.

        Raises:
            FileExistsError: There is one.
        """
        self.folder, self.classes = folder, tuple(classes)
        if (folder / "data.yaml").exists():
            raise FileExistsError(f"{folder} holds a dataset already: remove it, or choose another folder")
        for part in ("train", "val"):
            (folder / "images" / part).mkdir(parents=True)
            (folder / "labels" / part).mkdir(parents=True)
        # JSON is YAML.
        names = dict(enumerate(self.classes))
        text = json.dumps({"path": str(folder.resolve()), "train": "images/train", "val": "images/val"})
        (folder / "data.yaml").write_text(f'{text[:-1]}, "names": {json.dumps(names)}}}\n')

    def write(self, part: str, pictures: Iterable[Labelled]) -> int:
        """Write pictures with the boxes of what is in them; returns how many.

        Args:
            part: "train" or "val".
            pictures: Without any box, a picture teaches what is nothing.
        """
        count = 0
        for colour, boxes in pictures:
            height, width = colour.shape[:2]
            lines = [
                f"{self.classes.index(name)} {(box.left + box.right) / 2 / width:.6f} "
                f"{(box.top + box.bottom) / 2 / height:.6f} {box.width / width:.6f} {box.height / height:.6f}"
                for name, box in boxes.items()
            ]
            name = f"{count:05d}"
            cv2.imwrite(
                str(self.folder / "images" / part / f"{name}.jpg"), colour, [cv2.IMWRITE_JPEG_QUALITY, 90]
            )
            (self.folder / "labels" / part / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))
            count += 1
        return count


def sensed(
    picture: LabelledPicture, noise: SensorNoise, stereo: StereoNoise, random: np.random.Generator
) -> LabelledPicture:
    """Return a picture as a camera would have given it, noise in colour and depth."""
    frame = picture.frame
    colour, depth = noise.on(frame.colour, random), stereo.on_depth(frame.depth, random)
    return replace(picture, frame=replace(frame, colour=colour, depth=depth))


def labelled_by(detector: Detector, pictures: Iterable[Colour]) -> Iterable[Labelled]:
    """Label recorded frames with what a detector sees, at most one object of each class.

    With detection by colour, and pictures in which nothing else has the objects' colours, the labels are good
    enough to go on training from. Look at them first.
    """
    for colour in pictures:
        best: dict[str, Box] = {}
        for detection in detector.detect(colour):
            best.setdefault(detection.object_class, detection.box)
        yield colour, best


def simulated(draw: Draw, count: int, seed: int, noise: SensorNoise) -> Iterable[Labelled]:
    """Draw labelled pictures; the same seed gives the same ones."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        picture = draw(random)
        yield noise.on(picture.frame.colour, random), picture.boxes()
