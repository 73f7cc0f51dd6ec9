"""From a person's hands to a calibrated shield, through real processes and virtual devices.

    .venv/bin/python -m benchmarks.by_hand                      # ten demonstrations of each kind: 10 minutes
    .venv/bin/python -m benchmarks.by_hand --demonstrations 4 --out runs/few_by_hand

A scripted person sits at `farl record DiscTable`: a SpaceMouse for the task, a gamepad for recoveries, a
keyboard for failures. One demonstration is discarded, one session is killed (kill -9) in the middle of one,
and one is labelled afterwards. Then the bags are checked, trained on by the action server, the threshold is
calibrated on failures that were held back, the shield is audited, and demonstrations are replayed into the
simulator. Writes benchmarks/results/by_hand.csv, .md and the divergence plot by_hand_replay.svg.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from tests.farl_ros.hands.afterwards import audit, calibrate, check, evaluate, relabel, replay, train
from tests.farl_ros.hands.demonstrations import failures, more_failures, recoveries, task_demonstrations
from tests.farl_ros.hands.person import Person
from tests.farl_ros.hands.story import Story

ROOT = Path(__file__).resolve().parents[1]
DOMAIN = 87
LEAST_FAILURES = 9
"""Of these the bound of 10 % missed failures can be had."""


def run(out: Path, demonstrations: int, seed: int) -> Story:
    """Do it all.

    Args:
        out: Folder for everything that comes of it.
        demonstrations: Of each kind.
        seed: The person's and the simulator's.
    """
    out.mkdir(parents=True)
    story = Story(out)
    with Person(DOMAIN) as person:
        task_demonstrations(story, person, demonstrations, seed)
        recoveries(story, person, demonstrations, seed + 1)
        failures(story, person, demonstrations, seed + 2)
        more_failures(story, person, round(1.5 * LEAST_FAILURES), seed + 3)
        relabel(story)
        check(story)
        train(story, person, seed)
    calibrate(story)
    audit(story)
    replay(story)
    evaluate(story)
    return story


def main(
    out: Annotated[Path, typer.Option(help="Folder for bags, models and reports; made anew.")] = Path(
        "runs/by_hand"
    ),
    demonstrations: Annotated[int, typer.Option(min=3, help="Of each kind.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the person and the simulator.")] = 0,
    results: Annotated[Path, typer.Option(help="Folder for the tables.")] = ROOT / "benchmarks" / "results",
) -> None:
    """Record, label, check, train, calibrate, audit and replay, as a person would."""
    if out.exists():
        shutil.rmtree(out)
    story = run(out.resolve(), demonstrations, seed)
    command = f"python -m benchmarks.by_hand --demonstrations {demonstrations} --seed {seed}"
    story.write(results, command)


if __name__ == "__main__":
    typer.run(main)
