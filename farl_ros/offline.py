"""The offline phase from bags: what ``farl offline`` and the node ``offline_trainer`` both do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from farl.datasets import DatasetError
from farl.models import ModelBundle
from farl.offline import OfflineSettings, StageProgress, train_offline, train_task_policy
from farl.policy import GaussianPolicy
from farl.world_model_training import WorldModelSettings
from farl_ros.bags import BagFolder, read_folder
from farl_ros.policy_cache import PolicyCache
from farl_ros.task_models import task_of_models
from farl_ros.task_spec import TaskSpec


def offline_settings(spec: TaskSpec) -> OfflineSettings:
    """Settings of the offline phase for a task: the defaults, looking ahead as far as the task asks."""
    horizon, budget = spec.shield.horizon, spec.shield.false_alarm_budget
    model = WorldModelSettings(horizon=horizon)
    if spec.offline is not None:
        updates, rate = spec.offline.world_model_updates, spec.offline.world_model_rate
        model = replace(
            model,
            updates=model.updates if updates is None else updates,
            learning_rate=model.learning_rate if rate is None else rate,
        )
    settings = OfflineSettings(world_model=model, horizon=horizon, lead=spec.shield.lead)
    return settings if budget is None else replace(settings, false_alarm_budget=budget)


def offline_from_bags(
    spec: TaskSpec, bags: Path, seed: int, progress: StageProgress, tell: Callable[[str], None]
) -> tuple[ModelBundle, BagFolder]:
    """Read a folder of bags and train.

    Args:
        spec: The task.
        bags: Folder with bags of all three kinds.
        seed: Everything random follows from it.
        progress: Called with (stage, fraction, loss); may raise to stop.
        tell: Called with one line for every bag that could not be used.

    Returns:
        The models, their card naming task and data; and what was read.

    Raises:
        DatasetError: The bags do not suffice, or some hold something else than demonstrations of the task.
        BagError: There is no usable bag.
    """
    folder = read_folder(bags, spec)
    for path, reason in folder.rejected:
        tell(f"not used: {path}: {reason}")
    if folder.unfit:
        names = ", ".join(str(path) for path in folder.unfit[:5])
        raise DatasetError(
            f"{bags}: {len(folder.unfit)} bags hold something else than sound demonstrations of {spec.name} "
            f"(the reasons are above): {names}; nothing is trained, move them away or record them again"
        )
    bundle = train_offline(folder.demos, offline_settings(spec), seed, progress)
    card = {
        **bundle.card,
        "task": spec.name,
        "task_sha256": spec.sha256,
        "task_spec": task_of_models(spec),
        "rejected_bags": [str(path.name) for path, _ in folder.rejected],
        "licence": "Apache-2.0",
    }
    return replace(bundle, card=card), folder


def task_policy_from_bags(
    spec: TaskSpec, out: Path, kind: str, seed: int, progress: StageProgress, tell: Callable[[str], None]
) -> GaussianPolicy:
    """The task policy that ``farl offline`` makes from the same bags, kept in ``out`` once it is made.

    Args:
        spec: The task.
        out: Folder of the demonstrations; the policy is kept in it.
        kind: Folder in it with the task demonstrations.
        seed: Everything random follows from it, unless the bags name theirs.
        progress: Called with (stage, fraction, loss); may raise to stop.
        tell: Called with one line when a kept policy cannot be used.

    Raises:
        BagError: There is no usable bag.
    """
    episodes = read_folder(out / kind, spec).demos.episodes
    settings = offline_settings(spec)
    seed = int(episodes[0].metadata.get("seed", seed))
    cache = PolicyCache.of(out, episodes, settings, seed)
    kept = cache.load(tell)
    if kept is not None:
        return kept
    made = train_task_policy(
        episodes, settings, seed, lambda fraction, loss: progress("task policy", fraction, loss)
    )
    cache.save(made)
    return made.policy
