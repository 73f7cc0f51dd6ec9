"""Online fine-tuning of the task policy: PPO (Eq. 3) on finished episodes, resumable bit for bit."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from farl.experience import EpisodeArrays, episode_arrays
from farl.files import Arrays, FileError, read_arrays, read_json, write_arrays, write_json
from farl.gae import advantages
from farl.models import ModelBundle, ModelError, arrays_of, fill, save_policy
from farl.policy import FastPolicy
from farl.presets import PPOSettings
from farl.types import Array, Transition

_FORMAT = 1


@dataclass(frozen=True)
class UpdateStats:
    """What one update did; the names are those of the metrics files."""

    policy_version: int
    steps: int
    policy_loss: float
    value_loss: float
    explained_variance: float
    approx_kl: float
    clip_fraction: float
    log_std: float
    swapped_share: float


class Learner:
    """Collects finished episodes, and every ``rollout_steps`` steps makes a new policy version of them."""

    def __init__(self, models: ModelBundle, settings: PPOSettings, seed: int) -> None:
        """Start from the offline policy and value, which are copied.

        Args:
            models: The offline models.
            settings: See ``PPOSettings``.
            seed: Minibatches are a pure function of (seed, policy version).
        """
        self.settings, self._seed, self._reward_scale = settings, seed, models.reward_scale
        self.policy = copy.deepcopy(models.task_policy)
        self.value = copy.deepcopy(models.value)
        with torch.no_grad():
            self.policy.log_std.fill_(settings.initial_log_std)
        self._policy_optimizer = torch.optim.Adam(
            self.policy.parameters(), settings.policy_rate, eps=1e-5, fused=True
        )
        self._value_optimizer = torch.optim.Adam(
            self.value.parameters(), settings.value_rate, eps=1e-5, fused=True
        )
        self.policy_version = 0
        self.episodes = 0
        self.steps = 0
        self._buffer: list[EpisodeArrays] = []

    @property
    def buffered_steps(self) -> int:
        """Steps of finished episodes that no update has used yet."""
        return sum(len(e) for e in self._buffer)

    @property
    def wants_update(self) -> bool:
        """Whether enough steps are buffered for an update."""
        return self.buffered_steps >= self.settings.rollout_steps

    def add_episode(self, transitions: Sequence[Transition]) -> None:
        """Take a finished episode."""
        episode = episode_arrays(transitions, self.settings.swapped)
        self._buffer.append(episode)
        self.episodes += 1
        self.steps += len(episode)

    def count_episode(self, transitions: Sequence[Transition]) -> None:
        """Count a finished episode that nothing is learnt from: in shadow mode no action was tried."""
        self.episodes += 1
        self.steps += len(transitions)

    def update(self) -> UpdateStats:
        """Make the next policy version from the buffered episodes, and empty the buffer.

        Where nobody chose any of the actions (an arm that stood still throughout), only the value learns.

        Raises:
            ModelError: It diverged; the learner is of no more use.
        """
        settings = self.settings
        episodes, self._buffer = self._buffer, []
        observations = torch.from_numpy(np.concatenate([e.observations for e in episodes]))
        actions = torch.from_numpy(np.concatenate([e.actions for e in episodes]))
        log_probs = torch.from_numpy(np.concatenate([e.log_probs for e in episodes]))
        in_policy_loss = torch.from_numpy(np.concatenate([e.in_policy_loss for e in episodes]))
        with torch.no_grad():
            values = self.value(observations)
            swapped = log_probs.isnan()
            log_probs = torch.where(swapped, self.policy.log_prob(observations, actions, swapped), log_probs)
            advantage = torch.from_numpy(self._advantages(episodes, values.numpy()))
        returns = advantage + values
        kept = advantage[in_policy_loss > 0]
        if len(kept) > 1:  # one step alone has no spread
            advantage = (advantage - kept.mean()) / kept.std().clamp_min(1e-6)

        generator = np.random.default_rng([self._seed, self.policy_version])
        sums = np.zeros(4)
        batches = 0
        for _ in range(settings.epochs):
            order = torch.from_numpy(generator.permutation(len(actions)))
            for start in range(0, len(order), settings.minibatch):
                i = order[start : start + settings.minibatch]
                value_loss = (self.value(observations[i]) - returns[i]).square().mean()
                self._step(self._value_optimizer, value_loss, self.value)
                policy_loss, kl, clipped = torch.zeros(()), 0.0, 0.0
                if self.policy_version >= settings.value_only_updates and len(kept) > 0:
                    log_ratio = self.policy.log_prob(observations[i], actions[i], swapped[i]) - log_probs[i]
                    policy_loss, kl, clipped = self._policy_loss(log_ratio, advantage[i], in_policy_loss[i])
                    self._step(self._policy_optimizer, policy_loss, self.policy)
                sums += [float(policy_loss.detach()), float(value_loss.detach()), kl, clipped]
                batches += 1
        sums /= batches
        self._check_finite()
        self.policy_version += 1
        variance = float(returns.var())
        return UpdateStats(
            policy_version=self.policy_version,
            steps=len(actions),
            policy_loss=float(sums[0]),
            value_loss=float(sums[1]),
            explained_variance=1.0 - float((returns - values).var()) / max(variance, 1e-8),
            approx_kl=float(sums[2]),
            clip_fraction=float(sums[3]),
            log_std=float(self.policy.clamped_log_std().detach().mean()),
            swapped_share=float(swapped.float().mean()),
        )

    def _advantages(self, episodes: Sequence[EpisodeArrays], values: Array) -> Array:
        settings = self.settings
        last = torch.from_numpy(np.stack([e.last_observation for e in episodes]))
        result, start = [], 0
        for episode, value in zip(episodes, self.value(last).tolist(), strict=True):
            rewards = episode.rewards * np.float32(self._reward_scale)
            following = value if episode.goes_on else 0.0
            steps = slice(start, start + len(episode))
            result.append(advantages(rewards, values[steps], following, settings.gamma, settings.lam))
            start = steps.stop
        return np.concatenate(result)

    def _policy_loss(
        self, log_ratio: Tensor, advantage: Tensor, weight: Tensor
    ) -> tuple[Tensor, float, float]:
        """Clipped surrogate (Eq. 3), approximate KL divergence and share of clipped steps."""
        ratio = log_ratio.exp()
        clip = self.settings.clip
        surrogate = torch.minimum(ratio * advantage, ratio.clamp(1.0 - clip, 1.0 + clip) * advantage)
        count = weight.sum().clamp_min(1.0)
        loss = -(surrogate * weight).sum() / count - self.settings.entropy * self.policy.entropy()
        with torch.no_grad():
            kl = float((((ratio - 1.0) - log_ratio) * weight).sum() / count)
            clipped = float((((ratio - 1.0).abs() > clip).float() * weight).sum() / count)
        return loss, kl, clipped

    def _check_finite(self) -> None:
        for name, module in (("policy", self.policy), ("value", self.value)):
            if not all(bool(p.isfinite().all()) for p in module.parameters()):
                raise ModelError(
                    f"update {self.policy_version + 1} made {name} weights that are not finite; not saved: "
                    "go on from the last checkpoint with smaller steps, or look at the rewards"
                )

    def _step(self, optimizer: torch.optim.Optimizer, loss: Tensor, module: torch.nn.Module) -> None:
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), self.settings.gradient_norm)
        optimizer.step()

    def fast_policy(self) -> FastPolicy:
        """The current policy, frozen for acting."""
        return FastPolicy.of(self.policy)

    def export_policy(self, path: Path) -> str:
        """Write the current policy for other nodes; returns its SHA-256."""
        return save_policy(self.policy, path)

    def save(self, folder: Path) -> None:
        """Write a full checkpoint (weights, optimisers, counters, buffered episodes); the JSON file last."""
        arrays: Arrays = {}
        for name, module in (("policy", self.policy), ("value", self.value)):
            arrays |= {f"{name}/{k}": v for k, v in arrays_of(module).items()}
        for name, optimizer in (("policy", self._policy_optimizer), ("value", self._value_optimizer)):
            for index, state in optimizer.state_dict()["state"].items():
                arrays |= {f"{name}_adam/{index}/{k}": np.asarray(v.numpy()) for k, v in state.items()}
        for i, episode in enumerate(self._buffer):
            fields = asdict(episode)
            fields["goes_on"] = np.array(episode.goes_on)
            arrays |= {f"buffer/{i}/{k}": v for k, v in fields.items()}
        sha256 = write_arrays(folder / "learner.safetensors", arrays)
        write_json(
            folder / "learner.json",
            {
                "format": _FORMAT,
                "sha256": sha256,
                "seed": self._seed,
                "policy_version": self.policy_version,
                "episodes": self.episodes,
                "steps": self.steps,
                "buffered_episodes": len(self._buffer),
                "settings": asdict(self.settings),
            },
        )

    def load(self, folder: Path) -> None:
        """Go on from a full checkpoint, bit for bit.

        Raises:
            ModelError: It is missing, damaged, or from a run with another seed or other settings.
        """
        try:
            header = read_json(folder / "learner.json")
            arrays = read_arrays(folder / "learner.safetensors", header["sha256"])
            mine = {"format": _FORMAT, "seed": self._seed, "settings": asdict(self.settings)}
            for key, expected in mine.items():
                if header[key] != expected:
                    raise ModelError(
                        f"{folder}: checkpoint has {key} {header[key]}, this run has {expected}; "
                        "resume with the same"
                    )
            self.policy_version, self.episodes, self.steps = (
                header["policy_version"],
                header["episodes"],
                header["steps"],
            )
            buffered = header["buffered_episodes"]
        except FileError as error:
            raise ModelError(str(error)) from error
        except KeyError as error:
            raise ModelError(f"{folder / 'learner.json'}: incomplete checkpoint, {error} missing") from error
        for name, module in (("policy", self.policy), ("value", self.value)):
            fill(module, _under(arrays, name), folder)
        for name, optimizer in (("policy", self._policy_optimizer), ("value", self._value_optimizer)):
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in _under(arrays, f"{name}_adam").items():
                index, field = key.split("/")
                state.setdefault(int(index), {})[field] = torch.from_numpy(value)
            optimizer.load_state_dict(
                {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
            )
        self._buffer = []
        for i in range(buffered):
            fields = _under(arrays, f"buffer/{i}")
            arguments: dict[str, Any] = {**fields, "goes_on": bool(fields["goes_on"])}
            self._buffer.append(EpisodeArrays(**arguments))


def _under(arrays: Arrays, prefix: str) -> Arrays:
    """Entries whose name starts with ``prefix/``, without it."""
    return {k[len(prefix) + 1 :]: v for k, v in arrays.items() if k.startswith(prefix + "/")}
