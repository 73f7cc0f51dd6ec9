"""The terms of Theorem 1 (Assumptions 1-3, Eq. 13-15), measured instead of assumed. Benchmarks only.

The measurement goes back to moments of an episode, which no robot can: it is privileged, and nothing that
learns or decides may use it. What it measures, and where that differs from the letter of the paper:

- ρ_π: states that the *exploring* task policy visits without a shield, up to the first violation of their
  episode. An irreversible failure ends what can be corrected; afterwards every action would count as risky.
- A_risk(s): actions that the shield flags, C_H predicted by the world model. The theorem takes them for
  risky; ``fails_alone`` says how many are.
- A(s, a) − A(s, a') = Q(s, a) − Q(s, a'): both actions from the same moment, then the exploring task policy
  with the same noise in both (common random numbers), in task rewards discounted with PPO's γ.
- δ: the mean of Assumption 3's gap. The assumption wants a lower bound over all states; a mean is all that
  can be measured, and it is the more favourable figure.
- The O(ε_rec) of Eq. 13 has no constant: ``bound`` is without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from farl.actor import Actor
from farl.branches import Behaviour, Branch, ResumableEnvironment, branch
from farl.estimates import EpisodeMean, Estimate, product
from farl.policy import FastPolicy
from farl.shield import Shield, ShieldMode
from farl.types import Array
from farl.visits import VisitedEpisode, flags, resample, visit

_BRANCHES, _CHOICE = 0x62726368, 0x63686F69  # stream names, see farl.noise


@dataclass(frozen=True)
class CorrectionSettings:
    """How much is measured; the defaults take about 25 s of one core on BoundedPush.

    Attributes:
        episodes: N, episodes that the policy explores without a shield.
        longest: Longest such episode [agent steps]: the horizon of the task.
        flagged_states: M, flagged states at which branches start, drawn evenly from all.
        branch_steps: T, length of the branches [agent steps]; 200 hold 87 % of the weight at γ = 0.99.
        gamma: γ of PPO.
        resampled_actions: K, actions drawn anew in one state.
        resample_every: p_risk(s) is looked at in every so many-th state.
        actions_per_side: Safe and risky actions per state that are tried for Assumption 3, at most.
        recovery_steps: L, within which late failures still count [agent steps]; at least H, less than T.
    """

    episodes: int = 40
    longest: int = 250
    flagged_states: int = 48
    branch_steps: int = 200
    gamma: float = 0.99
    resampled_actions: int = 16
    resample_every: int = 4
    actions_per_side: int = 2
    recovery_steps: int = 60


@dataclass(frozen=True)
class CorrectionTerms:
    """Theorem 1 in numbers; every ``Estimate`` has mean None where there was nothing to average.

    Without a flagged state p_risk, gain and bound are 0 and the rest is None; where every action is flagged
    there is no safe one to compare with: delta and bound are None.

    Attributes:
        states: Visited states before the first violation of their episode.
        flagged: How many of them had a flagged sampled action.
        measured: At how many of those branches were started.
        failure_rate: Share of the unshielded episodes with a violation.
        foretold: Share of those whose last H steps before the first violation had a flag.
        p_risk: E_s[p_risk(s)]: share of visited states whose sampled action is flagged.
        p_risk_resampled: The same from K other actions in every n-th state.
        mixed: Share of measured states with both safe and risky actions among the resampled ones.
        delta: Mean of Assumption 3's gap over the mixed states: E_safe[A] − E_risk[A].
        correction: Mean over measured states of A(s, a_rec) − A(s, a_risk): what one swap is worth.
        intervention: The same for all that follows: the shield stays on in the one branch and off in the
            other. Not a term of the theorem, whose recovery is one action long.
        recovery_flagged: Share of measured states in which the shield flags the recovery action as well:
            ε_rec to the letter of Assumption 2.
        fails_alone: Share of measured states from which a_risk and the task policy violate within H: the
            precision of the flags. One minus it: false alarms.
        fails_after_one: The same after one recovery action: ε_rec of Assumption 2 by the simulator.
        eps_rec: The same under the shield, as FARL runs: recovery while it flags.
        eps_rec_long: The same within L steps: late failures are failures.
        released: Share of measured states after which the shield lets the task policy act within L steps.
        saved: Of the states from which the task policy violates within H: share that the shield keeps safe
            for H steps.
        harmed: Of the others: share that violate under the shield within H.
        bound: p_risk · delta · (1 − eps_rec), the right side of Eq. 13 less the baseline.
        gain: E_s[p_risk(s) (E_rec[A] − E_risk[A])], the left side of Eq. 15 averaged over states, measured as
            p_risk · correction.
    """

    states: int
    flagged: int
    measured: int
    failure_rate: Estimate
    foretold: Estimate
    p_risk: Estimate
    p_risk_resampled: Estimate
    mixed: Estimate
    delta: Estimate
    correction: Estimate
    intervention: Estimate
    recovery_flagged: Estimate
    fails_alone: Estimate
    fails_after_one: Estimate
    eps_rec: Estimate
    eps_rec_long: Estimate
    released: Estimate
    saved: Estimate
    harmed: Estimate
    bound: Estimate
    gain: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain dictionaries, fit for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Measured:
    """The branches from one flagged state."""

    episode: int
    risky: Branch
    recovery: Branch
    shielded: Branch
    recovery_flagged: bool
    mixed: bool
    gap: float | None


def measure_correction(
    environment: ResumableEnvironment,
    continuing: ResumableEnvironment,
    policy: FastPolicy,
    shield: Shield,
    seed: int,
    settings: CorrectionSettings = CorrectionSettings(),
) -> CorrectionTerms:
    """Measure the terms of Theorem 1 for one policy, shield and recovery policy.

    Args:
        environment: The task by the rules of training: which states are visited.
        continuing: The same task without a success end and with a horizon of at least ``settings.longest +
            settings.branch_steps``: an end would hide what an action is worth. Snapshots of ``environment``
            must fit it. It may be the same object where episodes do not end.
        policy: The task policy with the exploration noise that it explores with.
        shield: Switched on; it must roll out the same policy.
        seed: The result is a pure function of it and the other arguments.
        settings: See ``CorrectionSettings``.

    Raises:
        ValueError: The shield is off, or not H ≤ L < T.
    """
    horizon = shield.settings.horizon
    if shield.settings.mode != ShieldMode.ON:
        raise ValueError(f"the shield is {shield.settings.mode.value}; what it flags is needed: switch it on")
    if not horizon <= settings.recovery_steps < settings.branch_steps:
        raise ValueError(
            f"expected H <= recovery_steps < branch_steps, got {horizon}, {settings.recovery_steps} and "
            f"{settings.branch_steps}"
        )
    explorer = Actor(policy, seed, settings.longest)
    episodes = [
        visit(environment, explorer, shield, seed, k, settings.longest) for k in range(settings.episodes)
    ]
    choose = np.random.default_rng([seed, _CHOICE])
    flagged = [(e, int(t)) for e in episodes for t in np.flatnonzero(e.flagged)]
    picks = sorted(choose.permutation(len(flagged))[: settings.flagged_states].tolist())
    brancher = Actor(policy, seed ^ _BRANCHES, settings.branch_steps)
    measured = []
    for index, pick in enumerate(picks):
        episode, step = flagged[pick]
        measured.append(_measure(continuing, brancher, shield, episode, step, seed, index, settings))
    return _terms(episodes, measured, shield, policy, seed, settings)


def _measure(
    environment: ResumableEnvironment,
    actor: Actor,
    shield: Shield,
    episode: VisitedEpisode,
    step: int,
    seed: int,
    index: int,
    settings: CorrectionSettings,
) -> _Measured:
    observation, moment = episode.observations[step], episode.moments[step]
    risky, recovery = episode.actions[step], shield.recovery_action(observation)

    def task(seen: Array, k: int) -> tuple[Array, bool]:
        return actor.propose(seen, index, k).values, False  # noise by (index, k): common to all branches

    def shielded(seen: Array, k: int) -> tuple[Array, bool]:
        decision = shield.check(seen, actor.propose(seen, index, k))
        return decision.executed, decision.intervened

    def run(first: Array, behaviour: Behaviour) -> Branch:
        return branch(environment, moment, first, behaviour, settings.branch_steps, settings.gamma)

    others = resample(actor.policy, observation, settings.resampled_actions, seed, episode.number, step)
    at_risk = flags(shield, np.broadcast_to(observation, (len(others), len(observation))), others)
    safe = others[~at_risk][: settings.actions_per_side]
    more_risky = others[at_risk][: settings.actions_per_side - 1]
    alone = run(risky, task)
    gap = None
    if len(safe):
        risky_values = [alone.value, *(run(a, task).value for a in more_risky)]
        gap = float(np.mean([run(a, task).value for a in safe]) - np.mean(risky_values))
    return _Measured(
        episode=episode.number,
        risky=alone,
        recovery=run(recovery, task),
        shielded=run(recovery, shielded),
        recovery_flagged=bool(flags(shield, observation[None], recovery[None])[0]),
        mixed=bool(len(safe)),
        gap=gap,
    )


def _terms(
    episodes: Sequence[VisitedEpisode],
    measured: Sequence[_Measured],
    shield: Shield,
    policy: FastPolicy,
    seed: int,
    settings: CorrectionSettings,
) -> CorrectionTerms:
    horizon, total = shield.settings.horizon, len(episodes)

    def mean(samples: Sequence[float], numbers: Sequence[int]) -> EpisodeMean:
        return EpisodeMean.of(samples, numbers, total)

    def over(chosen: Sequence[_Measured], sample: Callable[[_Measured], float]) -> EpisodeMean:
        return mean([sample(m) for m in chosen], [m.episode for m in chosen])

    def risk_probabilities(episode: VisitedEpisode) -> list[float]:
        return episode.risk_probabilities(
            shield, policy, seed, settings.resampled_actions, settings.resample_every
        )

    def fails(which: Branch) -> bool:
        return which.violates_within(horizon)

    every = [(float(f), e.number) for e in episodes for f in e.flagged]
    p_risk = mean([f for f, _ in every], [n for _, n in every])
    drawn = [(p, e.number) for e in episodes for p in risk_probabilities(e)]
    failing = [e for e in episodes if e.violation is not None]
    correction = over(measured, lambda m: m.recovery.value - m.risky.value)
    mixed = [m for m in measured if m.gap is not None]
    delta = over(mixed, lambda m: m.gap if m.gap is not None else np.nan)
    eps_rec = over(measured, lambda m: fails(m.shielded))
    doomed, fine = [m for m in measured if fails(m.risky)], [m for m in measured if not fails(m.risky)]
    numbers = [e.number for e in failing]
    nothing = Estimate(0.0, 0.0, len(every))  # where nothing is flagged nothing is swapped
    return CorrectionTerms(
        states=len(every),
        flagged=int(sum(f for f, _ in every)),
        measured=len(measured),
        failure_rate=mean(
            [float(e.violation is not None) for e in episodes], [e.number for e in episodes]
        ).estimate(),
        foretold=mean([float(e.foretold(horizon)) for e in failing], numbers).estimate(),
        p_risk=p_risk.estimate(),
        p_risk_resampled=mean([p for p, _ in drawn], [n for _, n in drawn]).estimate(),
        mixed=over(measured, lambda m: m.mixed).estimate(),
        delta=delta.estimate(),
        correction=correction.estimate(),
        intervention=over(measured, lambda m: m.shielded.value - m.risky.value).estimate(),
        recovery_flagged=over(measured, lambda m: m.recovery_flagged).estimate(),
        fails_alone=over(measured, lambda m: fails(m.risky)).estimate(),
        fails_after_one=over(measured, lambda m: fails(m.recovery)).estimate(),
        eps_rec=eps_rec.estimate(),
        eps_rec_long=over(measured, lambda m: m.shielded.violates_within(settings.recovery_steps)).estimate(),
        released=over(
            measured, lambda m: not all(m.shielded.interventions[1 : settings.recovery_steps + 1])
        ).estimate(),
        saved=over(doomed, lambda m: not fails(m.shielded)).estimate(),
        harmed=over(fine, lambda m: fails(m.shielded)).estimate(),
        bound=product(p_risk, delta, eps_rec.complement()) if measured else nothing,
        gain=product(p_risk, correction) if measured else nothing,
    )
