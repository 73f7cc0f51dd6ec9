"""Files that last: whole, verified, refused with a clear word when not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from farl.files import FileError, read_arrays, read_json, write_arrays, write_atomic, write_json
from farl.models import ModelBundle, ModelError, load_models, load_policy, save_models
from tests.farl.conftest import OBSERVATION


def test_a_bundle_comes_back_as_it_was(bundle: ModelBundle, tmp_path: Path) -> None:
    world_model_hash = save_models(bundle, tmp_path)
    loaded = load_models(tmp_path, "Test")
    assert loaded.world_model_hash == world_model_hash and len(world_model_hash) == 64
    assert (loaded.horizon, loaded.risk_gamma, loaded.threshold, loaded.reward_scale) == (5, 1.0, 0.3, 0.05)
    x = torch.randn(4, OBSERVATION)
    assert torch.equal(bundle.task_policy.mean(x), loaded.task_policy.mean(x))
    assert torch.equal(bundle.recovery_policy.mean(x), loaded.recovery_policy.mean(x))
    assert torch.equal(bundle.value(x), loaded.value(x))
    assert torch.equal(bundle.world_model.encode(x), loaded.world_model.encode(x))


def test_a_threshold_of_zero_stays_zero(bundle: ModelBundle, tmp_path: Path) -> None:
    save_models(replace(bundle, threshold=0.0), tmp_path)
    assert load_models(tmp_path).threshold == 0.0


@pytest.mark.parametrize("file", ["task_policy", "value", "recovery_policy", "world_model"])
def test_one_changed_byte_is_noticed(bundle: ModelBundle, tmp_path: Path, file: str) -> None:
    save_models(bundle, tmp_path)
    path = tmp_path / f"{file}.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=rf"{file}\.safetensors: its SHA-256"):
        load_models(tmp_path)


def test_wrong_folders_are_refused_with_a_reason(bundle: ModelBundle, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"card\.json: cannot be read"):
        load_models(tmp_path / "nothing")
    save_models(bundle, tmp_path)
    with pytest.raises(ModelError, match="for task 'Test', expected 'BoundedPush'"):
        load_models(tmp_path, "BoundedPush")
    card = json.loads((tmp_path / "card.json").read_text())
    write_json(tmp_path / "card.json", {**card, "format": 99})
    with pytest.raises(ModelError, match="format 99"):
        load_models(tmp_path)
    write_json(tmp_path / "card.json", {**card, "sizes": {"observation": OBSERVATION}})
    with pytest.raises(ModelError, match="incomplete model card"):
        load_models(tmp_path)
    write_json(tmp_path / "card.json", {**card, "sizes": {**card["sizes"], "policy_hidden": 64}})
    with pytest.raises(ModelError, match="does not fit"):
        load_models(tmp_path)


def test_a_file_that_is_no_policy_is_refused(bundle: ModelBundle, tmp_path: Path) -> None:
    sha256 = write_arrays(tmp_path / "other.safetensors", {"a": np.zeros(3, np.float32)})
    with pytest.raises(ModelError, match="not a policy"):
        load_policy(tmp_path / "other.safetensors", sha256)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    write_json(path, {"version": 1})

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("farl.files.os.fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        write_json(path, {"version": 2})
    assert read_json(path) == {"version": 1}


def test_cut_off_files_are_named(tmp_path: Path) -> None:
    write_atomic(tmp_path / "cut.json", b'{"a": 1')
    with pytest.raises(FileError, match=r"cut\.json: not JSON"):
        read_json(tmp_path / "cut.json")
    write_atomic(tmp_path / "cut.safetensors", b"\x10\x00\x00\x00\x00\x00\x00\x00{")
    with pytest.raises(FileError, match="not a whole safetensors file"):
        read_arrays(tmp_path / "cut.safetensors")
