"""Training that keeps its best weights, stops early on the loss, and goes on where it was stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import psutil

from hpapipe import config
from hpapipe.progress import bar
from hpapipe.training import state as states
from hpapipe.training.averaging import averaged
from hpapipe.training.optimizers import optimizer
from hpapipe.training.state import State

Row = dict[str, float]


def set_precision(wanted: str) -> str:
    """Set the precision of the models built from now on, and return its name.

    Args:
        wanted: a policy's name, or `auto`: float16 with float32 weights where a GPU is, else float32.
    """
    policy = wanted if wanted != "auto" else "mixed_float16" if has_gpu() else "float32"
    keras.config.set_dtype_policy(policy)
    return policy


def has_gpu() -> bool:
    """Whether the backend sees a GPU."""
    return bool(keras.distribution.list_devices("gpu"))


def compile_model(model: keras.Model, recipe: config.Fit, loss: keras.losses.Loss, steps: int) -> None:
    """Give `model` its loss and optimizer.

    Args:
        model: as built.
        recipe: the section `fit`.
        loss: that the task asks for.
        steps: training steps in all.
    """
    # XLA made training on a CPU several times slower.
    jit: Any = "auto" if has_gpu() or keras.backend.backend() == "jax" else False
    model.compile(optimizer(recipe, steps), loss, jit_compile=jit)
    # Else the first step makes the optimizer's variables, and TensorFlow traces it twice: seconds for each network.
    model.optimizer.build(model.trainable_variables)


def fit(
    model: keras.Model,
    feed: Any,
    validate: Callable[[], Row],
    recipe: config.Fit,
    folder: Path,
    log: Callable[[Row], None],
    name: str = "Training",
) -> State:
    """Train a compiled `model` to its end and leave the averaged weights of its best epoch in it.

    Args:
        model: compiled.
        feed: training batches; it is begun at the epoch where training goes on.
        validate: called with averaged weights after each epoch; must return `val_loss`, and any other numbers.
        recipe: the section `fit`.
        folder: keeps the state; where one is there already, training goes on from it.
        log: is given each finished epoch's row, after it was saved.
        name: title of the progress bar.

    Raises:
        KeyboardInterrupt: the user stopped it; the state of the last finished epoch stays in `folder`.
    """
    state = states.read(folder)
    states.restore(state, model, folder)
    if not state.stopped:
        feed.begin(state.epoch)
        with bar(name, recipe.epochs * len(feed)) as advance:
            advance(state.epoch * len(feed))
            epochs = _Epochs(state, feed, validate, recipe, folder, log, advance)
            model.fit(
                feed,
                epochs=recipe.epochs,
                initial_epoch=state.epoch,
                callbacks=[epochs],
                shuffle=False,  # The feed draws its own order; Keras' order of batches could not be resumed.
                verbose=0,
            )
    states.load_best(state, model, folder)
    return state


class _Epochs(keras.callbacks.Callback):
    """Measures, validates, saves and logs each epoch, in this order: what is logged is always saved too."""

    def __init__(
        self,
        state: State,
        feed: Any,
        validate: Callable[[], Row],
        recipe: config.Fit,
        folder: Path,
        log: Callable[[Row], None],
        advance: Callable[..., None],
    ) -> None:
        super().__init__()
        self.state, self.feed, self.validate, self.recipe = state, feed, validate, recipe
        self.folder, self.log, self.advance = folder, log, advance

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.begun, self.batches = time.perf_counter(), 0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.batches += 1
        self.advance()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        seconds = time.perf_counter() - self.begun
        row = {
            "epoch": epoch + 1,
            "loss": (logs or {})["loss"],
            "learning_rate": keras.ops.convert_to_numpy(self.model.optimizer.learning_rate),
            "images_per_second": self.feed.drawn / seconds,
            "seconds_per_batch": seconds / self.batches,
        }
        with averaged(self.model):
            row |= self.validate()
        row["seconds"] = time.perf_counter() - self.begun
        row["memory_mib"] = psutil.Process().memory_info().rss / 2**20
        self.state.add(states.plain(row), self.recipe)
        states.save(self.state, self.model, self.folder)
        self.log(self.state.history[-1])
        self.advance(0, note=f"validation loss {row['val_loss']:.4f}, best in epoch {self.state.best_epoch}")
        if self.state.stopped:
            self.model.stop_training = True
