"""Eq. 11 as one fused inference call: the hot path of the shield.

The roll-out through encoder, dynamics, decoder, policy and constraint head is written out as an ONNX graph
and run by ONNX Runtime on one thread, without autograd and without an allocation per step.
``farl.risk.rollout_step_risk`` is the readable reference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import nn

from farl.policy import FastPolicy
from farl.types import Array
from farl.world_model import WorldModel

_OPSET, _IR_VERSION = 17, 9


class _GraphBuilder:
    """Writes layers as ONNX nodes; names are numbers in order of appearance."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: dict[str, TensorProto] = {}
        self._count = 0

    def constant(self, name: str, value: NDArray[Any]) -> str:
        if name not in self.weights:
            self.weights[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(self, operator: str, inputs: list[str], **attributes: Any) -> str:  # noqa: ANN401 - as onnx has it
        self._count += 1
        output = f"x{self._count}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def linear(self, x: str, name: str, weight: Array, bias: Array) -> str:
        """``weight`` has shape ``(in, out)``."""
        return self.node(
            "Gemm", [x, self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)]
        )

    def sequential(self, x: str, name: str, layers: nn.Sequential) -> str:
        for i, layer in enumerate(layers):
            key = f"{name}.{i}"
            if isinstance(layer, nn.Linear):
                x = self.linear(x, key, layer.weight.detach().numpy().T, layer.bias.detach().numpy())
            elif isinstance(layer, nn.LayerNorm):
                scale = self.constant(f"{key}.scale", layer.weight.detach().numpy())
                bias = self.constant(f"{key}.bias", layer.bias.detach().numpy())
                x = self.node("LayerNormalization", [x, scale, bias], axis=-1, epsilon=layer.eps)
            elif isinstance(layer, nn.ReLU):
                x = self.node("Relu", [x])
            else:
                raise TypeError(f"no ONNX form is written for layer {type(layer).__name__} in {name}")
        return x

    def normalize(self, x: str, name: str, mean: Array, inverse_std: Array) -> str:
        x = self.node(
            "Mul",
            [
                self.node("Sub", [x, self.constant(f"{name}.mean", mean)]),
                self.constant(f"{name}.inverse", inverse_std),
            ],
        )
        low, high = (
            self.constant("low", np.array(-10.0, np.float32)),
            self.constant("high", np.array(10.0, np.float32)),
        )
        return self.node("Clip", [x, low, high])


class FusedRollout:
    """ĉ_0 … ĉ_H of a world model and a task policy, compiled once per policy version (10-30 ms)."""

    def __init__(self, model: WorldModel, policy: FastPolicy, horizon: int) -> None:
        build = _GraphBuilder()
        mean = model.normalizer.mean.numpy()
        inverse = model.normalizer.inverse_std.numpy()
        std = np.where(inverse > 0, 1.0 / np.maximum(inverse, 1e-12), 0.0).astype(np.float32)
        z = build.sequential(build.normalize("observation", "model", mean, inverse), "encoder", model.encoder)
        action = "action"
        risks = []
        for step in range(horizon + 1):
            joint = build.node("Concat", [z, action], axis=-1)
            risks.append(
                build.node("Sigmoid", [build.sequential(joint, "constraint", model.constraint_head)])
            )
            if step == horizon:
                break
            z = build.node("Add", [z, build.sequential(joint, "dynamics", model.dynamics)])
            state = build.sequential(z, "decoder", model.decoder)
            state = build.node(
                "Add",
                [build.node("Mul", [state, build.constant("std", std)]), build.constant("model.mean", mean)],
            )
            x = build.normalize(
                state, "policy", policy.weights["normalizer.mean"], policy.weights["normalizer.inverse_std"]
            )
            for i, (weight, bias) in enumerate(policy.layers):
                x = build.linear(x, f"policy.{i}", weight, bias)
                x = build.node("Tanh" if i == len(policy.layers) - 1 else "Relu", [x])
            action = x
        build.nodes.append(helper.make_node("Concat", risks, ["step_risk"], axis=-1))
        graph = helper.make_graph(
            build.nodes,
            "rollout",
            [
                helper.make_tensor_value_info(
                    "observation", TensorProto.FLOAT, ["batch", policy.observation_size]
                ),
                helper.make_tensor_value_info("action", TensorProto.FLOAT, ["batch", policy.action_size]),
            ],
            [helper.make_tensor_value_info("step_risk", TensorProto.FLOAT, ["batch", horizon + 1])],
            list(build.weights.values()),
        )
        onnx_model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            onnx_model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, observations: Array, actions: Array) -> Array:
        """Predicted violations, ``(B, H + 1)``, of observations ``(B, O)`` and first actions ``(B, A)``."""
        result: Array = self._session.run(None, {"observation": observations, "action": actions})[0]
        return result
