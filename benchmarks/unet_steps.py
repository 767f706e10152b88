"""A U-Net's training step beside PyTorch's: `python benchmarks/unet_steps.py`, with PyTorch installed.

The network of 8,629,921 parameters at 256×256 is written a second time for PyTorch, layer by layer, with as many
parameters. Both make steps of the same batch of noise with the same loss (binary cross-entropy of every pixel) and
RMSprop, with the same number of threads. Keras steps as `hpapipe train` does; PyTorch steps as its tutorials do, with
its images in both memory layouts, of which the faster one counts. They take turns in one process.

Prints the median seconds of a step with the least and the most, and the ratio of neighbours in time.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

import numpy as np

from hpapipe.config import parse
from hpapipe.quiet import import_quietly, quiet

PARAMETERS = 8_629_921
PROMISE = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4, help="of each, in a turn")
    parser.add_argument("--turns", type=int, default=6, help="even, so that drifts cancel")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    given = parser.parse_args()
    quiet()
    import_quietly("keras")
    import tensorflow as tf
    import torch

    tf.config.threading.set_intra_op_parallelism_threads(given.threads)
    torch.set_num_threads(given.threads)
    chance = np.random.default_rng(0)
    images = chance.integers(0, 256, (given.batch, given.size, given.size, 1), np.uint8)
    masks = (chance.random(images.shape) < 0.3).astype(np.float32)
    ways = {
        "Keras": of_keras(images, masks),
        "PyTorch": of_torch(images, masks, torch.contiguous_format),
        "PyTorch, channels last": of_torch(images, masks, torch.channels_last),
    }
    taken = in_turns(ways, given.steps, given.turns)
    print(f"{given.batch} images of {given.size}×{given.size} a step, {given.threads} threads, float32")
    for name, seconds in taken.items():
        print(f"{name:<24} {told(seconds)} s a step")
    fastest = min(list(taken)[1:], key=lambda name: np.median(taken[name]))
    ratio = taken["Keras"] / taken[fastest]
    kept = "kept" if np.median(ratio) <= PROMISE else "NOT KEPT"
    print(f"Keras / {fastest}: {told(ratio)}; at most {PROMISE:g}: {kept}")


def of_keras(images: np.ndarray, masks: np.ndarray) -> Callable[[], float]:
    """Steps by the network, loss and optimizer of a recipe."""
    import keras

    from hpapipe.tasks.segmentation import network
    from hpapipe.training.fit import compile_model
    from hpapipe.training.losses import mask_loss

    keras.utils.set_random_seed(0)
    recipe = parse(
        {
            "task": "segmentation",
            "data": {"size": images.shape[1:3]},
            "model": {"scaling": "range"},
            "fit": {
                "loss": "crossentropy",
                "optimizer": "rmsprop",
                "learning_rate": 1e-3,
                "schedule": "constant",
                "averaged_weights": 0,
            },
        }
    )
    made = network(recipe, images, np.arange(len(images)))
    assert made.count_params() == PARAMETERS
    compile_model(made, recipe.fit, mask_loss(recipe.fit), 1000)
    batches = [(images, masks)]

    def step() -> float:
        return float(made.train_on_batch(*batches[0]))

    return step


def of_torch(images: np.ndarray, masks: np.ndarray, layout: object) -> Callable[[], float]:
    """Steps by the same network in PyTorch, its tensors in this memory layout."""
    import torch
    from torch import nn

    def block(before: int, after: int) -> nn.Sequential:
        first, second = (nn.Conv2d(channels, after, 3, padding=1) for channels in (before, after))
        return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())

    class UNet(nn.Module):
        def __init__(self, width: int = 32, depth: int = 4) -> None:
            super().__init__()
            widths = [width * 2**level for level in range(depth + 1)]
            self.down = nn.ModuleList(
                block(before, after) for before, after in zip([1, *widths[:-2]], widths[:-1], strict=True)
            )
            self.bridge = block(widths[-2], widths[-1])
            self.rise = nn.ModuleList(
                nn.ConvTranspose2d(2 * after, after, 3, stride=2, padding=1, output_padding=1)
                for after in widths[-2::-1]
            )
            self.up = nn.ModuleList(block(2 * after, after) for after in widths[-2::-1])
            self.pool, self.head = nn.MaxPool2d(2), nn.Conv2d(width, 1, 1)
            self.few, self.many = nn.Dropout(0.25), nn.Dropout(0.5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            skips = []
            for level, down in enumerate(self.down):
                skips.append(down(x))
                x = (self.many if level else self.few)(self.pool(skips[-1]))
            x = self.bridge(x)
            for rise, up, skip in zip(self.rise, self.up, reversed(skips), strict=True):
                x = up(self.many(torch.cat([rise(x), skip], dim=1)))
            return torch.sigmoid(self.head(x))

    torch.manual_seed(0)
    made = UNet().to(memory_format=layout)  # type: ignore[call-overload]
    assert sum(each.numel() for each in made.parameters()) == PARAMETERS
    optimizer = torch.optim.RMSprop(made.parameters(), lr=1e-3, alpha=0.9)
    seen = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    truth = torch.from_numpy(masks.transpose(0, 3, 1, 2).copy())

    def step() -> float:
        optimizer.zero_grad()
        x = (seen.float() / 255).to(memory_format=layout)  # type: ignore[call-overload]
        loss = nn.functional.binary_cross_entropy(made(x), truth)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def in_turns(ways: dict[str, Callable[[], float]], steps: int, turns: int) -> dict[str, np.ndarray]:
    """Seconds of a step for each way, a mean a turn; every other turn goes backwards."""
    for step in ways.values():
        step(), step()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns):
        for name in sorted(ways, reverse=bool(turn % 2)):
            begun = time.perf_counter()
            for _ in range(steps):
                ways[name]()
            taken[name].append((time.perf_counter() - begun) / steps)
    return {name: np.array(seconds) for name, seconds in taken.items()}


def told(values: np.ndarray) -> str:
    """The median, with the least and the most."""
    return f"{np.median(values):.3f} ({values.min():.3f} to {values.max():.3f})"


if __name__ == "__main__":
    main()
