"""What is particular to classification: numbers of an epoch, decisions, scores, tables and figures."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.imageset.view import View
from hpapipe.labels import LabelSet
from hpapipe.tasks import classification as task
from hpapipe.tasks.classification import Answers
from hpapipe.tasks.classifier import Member
from hpapipe.tasks.part import Part, parts_of

TRUTH = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]] * 5, np.uint8)
SCORES = np.where(TRUTH, 0.8, 0.1).astype(np.float32) + np.linspace(0, 0.05, 60, dtype=np.float32).reshape(20, 3)


def recipe(**sections: Any) -> Recipe:
    data = {"channels": ["red", "green"], "labels": ["a", "b", "c"], "size": 32} | sections.pop("data", {})
    small = {"model": {"options": {"width": 4, "blocks": [1]}}, "score": {"bootstrap": 100, "worst_fields": 2}}
    return config.parse(small | sections | {"data": data})


def whole(asked: Recipe) -> Part:
    """The only part where one network answers all labels."""
    (part,) = parts_of(asked)
    return part


def answers(truth: np.ndarray = TRUTH, scores: np.ndarray = SCORES) -> Answers:
    many = len(truth)
    return Answers(
        ids=tuple(f"f{number:02d}" for number in range(many)),
        folds=np.arange(many) % 2,
        truth=truth,
        scores=scores,
        groups=np.arange(many),
        train_share=truth.mean(0),
    )


def test_the_same_seed_gives_the_same_network(seeded: None) -> None:
    """Outputs are the labels; scaling comes from the training fields alone."""
    images = np.random.default_rng(0).integers(0, 255, (6, 32, 32, 2)).astype(np.uint8)
    images[4:] = 255
    found = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        found.append(task.network(recipe(), whole(recipe()), images, np.arange(4)))
    assert found[0].output_shape == (None, 3)
    for one, other in zip(found[0].get_weights(), found[1].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    mean, spread = images[:4].mean((0, 1, 2)), images[:4].std((0, 1, 2))
    scaling = found[0].get_layer("scaling")
    np.testing.assert_allclose(scaling.scale, 1 / spread)
    np.testing.assert_allclose(scaling.offset, -mean / spread)


def test_numbers_of_an_epoch_use_the_constant_threshold() -> None:
    """At 0.3 all labels are named right, at 0.9 only the most likely of each field."""
    loss = keras.losses.BinaryCrossentropy()
    right = task.epoch_numbers(recipe(), whole(recipe()), loss, TRUTH, SCORES)
    assert right["macro_f1"] == right["micro_f1"] == right["f1/a"] == right["mean_average_precision"] == 1
    likely = np.clip(np.where(TRUTH, SCORES, 1 - SCORES), 1e-7, 1)
    assert right["val_loss"] == pytest.approx(-np.log(likely).mean(), rel=1e-5)
    high = task.epoch_numbers(recipe(thresholds={"constant": 0.9}), whole(recipe()), loss, TRUTH, SCORES)
    # Of the fields with a and b only the later label, b, is named: a has 5 hits of 10.
    assert (high["recall/a"], high["recall/b"], high["recall/c"]) == (0.5, 1, 1)
    assert high["f1/a"] == pytest.approx(2 / 3)


def test_the_decision_stands_beside_its_rivals() -> None:
    """Perfect scores: every way to set thresholds but ratio matching by chance is perfect too."""
    chosen, rivals = task.decision(recipe(), answers())
    np.testing.assert_array_equal(chosen.named, TRUTH)
    assert set(rivals) == {f"macro_f1_by/{name}" for name in ("crossfit", "maximum", "constant", "ratio")}
    assert rivals["macro_f1_by/constant"] == rivals["macro_f1_by/maximum"] == 1


def test_one_label_has_no_rivals() -> None:
    """The most likely is named; there is no threshold to tune."""
    one = TRUTH.copy()
    one[one.sum(1) > 1] = [1, 0, 0]
    chosen, rivals = task.decision(recipe(data={"one_label": True}), answers(one))
    np.testing.assert_array_equal(chosen.named.sum(1), 1)
    np.testing.assert_array_equal(chosen.named.argmax(1), SCORES.argmax(1))
    assert rivals == {}


def test_a_score_has_its_interval() -> None:
    """A perfect answer has the interval 1 to 1; one with faults contains its own value."""
    chosen, _ = task.decision(recipe(), answers())
    scored = task.score(recipe(), answers(), chosen)
    assert [scored.numbers[name] for name in ("macro_f1", "macro_f1_low", "macro_f1_high")] == [1, 1, 1]
    assert list(scored.per_label["name"]) == ["a", "b", "c"]
    assert list(scored.per_label["positives"]) == [10, 10, 5]

    noisy = answers(scores=np.random.default_rng(0).random(TRUTH.shape).astype(np.float32))
    chosen, _ = task.decision(recipe(), noisy)
    numbers = task.score(recipe(), noisy, chosen).numbers
    assert 0 <= numbers["macro_f1_low"] <= numbers["macro_f1"] <= numbers["macro_f1_high"] < 1
    assert numbers["macro_f1_low"] < numbers["macro_f1_high"]


def test_the_table_of_predictions_can_be_read_back() -> None:
    """Truth and names as the challenge writes them, a probability a label."""
    labels = LabelSet(("a", "b", "c"))
    chosen, _ = task.decision(recipe(), answers())
    table = task.predictions_table(labels, answers(), chosen)
    assert list(table) == [
        "id", "fold", "group", "truth", "named", "probability of a", "probability of b", "probability of c",
    ]  # fmt: skip
    assert list(table["truth"][:4]) == ["0", "1", "0 1", "2"]
    np.testing.assert_array_equal(labels.read(list(table["named"])), TRUTH)
    np.testing.assert_array_equal(table[[f"probability of {label}" for label in "abc"]], SCORES)


@pytest.mark.parametrize("one_label", [False, True])
def test_every_figure_comes_with_a_table(one_label: bool) -> None:
    """Thresholds are drawn only where there are some."""
    truth = TRUTH.copy()
    if one_label:
        truth[truth.sum(1) > 1] = [1, 0, 0]
    asked, held = recipe(data={"one_label": one_label}), answers(truth)
    chosen, _ = task.decision(asked, held)
    images = {name: np.full((32, 32, 2), 50, np.uint8) for name in held.ids}
    drawn = {}
    for name, table, figure in task.figures(asked, held, task.score(asked, held, chosen), images.__getitem__):
        drawn[name] = table
        assert figure.axes
        plt.close(figure)
    expected = [
        "f1_per_label",
        "precision_recall",
        "label_co_occurrence",
        "f1_against_threshold",
        "best_and_worst_fields",
    ]
    assert list(drawn) == [name for name in expected if not (one_label and name == "f1_against_threshold")]
    assert all(isinstance(table, pd.DataFrame) and len(table) for table in drawn.values())
    assert len(drawn["best_and_worst_fields"]["id"].unique()) == 4


def test_losses_of_fields_by_hand() -> None:
    """-log of 0.5 for both labels; a score of 0 for a truth is held at 1e-7."""
    truth = np.array([[1, 0], [1, 0]], np.uint8)
    losses = task.field_losses(truth, np.array([[0.5, 0.5], [0.0, 0.0]], np.float32))
    np.testing.assert_allclose(losses, [np.log(2), -np.log(1e-7) / 2])


def test_the_spec_is_what_the_recipe_and_the_decision_say() -> None:
    """The deployed thresholds, and the preprocessing of training."""
    asked = recipe(data={"max_pixels": 5000, "files": "{channel}/{id}.tif"}, thresholds={"always_name_one": False})
    chosen, _ = task.decision(asked, answers())
    members = [task.member(asked, whole(asked), fold) for fold in (1, 0)]
    spec = task.spec(asked, chosen, 16, members)
    assert (spec.channels, spec.files) == (("red", "green"), "{channel}/{id}.tif")
    view = View("whole", (32, 32), (256, 256))
    assert spec.members == (Member(view, (0, 1, 2), 1), Member(view, (0, 1, 2), 0))
    assert (spec.turns, spec.join) == (False, "mean")
    assert (spec.bits, spec.max_pixels, spec.labels, spec.one_label) == (16, 5000, ("a", "b", "c"), False)
    assert spec.thresholds == pytest.approx(tuple(chosen.thresholds))
    assert spec.always_name_one is False


def test_a_group_is_scored_by_its_own_labels() -> None:
    """A softmax over absent and present for the single label; no label is named below its threshold, as it is alone."""
    asked = recipe(groups=[[1], [0, 2]], thresholds={"constant": 0.9})
    single, pair = parts_of(asked)
    outputs = np.stack([1 - SCORES[:, 1], SCORES[:, 1]], axis=1)
    found = task.epoch_numbers(asked, single, keras.losses.CategoricalCrossentropy(), TRUTH, outputs)
    assert (found["recall/b"], found["mean_average_precision"]) == (0, 1)
    assert [name for name in found if name.startswith("f1/")] == ["f1/b"]
    likely = np.where(TRUTH[:, 1], SCORES[:, 1], 1 - SCORES[:, 1])
    assert found["val_loss"] == pytest.approx(-np.log(likely).mean(), rel=1e-5)
    found = task.epoch_numbers(asked, pair, keras.losses.BinaryCrossentropy(), TRUTH, SCORES[:, [0, 2]])
    assert [name for name in found if name.startswith("recall/")] == ["recall/a", "recall/c"]
    assert found["recall/a"] == found["recall/c"] == 0


def test_what_is_learned_of_a_table_is_named_by_its_place_there() -> None:
    """`learn` c and a: two answers, which the challenge knows as 2 and 0. A lone label is never named for all."""
    asked = recipe(data={"learn": ["c", "a"]}, answer={"turns": True, "crops": 2, "join": "maximum"})
    chosen, _ = task.decision(asked, answers(TRUTH[:, [2, 0]], SCORES[:, [2, 0]]))
    spec = task.spec(asked, chosen, 8, [])
    assert (spec.labels, spec.indices, spec.always_name_one) == (("c", "a"), (2, 0), True)
    assert (spec.turns, spec.join) == (True, "maximum")
    alone = recipe(data={"learn": "b"})
    chosen, _ = task.decision(alone, answers(TRUTH[:, [1]], SCORES[:, [1]]))
    np.testing.assert_array_equal(chosen.named, TRUTH[:, [1]])
    assert task.spec(alone, chosen, 8, []).always_name_one is False
