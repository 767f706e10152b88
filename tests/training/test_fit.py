"""Training: its rows, its end, its best weights, and going on as if nothing had stopped it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from hpapipe import config
from hpapipe.errors import UserError
from hpapipe.imageset.feed import Feed
from hpapipe.training import fit as module
from hpapipe.training import losses
from hpapipe.training.fit import compile_model, fit, set_precision
from hpapipe.training.state import State, read

pytestmark = pytest.mark.usefixtures("seeded")
Row = dict[str, float]
CHANCE = np.random.default_rng(0)
LEVEL = np.linspace(30, 225, 14)
IMAGES = (LEVEL[:, None, None, None] + CHANCE.integers(-9, 9, (14, 4, 4, 1))).astype(np.uint8)
TRUTH = np.stack([LEVEL > 127, LEVEL > 70], axis=1).astype(np.uint8)
"""Labels that brightness tells, however an image is turned."""


class Training:
    """One training as a run has it: network, feed and validation from the recipe's seed alone.

    Steps run without a graph, which is faster for so few; `graph` compiles them as a run does.
    """

    def __init__(self, folder: Path, graph: bool = False, **options: object) -> None:
        self.recipe = config.Fit.model_validate({"epochs": 4, "averaged_weights": 0.8, "learning_rate": 0.02} | options)
        self.folder, self.rows = folder, []  # type: tuple[Path, list[Row]]
        self.validated: list[list[np.ndarray]] = []
        keras.utils.set_random_seed(3)
        pixels = keras.Input((4, 4, 1))
        x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255, dtype="float32")(pixels))
        x = keras.layers.Dropout(0.3)(keras.layers.BatchNormalization()(keras.layers.Dense(6, "relu")(x)))
        self.model = keras.Model(pixels, keras.layers.Dense(2, "sigmoid", dtype="float32")(x))
        self.feed = Feed(IMAGES, TRUTH, np.arange(12), config.Feed(batch_size=4), seed=3)
        steps = self.recipe.epochs * len(self.feed)
        compile_model(self.model, self.recipe, losses.loss(self.recipe, one_label=False), steps)
        self.model.run_eagerly = not graph

    def validate(self) -> Row:
        self.validated.append([weight.copy() for weight in self.model.get_weights()])
        answers = self.model(IMAGES, training=False)
        return {"val_loss": keras.ops.convert_to_numpy(self.model.loss(TRUTH.astype(np.float32), answers))}

    def go(self, validate: Callable[[], Row] | None = None, log: Callable[[Row], None] | None = None) -> State:
        told = log or self.rows.append
        return fit(self.model, self.feed, validate or self.validate, self.recipe, self.folder, told)

    def answers(self) -> np.ndarray:
        return keras.ops.convert_to_numpy(self.model(IMAGES, training=False))


def scripted(training: Training, losses: list[float]) -> Callable[[], Row]:
    """A validation that finds these losses, epoch by epoch."""
    left = iter(losses)
    return lambda: training.validate() | {"val_loss": next(left)}


def steady(row: Row) -> Row:
    """The numbers of a row that do not depend on the machine."""
    return {name: row[name] for name in ("epoch", "loss", "val_loss", "learning_rate")}


def test_each_epoch_has_a_row_of_plain_numbers(tmp_path: Path) -> None:
    """Losses, rate, speed, time and memory, counted from epoch 1; logged as they are kept."""
    training = Training(tmp_path, epochs=2, warmup=0)
    state = training.go()
    assert training.rows == state.history == read(tmp_path).history
    assert [row["epoch"] for row in state.history] == [1, 2]
    names = {"epoch", "loss", "val_loss", "learning_rate", "images_per_second", "seconds_per_batch", "seconds"}
    assert all(set(row) == names | {"memory_mib"} for row in state.history)
    assert {type(value) for row in state.history for value in row.values()} == {float}
    assert all(math.isfinite(value) for row in state.history for value in row.values())
    assert (state.epoch, state.stopped) == (2, True)


def test_training_learns(tmp_path: Path) -> None:
    """Pixels that say their labels are learned."""
    training = Training(tmp_path, epochs=12, averaged_weights=0.5, learning_rate=0.05)
    state = training.go()
    assert state.best_loss < 0.8 * state.history[0]["val_loss"]


def test_the_rate_follows_the_schedule(tmp_path: Path) -> None:
    """Over the steps of all epochs: at the end of the last it is next to nothing."""
    training = Training(tmp_path, epochs=3, warmup=0)
    rates = [row["learning_rate"] for row in training.go().history]
    # Keras names the rate of the step to come: 3, 6 and 9 of 9.
    np.testing.assert_allclose(rates, [0.015, 0.005, 0], atol=1e-6)


def test_it_stops_early_on_the_loss(tmp_path: Path) -> None:
    """Two epochs without a lower loss are enough."""
    training = Training(tmp_path, epochs=9, patience=2)
    state = training.go(scripted(training, [3, 2, 2, 2.5, 0]))
    assert [row["val_loss"] for row in training.rows] == [3, 2, 2, 2.5]
    assert (state.best_epoch, state.best_loss, state.stopped) == (2, 2, True)


def test_without_patience_it_goes_to_the_end(tmp_path: Path) -> None:
    """0 never stops."""
    training = Training(tmp_path, epochs=5, patience=0)
    assert training.go(scripted(training, [1, 2, 3, 4, 5])).epoch == 5


@pytest.mark.parametrize("averaging", [0.0, 0.8])
def test_it_ends_with_the_validated_weights_of_the_best_epoch(tmp_path: Path, averaging: float) -> None:
    """Those that the best loss was measured with: the averaged ones, where averages are kept."""
    training = Training(tmp_path, averaged_weights=averaging)
    training.go(scripted(training, [3, 1, 2, 2.5]))
    for kept, best in zip(training.model.get_weights(), training.validated[1], strict=True):
        np.testing.assert_array_equal(kept, best)
    assert any((a != b).any() for a, b in zip(training.validated[1], training.validated[3], strict=True))


def test_validation_sees_averages_and_training_does_not(tmp_path: Path) -> None:
    """Momentum changes what is scored, not where training goes."""
    slow, fast = Training(tmp_path / "slow", averaged_weights=0.95), Training(tmp_path / "fast", averaged_weights=0.1)
    slow.go()
    fast.go()
    np.testing.assert_allclose([row["loss"] for row in slow.rows], [row["loss"] for row in fast.rows], rtol=1e-5)
    assert slow.rows[0]["val_loss"] != pytest.approx(fast.rows[0]["val_loss"], rel=1e-5)


def interrupted_by_log(training: Training) -> None:
    """Ctrl-C once epoch 2 is saved and told."""

    def log(row: Row) -> None:
        training.rows.append(row)
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    training.go(log=log)


def interrupted_by_validation(training: Training) -> None:
    """Ctrl-C in epoch 3, after its steps and before it is saved."""

    def validate() -> Row:
        if len(training.rows) == 2:
            raise KeyboardInterrupt
        return training.validate()

    training.go(validate)


def interrupted_by_a_batch(training: Training) -> None:
    """Ctrl-C in the midst of epoch 3."""

    original = module._Epochs.on_train_batch_end

    def stop(self: module._Epochs, batch: int, logs: dict[str, float] | None = None) -> None:
        original(self, batch, logs)
        if self.state.epoch == 2 and batch == 1:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module._Epochs, "on_train_batch_end", stop)
        training.go()


@pytest.mark.parametrize(
    ("interrupted", "graph"),
    [(interrupted_by_log, True), (interrupted_by_validation, False), (interrupted_by_a_batch, False)],
)
def test_a_stopped_training_goes_on_as_if_it_had_not(
    tmp_path: Path, interrupted: Callable[[Training], None], graph: bool
) -> None:
    """In a fresh network: the same numbers as one that went straight through, no epoch twice, the same answers."""
    straight = Training(tmp_path / "straight", graph)
    whole = straight.go()
    first = Training(tmp_path / "stopped", graph)
    with pytest.raises(KeyboardInterrupt):
        interrupted(first)
    assert [row["epoch"] for row in first.rows] == [1, 2]
    assert read(tmp_path / "stopped").epoch == 2
    second = Training(tmp_path / "stopped", graph)
    state = second.go()
    assert [row["epoch"] for row in second.rows] == [3, 4]
    assert [row["epoch"] for row in state.history] == [1, 2, 3, 4]
    for there, here in zip(whole.history, state.history, strict=True):
        assert steady(here) == pytest.approx(steady(there), rel=1e-5, abs=1e-7)
    assert (state.best_epoch, state.best_loss) == (whole.best_epoch, pytest.approx(whole.best_loss, rel=1e-5))
    np.testing.assert_allclose(second.answers(), straight.answers(), rtol=1e-4)


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    """A run that died after training takes its best weights and goes on with scoring."""
    first = Training(tmp_path, epochs=2)
    state = first.go()
    again = Training(tmp_path, epochs=2)
    assert again.go() == state
    assert (again.rows, again.validated) == ([], [])
    np.testing.assert_array_equal(again.answers(), first.answers())


def test_a_loss_that_is_no_number_is_told(tmp_path: Path) -> None:
    """There are no best weights to go on with; patience does not wait for them."""
    training = Training(tmp_path, epochs=9, patience=2)
    with pytest.raises(
        UserError, match=r"validation loss must be a number. Received nan after 2 epochs.*learning_rate"
    ):
        training.go(scripted(training, [math.nan] * 9))


def test_mixed_precision_trains_and_resumes(tmp_path: Path) -> None:
    """The loss scale's optimizer keeps its averages and its state."""
    set_precision("mixed_float16")
    whole = Training(tmp_path / "straight").go()
    with pytest.raises(KeyboardInterrupt):
        interrupted_by_log(Training(tmp_path / "stopped"))
    state = Training(tmp_path / "stopped").go()
    for there, here in zip(whole.history, state.history, strict=True):
        assert steady(here) == pytest.approx(steady(there), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize(
    ("wanted", "gpu", "policy"),
    [
        ("float32", True, "float32"),
        ("mixed_bfloat16", False, "mixed_bfloat16"),
        ("auto", True, "mixed_float16"),
        ("auto", False, "float32"),
    ],
)
def test_precision_is_set(monkeypatch: pytest.MonkeyPatch, wanted: str, gpu: bool, policy: str) -> None:
    """As asked for; `auto` halves where a GPU makes it pay."""
    monkeypatch.setattr(module, "has_gpu", lambda: gpu)
    assert set_precision(wanted) == policy
    assert keras.config.dtype_policy().name == policy
    assert keras.layers.Dense(1).dtype_policy.name == policy


@pytest.mark.parametrize(("one_label", "loss"), [(False, "BinaryCrossentropy"), (True, "CategoricalCrossentropy")])
def test_compiled_as_the_recipe_says(tmp_path: Path, one_label: bool, loss: str) -> None:
    """Loss by the number of labels, optimizer by name, and no XLA on a processor."""
    model = Training(tmp_path).model
    compile_model(model, config.Fit(optimizer="sgd"), losses.loss(config.Fit(), one_label), steps=10)
    assert (type(model.loss).__name__, type(model.optimizer).__name__) == (loss, "SGD")
    if not module.has_gpu() and keras.backend.backend() != "jax":
        assert model.jit_compile is False
