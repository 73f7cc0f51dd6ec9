"""What a shield would have done in recorded episodes, and what it did then: of demonstrations and of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farl.calibration import NEVER, Quality, StepRisks, first_flags, flags, foretell, quality
from farl.datasets import DatasetError, Episode, digests
from farl.models import ModelBundle
from farl.policy import FastPolicy
from farl.quality import Foresight, LeadTimes, Reliability, ShieldChoice, foresight, lead_times, reliability
from farl.risk import RiskForm
from farl.types import Array, EpisodeKind
from farl_ros.bag_reader import read_bag, read_columns
from farl_ros.bag_writer import BagError
from farl_ros.bags import EPISODE_TOPICS, bags_in, episode_of
from farl_ros.calibrate import lead_and_window
from farl_ros.messages import Topic
from farl_ros.task_spec import TaskSpec

TRAINED_ON = ("trained_on_failures", "trained_on_others")
"""Where a model card says which episodes it was made from."""


class Verdict(StrEnum):
    """How the shield would have done in an episode; the most telling first."""

    MISSED = "missed"
    LATE = "too late"
    FALSE_ALARM = "false alarm"
    OPEN = "flagged, open"  # somebody stepped in, or began in danger: what would have come nobody knows
    CAUGHT = "caught"
    QUIET = "quiet"


@dataclass(frozen=True)
class Watched:
    """An episode of T steps as it was recorded, with what was decided then.

    Attributes:
        path: Its bag.
        episode: What happened; its actions are the executed ones.
        proposed: What was proposed, shape ``(T, A)``; the executed action where nobody proposed anything.
        intervened: Whether the shield swapped, shape ``(T,)``.
        risk: Predicted then, shape ``(T,)``; NaN where no shield looked.
        threshold: What it was held against; NaN where no shield looked.
    """

    path: Path
    episode: Episode
    proposed: Array
    intervened: NDArray[np.bool_]
    risk: Array
    threshold: float

    @property
    def natural(self) -> bool:
        """Whether it went as it goes without a shield: nobody stepped in, and it did not begin in danger."""
        return not self.intervened.any() and self.episode.kind != EpisodeKind.RECOVERY


@dataclass(frozen=True)
class Audited:
    """An episode, and what the shield says of its first N steps, up to the first violation.

    Attributes:
        watched: What was recorded.
        risk: Predicted now for what was proposed, shape ``(N,)``.
        flagged: Where the shield would step in now, shape ``(N,)``.
        lead: Steps from its first flag in the window to the violation; None without either.
        verdict: How it would have done.
        trained_on: Whether the models were made from this very episode.
    """

    watched: Watched
    risk: Array
    flagged: NDArray[np.bool_]
    lead: int | None
    verdict: Verdict
    trained_on: bool

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Where the shield decides otherwise than the one that looked then, shape ``(N,)``."""
        n = len(self.risk)
        then = self.watched.intervened[:n]
        return np.asarray(np.isfinite(self.watched.risk[:n]) & (then != self.flagged))


@dataclass(frozen=True)
class Audit:
    """A shield on recorded episodes.

    Attributes:
        task: Name of the task.
        shield: Which shield.
        world_model: SHA-256 of its world model.
        calibration: SHA-256 of the calibration file that it goes by; empty for the model card.
        episodes: All that could be read, in the order of their paths.
        rejected: Bags that could not, each with the reason.
        counted: Of how many episodes the figures are: no episode that was trained on, and none without a
            failure in which somebody stepped in.
        figures: Precision, recall, false alarms and lead at the threshold, of those.
        foresight: Of the same.
        lead_times: Of the same.
        reliability: Of those of them in which nobody stepped in; None if there is none.
    """

    task: str
    shield: ShieldChoice
    world_model: str
    calibration: str
    episodes: tuple[Audited, ...]
    rejected: tuple[tuple[Path, str], ...]
    counted: int
    figures: Quality
    foresight: tuple[Foresight, ...]
    lead_times: LeadTimes
    reliability: Reliability | None

    def of(self, verdict: Verdict) -> list[Audited]:
        """The episodes with a verdict, those too that are not counted."""
        return [e for e in self.episodes if e.verdict == verdict]

    def to_json(self) -> dict[str, Any]:
        """The figures and one row per bag, in plain JSON types."""
        return {
            "task": self.task,
            "shield": asdict(self.shield),
            "world_model": self.world_model,
            "calibration": self.calibration,
            "counted": self.counted,
            "figures": asdict(self.figures),
            "lead_times": asdict(self.lead_times),
            "reliability": None if self.reliability is None else asdict(self.reliability),
            "bags": [_row(e) for e in self.episodes],
            "rejected": [{"bag": str(path), "reason": reason} for path, reason in self.rejected],
        }


