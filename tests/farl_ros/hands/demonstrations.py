"""The sessions: what the person does at each device, and what is done to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from farl_ros.bag_reader import read_bag
from farl_ros.messages import Topic
from farl_ros.teleop.device import Command
from farl_ros.teleop.gamepad import XBOX
from tests.farl_ros.hands.devices import GamepadHand, Hand, KeyboardHand, SpaceMouseHand
from tests.farl_ros.hands.person import Person, Steering
from tests.farl_ros.hands.scripts import (
    Push,
    back_from_the_edge,
    near_the_edge,
    over_the_edge,
    shoved_over_the_edge,
    to_the_goal,
)
from tests.farl_ros.hands.session import Session
from tests.farl_ros.hands.story import Story

TASK = "DiscTable"
BUTTONS = {command: button for button, command in XBOX.buttons.items()}
FULL_SPEED = b"++"
MISTAKEN = 1
TOO_MANY = 8
"""So many times the wanted number of attempts, and something is wrong."""


def _session(story: Story, person: Person, out: str, arguments: list[str], program: list[str]) -> Session:
    person.forget()
    given = [TASK, "--out", out, "--operator", "script", *arguments]
    session = Session(given, story.out, person.domain_id, program)
    person.wait_for_phase("idle")
    return session


def _one(
    person: Person, hand: Hand, steering: Steering, start: Callable[[], None], end: Callable[[], None]
) -> bool:
    """One demonstration; returns whether the person was done before its time was up."""
    start()
    person.wait_for_phase("running")
    done = person.steer(hand, steering)
    if done:
        end()
    person.wait_for_phase("idle")
    return done


def task_demonstrations(story: Story, person: Person, wanted: int, seed: int) -> None:
    """At the SpaceMouse: its right button starts, and ends as a success.

    One is discarded, and of the one with the number ``MISTAKEN`` the person says that it failed.
    """
    random = np.random.default_rng(seed)
    mouse = SpaceMouseHand(story.out / "spacemouse")
    arguments = ["--kind", "task", "--target", str(wanted), "--seed", str(seed), "--device", "spacemouse"]
    arguments += ["--path", str(story.out / "spacemouse")]
    with _session(story, person, "demos", arguments, []) as session:
        keys = KeyboardHand(session.terminal)
        keys.press(FULL_SPEED)
        attempts, discarded = 0, False
        while (count := person.wait_for_phase("idle")["counts"]["task"]) < wanted:
            attempts = _next(attempts, wanted)
            end = partial(keys.press, b"n") if count == MISTAKEN else mouse.press_right
            done = _one(person, mouse, to_the_goal(random), mouse.press_right, end)
            if not done or (count == 2 and not discarded):
                discarded |= done
                keys.press(b"\x7f")
                person.wait("discarded bag", lambda status: "was discarded" in status["said"])
        code = session.interrupt()
    aside = len([*(story.out / "demos" / "task" / "discarded").glob("episode_*")])
    story.tell(
        f"{wanted} task demonstrations at a SpaceMouse",
        f"{attempts} attempts, {aside} discarded by key and kept aside; Ctrl-C: code {code}",
    )


def recoveries(story: Story, person: Person, wanted: int, seed: int) -> None:
    """At the gamepad; in the middle of one the session is killed, and another session goes on."""
    random = np.random.default_rng(seed)
    with _at_the_gamepad(story, person, wanted, seed, "first") as (session, pad):
        attempts = _recover(person, pad, wanted // 2, wanted, random)
        seen = _killed_in_the_middle(person, pad, session, back_from_the_edge(random))
    story.tell("kill -9 in the middle of one", _lost(story.out / "demos" / "recovery", seen))
    with _at_the_gamepad(story, person, wanted, seed, "second") as (session, pad):
        story.tell("the next start", person.wait_for_phase("idle")["said"])
        attempts += 1 + _recover(person, pad, wanted, wanted, random)
        pad.unplug()
        code = session.interrupt()
    story.tell(f"{wanted} recoveries at a gamepad", f"{attempts} attempts; Ctrl-C: code {code}")


@contextmanager
def _at_the_gamepad(
    story: Story, person: Person, wanted: int, seed: int, which: str
) -> Iterator[tuple[Session, GamepadHand]]:
    pad = GamepadHand(story.out / f"gamepad_{which}")
    arguments = ["--kind", "recovery", "--target", str(wanted), "--seed", str(seed), "--device", "gamepad"]
    program = ["tests.farl_ros.hands.gamepad_process", str(story.out / f"gamepad_{which}")]
    with _session(story, person, "demos", arguments, program) as session:
        pad.plug_in()
        KeyboardHand(session.terminal).press(FULL_SPEED)
        try:
            yield session, pad
        finally:
            pad.unplug()


def _recover(person: Person, pad: GamepadHand, until: int, wanted: int, random: np.random.Generator) -> int:
    """Recoveries until there are so many; what is not done in time is discarded. Returns the attempts."""
    attempts = 0
    while person.wait_for_phase("idle")["counts"]["recovery"] < until:
        attempts = _next(attempts, wanted)
        start, end = (partial(pad.press, BUTTONS[c]) for c in (Command.START, Command.SUCCESS))
        if not _one(person, pad, back_from_the_edge(random), start, end):
            pad.press(BUTTONS[Command.DISCARD])
            person.wait("discarded bag", lambda status: "was discarded" in status["said"])
    return attempts


def _killed_in_the_middle(person: Person, pad: GamepadHand, session: Session, steering: Steering) -> int:
    """Kill the session a second and a half into a demonstration; returns how many states had been seen."""
    pad.press(BUTTONS[Command.START])
    person.wait_for_phase("running")
    until = time.monotonic() + 1.5
    person.steer(pad, lambda observation: steering(observation) if time.monotonic() < until else None)
    seen = person.states_seen
    session.kill()
    return seen


def _lost(folder: Path, seen: int) -> str:
    """What of the last bag of a folder can be read, against the states that were seen."""
    bag = max(folder.glob("episode_*"))
    read = read_bag(bag)
    states = read.recorded[Topic.STATE].messages
    size = sum(path.stat().st_size for path in bag.rglob("*.mcap*"))
    lost = max(0, seen - len(states))
    message = len(states[0][1]) if states else 0
    return (
        f"{bag.name}: {len(states)} of {seen} states readable from {size} bytes; lost {lost} states "
        f"({lost * message} bytes of states, {lost / 25:.2f} s)"
    )


def failures(story: Story, person: Person, wanted: int, seed: int) -> None:
    """At the keyboard."""
    arguments = ["--kind", "failure", "--target", str(wanted), "--seed", str(seed)]
    with _session(story, person, "demos", arguments, []) as session:
        hand = KeyboardHand(session.terminal)
        told = _fail(person, hand, session, wanted, seed, shoved_over_the_edge)
        code = session.interrupt()
    story.tell(f"{wanted} failures at the keyboard", f"{told}; Ctrl-C: code {code}")


def more_failures(story: Story, person: Person, wanted: int, seed: int) -> None:
    """At the SpaceMouse, verdicts by key: for the calibration, which wants what nothing was trained on."""
    mouse = SpaceMouseHand(story.out / "spacemouse_more")
    arguments = ["--kind", "failure", "--target", str(wanted), "--seed", str(seed), "--device", "spacemouse"]
    arguments += ["--path", str(story.out / "spacemouse_more")]
    with _session(story, person, "held_back", arguments, []) as session:
        KeyboardHand(session.terminal).press(FULL_SPEED)
        told = _fail(person, mouse, session, wanted, seed, over_the_edge)
        code = session.interrupt()
    story.tell(f"{wanted} failures at a SpaceMouse, held back", f"{told}; Ctrl-C: code {code}")


def _fail(
    person: Person,
    hand: Hand,
    session: Session,
    wanted: int,
    seed: int,
    falling: Callable[[np.random.Generator], Push],
) -> str:
    """Failures, every fourth stopped in front of the edge, until there are enough; returns a summary.

    What is meant to fall and does not is discarded.
    """
    random = np.random.default_rng(seed)
    keys = KeyboardHand(session.terminal)
    attempts = failed = 0
    while (count := person.wait_for_phase("idle")["counts"]["failure"]) < wanted:
        attempts = _next(attempts, wanted)
        falls = count % 4 != 3
        verdict = b"n" if falls else b"."
        steering = falling(random) if falls else near_the_edge(random)
        done = _one(person, hand, steering, partial(keys.press, b"\n"), partial(keys.press, verdict))
        if falls and not done:
            keys.press(b"\x7f")
            person.wait("discarded bag", lambda status: "was discarded" in status["said"])
        failed += falls and done
    return f"{attempts} attempts; {failed} over the edge, {wanted - failed} stopped before it"


def _next(attempts: int, wanted: int) -> int:
    if attempts >= TOO_MANY * wanted:
        raise RuntimeError(f"{attempts} attempts at {wanted} demonstrations: the person does not get it done")
    return attempts + 1
