"""``farl evaluate``: how good the models are, with and without the shield."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated

import typer
from rich.table import Table

from farl.actor import Actor
from farl.evaluation import Evaluation
from farl.evaluation import evaluate as run_evaluation
from farl.policy import FastPolicy
from farl.presets import Preset, settings_for
from farl.shield import Shield, ShieldMode
from farl_ros.commands.common import (
    JsonOption,
    ModelsOption,
    SeedOption,
    TaskArgument,
    console,
    load,
    models_folder,
    write_figures,
)
from farl_ros.environments import make_environment
from farl_ros.task_models import load_models_for


def evaluate(
    task: TaskArgument,
    models: ModelsOption = None,
    episodes: Annotated[int, typer.Option(min=1, help="Episodes per row.")] = 20,
    noise: Annotated[
        float, typer.Option(min=0.0, help="Exploration noise of the exploring rows, standard deviation.")
    ] = 0.3,
    seed: SeedOption = 0,
    json: JsonOption = None,
) -> None:
    """Run the task policy over whole episodes: its mean action, and exploring without and with the shield.

    Example: farl evaluate BoundedPush --models models/BoundedPush --episodes 20
    """
    spec = load(task)
    bundle = load_models_for(spec, models_folder(spec, models))
    shield_settings = settings_for(Preset.PAPER, bundle).shield
    policy = FastPolicy.of(bundle.task_policy)
    exploring = policy.with_std(noise)
    environments = [make_environment(spec, evaluation=True) for _ in range(min(episodes, 8))]

    def row(acting: FastPolicy, deterministic: bool, mode: ShieldMode) -> Evaluation:
        actor = Actor(acting, seed, spec.horizon, deterministic=deterministic)
        shield = Shield(
            replace(shield_settings, mode=mode),
            acting,
            FastPolicy.of(bundle.recovery_policy),
            bundle.world_model,
            bundle.world_model_hash,
        )
        return run_evaluation(environments, actor, shield, episodes, seed)

    rows = {
        "policy alone": row(policy, True, ShieldMode.OFF),
        "policy under the shield": row(policy, True, ShieldMode.ON),
        "exploring alone": row(exploring, False, ShieldMode.OFF),
        "exploring under the shield": row(exploring, False, ShieldMode.ON),
    }
    table = Table(
        "",
        "return",
        "success",
        "failing episodes",
        "recovery steps",
        title=f"{spec.name}, {episodes} episodes each",
    )
    for name, result in rows.items():
        table.add_row(
            name,
            f"{result.mean_return:.1f} ± {result.std_return:.1f}",
            f"{result.success_rate:.0%}",
            f"{result.failure_rate:.0%}",
            f"{result.recovery_share:.1%}",
        )
    console.print(table)
    write_figures(json, {name.replace(" ", "_"): asdict(result) for name, result in rows.items()})
