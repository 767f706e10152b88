"""New images beside those of validation: what is off, what is not, and what cannot be told."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.imageset.looks import LOOKS
from hpapipe.tracking import registry, runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows.drift import JUDGED, drift_table
from hpapipe.workflows.drift_sets import Side, about, answered, sampled
from hpapipe.workflows.kept import recipe_of

FIELDS = 60


def write(folder: Path, pixels: Callable[[np.random.Generator], np.ndarray]) -> Path:
    """`FIELDS` new fields."""
    folder.mkdir()
    chance = np.random.default_rng(1)
    for number in range(FIELDS):
        for channel in ("red", "green"):
            Image.fromarray(pixels(chance)).save(folder / f"n{number:02d}_{channel}.png")
    return folder


def random(chance: np.random.Generator) -> np.ndarray:
    """As the fields of training were drawn."""
    return chance.integers(0, 255, (32, 32), np.uint8, endpoint=True)


def dark(chance: np.random.Generator) -> np.ndarray:
    return random(chance) // 4


@pytest.fixture
def predicted(trained: Any, hpapipe: Any) -> Callable[..., Path]:
    """Draws new fields, has the champion answer them, and gives the folder of the answers."""
    registry.promote("small", "1", Run(trained.run), "for a test")

    def predict(pixels: Callable[[np.random.Generator], np.ndarray] = random, *words: str, spoilt: int = 0) -> Path:
        folder = write(trained.place / "new", pixels)
        for number in range(spoilt):
            (folder / f"n{number:02d}_red.png").write_bytes(b"")
        ended = hpapipe("predict", folder, "--config", trained.recipe, "--out", "answers", *words)
        assert ended.code == (3 if spoilt else 0), ended.err
        return trained.place / "answers"

    return predict


@pytest.fixture
def drift(trained: Any, hpapipe: Any) -> Callable[..., Any]:
    return lambda *words: hpapipe("drift", *words, "--config", trained.recipe)


def logged(ended: Any) -> Run:
    return Run(re.findall(r"\b[0-9a-f]{32}\b", ended.out)[-1])


def test_images_like_those_of_training_are_not_off(predicted: Any, drift: Any, trained: Any) -> None:
    """Exit code 0; table, figures and what the suite found are in a run of its own kind."""
    ended = drift(predicted())
    assert (ended.code, ended.err) == (0, "")
    assert "60 fields answered by small/1, beside 9 of its validation: 0 of 14 quantities are off" in ended.out
    run = logged(ended)
    tags = runs.facts(run)[1]
    assert (tags["hpapipe.kind"], tags["hpapipe.version"]) == ("drift", "small/1")
    table = runs.read_table(run, "drift")
    assert list(table["id"][:5]) == ["a, share", "b, share", "c, share", "no label, share", "highest probability"]
    assert list(table["id"][5:]) == [
        *(f"{channel}, {name}" for channel in ("red", "green") for name in LOOKS),
        "fields that cannot be read",
    ]
    assert len(runs.read_table(run, "figures/shares")) == 6
    assert runs.read_table(run, "figures/distributions")["quantity"].nunique() == 9
    assert len(runs.read_table(run, "checks/predictions")) == 4
    assert runs.facts(run)[2]["drift/off"] == 0


def test_dark_images_are_off(predicted: Any, drift: Any) -> None:
    """Exit code 3; each quantity with both values, and what to do."""
    ended = drift(predicted(dark))
    assert (ended.code, ended.err) == (3, "")
    table = runs.read_table(logged(ended), "drift").set_index("id")
    assert table.loc["red, mean", "before"] == pytest.approx(127, abs=5)
    assert table.loc["red, mean", "now"] == pytest.approx(31, abs=2)
    assert float(table.loc["red, mean", "image_shift"]) == 1
    assert "green, spread" in ended.out
    assert "Compare staining, exposure, focus and scaling of both sets." in ended.out


def test_fields_that_cannot_be_read_are_off(predicted: Any, drift: Any) -> None:
    """Beyond 1 % of them; the rest is compared."""
    ended = drift(predicted(spoilt=2))
    assert ended.code == 3
    assert "58 fields answered" in ended.out
    assert "At most 1 % of the fields may be unreadable. See unreadable.csv beside the predictions." in ended.out


def test_answers_alone(predicted: Any, drift: Any, trained: Any) -> None:
    """Without their images, which may be gone; with them asked for, that is told."""
    answers = predicted(dark)
    shutil.rmtree(trained.place / "new")
    gone = drift(answers)
    assert (gone.code, len(gone.err.splitlines())) == (2, 1)
    ended = drift(answers, "--images", "0")
    assert "of 6 quantities" in ended.out
    assert runs.read_table(logged(ended), "figures/distributions")["quantity"].unique().tolist() == [
        "highest probability (0 to 1)"
    ]


def test_a_sample_of_the_images_is_measured(predicted: Any, trained: Any) -> None:
    """As many as are asked for, each once, always the same ones."""
    answers = predicted()
    told, recipe = about(answers), recipe_of(Run(trained.run))
    table = sampled(answers, told, recipe, 7)
    assert (len(table), table["id"].nunique(), list(table["channel"][:2])) == (14, 7, ["red", "green"])
    assert table.equals(sampled(answers, told, recipe, 7))
    assert sampled(answers, told, recipe, 1000)["id"].nunique() == FIELDS


def test_what_was_named_is_counted_alike_in_both_kinds_of_table(predicted: Any) -> None:
    """By Predicted, some rows at a time; the probabilities are those of the table."""
    answers = predicted()
    table = pd.read_csv(answers / "predictions.csv", dtype={"Predicted": str}, keep_default_na=False)
    side = answered(answers, about(answers))
    words = [text.split() for text in table["Predicted"]]
    assert list(side.named) == [sum(str(index) in each for each in words) for index in range(3)]
    assert (side.fields, side.unreadable, side.nothing) == (FIELDS, 0, sum(not each for each in words))
    np.testing.assert_allclose(side.top, table[["a", "b", "c"]].max(axis=1), rtol=1e-6)
    table.to_parquet(answers / "predictions.parquet", index=False)
    again = answered(answers, about(answers))
    assert list(again.named) == list(side.named)
    np.testing.assert_allclose(again.top, side.top, rtol=1e-6)


def test_a_run_that_kept_no_measurements_has_its_images_measured_again(
    predicted: Any, drift: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same result."""
    answers = predicted(dark)
    before = runs.read_table(logged(drift(answers)), "drift")
    kept = runs.read_text

    def without(run: Run, name: str) -> str:
        if name == "checks/measurements.csv":
            raise UserError("The run must hold it.", "none", "…")
        return kept(run, name)

    with monkeypatch.context() as patch:
        patch.setattr(runs, "read_text", without)
        ended = drift(answers)
    pd.testing.assert_frame_equal(runs.read_table(logged(ended), "drift"), before)


