"""Ultralytics, kept in one place: a dataset in, an ONNX file out; nothing is downloaded, nothing reported.

Ultralytics is AGPL-3.0, and its makers claim the weights and exports too. The run time never imports it.
"""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from perception.training.torchvision_shim import ensure_torchvision

_GENTLER = 0.1
"""Of the learning rate, for a network that can see already."""


class TrainingError(RuntimeError):
    """Training cannot run; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How the network is trained.

    Attributes:
        architecture: Ultralytics' description; the network starts from random weights.
        width: Of the network's input, a multiple of 32, pixels.
        height: The same.
        epochs: Times that it sees every picture; only where there are no minutes.
        minutes: How long; the number of epochs follows, and the learning rate falls in time. None: epochs.
        batch: Pictures in a step.
        learning_rate: At the start.
        threads: Of torch.
        bfloat16: Compute in 16 bits; twice as fast on processors that can.
        device: Of torch: "cpu", or the number of a GPU.
        seed: Of the weights and of the order of the pictures.
    """

    architecture: str = "yolov8n.yaml"
    width: int = 320
    height: int = 256
    epochs: int = 40
    minutes: float | None = 9.0
    batch: int = 16
    learning_rate: float = 2e-3
    threads: int = 1
    bfloat16: bool = True
    device: str = "cpu"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Fitted:
    """What training gives.

    Attributes:
        network: The ONNX file.
        weights: Ultralytics' own file, from which a training goes on.
        epochs: How many were done.
        versions: Of torch and Ultralytics.
    """

    network: Path
    weights: Path
    epochs: int
    versions: dict[str, str]


def fit(dataset: Path, out: Path, settings: FitSettings, start: Path | None = None) -> Fitted:
    """Train a detector and export it.

    Args:
        dataset: Folder that a ``DatasetWriter`` has written.
        out: Folder for the results.
        settings: How.
        start: Weights of an earlier training to go on from; None for random ones.

    Raises:
        TrainingError: Ultralytics is not installed.
    """
    ultralytics = _ultralytics(out)
    torch.set_num_threads(settings.threads)
    model = ultralytics.YOLO(settings.architecture if start is None else str(start), task="detect")
    if settings.bfloat16 and settings.device == "cpu":
        model.add_callback("on_train_start", _in_bfloat16)
    # Ultralytics takes most threads back when it chooses the device.
    model.add_callback("on_train_start", lambda trainer: torch.set_num_threads(settings.threads))
    done = {"epochs": 0}
    model.add_callback("on_train_epoch_end", lambda trainer: done.update(epochs=trainer.epoch + 1))
    model.train(
        data=str(dataset / "data.yaml"),
        # Training is square; a picture wider than high gets margins, which the export leaves out.
        imgsz=max(settings.width, settings.height),
        epochs=settings.epochs,
        time=None if settings.minutes is None else settings.minutes / 60.0,
        batch=settings.batch,
        optimizer="AdamW",
        lr0=settings.learning_rate * (1.0 if start is None else _GENTLER),
        warmup_epochs=1,
        close_mosaic=min(6, settings.epochs // 2),
        cache="ram",
        workers=0,
        plots=False,
        # False would throw the weights away that it goes on from.
        pretrained=start is not None,
        amp=False,
        device=settings.device,
        seed=settings.seed,
        project=str(out.resolve()),
        name="fit",
        exist_ok=True,
        verbose=False,
    )
    weights = out / "fit" / "weights" / "last.pt"
    # A fresh model: the one that was trained still computes in 16 bits.
    exported = ultralytics.YOLO(str(weights)).export(
        format="onnx",
        imgsz=[settings.height, settings.width],
        opset=17,
        simplify=False,
        dynamic=False,
        device="cpu",
    )
    network = out / "detector.onnx"
    shutil.move(exported, network)
    versions = {"torch": torch.__version__, "ultralytics": _ultralytics_version()}
    return Fitted(network, weights, done["epochs"], versions)


def _ultralytics(out: Path) -> Any:  # noqa: ANN401 - it has no types
    """Import Ultralytics, offline and silent, with its settings in the results' folder."""
    out.mkdir(parents=True, exist_ok=True)
    for name, value in (
        ("YOLO_OFFLINE", "true"),
        ("YOLO_AUTOINSTALL", "false"),
        ("YOLO_VERBOSE", "false"),
        ("ULTRALYTICS_SAFE_LOAD", "true"),  # weights alone, no pickled code
        ("YOLO_CONFIG_DIR", tempfile.mkdtemp(prefix="ultralytics-")),
    ):
        os.environ.setdefault(name, value)
    try:
        ensure_torchvision()
        ultralytics = importlib.import_module("ultralytics")
    except ModuleNotFoundError as error:
        raise TrainingError(
            f"training needs {error.name}: pip install -r requirements/perception-train.txt, in an "
            "environment of its own if you do not want AGPL-3.0 software beside this package"
        ) from error
    ultralytics.settings.update(sync=False)
    return ultralytics


def _ultralytics_version() -> str:
    return version("ultralytics-opencv-headless")


def _in_bfloat16(trainer: Any) -> None:  # noqa: ANN401 - it has no types
    """Ultralytics computes in 16 bits on GPUs only."""
    trainer.model = trainer.model.to(memory_format=torch.channels_last)
    whole = trainer.model.forward

    def forward(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as Ultralytics calls it
        with torch.autocast("cpu", torch.bfloat16):
            return whole(*arguments, **named)

    trainer.model.forward = forward
