"""How fast networks answer in each runtime, against Keras: `python benchmarks/runtimes.py`.

One process; each network of the list below with random weights at the size of its recipe, on random images. Each is
written for all runtimes and opened again; then all answer the same images in turns, Keras among them, so that other
work on the machine slows all of them alike. All take the same threads: TF_NUM_INTRAOP_THREADS, or all cores.

Prints a table in Markdown: images a second of Keras, then for each runtime how many times as many; the largest
difference of a probability from Keras' stands in brackets. `litert-int8` rounds to 8 bits: what that costs is measured
by `hpapipe export --int8` on a network that was trained.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hpapipe.quiet import import_quietly, quiet

RECIPES = ("simulated", "model15", "model17", "resnet34", "efficientnetv2b0", "densenet121", "gapnet", "blastocyst")
CONFIGS = Path(__file__).parents[1] / "configs"


def network_of(name: str) -> Any:
    """The network of the recipe `configs/<name>.yaml`, its weights by chance."""
    import keras

    from hpapipe import config
    from hpapipe.models.build import Scaling, build
    from hpapipe.models.segmenters import SEGMENTERS

    recipe = config.load(str(CONFIGS / f"{name}.yaml"), {})
    keras.utils.set_random_seed(0)
    masks = recipe.task == "segmentation"
    channels, outputs = (1, 1) if masks else (len(recipe.data.channels), len(recipe.data.labels))
    scaling = Scaling(np.full(channels, 1 / 64), np.full(channels, -2.0))
    shape = (*recipe.data.size, channels)
    builders = SEGMENTERS if masks else None
    return build(recipe.model.name, recipe.model.options, shape, outputs, recipe.data.one_label, scaling, builders)


def beside_keras(network: Any, names: list[str], batch: int, rounds: int) -> tuple[float, dict[str, str]]:
    """(images a second of Keras, runtime -> how many times as many and the largest difference)."""
    from hpapipe.runtimes import RUNTIMES
    from hpapipe.runtimes.rates import seconds, times_as_fast

    seen = np.random.default_rng(0).integers(0, 255, (batch, *network.input_shape[1:]), np.uint8, endpoint=True)
    expected = np.asarray(network.predict_on_batch(seen))
    calls: dict[str, Callable[[], Any]] = {"keras": lambda: network.predict_on_batch(seen)}
    differences, faults = {}, {}
    with tempfile.TemporaryDirectory() as place:
        for name in names:
            file = Path(place, name + RUNTIMES[name].suffix)
            try:
                RUNTIMES[name].write(network, seen, file)
                runner = RUNTIMES[name].open(file)
                differences[name] = np.abs(np.asarray(runner.predict_on_batch(seen)) - expected).max()
            except Exception as error:
                faults[name] = type(error).__name__
                continue
            calls[name] = lambda runner=runner: runner.predict_on_batch(seen)  # type: ignore[misc]
        taken = seconds(calls, rounds)
    told = {name: f"{times_as_fast(taken[name], taken['keras']):.2f} ({differences[name]:.0e})" for name in differences}
    return batch / float(np.median(taken["keras"])), told | faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=RECIPES, help="names of files in configs/; none: those above")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    quiet()
    import_quietly("keras")
    import keras

    from hpapipe.runtimes import KERAS, RUNTIMES
    from hpapipe.runtimes.runtime import cores
    from hpapipe.workflows.exported import machine

    names = [name for name in RUNTIMES if name != KERAS]
    here = {key: value for name in names for key, value in machine(name).items()}
    print(f"{', '.join(f'{key} {value}' for key, value in here.items())}, keras {keras.__version__}")
    print(f"{cores()} threads, batches of {given.batch}, the median of {given.rounds}\n")
    print(f"| recipe | px | Keras, images a second | {' | '.join(names)} |")
    print(f"|---|---:|---:|{'---:|' * len(names)}")
    for recipe in given.recipes:
        network = network_of(recipe)
        rate, told = beside_keras(network, names, given.batch, given.rounds)
        row = " | ".join(told[name] for name in names)
        print(f"| `{recipe}` | {network.input_shape[1]} | {rate:.0f} | {row} |", flush=True)


if __name__ == "__main__":
    main()
