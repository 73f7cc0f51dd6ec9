"""The task policy at work: state in, proposed action out."""

from __future__ import annotations

from collections.abc import Sequence

from farl_interfaces.msg import Action, State
from farl_interfaces.srv import LoadModels
from rclpy.context import Context

from farl.actor import Actor
from farl.models import ModelError
from farl.policy import FastPolicy
from farl_ros import qos
from farl_ros.conversions import array_of, proposal_message
from farl_ros.nodes.loading import ModelNode, checked_policy
from farl_ros.nodes.running import main_of


class Policy(ModelNode):
    """Publishes ``proposed_action``; offers ``~/load_models``."""

    def __init__(self, arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
        super().__init__("policy", arguments, context)
        spec = self.declare_task()
        models = self.declare_models(spec)
        seed = self.declare("seed", 0, "seed of the run: exploration noise is a function of it", minimum=0)
        deterministic = self.declare("deterministic", False, "propose the mean action, without noise")
        self._actor = Actor(
            FastPolicy.of(models.task_policy), seed, spec.horizon, deterministic=deterministic
        )
        self._actions = self.create_publisher(Action, "proposed_action", qos.NEWEST)
        self.create_service(LoadModels, "~/load_models", self._on_load)
        self.create_subscription(State, "state", self._on_state, qos.NEWEST)

    @property
    def policy(self) -> FastPolicy:
        """The policy in use."""
        return self._actor.policy

    def _on_state(self, state: State) -> None:
        proposal = self._actor.propose(array_of(state.observation), state.episode, state.step)
        self._actions.publish(proposal_message(proposal, state.header.stamp))

    def _on_load(self, request: LoadModels.Request, response: LoadModels.Response) -> LoadModels.Response:
        try:
            policy = checked_policy(request, self._actor.policy)
        except ModelError as error:
            response.ok, response.message = False, str(error)
            self.get_logger().error(f"kept policy version {self._actor.version}: {error}")
            return response
        self._actor.load(policy, request.policy_version)
        response.ok, response.message = True, f"policy version {request.policy_version}"
        return response


main = main_of(Policy)

if __name__ == "__main__":
    main()
