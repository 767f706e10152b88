"""What a stopped training needs to go on, on disk: whole at every moment.

New files are written under new names first; `state.json`, replaced in one step, says which ones count; the old go last.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras

from hpapipe.errors import UserError
from hpapipe.training.averaging import averaged


@dataclass
class State:
    """Progress of one training.

    Args:
        history: a row of numbers for each finished epoch; `epoch` counts from 1.
        best_epoch: epoch with the lowest validation loss, 0 before the first.
        best_loss: that loss.
        stopped: the training came to its end, by the last epoch or by patience.
        seeds: states of the model's random generators (dropout), which its weights leave out.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_loss: float = math.inf
    stopped: bool = False
    seeds: list[list[int]] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        return len(self.history)

    def add(self, row: dict[str, float], epochs: int, patience: int) -> None:
        """Take in a finished epoch and decide whether training stops."""
        self.history.append(row)
        if row["val_loss"] < self.best_loss:
            self.best_epoch, self.best_loss = self.epoch, row["val_loss"]
        exhausted = patience > 0 and self.epoch - self.best_epoch >= patience
        self.stopped = self.epoch >= epochs or exhausted


def read(folder: Path) -> State:
    """The state in `folder`, or that of a training that has not begun."""
    try:
        return State(**json.loads((folder / "state.json").read_text()))
    except FileNotFoundError:
        return State()


def save(state: State, model: keras.Model, folder: Path) -> None:
    """Keep the model and its optimizer as they are now, and its averaged weights where this epoch is the best."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_weights(last_weights(state, folder))
    if state.best_epoch == state.epoch:
        with averaged(model):
            model.save_weights(best_weights(state, folder))
    state.seeds = [keras.ops.convert_to_numpy(seed).tolist() for seed in _seeds(model)]
    part = folder / "state.json.part"
    part.write_text(json.dumps(asdict(state)))
    part.replace(folder / "state.json")
    counting = {last_weights(state, folder), best_weights(state, folder)}
    for file in folder.glob("*.weights.h5"):
        if file not in counting:
            file.unlink()


def restore(state: State, model: keras.Model, folder: Path) -> None:
    """Bring a freshly compiled model back to where `state` was saved, optimizer included."""
    if state.epoch:
        model.optimizer.build(model.trainable_variables)
        model.load_weights(last_weights(state, folder))
        for seed, value in zip(_seeds(model), state.seeds, strict=True):
            seed.assign(value)


def load_best(state: State, model: keras.Model, folder: Path) -> None:
    """Give the model the averaged weights of its best epoch.

    Raises:
        UserError: no epoch had a validation loss that is a number.
    """
    if not state.best_epoch:
        received = f"{state.history[-1]['val_loss']} after {state.epoch} epochs"
        raise UserError("The validation loss must be a number.", received, "Lower `fit.learning_rate`.")
    model.load_weights(best_weights(state, folder))


def _seeds(model: keras.Model) -> list[keras.Variable]:
    return [variable for variable in model.variables if variable.name == "seed_generator_state"]


def last_weights(state: State, folder: Path) -> Path:
    return folder / f"last-{state.epoch:04d}.weights.h5"


def best_weights(state: State, folder: Path) -> Path:
    return folder / f"best-{state.best_epoch:04d}.weights.h5"


def plain(row: dict[str, Any]) -> dict[str, float]:
    """Numbers of any library as Python floats."""
    return {name: float(value) for name, value in row.items()}
