"""What many tests share: quiet libraries on one core, and small folders of images in the challenge's layout."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hpapipe.quiet import quiet

# Both before numpy and TensorFlow are first imported: small arrays are slower on several threads than on one.
quiet()
for _name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import yaml  # noqa: E402
from hypothesis import settings  # noqa: E402
from PIL import Image  # noqa: E402

from hpapipe.config import Data  # noqa: E402
from hpapipe.imageset.images import ImageSet, labelled  # noqa: E402
from hpapipe.imageset.table import label_facts, read_table  # noqa: E402

pytest_plugins = ["postgres_server"]  # in tests/fixtures

settings.register_profile("hpapipe", deadline=None)  # how fast a machine is says nothing about the code
settings.load_profile("hpapipe")


def write_images(
    place: Path,
    targets: Sequence[str] = ("0", "1", "0 1", "0"),
    channels: Sequence[str] = ("red", "green"),
    dtype: type = np.uint8,
    pixels: Callable[[int, int], np.ndarray] | None = None,
    name: str = "images",
    **data: object,
) -> ImageSet:
    """Writes the folder `name` of PNGs and its label table in `place`, and returns its labelled set.

    The pixels are random unless `pixels(field, channel)` gives them; `data` is any option of the recipe's section.
    """
    folder = place / name
    (folder / "train").mkdir(parents=True)
    chance = np.random.default_rng(0)
    ids = [f"f{number:02d}" for number in range(len(targets))]
    for number, field in enumerate(ids):
        for index, channel in enumerate(channels):
            drawn = chance.integers(0, np.iinfo(dtype).max, (32, 32), dtype, endpoint=True)
            image = pixels(number, index).astype(dtype) if pixels else drawn
            Image.fromarray(image).save(folder / "train" / f"{field}_{channel}.png")
    rows = [f"{field},{target}" for field, target in zip(ids, targets, strict=True)]
    (folder / "train.csv").write_text("\n".join(["Id,Target", *rows]) + "\n")
    options: dict[str, object] = {"folder": str(folder), "channels": channels, "labels": ("a", "b", "c"), "size": 32}
    section = Data.model_validate(options | data)
    return labelled(folder, section, label_facts(read_table(folder, section), folder, section))


@pytest.fixture
def image_folder(tmp_path: Path) -> Callable[..., ImageSet]:
    """`write_images` into the test's own folder."""
    return partial(write_images, tmp_path)


@pytest.fixture
def seeded() -> Iterator[None]:
    """Fixed chance and float32 in Keras before the test, float32 after it."""
    import keras

    keras.config.set_dtype_policy("float32")
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")


@dataclass(frozen=True)
class Ended:
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str


def command(*words: object) -> Ended:
    """Run `hpapipe` with these words in this process."""
    from hpapipe.cli.main import run

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(word) for word in words])
    return Ended(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def hpapipe() -> Callable[..., Ended]:
    """The command line: words in, `Ended` out."""
    return command


def small_recipe(place: Path, images: Path, **sections: Any) -> Path:
    """A recipe file in `place` that trains a tiny network on a folder of `write_images` within seconds."""
    recipe = {
        "experiment": "small",
        "register_as": "small",
        "data": {"folder": str(images), "channels": ["red", "green"], "labels": ["a", "b", "c"], "size": 32},
        "split": {"folds": 2},
        "feed": {"batch_size": 4},
        "model": {"options": {"width": 4, "blocks": [1]}},
        "fit": {"epochs": 2},
        "score": {"bootstrap": 100, "worst_fields": 2},
    }
    for name, section in sections.items():
        recipe[name] = {**recipe.get(name, {}), **section} if isinstance(section, dict) else section  # type: ignore[dict-item]
    path = place / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))
    return path


@pytest.fixture
def recipe_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes `small_recipe(images, **sections)` into the test's own folder."""
    return partial(small_recipe, tmp_path)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables and no runs: making one takes seconds, copying it none."""
    from hpapipe.tracking.store import reachable

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        _enter(patch, path.parent)
        with reachable() as client:
            client.search_experiments()
            client.search_registered_models()
    return path


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path) -> Path:
    """The test's own folder, with an empty tracking store in it; the test runs there."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    _enter(monkeypatch, tmp_path)
    return tmp_path


@dataclass(frozen=True)
class Trained:
    """A store with one finished training run and no champion."""

    place: Path
    images: Path
    recipe: Path
    run: str
    ended: Ended


@pytest.fixture(scope="session")
def inside() -> Callable[..., Ended]:
    """Runs `hpapipe` with these words in the store of a `Trained` that many tests share."""

    def run(once: Trained, *words: object) -> Ended:
        with pytest.MonkeyPatch.context() as patch:
            _enter(patch, once.place)
            return command(*words)

    return run


@pytest.fixture(scope="session")
def train_once(
    tmp_path_factory: pytest.TempPathFactory, empty_store: Path, inside: Callable[..., Ended]
) -> Callable[..., Trained]:
    """Runs `hpapipe train` on random fields with these targets, in a store of its own.

    `images` are options of `write_images`, `code` is the exit code, and all else are sections of the recipe.
    """

    def train(targets: Sequence[str], images: dict[str, Any] | None = None, code: int = 0, **sections: Any) -> Trained:
        place = tmp_path_factory.mktemp("trained")
        folder = write_images(place, targets, **(images or {})).folder
        recipe = small_recipe(place, folder, **sections)
        shutil.copy(empty_store, place / "mlflow.db")
        begun = Trained(place, folder, recipe, "", Ended(0, "", ""))
        ended = inside(begun, "train", "--config", recipe)
        assert ended.code == code, ended.err
        return replace(begun, run=re.findall(r"\b[0-9a-f]{32}\b", ended.out)[-1], ended=ended)

    return train


@pytest.fixture
def lent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Trained], Trained]:
    """Gives the test a copy of a trained store and its workspace; the test runs beside them."""

    def lend(once: Trained) -> Trained:
        shutil.copy(once.place / "mlflow.db", tmp_path / "mlflow.db")
        shutil.copytree(once.place / "workspace", tmp_path / "workspace")
        _enter(monkeypatch, tmp_path)
        return replace(once, place=tmp_path)

    return lend


@pytest.fixture(scope="session")
def trained_once(train_once: Callable[..., Trained]) -> Trained:
    """`hpapipe train` on 16 random fields, done once."""
    return train_once(("0", "1", "2", "0 1") * 4)


@pytest.fixture
def trained(trained_once: Trained, lent: Callable[[Trained], Trained]) -> Trained:
    """`trained_once`, lent to the test."""
    return lent(trained_once)


def _enter(patch: pytest.MonkeyPatch, place: Path) -> None:
    """Work in `place`, with the tracking store there and without a run given from outside."""
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_REGISTRY_URI"):
        patch.delenv(name, raising=False)
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place / 'mlflow.db'}")
    patch.chdir(place)
