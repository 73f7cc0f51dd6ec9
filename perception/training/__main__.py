"""Trains a detector: ``python -m perception.training --scenes module:function --task T --out FOLDER``."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from perception.training.fit import FitSettings
from perception.training.scenes import scenes_from
from perception.training.train import TrainSettings, train_detector


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, train, and tell how good the detector is."""
    plain, plain_fit = TrainSettings(), FitSettings()
    parser = argparse.ArgumentParser(prog="python -m perception.training", description="Train a detector.")
    parser.add_argument("--scenes", required=True, help="package.module:function that makes a task's scenes")
    parser.add_argument("--task", required=True)
    parser.add_argument("--out", type=Path, required=True, help="the model folder to write")
    parser.add_argument("--work", type=Path, help="folder for dataset and training; default: a temporary one")
    parser.add_argument("--start", type=Path, help="weights of an earlier training (last.pt) to go on from")
    parser.add_argument("--pictures", type=int, default=plain.pictures)
    parser.add_argument("--validation", type=int, default=plain.validation)
    parser.add_argument("--test", type=int, default=plain.test)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="instead of minutes")
    parser.add_argument("--minutes", type=float, default=plain_fit.minutes, help="of training")
    parser.add_argument("--device", default="cpu", help="cpu, or the number of a GPU")
    given = parser.parse_args(arguments)
    scenes = scenes_from(given.scenes, given.task)
    settings = TrainSettings(given.pictures, given.validation, given.test, given.seed)
    minutes = given.minutes if given.epochs is None else None
    epochs = plain_fit.epochs if given.epochs is None else given.epochs
    fit = FitSettings(epochs=epochs, minutes=minutes, device=given.device, seed=given.seed)
    with tempfile.TemporaryDirectory(prefix="detector-") as scratch:
        work = Path(scratch) if given.work is None else given.work
        result = train_detector(scenes, work, given.out, settings, fit, given.start)
    print(
        f"{given.out}: mAP50 {result.map50:.3f}, located {result.located:.1%}, position error "
        f"median {1e3 * result.error_median:.1f} mm, p95 {1e3 * result.error_p95:.1f} mm, "
        f"on {result.pictures} pictures"
    )


if __name__ == "__main__":
    main()
