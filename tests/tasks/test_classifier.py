"""A classifier that answers alone: averaged probabilities, names, and its folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from hpapipe.errors import UserError
from hpapipe.imageset.view import View
from hpapipe.tasks.classifier import Classifier, Member, read_version, write_version
from scoring import CLASSIFIER

SPEC = replace(CLASSIFIER, members=(Member(View("whole", (32, 32), (64, 64)), (0, 1, 2), 0),) * 2)


def network(*biases: float) -> keras.Model:
    """Answers the sigmoid of `biases` for any image."""
    images = keras.Input((32, 32, 2))
    dense = layers.Dense(3, activation="sigmoid", kernel_initializer="zeros")
    model = keras.Model(images, dense(layers.GlobalAveragePooling2D()(images)))
    dense.bias.assign(biases)
    return model


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """Two networks that answer 0.5, 0, 1 and 0.5, 0, 0 nearly."""
    return Classifier((network(0, -20, 20), network(0, -20, -20)), SPEC)


def images(many: int = 2, size: int = 32, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (many, size, size, 2)).astype(dtype)


def test_probabilities_are_the_mean_of_the_networks(classifier: Classifier) -> None:
    """0.5, 0 and (1 + 0) / 2."""
    np.testing.assert_allclose(classifier.probabilities(images()), [[0.5, 0, 0.5]] * 2, atol=1e-6)


def test_images_of_another_size_are_resized_and_none_give_none(classifier: Classifier) -> None:
    """Any size gives the answer; an empty array an empty table."""
    assert classifier.probabilities(images(size=50)).shape == (2, 3)
    assert classifier.probabilities(images(0)).shape == (0, 3)
    assert list(classifier.answer(images(0))) == ["Predicted", "names", "a", "b", "c"]


@pytest.mark.parametrize(
    "wrong",
    [images(dtype=np.uint16), images().astype(np.float32), images()[..., :1], images()[0]],
    ids=["16 bits", "floats", "one channel", "no batch"],
)
def test_arrays_of_another_kind_are_refused(classifier: Classifier, wrong: np.ndarray) -> None:
    """The scaling inside was made for one integer type, the weights for these channels."""
    with pytest.raises(UserError, match=r"Images must be uint8 \[images, height, width, 2\] \(red, green\)"):
        classifier.probabilities(wrong)


def test_names_follow_the_thresholds(classifier: Classifier) -> None:
    """Above its own threshold a label is named; the most likely one always, or not."""
    scores = np.array([[0.6, 0.3, 0.6], [0.1, 0.2, 0.3]], np.float32)
    np.testing.assert_array_equal(classifier.named(scores), [[1, 1, 0], [0, 0, 1]])
    bold = Classifier(classifier.networks, replace(SPEC, always_name_one=False))
    np.testing.assert_array_equal(bold.named(scores), [[1, 1, 0], [0, 0, 0]])


def test_one_label_is_the_most_likely(classifier: Classifier) -> None:
    """Thresholds play no part."""
    one = Classifier(classifier.networks, replace(SPEC, one_label=True, thresholds=(0.9, 0.9, 0.9)))
    scores = np.array([[0.2, 0.5, 0.3]], np.float32)
    np.testing.assert_array_equal(one.named(scores), [[0, 1, 0]])


def test_the_answer_in_words() -> None:
    """Indices as the challenge wants them, names, and a probability a label; nothing named is an empty text."""
    scores = np.array([[0.9, 0.8], [0.1, 0.2]], np.float32)
    spec = replace(
        SPEC, labels=("Nuclei", "Rods & rings"), indices=(2, 27), thresholds=(0.5, 0.5), always_name_one=False
    )
    table = Classifier((), spec).table(scores)
    assert table.drop(columns=["Nuclei", "Rods & rings"]).to_dict("list") == {
        "Predicted": ["2 27", ""],
        "names": ["Nuclei; Rods & rings", ""],
    }
    np.testing.assert_array_equal(table[["Nuclei", "Rods & rings"]], scores)


def test_a_table_of_paths(classifier: Classifier, image_folder: Callable[..., Any]) -> None:
    """Columns are the channels, in any order; the answer is that for the arrays."""
    held = image_folder()
    paths = pd.DataFrame([held.paths(field) for field in range(4)], columns=["red", "green"])
    answer = classifier.answer(paths[["green", "red"]])
    assert len(answer) == 4
    with pytest.raises(UserError, match=r"must have the columns red, green, each once\. Received red\."):
        classifier.answer(paths[["red"]])
    Path(held.paths(1)[0]).write_bytes(b"")
    with pytest.raises(UserError, match="An image file must not be empty"):
        classifier.answer(paths)


def test_a_written_version_is_read_back(classifier: Classifier, tmp_path: Path) -> None:
    """The same spec, the same answers, and no file that runs code."""
    write_version(tmp_path / "version", classifier.networks, SPEC)
    again = read_version(tmp_path / "version")
    assert again.spec == SPEC
    assert [file.name for file in sorted((tmp_path / "version").iterdir())] == [
        "network-000.keras", "network-001.keras", "spec.json",
    ]  # fmt: skip
    assert json.loads((tmp_path / "version" / "spec.json").read_text())["thresholds"] == [0.5, 0.25, 0.75]
    np.testing.assert_array_equal(again.probabilities(images()), classifier.probabilities(images()))
