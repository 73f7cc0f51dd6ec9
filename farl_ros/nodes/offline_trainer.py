"""Offline training as an action: demonstration bags in, a folder of models out.

What a cancelled goal or a killed process has finished is kept in the run folder: the same goal goes on after
it, to the same models.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from farl_interfaces.action import TrainOffline
from rclpy.context import Context

from farl.datasets import DatasetError
from farl.models import ModelError
from farl_ros.bags import BagError
from farl_ros.nodes.common import FarlNode
from farl_ros.nodes.goals import GoalServer, Outcome
from farl_ros.nodes.running import main_of
from farl_ros.offline import STAGES, offline_from_bags
from farl_ros.task_spec import TaskError, load_task


class _Cancelled(Exception):
    """Raised inside of the training to stop it."""


@dataclass(frozen=True)
class _Ended:
    result: TrainOffline.Result
    outcome: Outcome


class OfflineTrainer(FarlNode):
    """Offers ``~/train_offline``; with ``autostart`` it trains at once and then ends the process."""

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("offline_trainer", arguments, context)
        goal = TrainOffline.Goal(
            task=self.declare("task", "", "with autostart: task name, or a task YAML file"),
            bags=self.declare(
                "bags", "", "with autostart: folder with demonstration bags of all three kinds"
            ),
            out=self.declare("out", "", "with autostart: run folder to write"),
            seed=self.declare("seed", 0, "with autostart: everything random follows from it", minimum=0),
        )
        self._force = self.declare("force", False, "train without the bad bags and with the suspicious ones")
        self._autostart = self.declare("autostart", False, "train at once, and end the process when done")
        self._cancelled = threading.Event()
        torch.set_num_threads(1)  # two threads collapse as soon as another process wants the core
        self._worker = ThreadPoolExecutor(1, "trainer")
        self._running = False
        self._goals = GoalServer(
            self, TrainOffline, "~/train_offline", self._on_goal, self._cancelled.set, lambda: self._running
        )
        self._closed = False
        if self._autostart:
            self._begin = self.create_timer(0.0, lambda: (self._begin.cancel(), self._on_goal(goal)))

    def _on_goal(self, goal: TrainOffline.Goal) -> None:
        self._running = True
        self._cancelled.clear()
        self._worker.submit(self._train, goal).add_done_callback(self._on_done)

    def _train(self, goal: TrainOffline.Goal) -> _Ended:
        """In another thread: train, and put every foreseen end into words."""
        out = Path(goal.out)
        if not goal.bags or not goal.out:
            message = f"bags {goal.bags!r} and out {goal.out!r}: expected a folder of bags, and a run folder"
            return _Ended(TrainOffline.Result(message=message), Outcome.ABORTED)
        try:
            spec = load_task(goal.task)
            bundle, folder = offline_from_bags(
                spec, Path(goal.bags), goal.seed, self._progress, self.get_logger().warn, self._force, out
            )
            from farl_ros.quality_report import save_offline  # slow to import, and only needed here

            save_offline(spec, bundle, folder.demos, sys.argv, out)
        except _Cancelled:
            message = (
                f"cancelled; finished stages are kept in {out / STAGES}: the same goal goes on after them"
            )
            return _Ended(TrainOffline.Result(message=message), Outcome.CANCELED)
        except (TaskError, BagError, DatasetError, ModelError, OSError) as error:
            return _Ended(TrainOffline.Result(message=str(error)), Outcome.ABORTED)
        models, threshold = str(out / "models"), bundle.threshold
        message = f"trained on {sum(bundle.card['episodes'].values())} episodes; threshold {threshold:g}"
        return _Ended(TrainOffline.Result(ok=True, message=message, models=models), Outcome.SUCCEEDED)

    def _progress(self, stage: str, fraction: float, loss: float) -> None:
        if self._cancelled.is_set():
            raise _Cancelled
        feedback = TrainOffline.Feedback(stage=stage, progress=float(fraction), loss=float(loss))
        self.executor.create_task(self._goals.feedback, feedback)

    def _on_done(self, future: Future[_Ended]) -> None:
        def end() -> None:
            ended = future.result()
            self._running = False
            if ended.result.ok:
                self.get_logger().info(ended.result.message)
            else:
                self.get_logger().error(ended.result.message)
            self._goals.finish(ended.result, ended.outcome)
            if self._autostart:
                self.exit_code = 0 if ended.result.ok else 2

        if not self._closed:
            self.executor.create_task(end)

    def close(self) -> None:
        """Stop a training that is under way."""
        self._closed = True
        self._cancelled.set()
        self._worker.shutdown()


main = main_of(OfflineTrainer)

if __name__ == "__main__":
    main()
