"""The online loop: run episodes under the shield, learn between them, until a limit is reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from farl.actor import Actor
from farl.learner import Learner, UpdateStats
from farl.rollout import Environment, FinishedEpisode, run_episodes
from farl.shield import Shield


@dataclass(frozen=True)
class Limit:
    """When to stop; whichever comes first, None for no limit of that kind.

    Attributes:
        steps: Agent steps in finished episodes.
        episodes: Finished episodes.
    """

    steps: int | None = None
    episodes: int | None = None

    def __post_init__(self) -> None:
        """Make sure that there is an end.

        Raises:
            ValueError: No limit at all, or one below 1.
        """
        given = [x for x in (self.steps, self.episodes) if x is not None]
        if not given or min(given) < 1:
            raise ValueError(
                f"a run needs a limit of at least 1 step or 1 episode; got {self.steps} and {self.episodes}"
            )

    def reached(self, steps: int, episodes: int) -> bool:
        """Whether a run of so many steps and episodes is over."""
        return (self.steps is not None and steps >= self.steps) or (
            self.episodes is not None and episodes >= self.episodes
        )


def may_start(learner: Learner, limit: Limit, running_steps: int, running_episodes: int) -> bool:
    """The one rule for starting an episode, in the graph as in the direct loop.

    A rollout is closed once finished and running episodes have the steps of an update; then the running ones
    are
    finished, the update is made, and episodes start again: every episode is played by one policy version.
    """
    if limit.reached(learner.steps + running_steps, learner.episodes + running_episodes):
        return False
    return learner.buffered_steps + running_steps < learner.settings.rollout_steps


def finetune(
    environments: Sequence[Environment],
    learner: Learner,
    actor: Actor,
    shield: Shield,
    seed: int,
    limit: Limit,
    on_episode: Callable[[FinishedEpisode], None],
    on_update: Callable[[UpdateStats], None],
) -> None:
    """Fine-tune until the limit.

    Args:
        environments: One slot each; an update waits for all of them.
        learner: Fresh, or loaded from a checkpoint.
        actor: Gets every new policy version.
        shield: Likewise.
        seed: Seed of the run.
        limit: When to stop.
        on_episode: Called with every finished episode, after the learner has it.
        on_update: Called after every update, with nothing running: the moment to save a checkpoint.
    """
    actor.load(learner.fast_policy(), learner.policy_version)
    shield.load_task_policy(actor.policy)
    while not limit.reached(learner.steps, learner.episodes):
        started = first = learner.episodes

        def start(running_steps: int) -> bool:
            nonlocal started
            ok = may_start(learner, limit, running_steps, started - learner.episodes)
            started += ok
            return ok

        for episode in run_episodes(
            environments, actor, shield, seed, first, start, learner.settings.play_on_every
        ):
            learner.add_episode(episode.transitions)
            on_episode(episode)
        if learner.wants_update:
            stats = learner.update()
            actor.load(learner.fast_policy(), learner.policy_version)
            shield.load_task_policy(actor.policy)
            on_update(stats)
