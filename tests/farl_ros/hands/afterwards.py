"""What comes after the recording: label, check, train by the action, calibrate, audit, replay, evaluate."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from action_msgs.msg import GoalStatus
from farl_interfaces.action import TrainOffline
from rclpy.action import ActionClient

from tests.farl_ros.hands.demonstrations import MISTAKEN
from tests.farl_ros.hands.person import NotSeenError, Person
from tests.farl_ros.hands.story import ROOT, Story

LONGEST_S = 1800.0
MODELS = "offline/models"
MISS_RATE = "0.1"


def relabel(story: Story) -> None:
    """Say afterwards that it was no failure."""
    bag = f"demos/task/episode_{MISTAKEN:06d}"
    verdict = ("--outcome", "success", "--failing", "none", "--note", "pressed n", "--operator", "script")
    said = story.farl("bags", "label", bag, *verdict)
    story.tell("one labelled afterwards", said.strip().replace("\n", "; "))


def check(story: Story) -> None:
    """`farl bags check`: the killed one is a note; what came late on a busy machine is moved away."""
    found = story.farl("bags", "check", "demos", code=1).strip().splitlines()
    late = sorted({line.split(": ")[1].split(",")[0] for line in found if line.startswith("suspicious: ")})
    for bag in late:
        aside = story.out / "set_aside" / bag
        aside.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(story.out / bag, aside)
    cut = next(line for line in found if "was cut off" in line)
    story.tell("`farl bags check demos`", f"{found[-1]}; {cut}; {len(late)} bags with late frames moved away")


def train(story: Story, person: Person, seed: int) -> None:
    """Train by the action server, a process of its own, and hear its feedback.

    Raises:
        NotSeenError: It is not there, or the goal failed.
    """
    environment = os.environ | {
        "ROS_DOMAIN_ID": str(person.domain_id),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "PYTHONPATH": str(ROOT),
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "farl_ros.nodes.offline_trainer"], cwd=story.out, env=environment
    )
    try:
        client = ActionClient(person.node, TrainOffline, "offline_trainer/train_offline")
        if not client.wait_for_server(30.0):
            raise NotSeenError("no action offline_trainer/train_offline within 30 s")
        stages: dict[str, float] = {}
        goal = TrainOffline.Goal(
            task="DiscTable", bags=str(story.out / "demos"), out=str(story.out / "offline"), seed=seed
        )
        sent = client.send_goal_async(
            goal,
            feedback_callback=lambda message: stages.update(
                {message.feedback.stage: message.feedback.progress}
            ),
        )
        handle = _wait(sent, "answer to the goal", 10.0)
        ended = _wait(handle.get_result_async(), "end of the training", LONGEST_S)
    finally:
        server.send_signal(signal.SIGINT)
        code = server.wait(20.0)
    if ended.status != GoalStatus.STATUS_SUCCEEDED:
        raise NotSeenError(f"training: {ended.result.message}")
    story.tell(
        "trained by the action server",
        f"{ended.result.message}; stages: {', '.join(stages)}; Ctrl-C: code {code}",
    )


def _wait(future, what: str, seconds: float):
    until = time.monotonic() + seconds
    while not future.done():
        if time.monotonic() > until:
            raise NotSeenError(f"no {what} within {seconds:g} s")
        time.sleep(0.05)
    return future.result()


def calibrate(story: Story) -> None:
    """Set the threshold on failures that were held back."""
    said = story.farl("calibrate", "held_back/failure", "--models", MODELS, "--miss-rate", MISS_RATE)
    story.tell(f"`farl calibrate --miss-rate {MISS_RATE}` on the held-back failures", _sentences(said, 2))


def audit(story: Story) -> None:
    """Ask the calibrated shield about every bag."""
    said = story.farl("audit", ".", "--models", MODELS, "--out", "audit")
    story.tell("`farl audit` on all bags", _sentences(said, 1))


def replay(story: Story) -> None:
    """Into the simulator: one from its start and from another layout, and what is left of the killed one."""
    killed = max(
        (story.out / "demos" / "recovery").glob("episode_*"), key=lambda bag: _partial(story, bag.name)
    )
    for bag, seed in (
        ("task/episode_000000", ""),
        (f"recovery/{killed.name}", ""),
        ("task/episode_000000", "7"),
    ):
        out = f"replays{seed}"
        extra = ("--seed", seed) if seed else ()
        said = story.farl("replay", f"demos/{bag}", "--into", "sim", "--out", out, *extra)
        where = f", from the layout of seed {seed}" if seed else ""
        story.tell(
            f"`farl replay {bag} --into sim`{where}", said.strip().splitlines()[-1].split(";")[0] + _far(said)
        )
    page = next((story.out / "replays7").rglob("replay.html")).read_text()
    story.plots["by_hand_replay.svg"] = re.search(r"<svg.*</svg>", page, re.DOTALL).group()


def _partial(story: Story, name: str) -> bool:
    return "ends before its footer" in story.farl("bags", "ls", f"demos/recovery/{name}")


def _far(said: str) -> str:
    rows = [line.split() for line in said.splitlines() if line.startswith(("hand ", "puck "))]
    return "; at most " + ", ".join(f"{row[0]} {float(row[2]) * 1000:.1f} mm" for row in rows)


def evaluate(story: Story) -> None:
    """The policies that came of it, with and without the shield."""
    figures = story.out / "evaluation.json"
    story.farl("evaluate", "DiscTable", "--models", MODELS, "--episodes", "20", "--json", figures)
    told = json.loads(figures.read_text())
    story.tell(
        "`farl evaluate`, 20 episodes each",
        "; ".join(
            f"{what.replace('_', ' ')}: return {row['mean_return']:.1f}, {row['failure_rate']:.0%} failing"
            for what, row in told.items()
            if isinstance(row, dict) and "mean_return" in row
        ),
    )


def _sentences(said: str, lines: int) -> str:
    return " ".join(line.strip() for line in said.strip().splitlines()[:lines])
