"""Ultralytics really trains, offline, and its export runs here without it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from perception.detection.model_folder import load_detector
from perception.training.fit import FitSettings
from perception.training.scenes import Scenes
from perception.training.train import TrainSettings, train_detector
from tests.perception.test_training import LIMITS, MODELS, draw


@pytest.mark.slow
def test_from_scenes_to_a_model_folder_that_loads(tmp_path):
    pytest.importorskip("polars", reason="needs requirements/perception-train.txt")
    settings = TrainSettings(pictures=16, validation=4, test=3)
    fit = FitSettings(width=160, height=128, epochs=1, minutes=None, batch=8)
    folder = tmp_path / "models" / "push"
    scenes = Scenes("Push", draw, MODELS, LIMITS)
    result = train_detector(scenes, tmp_path / "work", folder, settings, fit)
    assert result.pictures == 3
    card = json.loads((folder / "card.json").read_text())
    assert card["classes"] == ["puck"] and card["licence"].startswith("AGPL-3.0")
    assert card["training"]["epochs_done"] == 1
    detector = load_detector(folder, ("puck",), 0.001, 0.5, threads=1)
    assert (detector._network.width, detector._network.height) == (160, 128)
    found = detector.detect(np.full((240, 320, 3), 128, np.uint8))
    assert all(one.object_class == "puck" for one in found)


@pytest.mark.slow
def test_training_goes_on_from_weights_and_not_from_chance(tmp_path):
    pytest.importorskip("polars", reason="needs requirements/perception-train.txt")
    import torch
    import ultralytics

    settings = TrainSettings(pictures=8, validation=2, test=1)
    fit = FitSettings(width=160, height=128, epochs=1, minutes=None, batch=8)
    scenes = Scenes("Push", draw, MODELS, LIMITS)
    train_detector(scenes, tmp_path / "one", tmp_path / "first", settings, fit)
    start = tmp_path / "one" / "fit" / "weights" / "last.pt"
    again = replace(fit, seed=1)
    train_detector(scenes, tmp_path / "two", tmp_path / "second", settings, again, start)

    def kernels(file):
        return ultralytics.YOLO(str(file)).model.model[2].cv1.conv.weight.float()

    first, second = kernels(start), kernels(tmp_path / "two" / "fit" / "weights" / "last.pt")
    assert torch.nn.functional.cosine_similarity(first.flatten(), second.flatten(), dim=0) > 0.9
