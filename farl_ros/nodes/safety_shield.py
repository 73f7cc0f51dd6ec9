"""The safety shield between policy and arm: a state and the action proposed in it become one decision."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from builtin_interfaces.msg import Time
from farl_interfaces.msg import Action, ShieldDecision, State
from farl_interfaces.srv import LoadModels
from rclpy.context import Context

from farl.adviser import ShieldRole, Unchecked, advice
from farl.failsafe import Condition, Mode, Response, is_stale, respond
from farl.models import ModelError
from farl.policy import FastPolicy
from farl.presets import Preset, settings_for
from farl.shield import Shield, ShieldMode
from farl.types import ActionSource, Array, Decision, Proposal, Reason
from farl_ros import qos
from farl_ros.conversions import array_of, decision_message, proposal_of, stamp_ns
from farl_ros.nodes.common import NodeError
from farl_ros.nodes.loading import ModelNode, checked_policy
from farl_ros.nodes.running import main_of
from farl_ros.task_spec import TaskSpec

LATE = 1.0
"""In real time a decision that comes later than this many periods after its state is a late one."""


class SafetyShield(ModelNode):
    """Publishes ``decision``; offers ``~/load_models`` for the task policy whose future it predicts.

    With a person in command (``teleop``) it may only advise, or have no models at all: ``role``.

    Attributes:
        policy: That policy; None without models.
    """

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("safety_shield", arguments, context)
        spec = self.declare_task()
        preset = self.declare_preset()
        teleop = self.declare("teleop", False, "a person is in command, not a policy")
        role = self.declare("role", ShieldRole.ON.value, f"of the shield: {', '.join(ShieldRole)}")
        if role not in list(ShieldRole) or (role != ShieldRole.ON and not teleop):
            raise NodeError(
                f"parameter 'role' is {role!r} with teleop={teleop}; expected one of "
                f"{', '.join(ShieldRole)}, and without teleop: {ShieldRole.ON}"
            )
        self._role, self._mode = ShieldRole(role), Mode.TELEOP if teleop else Mode.ONLINE
        self._real_time = self.declare(
            "real_time", False, "wall clock: stale states and late decisions count"
        )
        self._period = 1.0 / spec.control_rate_hz
        self._zeros = np.zeros(spec.action_size, np.float32)
        self.policy: FastPolicy | None = None
        self._threshold, self._model_hash = math.nan, ""
        self._shield = Unchecked() if self._role is ShieldRole.OFF else self._make_shield(spec, preset)
        self._state: State | None = None
        self._state_at = 0.0
        self._proposal: Action | None = None
        self._decided_ns = -1

        self._decisions = self.create_publisher(ShieldDecision, "decision", qos.STREAM)
        if self.policy is not None:
            self.create_service(LoadModels, "~/load_models", self._on_load)
        self.create_subscription(State, "state", self._on_state, qos.NEWEST)
        self.create_subscription(Action, "proposed_action", self._on_proposal, qos.NEWEST)
        on = "off" if math.isnan(self._threshold) else self._role.value
        self.get_logger().info(
            f"shield {on}, threshold {self._threshold:g}, world model {self._model_hash[:12]}"
        )

    def _make_shield(self, spec: TaskSpec, preset: Preset) -> Shield:
        models = self.declare_models(spec)
        self.policy = FastPolicy.of(models.task_policy)
        shield = Shield(
            settings_for(preset, models).shield,
            self.policy,
            FastPolicy.of(models.recovery_policy),
            models.world_model,
            models.world_model_hash,
        )
        if shield.settings.mode == ShieldMode.ON:
            self._threshold, self._model_hash = shield.settings.threshold, models.world_model_hash
        return shield

    def _on_state(self, state: State) -> None:
        kept = None if self._state is None else self._state.header.stamp
        if self._is_news(state.header.stamp, kept):
            self._state, self._state_at = state, time.monotonic()
            self._decide()

    def _on_proposal(self, proposal: Action) -> None:
        kept = None if self._proposal is None else self._proposal.state_stamp
        if self._is_news(proposal.state_stamp, kept):
            self._proposal = proposal
            self._decide()

    def _is_news(self, stamp: Time, kept: Time | None) -> bool:
        """Whether a message is neither a duplicate nor overtaken."""
        return stamp_ns(stamp) > (self._decided_ns if kept is None else stamp_ns(kept))

    def _decide(self) -> None:
        """Decide once state and proposal have the same stamp, whichever came first."""
        state, message = self._state, self._proposal
        if state is None or message is None or message.state_stamp != state.header.stamp:
            return
        self._state = self._proposal = None
        self._decided_ns = stamp_ns(state.header.stamp)
        observation, proposal = array_of(state.observation), proposal_of(message)
        decision = self._checked(observation, proposal, self._conditions(state, proposal))
        self._decisions.publish(decision_message(decision, state.header.stamp))

    def _conditions(self, state: State, proposal: Proposal) -> Condition:
        conditions = Condition.NONE
        if state.validity & State.NOT_FINITE or not np.isfinite(proposal.values).all():
            conditions |= Condition.NOT_FINITE
        if state.validity & State.OBJECT_LOST:
            conditions |= Condition.OBJECT_LOST
        if state.validity & State.STALE:
            conditions |= Condition.STALE_STATE
        if self._mode is Mode.TELEOP and proposal.source == ActionSource.HOLD:
            conditions |= Condition.OPERATOR_RELEASED
        if self._real_time:
            age = (self.get_clock().now().nanoseconds - stamp_ns(state.header.stamp)) * 1e-9
            if is_stale(age, self._period):
                conditions |= Condition.STALE_STATE
            elif time.monotonic() - self._state_at > LATE * self._period:
                conditions |= Condition.MODEL_LATE
        return conditions

    def _checked(self, observation: Array, proposal: Proposal, conditions: Condition) -> Decision:
        """The shield's decision, unless the fail-safe table asks for something more restrictive."""
        verdict = respond(conditions, self._mode)
        if verdict.response == Response.EXECUTE:
            decision = self._shield.check(observation, proposal)
            if self._role is ShieldRole.ADVISER:
                decision = advice(decision)
            if not self._real_time or time.monotonic() - self._state_at <= LATE * self._period:
                return decision
            conditions |= Condition.MODEL_LATE
            verdict = respond(conditions, self._mode)
            if verdict.response == Response.EXECUTE:
                return decision
        else:
            decision = Decision(
                math.nan, self._threshold, np.empty(0, np.float32), proposal, self._zeros,
                ActionSource.HOLD, Reason.FAILSAFE, 0.0, self._model_hash,
            )  # fmt: skip
        if verdict.because != Condition.OPERATOR_RELEASED:  # that is every moment between two motions
            self.get_logger().warn(f"{verdict.because!r}: {verdict.response.name}", throttle_duration_sec=1.0)
        if verdict.response == Response.RECOVER:
            executed, source = self._shield.recovery_action(observation), ActionSource.RECOVERY
        else:
            executed, source = self._zeros, ActionSource.HOLD
        return replace(decision, executed=executed, source=source, reason=Reason.FAILSAFE)

    def _on_load(self, request: LoadModels.Request, response: LoadModels.Response) -> LoadModels.Response:
        try:
            policy = checked_policy(request, self.policy)
        except ModelError as error:
            response.ok, response.message = False, str(error)
            self.get_logger().error(f"kept the policy in use: {error}")
            return response
        self.policy = policy
        self._shield.load_task_policy(policy)
        response.ok, response.message = True, f"policy version {request.policy_version}"
        return response


main = main_of(SafetyShield)

if __name__ == "__main__":
    main()
