"""On a robot, nobody knows the outcome of a step: it is put together from what was seen and what was done."""

from __future__ import annotations

import math

import numpy as np
from builtin_interfaces.msg import Time
from farl_interfaces.msg import Action, SimState, State
from std_msgs.msg import Header

from farl.noise import plays_on
from farl.types import ActionSource
from farl_ros.conversions import action_message, array_of, stamp_ns
from farl_ros.referee import Referee
from farl_ros.task_spec import TaskSpec


class ObservedWorld:
    """Says of each step of an episode what a simulator would say: outcome, and what was really executed.

    A step ends with the next *valid* state. What was executed is the last command that the arm got in it: the
    one that answers the step's own state, unless the arm was told to stand still since. A step without any
    command was one of standing still.
    """

    def __init__(self, spec: TaskSpec, play_on_every: int = 0) -> None:
        """Take the task.

        Args:
            spec: The task.
            play_on_every: Every so many-th episode goes on after a held success; 0 for none.

        Raises:
            RefereeError: Only a simulator knows the task's outcomes.
        """
        self._spec, self._play_on_every = spec, play_on_every
        self._referee = Referee(spec)
        self._step = -1
        self._last: State | None = None
        self._commands: list[Action] = []

    def take_command(self, command: Action) -> None:
        """Take what the arm was told."""
        self._commands.append(command)

    def outcome(self, state: State) -> SimState | None:
        """The outcome of the step that a state ends; None for a state that ends none.

        Args:
            state: Of the running episode. Its first, step 0, begins the episode and has no outcome.
        """
        if state.validity != State.VALID or (state.step != 0 and state.step != self._step + 1):
            return None
        self._last = state
        if state.step == 0:
            self._step = 0
            self._commands.clear()
            self._referee.start(array_of(state.observation), plays_on(state.episode, self._play_on_every))
            return _seen(state)
        return self._ruled(state)

    def cut_off(self, episode: int, stamp: Time) -> SimState | None:
        """The outcome of the step under way where nothing is seen any more: the last one of the episode.

        What is not seen counts as lying where it was seen last.

        Args:
            episode: The running one.
            stamp: Of now.

        Returns:
            None where nothing of the episode has been seen.
        """
        last = self._last
        if last is None or last.episode != episode:
            return None
        unseen = State(
            header=Header(stamp=stamp, frame_id=last.header.frame_id),
            episode=episode,
            step=last.step + 1,
            observation=last.observation,
            objects=last.objects,
        )
        self._last = None
        result = self._ruled(unseen)
        result.terminated, result.truncated = False, True
        return result

    def _ruled(self, state: State) -> SimState:
        """What the referee says of the step that a state ends."""
        ruling = self._referee.step(array_of(state.observation))
        result = _seen(state)
        result.reward, result.cost = ruling.reward, ruling.cost
        result.success, result.failed = ruling.success, ruling.failed
        result.margin = ruling.margin
        result.terminated, result.truncated = ruling.terminated, ruling.truncated
        result.executed = self._executed(stamp_ns(state.header.stamp))
        self._step = state.step
        return result

    def _executed(self, until_ns: int) -> Action:
        """The last command of the step that ends at ``until_ns``; what answers later states stays."""
        before = [c for c in self._commands if stamp_ns(c.state_stamp) < until_ns]
        self._commands = [c for c in self._commands if stamp_ns(c.state_stamp) >= until_ns]
        if before:
            return before[-1]
        zeros = np.zeros(self._spec.action_size, np.float32)
        return action_message(zeros, ActionSource.HOLD, math.nan, 0, Time())


def _seen(state: State) -> SimState:
    return SimState(
        header=state.header,
        episode=state.episode,
        step=state.step,
        observation=state.observation,
        objects=state.objects,
    )
