"""What a stopped training needs to go on, on disk: whole at every moment.

New files are written under new names first; `state.json`, replaced in one step, says which ones count; the old go last.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from hpapipe import config
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
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_loss: float = math.inf
    stopped: bool = False

    @property
    def epoch(self) -> int:
        return len(self.history)

    def add(self, row: dict[str, float], recipe: config.Fit) -> None:
        """Take in a finished epoch and decide whether training stops."""
        self.history.append(row)
        if row["val_loss"] < self.best_loss:
            self.best_epoch, self.best_loss = self.epoch, row["val_loss"]
        lowest = _lowest([earlier[recipe.patience_on] for earlier in self.history])
        exhausted = recipe.patience > 0 and self.epoch - lowest >= recipe.patience
        reached = recipe.target_loss is not None and row["loss"] <= recipe.target_loss
        self.stopped = self.epoch >= recipe.epochs or exhausted or reached


def _lowest(losses: Sequence[float]) -> int:
    """The epoch with the lowest loss, the first of equals; 0 where none is a number."""
    known = [(loss, epoch) for epoch, loss in enumerate(losses, 1) if not math.isnan(loss)]
    return min(known)[1] if known else 0


def read(folder: Path) -> State:
    """The state in `folder`, or that of a training that has not begun."""
    try:
        return State(**json.loads((folder / "state.json").read_text()))
    except FileNotFoundError:
        return State()


def save(state: State, model: keras.Model, folder: Path) -> None:
    """Keep the model and its optimizer as they are now, and its averaged weights where this epoch is the best."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(last_weights(state, folder), [*model.variables, *model.optimizer.variables])
    if state.best_epoch == state.epoch:
        with averaged(model):
            _write(best_weights(state, folder), model.variables)
    part = folder / "state.json.part"
    part.write_text(json.dumps(asdict(state)))
    part.replace(folder / "state.json")
    counting = {last_weights(state, folder), best_weights(state, folder)}
    for file in folder.glob("*.npz"):
        if file not in counting:
            file.unlink()


def restore(state: State, model: keras.Model, folder: Path) -> None:
    """Bring a freshly compiled model back to where `state` was saved, optimizer included."""
    if state.epoch:
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        _read(last_weights(state, folder), [*model.variables, *model.optimizer.variables])


def load_best(state: State, model: keras.Model, folder: Path) -> None:
    """Give the model the averaged weights of its best epoch.

    Raises:
        UserError: no epoch had a validation loss that is a number.
    """
    if not state.best_epoch:
        received = f"{state.history[-1]['val_loss']} after {state.epoch} epochs"
        raise UserError("The validation loss must be a number.", received, "Lower `fit.learning_rate`.")
    _read(best_weights(state, folder), model.variables)


def _write(file: Path, variables: Sequence[keras.Variable]) -> None:
    # Keras' own files take five times as long, each epoch: it looks through every attribute of every layer.
    np.savez(file, *map(keras.ops.convert_to_numpy, variables))


def _read(file: Path, variables: Sequence[keras.Variable]) -> None:
    with np.load(file) as kept:
        for variable, name in zip(variables, kept.files, strict=True):
            variable.assign(kept[name])


def last_weights(state: State, folder: Path) -> Path:
    return folder / f"last-{state.epoch:04d}.npz"


def best_weights(state: State, folder: Path) -> Path:
    return folder / f"best-{state.best_epoch:04d}.npz"


def plain(row: dict[str, Any]) -> dict[str, float]:
    """Numbers of any library as Python floats."""
    return {name: float(value) for name, value in row.items()}
