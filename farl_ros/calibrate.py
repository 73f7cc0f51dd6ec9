"""A calibration from bags: held-out failures set the threshold, all that is held out says its cost."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence

from farl.calibration import RiskSamples, foretell, quality
from farl.conformal import conformal_threshold, scores
from farl.datasets import DatasetError, DemoSet, Episode, content_hash, digests
from farl.models import ModelBundle, ModelError
from farl.policy import FastPolicy
from farl.risk import RiskForm
from farl.selection import CARD_KEY, Choice
from farl_ros.calibration_file import FORMAT, Calibration, guarantee
from farl_ros.provenance import versions
from farl_ros.quality import held_out
from farl_ros.task_models import task_of_models
from farl_ros.task_spec import TaskSpec

CHOSEN_ON = "chosen_on_failures"


def calibrate(
    spec: TaskSpec,
    bundle: ModelBundle,
    demos: DemoSet,
    miss_rate: float,
    fresh: bool,
    command: Sequence[str],
) -> Calibration:
    """Set the threshold so that at most a stated share of failures is missed.

    Args:
        spec: The task.
        bundle: Models, with the look-ahead and the discount that were chosen for them.
        demos: Failure demonstrations; those that the models were trained on are left out.
        miss_rate: Largest share of failures that may be missed.
        fresh: Leave out those too that look-ahead and discount were chosen on.
        command: How it is made.

    Raises:
        DatasetError: Too few failures are held out for that rate.
        ModelError: The model card does not say what the models were made from.
    """
    episodes = held_out(bundle, demos)
    chosen_on = chosen_episodes(bundle)
    if fresh:
        episodes = _fresh(episodes, chosen_on)
    failing = [e for e in episodes if e.failed]
    lead, window = lead_and_window(spec, bundle)
    samples = foreseen(bundle, episodes, window)
    conformal = conformal_threshold(scores(samples, lead, window), miss_rate)
    figures = quality(samples, conformal.threshold, window, lead)
    others = None if chosen_on is None else chosen_on.isdisjoint(digests(failing))
    return Calibration(
        format=FORMAT,
        guarantee=guarantee(conformal, figures, others),
        task=spec.name,
        task_spec=task_of_models(spec),
        models_sha256=dict(bundle.card["sha256"]),
        data_sha256=hashlib.sha256(" ".join(sorted(map(content_hash, failing))).encode()).hexdigest(),
        data=tuple(digests(failing)),
        fresh=others,
        horizon=bundle.horizon,
        gamma=bundle.risk_gamma,
        conformal=conformal,
        figures=figures,
        clean=len(episodes) - len(failing),
        made_by={**versions(), "command": shlex.join(command)},
    )


def lead_and_window(spec: TaskSpec, bundle: ModelBundle) -> tuple[int, int]:
    """Least useful warning, earliest flag that counts [agent steps]: of the card, else of the task."""
    if CARD_KEY in bundle.card:
        figures = Choice.of_card(bundle.card).figures
        return figures.lead, figures.window
    return spec.shield.lead, max(spec.shield.horizon, bundle.horizon)


def foreseen(bundle: ModelBundle, episodes: Sequence[Episode], window: int) -> RiskSamples:
    """The risk that the shield sees, per step up to the first violation."""
    policy, longest = FastPolicy.of(bundle.task_policy), max(window, bundle.horizon)
    foretold = foretell(bundle.world_model, policy, episodes, longest)
    return foretold.looking(bundle.horizon, bundle.risk_gamma, RiskForm.DISCOUNTED_SUM)


def chosen_episodes(bundle: ModelBundle) -> frozenset[str] | None:
    """The episodes that H and γ_risk were chosen on, as ``digests`` has them; None if it is not said."""
    chosen = bundle.card.get(CHOSEN_ON)
    return None if chosen is None else frozenset(chosen.split())


def _fresh(episodes: Sequence[Episode], chosen_on: frozenset[str] | None) -> list[Episode]:
    if chosen_on is None:
        raise ModelError(
            f"the model card does not say which episodes H and discount were chosen on (no {CHOSEN_ON!r}): "
            "it is older than that; calibrate without --fresh, or train again (farl offline)"
        )
    left = [e for e, d in zip(episodes, digests(episodes), strict=True) if d not in chosen_on]
    if not any(e.failed for e in left):
        raise DatasetError(
            f"H and discount were chosen on all {len(episodes)} held-out episodes with and without a failure "
            "that are here; --fresh needs others: record more failures, with a new seed"
        )
    return left
