"""The page beside exported networks, for whoever builds them into another program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpapipe.runtimes import RUNTIMES
from hpapipe.workflows.exported import ABOUT, PARITY, Parity

OPENED = {
    "onnx": """import onnxruntime

session = onnxruntime.InferenceSession("network-000.onnx")
answers = session.run(["answers"], {"images": images})[0]""",
    "openvino": """import openvino

network = openvino.Core().compile_model("network-000.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
answers = network(images)[0]""",
    "litert": """from ai_edge_litert.interpreter import Interpreter  # pip install ai-edge-litert

answers = Interpreter("network-000.tflite").get_signature_runner()(images=images)["answers"]""",
    "savedmodel": """import tensorflow as tf

answers = tf.saved_model.load("network-000.savedmodel").serve(images)["answers"].numpy()""",
}
OPENED["litert-int8"] = OPENED["litert"]
"""Runtime -> how its own library opens a file and asks it."""

DECIDED = {
    "classification": """\
1. Bring each field to the size in its member's `view` in `spec.json` (bilinear; where `cut` is not `whole`, cut
   out what it says), channels in the order of `channels`, as `uint{bits}`: scaling is in the network.
2. Ask each network. Its answers belong to the labels in `columns` of its member. For a single label it gives two
   numbers: absent, present.
3. Where `turns` is true, average the answers for the field turned and mirrored in all ways. Where a view has several
   crops, join theirs as `join` says. Average label by label over the networks.
4. {rule}""",
    "segmentation": """\
1. Bring each image to `size` of its member in `spec.json` (bilinear; turn it by 90° where it lies across), one
   grey channel, as `uint{bits}`: scaling is in the network.
2. Ask each network: a probability for each pixel. Where `turns` is true, average over all ways to turn and mirror the
   image, laid back. Average over the networks, and enlarge to the size of the image (bilinear).
3. A pixel belongs to the cell from `cut` on.""",
}
NAMED = {
    True: "The most likely label is the answer.",
    False: "Name each label whose probability reaches its entry in `thresholds`; where `always_name_one` is true,\n"
    "   the most likely label always.",
}


def page(about: Mapping[str, Any], parity: Parity, folder: Path) -> str:
    """The page, Markdown.

    Args:
        about: which Version it is.
        parity: what was found of this form.
        folder: of the networks and `spec.json`.
    """
    spec, task = json.loads((folder / "spec.json").read_text()), about["recipe"]["task"]
    steps = DECIDED[task].format(bits=spec["bits"], rule=NAMED[spec.get("one_label", False)])
    files = ", ".join(sorted(f"`{file.name}`" for file in folder.glob("network-*")))
    packages = ", ".join(f"{name} {parity.machine[name]}" for name in RUNTIMES[parity.runtime].packages)
    return f"""# Version {about["version"]} of {about["model"]} for {parity.runtime}

| file | what |
|---|---|
| {files} | the networks, from stored integers to probabilities |
| `spec.json` | sizes, channels, labels, thresholds: all that stands beside the networks |
| `{PARITY}` | what was found when this form was held against Keras |
| `{ABOUT}` | which Version this is, and the whole recipe of its training |

A network takes `images`, `uint{spec["bits"]}` `[images, height, width, channels]`, and gives `answers`, `float32`:

```python
{OPENED[parity.runtime]}
```

## From images to an answer

{steps}

`hpapipe` does all of it: `hpapipe.tasks.{MODULES[task]}.read_version(folder).answer(images)`.

## Held against Keras

On {parity.images:,} images: the largest difference of a probability is {parity.largest_difference:.1e};
{parity.decided_otherwise:,} of {parity.decided:,} decisions are others. {parity.measure} is {parity.score:.4f} here and
{parity.keras_score:.4f} with Keras. {parity.images_a_second:.0f} images a second, {parity.times_keras:.2f} times Keras'
({parity.machine["processor"]}, {parity.machine["threads"]} threads, {packages}).
"""


MODULES = {"classification": "classifier", "segmentation": "segmenter"}
"""Task -> module that reads its Versions."""
