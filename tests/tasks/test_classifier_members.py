"""Networks that see different things of a field, or answer different labels, joined to one answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from hpapipe.errors import UserError
from hpapipe.imageset.augment import turned
from hpapipe.imageset.view import View, fitted
from hpapipe.tasks.classifier import Classifier, Member, Spec, ask, read_version, write_version

WHOLE = View("whole", (4, 4), (8, 8))
OBLONG = View("whole", (4, 6), (8, 8))
CORNER = View("corner", (6, 4), (8, 8))
CROPS = View("crops", (4, 4), (8, 6), 2)
ALL = (0, 1, 2)
SPEC = Spec(
    channels=("red", "green"),
    files="train/{id}_{channel}.png",
    bits=8,
    max_pixels=10_000,
    labels=("a", "b", "c"),
    indices=ALL,
    one_label=False,
    thresholds=(0.5, 0.5, 0.5),
    always_name_one=False,
    turns=False,
    join="mean",
    members=(),
)


def network(view: View, outputs: int = 3, seed: int = 0, activation: str = "sigmoid") -> keras.Model:
    """Its answers depend on where every pixel lies."""
    shape = (*view.size, 2)
    images = keras.Input(shape)
    dense = layers.Dense(outputs, activation=activation)
    model = keras.Model(images, dense(layers.Flatten()(images)))
    model.set_weights([np.random.default_rng(seed).normal(0, 0.005, (np.prod(shape), outputs)), np.zeros(outputs)])
    return model


def images(height: int = 8, width: int = 8, many: int = 3) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (many, height, width, 2), np.uint8)


def said(model: keras.Model, seen: np.ndarray) -> np.ndarray:
    return np.asarray(model.predict_on_batch(seen))


def alone(model: keras.Model, member: Member, spec: Spec = SPEC) -> Classifier:
    return Classifier((model,), replace(spec, members=(member,)))


def test_each_label_is_averaged_over_the_networks_that_answer_it() -> None:
    """All three by one network, a and c by another, b by a two-way softmax: its second output."""
    models = network(WHOLE), network(WHOLE, 2, seed=1), network(WHOLE, 2, seed=2, activation="softmax")
    members = tuple(Member(WHOLE, columns, 0) for columns in (ALL, (2, 0), (1,)))
    given = images(4, 4)
    every, pair, single = (said(model, given) for model in models)
    expected = [(every[:, 0] + pair[:, 1]) / 2, (every[:, 1] + single[:, 1]) / 2, (every[:, 2] + pair[:, 0]) / 2]
    found = Classifier(models, replace(SPEC, members=members)).probabilities(given)
    np.testing.assert_allclose(found, np.stack(expected, axis=1), rtol=1e-5)
    assert found.dtype == np.float32


@pytest.mark.parametrize(("view", "ways"), [(WHOLE, range(8)), (OBLONG, (0, 2, 4, 6))], ids=["square", "oblong"])
def test_turns_are_averaged(view: View, ways: range | tuple[int, ...]) -> None:
    """Over all ways that keep the shape; a network's answers to each differ."""
    model, given = network(view), images(*view.size)
    each = [said(model, turned(given, way)) for way in ways]
    assert len({one.tobytes() for one in each}) == len(each)
    found = alone(model, Member(view, ALL, 0), replace(SPEC, turns=True)).probabilities(given)
    np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=1e-5)


def test_turns_make_the_answer_blind_to_them() -> None:
    """A field laid in any way gets the answer of the field."""
    classifier = alone(network(WHOLE), Member(WHOLE, ALL, 0), replace(SPEC, turns=True))
    expected = classifier.probabilities(images(4, 4))
    for way in range(8):
        np.testing.assert_allclose(classifier.probabilities(turned(images(4, 4), way)), expected, rtol=1e-5)


@pytest.mark.parametrize(("join", "joined"), [("mean", np.mean), ("maximum", np.max)])
@pytest.mark.parametrize("turns", [False, True])
def test_crops_are_joined_before_turns_are_averaged(join: str, joined: np.ufunc, turns: bool) -> None:
    """Four crops of 4×4 out of 8×6, each turned."""
    model, given = network(CROPS), images(8, 6)
    ways = range(8) if turns else [0]
    crops = [given[:, top : top + 4, left : left + 4] for top in (0, 4) for left in (0, 2)]
    each = [[said(model, turned(crop, way)) for crop in crops] for way in ways]
    found = alone(model, Member(CROPS, ALL, 0), replace(SPEC, turns=turns, join=join)).probabilities(given)
    np.testing.assert_allclose(found, np.mean(joined(each, axis=1), axis=0), rtol=1e-5)


