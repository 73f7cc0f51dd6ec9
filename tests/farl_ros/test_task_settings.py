"""What a task asks of the offline and the online phase, and that one which asks nothing changes nothing."""

from pathlib import Path

import pytest

from farl.finetuning import Limit
from farl.offline import OfflineSettings
from farl.presets import PPOSettings, Preset, settings_for
from farl_ros.job import Job
from farl_ros.offline import offline_settings
from farl_ros.task_models import load_models_for
from farl_ros.task_spec import TaskError, load_task, parse_task

ROOT = Path(__file__).resolve().parents[2]


def asked(**changes):
    return parse_task(load_task("DiscTable").resolved() | changes, "asked.yaml")


def job(spec):
    folder = ROOT / "models" / "DiscTable"
    bundle = load_models_for(spec, folder)
    return Job(spec, folder, bundle, Preset.PAPER, 0, Limit(episodes=1), Path("run"))


def test_a_task_that_asks_nothing_has_the_presets_settings():
    made = job(load_task("DiscTable"))
    assert made.settings == settings_for(Preset.PAPER, made.bundle)
    assert made.settings.ppo == PPOSettings()


def test_a_task_changes_only_what_it_names():
    online = {"rollout_steps": 200, "policy_rate": 1e-4, "value_only_updates": 0}
    settings = job(asked(online=online)).settings.ppo
    assert (settings.rollout_steps, settings.policy_rate, settings.value_only_updates) == (200, 1e-4, 0)
    assert (settings.minibatch, settings.epochs) == (PPOSettings().minibatch, PPOSettings().epochs)


def test_a_run_keeps_what_the_task_asked_for():
    assert job(asked(online={"minibatch": 32})).recorded()["ppo"]["minibatch"] == 32


def test_the_offline_phase_takes_what_the_task_asks_for():
    plain, usual = offline_settings(load_task("DiscTable")), OfflineSettings()
    assert plain.false_alarm_budget == usual.false_alarm_budget
    assert plain.world_model.updates == usual.world_model.updates
    shield = {"horizon": 20, "lead": 5, "false_alarm_budget": 0.1}
    spec = asked(offline={"world_model_updates": 7, "world_model_rate": 0.5}, shield=shield)
    made = offline_settings(spec)
    assert (made.false_alarm_budget, made.world_model.updates, made.world_model.learning_rate) == (
        0.1,
        7,
        0.5,
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"online": {"rollout_steps": 0}}, "online.rollout_steps: Input should be greater than 0"),
        ({"online": {"rollout_step": 5}}, "online: unknown key 'rollout_step'"),
        ({"offline": {"world_model_rate": 0.0}}, "offline.world_model_rate: Input should be greater than 0"),
        (
            {"shield": {"horizon": 5, "lead": 2, "false_alarm_budget": 1.0}},
            "shield.false_alarm_budget: Input should be less than 1",
        ),
    ],
)
def test_what_cannot_be_is_named(changes, message):
    with pytest.raises(TaskError, match=message):
        asked(**changes)


def test_the_hash_of_a_task_that_asks_nothing_is_that_of_before():
    """Models and runs are bound to it: new keys that a task does not use must not change it."""
    assert load_task("BoundedPush").sha256.startswith("3bc8defa07be")
