"""A detector's folder: ``detector.onnx``, and ``card.json`` with what it is, and which file it is."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from perception.detection.runtime import ModelError, Runtime
from perception.detection.yolo import YoloDetector

NETWORK, CARD = "detector.onnx", "card.json"


def load_detector(
    folder: Path,
    classes: tuple[str, ...],
    least_score: float,
    overlap: float,
    threads: int,
    runtime: Runtime = Runtime.ONNXRUNTIME,
) -> YoloDetector:
    """Load a detector that knows some classes.

    Args:
        folder: The model folder.
        classes: That it must know; it may know more.
        least_score: Detections below are dropped.
        overlap: Intersection over union from which on two boxes of one class are one object.
        threads: That compute.
        runtime: Which library computes.

    Raises:
        ModelError: Something is missing, was changed, or does not fit.
    """
    card = folder / CARD
    if not card.is_file():
        raise ModelError(f"no detector in {folder}: train one, or choose detection by colour alone")
    try:
        digest = json.loads(card.read_text(encoding="utf-8"))["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{card}: expected a JSON object with sha256, got something else") from error
    file = folder / NETWORK
    if file.is_file() and digest_of(file) != digest:
        raise ModelError(f"{file}: is not the file of its card (SHA-256 differs): copy or train it again")
    detector = YoloDetector(file, least_score, overlap, threads, runtime)
    missing = [name for name in classes if name not in detector.classes]
    if missing:
        raise ModelError(
            f"{file}: expected a detector of {', '.join(classes)}, got one of {', '.join(detector.classes)}; "
            f"{', '.join(missing)} cannot be found with it"
        )
    return detector


def save_detector(folder: Path, network: Path, card: Mapping[str, object]) -> None:
    """Write a model folder, first beside the old one, so that it is always whole.

    Args:
        folder: What is there is replaced.
        network: The ONNX file.
        card: What it is; the file's digest is added.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    shutil.copy(network, partial / NETWORK)
    content = {**card, "sha256": digest_of(partial / NETWORK)}
    (partial / CARD).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def digest_of(file: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
