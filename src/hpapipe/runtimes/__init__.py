"""The runtimes, by name: how a network travels to other programs, and answers here without Keras."""

from __future__ import annotations

from hpapipe.runtimes import keras_file, litert, onnx_file, openvino_ir, saved_model
from hpapipe.runtimes.runtime import Runtime

KERAS = "keras"
"""What a Version is kept in: its answers are those that all others are held against."""

RUNTIMES: dict[str, Runtime] = {
    KERAS: Runtime(".keras", keras_file.write, keras_file.open_, ("keras", "tensorflow")),
    "onnx": Runtime(".onnx", onnx_file.write, onnx_file.open_, ("onnxruntime",)),
    "openvino": Runtime(".xml", openvino_ir.write, openvino_ir.open_, ("openvino",)),
    "litert": Runtime(".tflite", litert.write, litert.open_, ("tensorflow",)),
    "litert-int8": Runtime(".tflite", litert.write_int8, litert.open_, ("tensorflow",), rounds=True),
    "savedmodel": Runtime(".savedmodel", saved_model.write, saved_model.open_, ("tensorflow",)),
}
"""Name -> how its files are written and opened. A new runtime is one file and one line here."""
