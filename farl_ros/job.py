"""A fine-tuning job: what is needed to begin or resume one, through the graph or without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from farl.actor import Actor
from farl.finetuning import Limit
from farl.learner import Learner
from farl.models import ModelBundle, ModelError
from farl.policy import FastPolicy
from farl.presets import Preset, Settings, settings_for
from farl.shield import Shield, ShieldMode
from farl_ros.calibration_file import require_calibrated
from farl_ros.checkpoints import newest_checkpoint
from farl_ros.run import RunError, RunFolder
from farl_ros.task_models import load_models_for
from farl_ros.task_spec import TaskSpec


@dataclass(frozen=True)
class Job:
    """What a run is set by.

    Attributes:
        spec: The task.
        models: Folder of the offline models.
        bundle: What is in it.
        preset: The method.
        seed: Everything random follows from it.
        limit: When to stop.
        run: Run folder.
        resume: Whether to go on with the run in that folder.
        environments: How many run side by side; the numbers depend on it.
        shadow: Whether the arm is held still and nothing is learnt.
        uncalibrated: Whether it goes online although nothing says how the shield's threshold was chosen.
    """

    spec: TaskSpec
    models: Path
    bundle: ModelBundle
    preset: Preset
    seed: int
    limit: Limit
    run: Path
    resume: bool = False
    environments: int = 1
    shadow: bool = False
    uncalibrated: bool = False

    @classmethod
    def of(
        cls,
        spec: TaskSpec,
        models: Path,
        preset: Preset,
        seed: int,
        limit: Limit,
        run: Path,
        resume: bool,
        shadow: bool = False,
        uncalibrated: bool = False,
    ) -> Job:
        """Load the models and make a job.

        A shield that acts needs a calibration; one that only watches (shadow mode), or none (``uni_o4``),
        does not. ``uncalibrated`` insists without one; where there is one it changes nothing.

        Raises:
            ModelError: The models cannot be used for the task, or not online.
        """
        bundle = load_models_for(spec, models)
        job = cls(spec, models, bundle, preset, seed, limit, run, resume, shadow=shadow)
        if job.settings.shield.mode == ShieldMode.OFF or shadow:
            return job
        try:
            require_calibrated(bundle, models)
        except ModelError:
            if not uncalibrated:
                raise
            return replace(job, uncalibrated=True)
        return job

    @property
    def settings(self) -> Settings:
        """All settings of the preset, with what the task asks for."""
        settings = settings_for(self.preset, self.bundle)
        asked = {} if self.spec.online is None else self.spec.online.model_dump(exclude_none=True)
        return replace(settings, ppo=replace(settings.ppo, **asked))

    def recorded(self) -> dict[str, Any]:
        """What the run folder keeps of the job; a resumed run must agree in all of it."""
        settings, calibration = asdict(self.settings), self.bundle.calibration_hash
        return {
            "task_sha256": self.spec.sha256,
            "preset": self.preset.value,
            "seed": self.seed,
            "environments": self.environments,
            "models_sha256": self.bundle.card["sha256"],
            "ppo": settings["ppo"],
            "shield": settings["shield"],
            **({"shadow": True} if self.shadow else {}),
            **({"uncalibrated": True} if self.uncalibrated else {}),
            **({"calibration_sha256": calibration} if calibration else {}),
        }

    def begin(self, command: Sequence[str]) -> tuple[RunFolder, Learner]:
        """Create the run folder and a fresh learner, or go back to the newest checkpoint of the run.

        Raises:
            RunError: The folder is taken, or the run in it is set by something else.
            ModelError: The checkpoint cannot be used.
        """
        learner = Learner(self.bundle, self.settings.ppo, self.seed)
        if not self.resume:
            return RunFolder.create(self.run, self.spec, self.recorded(), command), learner
        run = RunFolder.open(self.run)
        usual = {"shadow": False, "uncalibrated": False}
        for key, mine in (usual | self.recorded()).items():
            if run.settings.get(key, False) != mine:
                raise RunError(
                    f"{self.run}: begun with {key} {run.settings.get(key)!r}, now asked with {mine!r}; "
                    "resume with the same task, models, preset and seed, in shadow mode or not as before"
                )
        checkpoint = newest_checkpoint(run.checkpoints)
        if checkpoint is not None:
            learner.load(checkpoint)
        run.resume(learner.episodes, learner.policy_version, command)
        return run, learner

    def actor(self, learner: Learner) -> Actor:
        """An actor with the learner's policy."""
        return Actor(learner.fast_policy(), self.seed, self.spec.horizon, learner.policy_version)

    def shield(self, policy: FastPolicy) -> Shield:
        """The shield of the preset."""
        return Shield(
            self.settings.shield,
            policy,
            FastPolicy.of(self.bundle.recovery_policy),
            self.bundle.world_model,
            self.bundle.world_model_hash,
        )
