"""A Version in other runtimes: what is kept, what is not, and what then answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpapipe import config
from hpapipe.errors import UserError
from hpapipe.imageset.view import View
from hpapipe.runtimes import KERAS, RUNTIMES
from hpapipe.tasks import classifier as task
from hpapipe.tasks.classifier import Member
from hpapipe.tracking import registry
from hpapipe.workflows import answering, export, exported
from hpapipe.workflows.answering import load
from hpapipe.workflows.exported import BOUND, LOSS, Parity, read_parity
from hpapipe.workflows.parity import evenly
from hpapipe.workflows.prepare import Prepared
from hpapipe.workflows.unseen import HeldOut

for _package in ("onnxruntime", "openvino", "tf2onnx"):
    pytest.importorskip(_package, reason=f"{_package} is not installed: hpapipe[export] lacks")

EXACT = {"onnx", "openvino", "litert", "savedmodel"}
TARGETS = ("0", "1", "2", "0 1", "1 2", "0 2") * 3
HELD_OUT = len(TARGETS) // 2


@pytest.fixture(scope="module")
def exported_once(train_once: Callable[..., Any], inside: Callable[..., Any]) -> Any:
    """16-bit fields, two networks of which one answers a single label, turned answers: all forms of it."""
    trained = train_once(TARGETS, {"dtype": np.uint16}, groups=[[0], [1, 2]], answer={"turns": True})
    ended = inside(trained, "export", "--config", trained.recipe, "--which", "1")
    return replace(trained, ended=ended)


@pytest.fixture
def version(exported_once: Any, lent: Callable[[Any], Any]) -> Any:
    """That training, its Version and its forms, lent to the test."""
    return lent(exported_once)


def recipe_of(trained: Any) -> config.Recipe:
    return config.load(str(trained.recipe), {})


def place(trained: Any) -> Path:
    return Path(trained.place, "workspace", "exports", "small", "1")


def test_every_form_is_told_and_kept(version: Any) -> None:
    """With the number of fields, the largest difference and the decisions, and what comes next."""
    ended = version.ended
    assert (ended.code, ended.err) == (0, "")
    assert {folder.name for folder in place(version).iterdir()} == EXACT
    for name in EXACT:
        assert f"{name}: workspace/exports/small/1/{name}\n" in ended.out
        found = read_parity(place(version) / name)
        assert (found.images, found.decided) == (HELD_OUT, 3 * HELD_OUT)
        assert (found.largest_difference <= 1e-5, found.decided_otherwise, found.is_exact) == (True, 0, True)
        assert found.times_keras > 0
    best = load(recipe_of(version), "1").runtime
    assert f"Where no --runtime is named, {best} answers" in ended.out
    assert ended.out.splitlines()[-1].startswith("Next: hpapipe predict FOLDER --config")


@pytest.mark.parametrize("name", ["onnx", "openvino", "litert", "savedmodel"])
def test_a_form_answers_alone_and_as_the_version_does(version: Any, name: str) -> None:
    """By its folder alone, wherever that is moved to: files, thresholds and labels are in it."""
    moved = version.place / "elsewhere"
    shutil.copytree(place(version) / name, moved)
    files = {file.name for file in moved.iterdir()}
    suffix = RUNTIMES[name].suffix
    assert {f"network-{number:03d}{suffix}" for number in range(2)} <= files
    assert {"spec.json", "parity.json", "version.json", "README.md"} <= files
    form = task.read_version(moved)
    model, _, _ = registry.load("small", "1")
    fields = np.random.default_rng(1).integers(0, 65535, (5, 40, 40, 2), np.uint16)
    ours, theirs = form.answer(fields), model.unwrap_python_model().version.answer(fields)
    assert list(ours["Predicted"]) == list(theirs["Predicted"])
    np.testing.assert_allclose(ours[["a", "b", "c"]], theirs[["a", "b", "c"]], atol=1e-5)


def test_the_page_beside_a_form_shows_how_to_open_it(version: Any) -> None:
    """Its lines of code run, and give what the Version's first network says."""
    folder = place(version) / "onnx"
    text = (folder / "README.md").read_text()
    code = text.split("```python\n")[1].split("```")[0].replace('"network', f'"{folder}/network')
    images = np.zeros((2, 32, 32, 2), np.uint16)
    known: dict[str, Any] = {"images": images}
    exec(code, known)
    np.testing.assert_array_equal(known["answers"], task.read_version(folder).networks[0].predict_on_batch(images))
    assert text.startswith("# Version 1 of small for onnx\n")
    assert "`uint16` `[images, height, width, channels]`" in text