def read_watched(path: Path, spec: TaskSpec) -> tuple[list[Watched], list[tuple[Path, str]]]:
    """Every bag below a folder with what was decided then; and those that cannot be read, with the reason.

    Raises:
        BagError: There is no bag, or none that can be used.
    """
    watched, rejected = [], []
    for bag in bags_in(path):
        try:
            watched.append(_watched(bag, spec))
        except (BagError, DatasetError) as error:
            rejected.append((bag, str(error)))
    if not watched:
        reasons = "".join(f"\n  {reason}" for _, reason in rejected[:5])
        raise BagError(f"{path}: none of {len(rejected)} bags can be audited:{reasons}")
    return watched, rejected


def audit(
    spec: TaskSpec,
    bundle: ModelBundle,
    watched: Sequence[Watched],
    rejected: Sequence[tuple[Path, str]] = (),
) -> Audit:
    """Ask the shield at every step of recorded episodes what it would do, and hold it against what came.

    Every state is the recorded one: what would have come of another decision is not followed.

    Args:
        spec: The task.
        bundle: Models, with their shield.
        watched: The episodes.
        rejected: For the report.
    """
    lead, window = lead_and_window(spec, bundle)
    shield = ShieldChoice(bundle.horizon, bundle.risk_gamma, bundle.threshold, lead, window)
    judged = [replace(w.episode, actions=w.proposed) for w in watched]
    policy, longest = FastPolicy.of(bundle.task_policy), max(window, bundle.horizon)
    foretold = foretell(bundle.world_model, policy, judged, longest)
    made_from = frozenset(d for key in TRAINED_ON for d in bundle.card.get(key, "").split())
    known = [d in made_from for d in digests(w.episode for w in watched)]
    episodes = tuple(_audited(foretold, shield, watched, known))
    counted = np.array(
        [not e.trained_on and (e.watched.natural or e.watched.episode.failed) for e in episodes]
    )
    natural = counted & np.array([w.natural for w in watched])
    of_counted = _only(foretold, counted)
    samples = of_counted.looking(shield.horizon, shield.gamma, RiskForm.DISCOUNTED_SUM)
    return Audit(
        task=spec.name,
        shield=shield,
        world_model=bundle.world_model_hash,
        calibration=bundle.calibration_hash,
        episodes=episodes,
        rejected=tuple(rejected),
        counted=int(counted.sum()),
        figures=quality(samples, shield.threshold, window, lead),
        foresight=foresight(of_counted, shield),
        lead_times=lead_times(of_counted, shield),
        reliability=_reliability(_only(foretold, natural), shield.horizon),
    )


def telling(episodes: Sequence[Audited], most: int = 8, each: int = 2) -> list[Audited]:
    """The episodes that say most: of every verdict the clearest, misses first; then changed decisions."""
    chosen: list[Audited] = []
    for verdict in Verdict:
        alike = sorted((e for e in episodes if e.verdict == verdict), key=_clarity, reverse=True)
        chosen += alike[: 1 if verdict == Verdict.QUIET else each]
    others = (e for e in episodes if e.changed.any() and not any(e is c for c in chosen))
    chosen += sorted(others, key=lambda e: int(e.changed.sum()), reverse=True)[:each]
    return chosen[:most]


