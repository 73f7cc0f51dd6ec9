"""The offline phase from bags: what ``farl offline`` and the node ``offline_trainer`` both do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from farl.datasets import DatasetError, DemoSet
from farl.kept_stages import KeptStages
from farl.models import ModelBundle
from farl.offline import OfflineSettings, StageProgress, made_from, train_offline, train_task_policy
from farl.policy import GaussianPolicy
from farl.world_model_training import WorldModelSettings
from farl_ros.bags import BagFolder, read_folder
from farl_ros.policy_cache import PolicyCache
from farl_ros.provenance import versions
from farl_ros.task_models import task_of_models
from farl_ros.task_spec import TaskSpec

STAGES = "stages"
"""Folder in a run folder, until its models are whole."""


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
    settings = OfflineSettings(
        world_model=model, horizon=horizon, lead=spec.shield.lead, resolution=spec.resolution
    )
    return settings if budget is None else replace(settings, false_alarm_budget=budget)


def stages_in(
    out: Path,
    demos: DemoSet,
    settings: OfflineSettings,
    seed: int,
    tell: Callable[[str], None] = lambda _: None,
) -> KeptStages:
    """Finished stages of a training in its run folder; those of another revision of the code are not used."""
    made = {**made_from(demos, settings, seed), "code": versions()}
    return KeptStages(out / STAGES, made, tell)


def offline_from_bags(
    spec: TaskSpec,
    bags: Path,
    seed: int,
    progress: StageProgress,
    tell: Callable[[str], None],
    force: bool = False,
    keep: Path | None = None,
) -> tuple[ModelBundle, BagFolder]:
    """Read a folder of bags and train.

    Args:
        spec: The task.
        bags: Folder with bags of all three kinds.
        seed: Everything random follows from it.
        progress: Called with (stage, fraction, loss); may raise to stop.
        tell: Called with one line for every bag that could not be used, or that something speaks against.
        force: Train without the bags that cannot be used, and with the suspicious ones; else neither.
        keep: Run folder; finished stages are kept in it and taken up again. None to keep none.

    Returns:
        The models, their card naming task and data; and what was read.

    Raises:
        DatasetError: The bags do not suffice; or, without ``force``, some are bad or suspicious.
        BagError: There is no usable bag.
    """
    folder = read_folder(bags, spec)
    for path, reason in folder.rejected:
        tell(f"not used: {path}: {reason}")
    for finding in folder.suspicious:
        tell(f"used although {finding}" if force else str(finding))
    if not force:
        _refuse(spec, bags, folder)
    settings = offline_settings(spec)
    stages = None if keep is None else stages_in(keep, folder.demos, settings, seed, tell)
    bundle = train_offline(folder.demos, settings, seed, progress, stages)
    card = {
        **bundle.card,
        "task": spec.name,
        "task_sha256": spec.sha256,
        "task_spec": task_of_models(spec),
        "rejected_bags": [str(path.name) for path, _ in folder.rejected],
        **({"suspicious_bags": [str(finding) for finding in folder.suspicious]} if folder.suspicious else {}),
        "licence": "Apache-2.0",
    }
    return replace(bundle, card=card), folder


def _refuse(spec: TaskSpec, bags: Path, folder: BagFolder) -> None:
    """Let nothing be trained on what is not what it seems to be.

    Raises:
        DatasetError: Some bags are bad, or suspicious.
    """
    told = "the reasons are above"
    insist = "or insist with --force, which leaves out bad bags and uses suspicious ones"
    if folder.unfit:
        names = ", ".join(str(path) for path in folder.unfit[:5])
        raise DatasetError(
            f"{bags}: {len(folder.unfit)} bags hold something else than sound demonstrations of {spec.name} "
            f"({told}): {names}; nothing is trained, move them away or record them again, {insist}"
        )
    if folder.rejected:
        names = ", ".join(str(path) for path, _ in folder.rejected[:5])
        raise DatasetError(
            f"{bags}: {len(folder.rejected)} bags cannot be used ({told}): {names}; nothing is trained, move "
            f"them away or record them again, {insist}"
        )
    if folder.suspicious:
        raise DatasetError(
            f"{bags}: {len(folder.suspicious)} findings speak against training on these bags ({told}); "
            f"nothing is trained, move the bags away or record them again, {insist}"
        )


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
