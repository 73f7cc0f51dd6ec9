"""The terms of Theorem 1 for a run, before and after: the one place that knows ``farl.correction``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.protocol.tables import CellRow
from farl.correction import CorrectionSettings, measure_correction
from farl.policy import FastPolicy
from farl.shield import Shield
from farl_ros.environments import kit_of, make_environment
from farl_ros.job import Job

SHOWN = ("p_risk", "delta", "eps_rec", "bound", "gain")
"""Terms that the report shows; the table holds all."""
INITIAL, FINAL = "initial", "final"


@dataclass(frozen=True)
class TheoremRow(CellRow):
    """One term for one policy; see ``farl.correction.CorrectionTerms``.

    Attributes:
        policy: ``initial`` (offline) or ``final`` (fine-tuned).
        term: Which.
        mean: Its estimate; None where there was nothing to average.
        standard_error: Of the estimate, over episodes; None where it is not known.
        count: Samples behind it.
    """

    policy: str
    term: str
    mean: float | None
    standard_error: float | None
    count: int


def measure(
    job: Job, which: str, policy: FastPolicy, shield: Shield, seed: int, settings: CorrectionSettings
) -> list[TheoremRow]:
    """Measure all terms for one policy.

    Args:
        job: The run.
        which: What the rows call the policy.
        policy: The policy with its exploration noise.
        shield: Switched on, around the same policy.
        seed: The result follows from it.
        settings: How much is measured; horizon and discount are taken from the job.
    """
    spec = job.spec
    settings = replace(settings, longest=spec.horizon, gamma=job.settings.ppo.gamma)
    horizon = spec.horizon + settings.branch_steps
    endless = {**spec.environment_kwargs(evaluation=True), "horizon": horizon}
    terms = measure_correction(
        make_environment(spec), kit_of(spec).make(**endless), policy, shield, seed, settings
    )
    return [
        TheoremRow(spec.name, job.preset.value, job.seed, which, name, *_numbers(estimate))
        for name, estimate in terms.to_dict().items()
        if isinstance(estimate, dict)
    ]


def _numbers(estimate: dict[str, float | None]) -> Sequence[float | None]:
    return estimate["mean"], estimate["standard_error"], estimate["count"]