SPOILT: list[tuple[Callable[[Path], object], str]] = [
    (lambda answers: (answers / "about.json").unlink(), "Drift is told of a folder that `hpapipe predict` wrote."),
    (lambda answers: (answers / "about.json").write_text("[]"), "holds no about.json that can be read"),
    (lambda answers: no_names(answers / "about.json"), "whose answers are no names"),
    (lambda answers: (answers / "predictions.csv").unlink(), "The table of answers must be readable."),
    (lambda answers: (answers / "predictions.csv").write_text("id\n"), "The table of answers must be readable."),
    (lambda answers: (answers / "predictions.parquet").write_bytes(b"PAR1"), "The table of answers must be readable."),
    (lambda answers: (answers / "fields.parquet").unlink(), "The list of fields must be readable."),
]


def test_folders_that_are_no_whole_prediction(predicted: Any, drift: Any) -> None:
    """One line each, exit code 2, and no run."""
    answers = predicted()
    for number, (spoil, words) in enumerate(SPOILT):
        folder = shutil.copytree(answers, answers.parent / f"spoilt{number}")
        spoil(folder)
        ended = drift(folder)
        assert (ended.code, len(ended.err.splitlines()), ended.out) == (2, 1, ""), words
        assert words in ended.err


def no_names(file: Path) -> None:
    told = json.loads(file.read_text())
    del told["by"]["labels"]
    file.write_text(json.dumps(told))


def test_a_folder_of_images_is_to_be_predicted_first(trained: Any, drift: Any) -> None:
    ended = drift(trained.images)
    assert ended.code == 2
    assert f"Run `hpapipe predict {trained.images}`, and give the folder it names." in ended.err


def test_masks_have_no_drift_yet(store: Path, hpapipe: Any) -> None:
    (store / "recipe.yaml").write_text(yaml.safe_dump({"task": "segmentation"}))
    ended = hpapipe("drift", "answers", "--config", "recipe.yaml")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("`hpapipe drift` is for classification.")


def side(named: list[int], fields: int, top: float = 0.5, unreadable: int = 0) -> Side:
    nothing = fields - sum(named)
    return Side(fields, unreadable, np.array(named), nothing, np.full(fields, top), pd.DataFrame())


def test_a_change_counts_where_it_is_sure() -> None:
    """The same shares of more fields; what is not tested has no p, and each row is judged by one column."""
    few = drift_table(["a", "b"], side([4, 6], 10), side([6, 4], 10, unreadable=10))
    many = drift_table(["a", "b"], side([400, 600], 1000), side([600, 400], 1000))
    assert list(few["share_change"][:2]) == [0, 0]
    np.testing.assert_allclose(many["share_change"][:2], [0.403, -0.403], atol=1e-3)
    assert list(many["p"].isna()) == [False] * 4 + [True]
    assert (few[list(JUDGED)].notna().sum(axis=1) == 1).all()
    assert few["unreadable"].iloc[-1] == 0.5
    assert (
        drift_table(["a"], side([1], 9, 0.5), side([1], 9, 0.6)).set_index("id").loc["highest probability", "top_shift"]
        == 1
    )