def test_load_takes_what_is_asked_for(version: Any) -> None:
    """Keras, or a form; each with the Version's own recipe and run."""
    for name in (KERAS, "openvino"):
        found = load(recipe_of(version), "1", name)
        assert (found.runtime, found.number, found.metadata["run"]) == (name, "1", version.run)
        assert found.metadata["recipe"]["register_as"] == "small"
        assert len(found.version.networks) == 2


def rewrite(folder: Path, **changes: Any) -> None:
    told = json.loads((folder / "parity.json").read_text())
    (folder / "parity.json").write_text(json.dumps(told | changes))


def test_auto_takes_the_fastest_that_is_exact_on_this_machine(version: Any) -> None:
    """Not the faster one that decided otherwise, nor that of another machine, nor one that rounds."""
    for name, speed in {"onnx": 9.0, "openvino": 3.0, "litert": 7.0, "savedmodel": 2.0}.items():
        rewrite(place(version) / name, times_keras=speed)
    shutil.copytree(place(version) / "litert", place(version) / "litert-int8")
    rewrite(place(version) / "litert-int8", runtime="litert-int8", times_keras=99.0)
    assert load(recipe_of(version), "1").runtime == "onnx"
    rewrite(place(version) / "onnx", decided_otherwise=1)
    assert load(recipe_of(version), "1").runtime == "litert"
    rewrite(place(version) / "litert", machine={"processor": "another"})
    assert load(recipe_of(version), "1").runtime == "openvino"
    for name in ("openvino", "savedmodel"):
        rewrite(place(version) / name, times_keras=0.9)
    assert load(recipe_of(version), "1").runtime == KERAS


