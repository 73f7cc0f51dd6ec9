"""What runs a network: ONNX Runtime, or OpenVINO where it is installed (faster on Intel processors)."""

from __future__ import annotations

import ast
import importlib
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class ModelError(ValueError):
    """A file is no detector that fits: not ONNX, no YOLOv8 output, other classes; the message says which."""


class Runtime(StrEnum):
    """Which library computes."""

    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"


class OnnxNetwork:
    """An ONNX file on ONNX Runtime.

    Attributes:
        classes: Names, in the order of the network's outputs.
        width: Of its input, pixels.
        height: The same.
    """

    def __init__(self, file: Path, threads: int) -> None:
        """Load it.

        Args:
            file: Ends in ``.onnx``; Ultralytics has put the names of the classes into its metadata.
            threads: One is fastest where cores are shared.

        Raises:
            ModelError: It is no such file.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if not file.is_file():
            raise ModelError(f"no detector {file}; train one, or choose detection by colour alone")
        try:
            self._session = onnxruntime.InferenceSession(str(file), options, ["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own errors have no common base below this
            raise ModelError(f"{file}: not a network that ONNX Runtime can load: {error}") from error
        (given,) = self._session.get_inputs()
        self._input = str(given.name)
        self.classes = _classes(self._session, file)
        self.width, self.height = _size(given.shape, file)

    def run(self, blob: Floats) -> Floats:
        """Return the output (C, N) for an input (1, 3, height, width)."""
        output: Floats = self._session.run(None, {self._input: blob})[0][0]
        return output


class OpenVinoNetwork(OnnxNetwork):
    """The same file on OpenVINO; ONNX Runtime still reads what the file says of itself."""

    def __init__(self, file: Path, threads: int) -> None:
        """Load and compile it; arguments and errors are those of ``OnnxNetwork``."""
        super().__init__(file, threads)
        try:
            core = importlib.import_module("openvino").Core()
        except ModuleNotFoundError as error:
            raise ModelError(
                "runtime: openvino, but OpenVINO is not installed: pip install -r "
                "requirements/perception-openvino.txt, or use runtime: onnxruntime"
            ) from error
        # Where the processor can, it computes in 16 bits: boxes differ by a quarter of a pixel.
        hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
        try:
            self._compiled = core.compile_model(core.read_model(str(file)), "CPU", hints)
        except RuntimeError as error:
            raise ModelError(f"{file}: not a network that OpenVINO can load: {error}") from error

    def run(self, blob: Floats) -> Floats:
        """Return the output (C, N) for an input (1, 3, height, width)."""
        output: Floats = np.array(self._compiled([blob])[0][0], np.float32)
        return output


def load_network(file: Path, runtime: Runtime, threads: int) -> OnnxNetwork:
    """Load a network.

    Raises:
        ModelError: It cannot be loaded.
    """
    return (OpenVinoNetwork if runtime is Runtime.OPENVINO else OnnxNetwork)(file, threads)


def _classes(session: Any, file: Path) -> tuple[str, ...]:  # noqa: ANN401 - ONNX Runtime has no types
    text = session.get_modelmeta().custom_metadata_map.get("names")
    try:
        names = ast.literal_eval(text)
        return tuple(str(names[i]) for i in range(len(names)))
    except (ValueError, SyntaxError, KeyError, TypeError) as error:
        raise ModelError(f"{file}: expected metadata 'names' such as {{0: 'puck'}}, got {text!r}") from error


def _size(shape: list[Any], file: Path) -> tuple[int, int]:
    if len(shape) != 4 or shape[:2] != [1, 3] or not all(isinstance(n, int) for n in shape):
        raise ModelError(
            f"{file}: expected an input (1, 3, height, width) of fixed size, got {shape}; "
            "export it with dynamic=False"
        )
    return shape[3], shape[2]
