"""What a stopped training leaves on disk: whole at every moment, and no more than it needs."""

from __future__ import annotations

import math
from pathlib import Path

import keras
import numpy as np
import pytest

from hpapipe.config import Fit
from hpapipe.training import state as module
from hpapipe.training.averaging import averaged
from hpapipe.training.optimizers import optimizer
from hpapipe.training.state import State, load_best, plain, read, restore, save

pytestmark = pytest.mark.usefixtures("seeded")
IMAGES, TRUTH = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32), np.array([[1.0], [0.0]], np.float32)


def compiled() -> keras.Model:
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    )
    model.compile(optimizer(Fit(averaged_weights=0.5, schedule="constant"), 10), "mse", run_eagerly=True)
    return model


def epoch(state: State, model: keras.Model, val_loss: float) -> None:
    """A step of training, taken into the state."""
    model.train_on_batch(IMAGES, TRUTH)
    state.add({"loss": val_loss, "val_loss": val_loss}, Fit(epochs=10, patience=0))


def added(losses: list[float], epochs: int, patience: int) -> State:
    state = State()
    for loss in losses:
        assert not state.stopped
        state.add({"loss": loss, "val_loss": loss}, Fit(epochs=epochs, patience=patience))
    return state


def everything(model: keras.Model) -> list[np.ndarray]:
    """Weights, statistics, seeds and the optimizer's own variables."""
    return [keras.ops.convert_to_numpy(v).copy() for v in (*model.variables, *model.optimizer.variables)]


def equal(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_lowest_loss_is_the_best() -> None:
    """The first of equals: a later epoch must be lower, not as low."""
    state = added([3, 1, 2, 1], epochs=9, patience=0)
    assert (state.epoch, state.best_epoch, state.best_loss, state.stopped) == (4, 2, 1, False)


@pytest.mark.parametrize(
    ("losses", "epochs", "patience", "stopped"),
    [
        ([1, 2], 9, 2, False),
        ([1, 2, 3], 9, 2, True),
        ([3, 2, 1, 2], 9, 2, False),
        ([1, 2, 0, 1], 9, 2, False),
        ([1, 2, 3, 4, 5], 9, 0, False),
        ([3, 2, 1], 3, 0, True),
        ([1.0, math.nan, math.nan], 9, 2, True),
    ],
)
def test_training_stops_by_patience_or_at_the_last_epoch(
    losses: list[float], epochs: int, patience: int, stopped: bool
) -> None:
    """Patience counts from the best epoch; 0 waits for ever; no number is no improvement."""
    assert added(losses, epochs, patience).stopped is stopped


def test_nothing_on_disk_is_a_training_that_has_not_begun(tmp_path: Path) -> None:
    """An empty or a missing folder."""
    assert read(tmp_path) == read(tmp_path / "nowhere") == State()


def test_state_comes_back_with_model_and_optimizer(tmp_path: Path) -> None:
    """In a fresh model: every variable of both, so that the next step is the same step."""
    model, state = compiled(), State()
    for loss in (2.0, 1.0):
        epoch(state, model, loss)
        save(state, model, tmp_path)
    again, fresh = read(tmp_path), compiled()
    assert again == state
    restore(again, fresh, tmp_path)
    assert equal(everything(fresh), everything(model))
    for one in (model, fresh):
        one.train_on_batch(IMAGES, TRUTH)
    assert equal(everything(fresh), everything(model))


def test_numbers_that_json_has_no_word_for_come_back(tmp_path: Path) -> None:
    """An infinite or unknown loss is kept as such."""
    model, state = compiled(), State()
    epoch(state, model, math.inf)
    state.history[0]["gap"] = math.nan
    save(state, model, tmp_path)
    assert read(tmp_path).best_loss == math.inf
    assert math.isnan(read(tmp_path).history[0]["gap"])


def test_best_weights_are_the_averages_of_the_best_epoch(tmp_path: Path) -> None:
    """Later, worse epochs leave them alone."""
    model, state, averages = compiled(), State(), []
    for loss in (3.0, 1.0, 2.0):
        epoch(state, model, loss)
        save(state, model, tmp_path)
        with averaged(model):
            averages.append([weight.copy() for weight in model.get_weights()])
    model.train_on_batch(IMAGES, TRUTH)
    load_best(read(tmp_path), model, tmp_path)
    best = [
        weight for weight, other in zip(model.get_weights(), averages[1], strict=True) if weight.dtype == other.dtype
    ]
    assert equal(best, averages[1])
    assert not equal(averages[1], averages[2])


def test_only_files_that_count_stay(tmp_path: Path) -> None:
    """One last state, one best one, however long the training."""
    model, state = compiled(), State()
    for loss in (3.0, 1.0, 2.0):
        epoch(state, model, loss)
        save(state, model, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        "best-0002.npz",
        "last-0003.npz",
        "state.json",
    }


@pytest.mark.parametrize("moment", ["weights", "best", "state", "rename"])
def test_a_kill_while_saving_leaves_the_older_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Whatever was written of the new one, the older loads as if nothing had been, and can be gone on from."""
    model, state = compiled(), State()
    epoch(state, model, 2.0)
    save(state, model, tmp_path)
    before, known = everything(model), read(tmp_path)
    epoch(state, model, 1.0)
    calls: list[object] = []

    def killed(*words: object, **named: object) -> None:
        raise KeyboardInterrupt

    def killed_at_the_second(path: Path, *_: object) -> None:
        calls.append(path)
        path.write_bytes(b"half a file")
        if len(calls) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if moment in ("weights", "best"):
            patch.setattr(module.np, "savez", killed if moment == "weights" else killed_at_the_second)
        elif moment == "state":
            patch.setattr(module.json, "dumps", killed)
        else:
            patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            save(state, model, tmp_path)
    again, fresh = read(tmp_path), compiled()
    assert again == known
    restore(again, fresh, tmp_path)
    assert equal(everything(fresh), before)
    load_best(again, fresh, tmp_path)
    epoch(again, fresh, 1.5)
    save(again, fresh, tmp_path)
    assert {file.name for file in tmp_path.glob("*.npz")} == {"best-0002.npz", "last-0002.npz"}


def test_plain_numbers_are_floats() -> None:
    """Of NumPy, of the backend, or whole ones."""
    row = plain({"a": np.float32(0.5), "b": 2, "c": keras.ops.convert_to_tensor(1.5)})
    assert row == {"a": 0.5, "b": 2.0, "c": 1.5}
    assert {type(value) for value in row.values()} == {float}


def test_patience_can_wait_for_the_training_loss() -> None:
    """It falls while the validation loss rises; the weights kept are still those of the lowest validation loss."""
    state = State()
    for loss, val_loss in ((3, 1), (2, 2), (1, 3)):
        state.add({"loss": loss, "val_loss": val_loss}, Fit(epochs=9, patience=1, patience_on="loss"))
    assert (state.stopped, state.best_epoch) == (False, 1)
    state.add({"loss": 1, "val_loss": 0.5}, Fit(epochs=9, patience=1, patience_on="loss"))
    assert (state.stopped, state.best_epoch) == (True, 4)


@pytest.mark.parametrize(("loss", "stopped"), [(0.081, False), (0.08, True), (math.nan, False)])
def test_training_stops_at_a_target_loss(loss: float, stopped: bool) -> None:
    """Of training, and not before it is reached."""
    state = State()
    state.add({"loss": loss, "val_loss": 0.01}, Fit(epochs=9, patience=0, target_loss=0.08))
    assert state.stopped is stopped