def test_auto_passes_over_a_runtime_that_is_gone(version: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form whose library was removed since is no reason to fail."""
    shutil.rmtree(place(version) / "savedmodel")
    for name in ("onnx", "openvino", "litert"):
        rewrite(place(version) / name, times_keras=2.0 if name == "onnx" else 0.5)
    runtimes = {**RUNTIMES, "onnx": replace(RUNTIMES["onnx"], packages=("no-such-package",))}
    monkeypatch.setattr(exported, "RUNTIMES", runtimes)
    assert load(recipe_of(version), "1").runtime == KERAS


def test_a_form_that_is_not_there_is_asked_for_in_a_line(version: Any) -> None:
    """Never exported, or exported of another store's Version of this number; and runtimes that nobody knows."""
    shutil.rmtree(place(version) / "litert")
    about = place(version) / "onnx" / "version.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "run": "0" * 32}))
    for name in ("litert", "onnx"):
        with pytest.raises(UserError, match=rf"Received no {name} form .*Run `hpapipe export --to {name}`\."):
            load(recipe_of(version), "1", name)
    with pytest.raises(UserError, match=r"Received `onyx`. Did you mean `onnx`\?"):
        load(recipe_of(version), "1", "onyx")


def off_by(amount: float) -> Any:
    """A runtime whose networks answer too much by `amount`."""

    class Off:
        def __init__(self, path: Path) -> None:
            self.network = RUNTIMES[KERAS].open(path)

        def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
            if amount == np.inf:
                raise RuntimeError("no such\noperation")
            return np.asarray(self.network.predict_on_batch(images)) + np.float32(amount)

    return replace(RUNTIMES[KERAS], open=Off)


@pytest.mark.parametrize(
    ("amount", "fault"),
    [
        (2e-4, "a probability differs by 2.0e-04, at most 0.0001 is allowed"),
        (np.nan, "a probability differs by nan, at most 0.0001 is allowed"),
        (np.inf, "RuntimeError: no such operation"),
    ],
)
def test_a_form_that_answers_otherwise_is_not_kept(
    version: Any, hpapipe: Any, monkeypatch: pytest.MonkeyPatch, amount: float, fault: str
) -> None:
    """What an earlier export left of it is gone; the other form is kept; exit code 3."""
    monkeypatch.setitem(RUNTIMES, "litert", off_by(amount))
    ended = hpapipe("export", "--config", version.recipe, "--which", "1", "--to", "litert", "--to", "savedmodel")
    assert (ended.code, ended.err) == (3, "")
    assert f"litert was not kept: {fault}\n" in ended.out
    assert "savedmodel: workspace/exports/small/1/savedmodel\n" in ended.out
    assert {folder.name for folder in place(version).iterdir()} == {"onnx", "openvino", "savedmodel"}


def test_a_small_difference_is_kept(version: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the bound."""
    monkeypatch.setitem(RUNTIMES, "litert", off_by(5e-5))
    (form,) = export.export(recipe_of(version), "1", ["litert"], False).forms
    assert form.folder is not None
    assert form.parity is not None
    assert form.parity.largest_difference == pytest.approx(5e-5, rel=0.01)


def parity(**changes: Any) -> Parity:
    told = {"runtime": "onnx", "largest_difference": 0.0, "decided_otherwise": 0, "keras_score": 0.7, "score": 0.7}
    rest = {"images": 9, "decided": 27, "measure": "macro_f1", "times_keras": 2.0, "images_a_second": 8.0, "batch": 16}
    return Parity(**{**told, **rest, "machine": {}, **changes})


def test_what_is_kept_and_what_is_exact() -> None:
    """Rounded weights are judged by what they lose, and never exact; all others by the largest difference."""
    assert (parity().fault, parity().is_exact) == ("", True)
    assert (parity(decided_otherwise=1).fault, parity(decided_otherwise=1).is_exact) == ("", False)
    assert (
        parity(largest_difference=1.01 * BOUND).fault == "a probability differs by 1.0e-04, at most 0.0001 is allowed"
    )
    rounded = parity(runtime="litert-int8", largest_difference=0.1, score=0.7 - 0.9 * LOSS)
    assert (rounded.fault, rounded.is_exact) == ("", False)
    lost = parity(runtime="litert-int8", score=0.7 - 2 * LOSS)
    assert lost.fault == "it loses 0.020 of macro_f1, at most 0.01 may be lost"


def test_a_runtime_that_is_not_installed(version: Any, hpapipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone it is an error in a line; beside others it is left out, and told."""

    def write(network: Any, images: np.ndarray, path: Path) -> None:
        raise UserError("`x` must be installed for this runtime.", "“none”", 'Run pip install "hpapipe[export]".')

    monkeypatch.setitem(RUNTIMES, "onnx", replace(RUNTIMES["onnx"], write=write))
    words = ("export", "--config", version.recipe, "--which", "1", "--to", "onnx")
    alone = hpapipe(*words)
    assert (alone.code, alone.err.count("\n")) == (2, 1)
    assert 'pip install "hpapipe[export]"' in alone.err
    beside = hpapipe(*words, "--to", "savedmodel")
    assert beside.code == 3
    assert "onnx was not kept: `x` must be installed" in beside.out


def test_rounding_wants_the_set_of_training(version: Any, image_folder: Callable[..., Any]) -> None:
    """Another labelled set will do for all other forms: every field of it is asked about."""
    other = image_folder(("0", "1", "2", "1 2"), name="other", dtype=np.uint16).folder
    recipe = config.load(str(version.recipe), {"data.folder": str(other)})
    with pytest.raises(UserError, match="Weights must be rounded by the images that they were trained on"):
        export.export(recipe, "1", [], True)
    (form,) = export.export(recipe, "1", ["savedmodel"], False, version.place / "out").forms
    assert form.folder == version.place / "out" / "savedmodel"
    assert form.parity is not None
    assert form.parity.images == 4


def test_unknown_runtimes_are_told_before_any_work(version: Any) -> None:
    """`keras` is what a Version is kept in already."""
    for name in ("onyx", "keras"):
        with pytest.raises(UserError, match=f"Received `{name}`"):
            export.export(recipe_of(version), "1", [name], False)


def test_each_network_is_asked_about_what_it_never_saw(image_folder: Callable[..., Any]) -> None:
    """Fold by fold, where its folds are known; else all about all."""
    images = image_folder(("0", "1", "2", "1", "0"))
    prepared = Prepared(images, np.zeros(5, int), 8, "", ())
    members = [Member(View("whole", (32, 32), (32, 32)), (0, 1, 2), fold) for fold in (2, 0, 2)]
    held = HeldOut(prepared, np.array([2, 1, 0, 2, 1]))
    asked = [(numbers, places.tolist()) for numbers, places in held.asked(members)]
    assert asked == [([1], [2]), ([0, 2], [0, 3])]
    assert [held.learned(member).tolist() for member in members[:2]] == [[1, 2, 4], [0, 1, 3, 4]]
    (everything,) = HeldOut(prepared, None).asked(members)
    assert (everything[0], everything[1].tolist()) == ([0, 1, 2], [0, 1, 2, 3, 4])


@pytest.mark.parametrize(("count", "chosen"), [(1, [10]), (2, [10, 14]), (3, [10, 12, 14]), (9, [10, 11, 12, 13, 14])])
def test_some_of_many_images_are_evenly_spaced(count: int, chosen: list[int]) -> None:
    """Never one of them twice."""
    assert evenly(np.arange(10, 15), count).tolist() == chosen


def test_this_machine_is_known_again() -> None:
    """Twice the same words, with the versions of the runtime's libraries."""
    here = exported.machine("onnx")
    assert here == exported.machine("onnx") == answering._here("onnx")
    assert {"processor", "system", "threads", "onnxruntime"} == set(here)
