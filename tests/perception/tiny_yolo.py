"""ONNX files with YOLOv8's interface that answer the same whatever they see."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_tiny_yolo(file, output, names=None, size=(256, 320), metadata=True):
    """Output: (4 + classes, N); size: height, width of the input."""
    answer = numpy_helper.from_array(np.asarray(output, np.float32)[None], "answer")
    nodes = [helper.make_node("Identity", ["answer"], ["output0"])]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, *size])
    shape = [1, *np.asarray(output).shape]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [images],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, shape)],
        [answer],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    if metadata:
        helper.set_model_props(model, {"names": str(dict(enumerate(names or ("puck", "flower"))))})
    onnx.save(model, file)
    return file