def test_the_maximum_of_a_two_way_answer_is_that_of_its_presence() -> None:
    """Absence has no say."""
    model, given = network(CROPS, 2, activation="softmax"), images(8, 6)
    crops = [given[:, top : top + 4, left : left + 4] for top in (0, 4) for left in (0, 2)]
    expected = np.max([said(model, crop)[:, 1:] for crop in crops], axis=0)
    asked = ask(model, given, np.arange(3), 2, Member(CROPS, (1,), 0), False, "maximum")
    np.testing.assert_allclose(asked, expected, rtol=1e-5)


def test_networks_are_asked_for_the_fields_that_are_named() -> None:
    """In their order, in batches of any size."""
    model, given = network(WHOLE), images(4, 4, 7)
    for size in (1, 2, 7, 64):
        asked = ask(model, given, np.array([6, 0, 3]), size, Member(WHOLE, ALL, 0), False, "mean")
        np.testing.assert_allclose(asked, said(model, given[[6, 0, 3]]), rtol=1e-5)


def several() -> Classifier:
    """Networks of three views."""
    views = (WHOLE, CORNER, CROPS)
    models = tuple(network(view, seed=seed) for seed, view in enumerate(views))
    return Classifier(models, replace(SPEC, members=tuple(Member(view, ALL, 0) for view in views)))


def test_the_view_is_that_of_all_networks_or_none() -> None:
    """The number of crops is no part of it: the same fields are kept for any."""
    member = Member(CROPS, ALL, 0)
    both = (member, replace(member, view=replace(CROPS, crops=3)))
    assert Classifier((), replace(SPEC, members=both)).view == replace(CROPS, crops=1)
    assert Classifier((), replace(SPEC, members=(member,))).view == replace(CROPS, crops=1)
    assert several().view is None


def test_networks_of_different_views_are_asked_each_for_its_own() -> None:
    """Whole fields are given, of any size, and each network gets what it would get alone."""
    classifier = several()
    given = [images(8, 8)[0], images(9, 12)[1], images(30, 20)[2]]
    expected = []
    for model, member in zip(classifier.networks, classifier.spec.members, strict=True):
        one = alone(model, member)
        assert one.view is not None
        fields = np.stack([fitted(image, one.view) for image in given])
        expected.append(one.probabilities(fields))
        np.testing.assert_array_equal(one.probabilities(given), expected[-1])
    np.testing.assert_allclose(classifier.probabilities(given), np.mean(expected, axis=0), rtol=1e-5)


def test_a_field_smaller_than_a_networks_corner_is_refused() -> None:
    """It would have to be enlarged."""
    with pytest.raises(UserError, match=r"corner of 6×4 pixels\. Received 5×8 pixels"):
        several().probabilities(images(5, 8))


def test_a_version_of_several_views_is_read_back(tmp_path: Path) -> None:
    """The same spec, to the last tuple, and the same answers."""
    classifier = several()
    write_version(tmp_path, classifier.networks, classifier.spec)
    again = read_version(tmp_path)
    assert again.spec == classifier.spec
    assert hash(again.spec) == hash(classifier.spec)
    np.testing.assert_array_equal(again.probabilities(images()), classifier.probabilities(images()))


def test_more_than_ten_networks_keep_their_order(tmp_path: Path) -> None:
    """Of twelve, each answers for its own member."""
    models = [network(WHOLE, seed=seed) for seed in range(12)]
    members = tuple(Member(WHOLE, ALL, fold) for fold in range(12))
    write_version(tmp_path, models, replace(SPEC, members=members))
    again = read_version(tmp_path)
    assert [member.fold for member in again.spec.members] == list(range(12))
    for one, other in zip(again.networks, models, strict=True):
        np.testing.assert_array_equal(one.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize(("form", "told"), [(None, 1), (1, 1), (3, 3)])
def test_a_version_of_another_form_is_refused(form: int | None, told: int, tmp_path: Path) -> None:
    """In one line, before anything else is read: form 1 did not say which it was."""
    spec = {"size": [32, 32], "labels": ["a", "b"]} | ({} if form is None else {"format": form})
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    words = rf"must be read by the hpapipe that wrote it\. Received form {told}, where this one writes form 2\."
    with pytest.raises(UserError, match=words) as caught:
        read_version(tmp_path)
    assert len(caught.value.lines) == 1