def _clarity(episode: Audited) -> float:
    match episode.verdict:
        case Verdict.MISSED | Verdict.LATE:
            return -float(episode.risk.max())
        case Verdict.CAUGHT:
            return float(0 if episode.lead is None else episode.lead)
        case Verdict.QUIET:
            return float(episode.risk.max())
    return float(episode.flagged.sum())


def _watched(path: Path, spec: TaskSpec) -> Watched:
    bag = read_bag(path, (*EPISODE_TOPICS, Topic.DECISION))
    episode = episode_of(bag, spec).episode
    rows = read_columns(bag, Topic.TRANSITION, ("proposed.values", "intervened", "risk"))
    proposed = rows["proposed.values"].astype(np.float32)
    if proposed.shape != episode.actions.shape:
        raise BagError(
            f"{path}, topic {Topic.TRANSITION}: proposed.values has {proposed.shape[1]} entries, expected "
            f"{episode.actions.shape[1]}"
        )
    threshold = float("nan")
    if Topic.DECISION in bag.recorded:
        threshold = float(read_columns(bag, Topic.DECISION, ("threshold",))["threshold"][-1])
    return Watched(
        path=path,
        episode=episode,
        proposed=np.clip(np.where(np.isfinite(proposed), proposed, episode.actions), -1.0, 1.0),
        intervened=rows["intervened"].astype(bool),
        risk=rows["risk"].astype(np.float32),
        threshold=threshold,
    )


def _audited(
    foretold: StepRisks, shield: ShieldChoice, watched: Sequence[Watched], known: Sequence[bool]
) -> Iterator[Audited]:
    samples = foretold.looking(shield.horizon, shield.gamma, RiskForm.DISCOUNTED_SUM)
    flagged = flags(samples, shield.threshold)
    leads = iter(first_flags(samples, shield.threshold, shield.window).tolist())
    for i, (w, trained_on) in enumerate(zip(watched, known, strict=True)):
        steps = samples.episode == i
        first = next(leads) if w.episode.failed else -1
        yield Audited(
            watched=w,
            risk=samples.risk[steps],
            flagged=flagged[steps],
            lead=None if first < 0 else first,
            verdict=_verdict(w, first, bool(flagged[steps].any()), shield.lead),
            trained_on=trained_on,
        )


def _verdict(watched: Watched, first: int, flagged: bool, lead: int) -> Verdict:
    if watched.episode.failed:
        if first < 0:
            return Verdict.MISSED
        return Verdict.CAUGHT if first >= lead else Verdict.LATE
    if not flagged:
        return Verdict.QUIET
    return Verdict.FALSE_ALARM if watched.natural else Verdict.OPEN


def _only(foretold: StepRisks, chosen: NDArray[np.bool_]) -> StepRisks:
    """The steps of some episodes, told by their index."""
    kept = chosen[foretold.episode]
    return StepRisks(
        foretold.step_risk[kept],
        foretold.steps_to_failure[kept],
        foretold.steps_seen[kept],
        foretold.episode[kept],
    )


def _reliability(foretold: StepRisks, horizon: int) -> Reliability | None:
    known = (foretold.steps_to_failure < NEVER) | (foretold.steps_seen >= horizon)
    return reliability(foretold, horizon) if known.any() else None


def _row(e: Audited) -> dict[str, Any]:
    return {
        "bag": str(e.watched.path),
        "kind": e.watched.episode.kind.name.lower(),
        "steps": len(e.watched.episode),
        "failed": e.watched.episode.failed,
        "verdict": e.verdict.value,
        "lead": e.lead,
        "flagged": int(e.flagged.sum()),
        "greatest_risk": float(e.risk.max()),
        "swapped_then": int(e.watched.intervened.sum()),
        "decisions_changed": int(e.changed.sum()),
        "trained_on": e.trained_on,
    }
