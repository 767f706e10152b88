"""Weights that were trained on ImageNet and published: which file, where, and on what pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras

from hpapipe.errors import UserError


@dataclass(frozen=True)
class Published:
    """Weights trained on ImageNet.

    Args:
        file: name of the file.
        origin: folder that it is published in.
        md5: of the file.
        spread: standard deviation of the pixels that the body saw, per channel.
    """

    file: str
    origin: str
    md5: str
    spread: float = 1.0


_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
_YAKUBOVSKIY = "https://github.com/qubvel/classification_models/releases/download/0.0.1"
_KERNELS = "weights_tf_dim_ordering_tf_kernels_notop.h5"
# Pixels of ImageNet, 0 to 1, have a standard deviation of 0.226; bodies saw them as 0 to 255, -1 to 1, or at spread 1.
PUBLISHED: Mapping[str, Published] = {
    "inception_resnet_v2": Published(
        f"inception_resnet_v2_{_KERNELS}", f"{_KERAS}/inception_resnet_v2", "d19885ff4a710c122648d3b5c3b684e4", 0.452
    ),
    "inception_v3": Published(
        f"inception_v3_{_KERNELS}", f"{_KERAS}/inception_v3", "bcbd6486424b2319ff4ef7d526e38f63", 0.452
    ),
    "resnet50": Published(f"resnet50_{_KERNELS}", f"{_KERAS}/resnet", "4d473c1dd8becc155b73f8504c6f6626", 57.6),
    "densenet121": Published(f"densenet121_{_KERNELS}", f"{_KERAS}/densenet", "30ee3e1110167f948a6b9946edeeb738"),
    "efficientnetv2-b0": Published(
        "efficientnetv2-b0_notop.h5", f"{_KERAS}/efficientnet_v2", "893217f2bb855e2983157299931e43ff"
    ),
    "resnet18": Published("resnet18_imagenet_1000_no_top.h5", _YAKUBOVSKIY, "318e3ac0cd98d51e917526c9f62f0b50"),
    "resnet34": Published("resnet34_imagenet_1000_no_top.h5", _YAKUBOVSKIY, "8caaa0ad39d927cb8ba5385bf945d582"),
}
"""Body's name -> its published weights."""


def fetch(body: str) -> Path:
    """The file of the weights that a body was published with, downloaded where it is not there yet.

    Args:
        body: its name.

    Raises:
        UserError: there are none, or the file cannot be had.
    """
    if body not in PUBLISHED:
        rule = "`model.weights: imagenet` needs an architecture whose weights are published."
        remedy = f"Take one that is built on {', '.join(PUBLISHED)}, or give a file of weights."
        raise UserError(rule, f"`{body}`", remedy)
    known = PUBLISHED[body]
    address = f"{known.origin}/{known.file}"
    try:
        return Path(keras.utils.get_file(known.file, address, cache_subdir="models", file_hash=known.md5))
    except Exception as error:  # Keras raises bare exceptions for what a connection does.
        reason = " ".join(str(error).split())[:200]
        remedy = f"Put {known.file} from {address} into ~/.keras/models, or give its path as `model.weights`."
        raise UserError("ImageNet's weights must be at hand or within reach.", f"“{reason}”", remedy) from error
