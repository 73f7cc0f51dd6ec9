"""What the tests of the nodes share: untrained models, and a probe that talks to the nodes under test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from rclpy.node import Node

from farl.calibration import Quality
from farl.intervals import wilson
from farl.models import ModelBundle
from farl.policy import GaussianPolicy, ValueFunction
from farl.selection import CARD_KEY, Choice
from farl.world_model import WorldModel, WorldModelSize
from farl_ros import qos
from farl_ros.composed import Composed

HORIZON = 20
OBSERVATION, ACTION = 10, 2


def untrained_models(
    seed: int,
    observation: int = OBSERVATION,
    threshold: float = 0.3,
    action: int = ACTION,
    task_name: str = "DiscTable",
) -> ModelBundle:
    torch.manual_seed(seed)
    task, recovery = (GaussianPolicy(observation, action, hidden=32) for _ in range(2))
    world_model = WorldModel(observation, action, WorldModelSize(latent=16, hidden=32, bins=11)).eval()
    with torch.no_grad():
        for policy in (task, recovery):
            for parameter in policy.body.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    value = ValueFunction(observation, 32)
    card = {"task": task_name, CARD_KEY: chosen(5, 1.0, threshold).to_json()}
    return ModelBundle(task, value, recovery, world_model, 5, 1.0, threshold, 0.05, card)


def chosen(horizon: int, gamma: float, threshold: float) -> Choice:
    """The choice of a shield as the offline phase puts it into the model card; its figures are made up."""
    figures = Quality(threshold, 0.5, 0.5, 0.01, 0.9, 5, 20, 10.0, 0.1)
    return Choice(horizon, gamma, figures, 0.9, True, 0.05, 10, 10, wilson(9, 10), 1, None, ())


class Bench:
    """Nodes under test, and one probe that talks to them, all on one executor."""

    def __init__(self, graph: Composed) -> None:
        self.graph = graph
        self.nodes: dict[str, Any] = graph.nodes
        self.probe = Node("probe", context=graph.context, use_global_arguments=False)
        graph.executor.add_node(self.probe)

    def close(self) -> None:
        self.graph.executor.remove_node(self.probe)
        for waitable in list(self.probe.waitables):  # action clients
            waitable.destroy()
        self.probe.destroy_node()
        self.graph.__exit__(None, None, None)

    def spin(self, until: Callable[[], bool], timeout: float = 10.0) -> None:
        assert self.graph.spin_until(until, timeout), f"did not happen within {timeout} s"

    def settle(self, seconds: float = 0.1) -> None:
        self.graph.spin_until(lambda: False, seconds)

    def listen(self, message_type: Any, topic: str) -> list[Any]:
        received: list[Any] = []
        self.probe.create_subscription(message_type, topic, received.append, qos.STREAM)
        return received

    def publisher(self, message_type: Any, topic: str) -> Any:
        return self.probe.create_publisher(message_type, topic, qos.STREAM)

    def call(self, service_type: Any, name: str, **fields: Any) -> Any:
        client = self.probe.create_client(service_type, name)
        self.spin(client.service_is_ready)
        future = client.call_async(service_type.Request(**fields))
        self.spin(future.done)
        return future.result()
