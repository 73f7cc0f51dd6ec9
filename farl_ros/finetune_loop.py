"""The online loop as the graph runs it: a state machine that messages and answers drive. No ROS in it.

It makes the same choices at the same moments as ``farl.finetuning.finetune``: the direct loop and the graph
give the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

import numpy as np

from farl.finetuning import Limit, may_start
from farl.learner import Learner
from farl.types import Decision, Reason, Transition
from farl_ros.checkpoints import save_checkpoint
from farl_ros.run import RunFolder

Answer = Callable[[str], None]
"""Called with what went wrong; empty if nothing did."""
DECISION_GRACE_S = 1.0
"""The last decisions of an episode may come this much after its last transition [s]."""
KEPT_POLICIES = 3


class Graph(Protocol):
    """What the loop asks of the nodes around it."""

    def start_episode(self, episode: int, answer: Answer) -> None:
        """Start the episode of that number."""

    def load_policy(self, version: int, path: Path, sha256: str, answer: Answer) -> None:
        """Have every node that acts by the task policy load it, and answer when all have."""

    def in_background(self, work: Callable[[], None], done: Callable[[], None]) -> Future[None]:
        """Do ``work`` in another thread, then call ``done`` in this one."""


class Phase(Enum):
    """What the loop is waiting for."""

    IDLE = auto()
    LOADING = auto()  # answers to a new policy
    STARTING = auto()  # the answer that an episode is being started
    STARTED = auto()  # its first transition
    RUNNING = auto()  # the next transition, or the last decisions
    UPDATING = auto()  # the learner


class FinetuneLoop:
    """Runs episodes, learns between them, keeps the run folder.

    Attributes:
        learner: Only touched while no update is under way.
        run: The run folder.
        phase: What it is waiting for.
    """

    def __init__(
        self,
        learner: Learner,
        run: RunFolder,
        graph: Graph,
        clock: Callable[[], float],
        on_episode: Callable[[], None],
        on_end: Callable[[bool, str], None],
        learns: bool = True,
    ) -> None:
        """Put the loop together; ``begin`` starts it.

        Args:
            learner: Fresh, or loaded from a checkpoint.
            run: The run folder that belongs to it.
            graph: The nodes around.
            clock: Monotonic seconds.
            on_episode: Called when an episode has been added.
            on_end: Called once per ``begin``, with whether the limit was reached, and a message.
            learns: False in shadow mode: episodes are counted, and the policy stays as it is.
        """
        self._learns = learns
        self.learner, self.run, self.phase = learner, run, Phase.IDLE
        self._graph, self._clock, self._on_episode, self._on_end = graph, clock, on_episode, on_end
        self._limit = Limit(steps=1)
        self._transitions: list[tuple[int, Transition]] = []
        self._decisions: dict[int, Decision] = {}
        self._update: Future[None] | None = None
        self._broken = ""
        self._policy = (0, Path(), "")
        self._heard = clock()

    @property
    def busy(self) -> bool:
        """Whether it is on its way to a limit."""
        return self.phase != Phase.IDLE

    @property
    def steps_so_far(self) -> int:
        """Steps of the running episode."""
        return len(self._transitions)

    def begin(self, limit: Limit) -> None:
        """Go on until the limit; every node gets the learner's policy first."""
        if self._broken:
            self._on_end(False, self._broken)
            return
        self._limit = limit
        self._export_policy()
        self._load_policy()

    def take_transition(self, stamp_ns: int, transition: Transition) -> None:
        """Take a step of the running episode; steps of other episodes are not for us."""
        playing = self.phase in (Phase.STARTING, Phase.STARTED, Phase.RUNNING)
        if not playing or transition.episode != self.learner.episodes:
            return
        if transition.step == 0:
            self._transitions.clear()  # also when an earlier attempt at this episode was cut off
        elif not self._transitions:
            return  # of an earlier attempt that still plays on
        if transition.step != len(self._transitions):
            self.fail(
                f"step {transition.step} came after {len(self._transitions)} steps: a transition was lost"
            )
            return
        self.phase, self._heard = Phase.RUNNING, self._clock()
        self._transitions.append((stamp_ns, transition))
        if transition.done:
            self._finish_episode()

    def take_decision(self, stamp_ns: int, decision: Decision) -> None:
        """Take a decision of the shield."""
        self._decisions[stamp_ns] = decision
        if self.phase == Phase.RUNNING and self._transitions[-1][1].done:
            self._finish_episode()

    def take_abort(self, episode: int, note: str) -> None:
        """An episode was given up; before ours is started, one that an earlier attempt had left running."""
        if self.phase in (Phase.STARTED, Phase.RUNNING) and episode == self.learner.episodes:
            self.fail(f"it was aborted: {note}")

    def silence(self) -> float:
        """Seconds since the graph last did something; 0 while we are not waiting for it."""
        return 0.0 if self.phase in (Phase.IDLE, Phase.UPDATING) else self._clock() - self._heard

    def tick(self) -> None:
        """Look at the clock: give up waiting for decisions that do not come."""
        over = self.phase == Phase.RUNNING and self._transitions[-1][1].done
        if over and self.silence() > DECISION_GRACE_S:
            self._finish_episode(wait=False)

    def fail(self, message: str) -> None:
        """End with an error; the running episode is dropped."""
        steps = len(self._transitions)
        self._end(
            False, f"episode {self.learner.episodes}, after step {steps - 1}: {message}" if steps else message
        )

    def stop(self, message: str) -> None:
        """End now: an update is finished, a running episode is dropped (a resumed run makes it again)."""
        if self.busy:
            self._end(False, message)

    def _finish_episode(self, wait: bool = True) -> None:
        stamps = [stamp for stamp, _ in self._transitions]
        if wait and any(stamp not in self._decisions for stamp in stamps):
            return
        transitions = [transition for _, transition in self._transitions]
        decisions = [
            self._decisions[stamp] if stamp in self._decisions else _undecided(step)
            for stamp, step in zip(stamps, transitions, strict=True)
        ]
        self._decisions = {stamp: d for stamp, d in self._decisions.items() if stamp > stamps[-1]}
        self._transitions.clear()
        if self._learns:
            self.learner.add_episode(transitions)
        else:
            self.learner.count_episode(transitions)
        self.run.add_episode(transitions, decisions)
        self._on_episode()
        if self.busy:
            self._go_on()

    def _go_on(self) -> None:
        if may_start(self.learner, self._limit, running_steps=0, running_episodes=0):
            self.phase, self._heard = Phase.STARTING, self._clock()
            self._graph.start_episode(self.learner.episodes, self._on_started)
        elif self._learns and self.learner.wants_update:
            self.phase = Phase.UPDATING
            self._update = self._graph.in_background(self._try_update, self._on_updated)
        else:
            self._end(True, "the limit is reached")

    def _on_started(self, problem: str) -> None:
        if self.phase != Phase.STARTING:
            return
        self.phase, self._heard = Phase.STARTED, self._clock()
        if problem:
            self.fail(f"episode {self.learner.episodes} did not start: {problem}")

    def _try_update(self) -> None:
        """In another thread; after a failure the learner is in between two states and must not be saved."""
        try:
            self._do_update()
        except Exception as error:
            self._broken = (
                f"the update after {self.learner.episodes} episodes failed "
                f"({type(error).__name__}: {error}); the run can be resumed from its newest checkpoint"
            )

    def _do_update(self) -> None:
        """In another thread: learn, write metrics, then the checkpoint, then the policy for the others."""
        stats = self.learner.update()
        self.run.add_update(asdict(stats))
        save_checkpoint(self.learner, self.run.checkpoints)
        self._export_policy()

    def _export_policy(self) -> None:
        version = self.learner.policy_version
        folder = self.run.path / "policies"
        path = folder / f"version_{version:05d}.safetensors"
        self._policy = (version, path, self.learner.export_policy(path))
        for old in sorted(folder.glob("version_*"))[:-KEPT_POLICIES]:
            old.unlink()

    def _on_updated(self) -> None:
        if self._update is not None:
            self._update = None
            if self._broken:
                self.fail(self._broken)
            else:
                self._load_policy()

    def _load_policy(self) -> None:
        self.phase, self._heard = Phase.LOADING, self._clock()
        self._graph.load_policy(*self._policy, self._on_loaded)

    def _on_loaded(self, problem: str) -> None:
        if self.phase != Phase.LOADING:
            return
        if problem:
            self.fail(f"policy version {self._policy[0]} was refused: {problem}")
        else:
            self._go_on()

    def _end(self, ok: bool, message: str) -> None:
        if self._update is not None:
            self._update.result()  # a half-made update would be lost, and it takes seconds at most
            self._update = None
            if self._broken:
                message = f"{message}; {self._broken}"
        self._transitions.clear()
        self._decisions.clear()
        self.phase = Phase.IDLE
        if not self._broken:
            try:
                save_checkpoint(self.learner, self.run.checkpoints)
            except OSError as error:
                ok, message = False, f"{message}; the checkpoint could not be saved: {error}"
        self._on_end(ok, message)


def _undecided(step: Transition) -> Decision:
    """Stands for a decision that never came (real time only)."""
    return Decision(
        risk=math.nan,
        threshold=math.nan,
        step_risk=np.empty(0, np.float32),
        proposed=step.proposed,
        executed=step.executed,
        source=step.source,
        reason=Reason.FAILSAFE,
        latency_ms=math.nan,
        model_hash="",
    )
