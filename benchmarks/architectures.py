"""How long a training step of each architecture takes: `python benchmarks/architectures.py`.

One process, random images at one size, full precision, graph mode as in training. After two steps to warm up each
network takes its steps in turns with `residual`; the shortest of each count, since a busy machine only ever makes a
step longer. Prints a table in Markdown; its last column is the ratio.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from hpapipe.config import Recipe
from hpapipe.quiet import import_quietly, quiet

REFERENCE = "residual"


def compiled(name: str, size: int) -> Any:
    """The network `name` for images `size`×`size`×4 and 28 labels, ready to train as a recipe's defaults say."""
    from hpapipe.models.build import Scaling, build
    from hpapipe.training.fit import compile_model
    from hpapipe.training.losses import loss

    network = build(name, {}, (size, size, 4), 28, False, Scaling(np.full(4, 1 / 64), np.full(4, -2.0)))
    compile_model(network, Recipe().fit, loss(Recipe().fit, one_label=False), steps=100)
    return network


def seconds_a_step(networks: list[Any], batch: int, steps: int) -> list[float]:
    """The shortest of `steps` training steps of each network, taken in turns."""
    chance = np.random.default_rng(0)
    truth = chance.integers(0, 2, (batch, 28)).astype(np.float32)
    images = [chance.integers(0, 255, (batch, *each.input_shape[1:]), np.uint8, endpoint=True) for each in networks]
    taken = np.zeros((steps + 2, len(networks)))
    for step, number in np.ndindex(taken.shape):
        begun = time.perf_counter()
        networks[number].train_on_batch(images[number], truth)
        taken[step, number] = time.perf_counter() - begun
    return taken[2:].min(0).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="architectures; none: all")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=6)
    given = parser.parse_args()
    quiet()
    import_quietly("keras")
    import keras

    from hpapipe.models import ARCHITECTURES, LEAST_SIDE

    reference = compiled(REFERENCE, given.size)
    names = given.names or list({builder: name for name, builder in reversed(ARCHITECTURES.items())}.values())[::-1]
    print(f"{given.size} px, 4 channels, 28 labels, batches of {given.batch}, Keras {keras.__version__}\n")
    print("| name | px | parameters | seconds a step | images a second | × `residual` |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in names:
        size = max(given.size, LEAST_SIDE.get(name, 0))
        network = compiled(name, size)
        beside, seconds = seconds_a_step([reference, network], given.batch, given.steps)
        row = f"| `{name}` | {size} | {network.count_params():,} | {seconds:.3f} | {given.batch / seconds:.0f} "
        print(f"{row}| {seconds / beside:.2f} |", flush=True)


if __name__ == "__main__":
    main()
