"""Segmentation from a folder of images and masks to a champion, and what can be wrong with such a folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from mlflow import MlflowClient

from hpapipe.tracking import registry, runs
from hpapipe.tracking.runs import Run
from pairs_on_disk import disc, save, white_on_black

POOLS = ("r1c1", "r1c2", "r2c1", "r2c2")


def write_set(folder: Path) -> Path:
    """Three frames of four pools: bright discs that grow on a dark noisy ground."""
    chance = np.random.default_rng(0)
    for number, pool in enumerate(POOLS):
        for frame in range(1, 4):
            mask = disc(4 + number + frame, (32, 32), (14 + number, 16))
            image = np.uint8(60 + 120 * mask + chance.integers(0, 30, mask.shape))
            save(folder / "images" / f"{pool}_f{frame:04d}.png", image)
            save(folder / "masks" / f"{pool}_f{frame:04d}.png", white_on_black(mask))
    return folder


def write_recipe(place: Path, folder: Path, **sections: Any) -> Path:
    recipe: dict[str, Any] = {
        "task": "segmentation",
        "experiment": "small",
        "register_as": "small",
        "data": {"folder": str(folder), "size": 32},
        "split": {"folds": 2},
        "feed": {"batch_size": 3, "draw": "replacement", "epoch_fields": 12},
        "model": {"options": {"width": 4, "depth": 2, "normalization": "batch", "dropout": 0.0}},
        "warp": {"shift": 0.05},
        "fit": {"epochs": 6, "learning_rate": 0.01, "averaged_weights": 0.5, "patience": 0},
        "score": {"bootstrap": 100, "worst_fields": 2},
    }
    for name, section in sections.items():
        recipe[name] = {**recipe.get(name, {}), **section}
    path = place / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))
    return path


@pytest.fixture
def pairs(store: Path) -> Path:
    """The set of pairs in the test's own folder."""
    return write_set(store / "pairs")


@pytest.mark.whole
def test_a_segmenter_is_trained_promoted_and_beaten(pairs: Path, hpapipe: Any) -> None:
    """It finds bright discs; a worse run is not promoted; the champion answers images at their own size."""
    recipe = write_recipe(pairs.parent, pairs)
    first = hpapipe("train", "--config", recipe)
    assert (first.code, first.err) == (0, "")
    assert re.search(r"^Fold 0: 6 images train, 6 validate; 6 epochs in", first.out, re.M)
    (score,) = re.findall(r"^Mean IoU (0\.\d+) \(95 % interval", first.out, re.M)
    assert float(score) > 0.7
    run = Run(re.findall(r"\b[0-9a-f]{32}\b", first.out)[-1])
    table = runs.read_table(run, "predictions")
    assert set(table["group"]) <= set(POOLS)
    assert sorted(table["group"].value_counts()) == [3, 3]
    assert table["iou"].mean() == pytest.approx(float(score), abs=6e-4)
    metrics = MlflowClient().get_run(run.id).data.metrics
    assert metrics["score/mean_iou"] == pytest.approx(float(score), abs=6e-4)
    assert {"score/worst_iou", "score/mean_dice", "score/mean_boundary_f1", "score/cut", "val/mean_iou"} <= set(metrics)

    promoted = hpapipe("promote", "--config", recipe)
    assert (promoted.code, promoted.out.splitlines()[0][:21]) == (0, "Version 1 is champion")
    assert "hpapipe movie measure MOVIE" in promoted.out

    again = hpapipe("evaluate", "--config", recipe)
    assert (again.code, again.err) == (0, "")
    assert "only the 6 images it never saw are scored" in again.out
    (own,) = re.findall(r"^Mean IoU (0\.\d+) ", again.out, re.M)
    assert float(own) == pytest.approx(float(score), abs=0.02)  # one cut for all groups, not one each

    worse = hpapipe("train", "--config", recipe, "--fit.epochs", "1", "--fit.learning_rate", "1e-6")
    assert worse.code == 0
    refused = hpapipe("promote", "--config", recipe)
    assert refused.code == 3
    assert "in mean IoU over version 1" in refused.out

    model, _, _ = registry.load("small")
    answer = model.predict(np.full((1, 48, 40), 70, np.uint8))
    assert answer[["height", "width"]].to_numpy().tolist() == [[48, 40]]
    assert answer["area_px"][0] < 48 * 40 / 2


@pytest.mark.whole
def test_runs_of_segmentation_are_compared(pairs: Path, hpapipe: Any) -> None:
    """Their scores, gains and figures; nothing about labels."""
    recipe = write_recipe(pairs.parent, pairs, fit={"epochs": 1})
    ids = [
        re.findall(r"\b[0-9a-f]{32}\b", hpapipe("train", "--config", recipe, "--seed", seed).out)[-1] for seed in (0, 1)
    ]
    ended = hpapipe("compare", *ids, "--config", recipe)
    assert (ended.code, ended.err) == (0, "")
    found = Run(re.findall(r"are in run ([0-9a-f]{32})", ended.out)[0])
    table = runs.read_table(found, "compare")
    assert list(table.columns[2:8]) == ["mean_iou", "mean_iou_low", "mean_iou_high", "gain", "low", "high"]


@pytest.mark.whole
def test_options_of_segmentation_are_searched(pairs: Path, hpapipe: Any) -> None:
    """By the mean IoU; each trial is a run below the study's."""
    space = {"fit.loss": ["crossentropy", "crossentropy_dice"]}
    tune = {"sampler": "grid", "pruner": "none", "space": space}
    recipe = write_recipe(pairs.parent, pairs, fit={"epochs": 1}, tune=tune)
    ended = hpapipe("tune", "--config", recipe)
    assert (ended.code, ended.err) == (0, "")
    told = re.findall(r"^Trial \d \(loss (\w+)\): mean_iou 0\.\d+$", ended.out, re.M)
    assert sorted(told) == space["fit.loss"]
    assert "Study small: 2 complete" in ended.out


def fault(change: Callable[[Path], object], pairs: Path, hpapipe: Any, *words: object) -> str:
    change(pairs)
    ended = hpapipe("train", "--config", write_recipe(pairs.parent, pairs), *words)
    assert ended.code == 2
    assert not list(Path("workspace").glob("packs/*"))
    return str(ended.err)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda folder: (folder / "masks" / "r1c1_f0001.png").unlink(), "r1c1_f0001"),
        (
            lambda folder: save(folder / "masks" / "r1c1_f0001.png", white_on_black(~disc(5, (32, 32), (14, 16)))),
            "Invert the mask",
        ),
        (lambda folder: save(folder / "masks" / "r1c1_f0001.png", white_on_black(disc())), "r1c1_f0001"),
        (lambda folder: save(folder / "masks" / "r1c1_f0001.png", np.zeros((32, 32), np.uint8)), "r1c1_f0001"),
        (lambda folder: (folder / "images" / "r1c1_f0001.png").write_bytes(b"no image"), "r1c1_f0001"),
    ],
    ids=["missing", "inverted", "size", "empty", "unreadable"],
)
def test_a_faulty_pair_stops_training_with_its_name(
    change: Callable[[Path], object], line: str, pairs: Path, hpapipe: Any
) -> None:
    assert line in fault(change, pairs, hpapipe)


def test_a_faulty_pair_is_left_out_where_that_is_asked_for(pairs: Path, hpapipe: Any) -> None:
    (pairs / "masks" / "r1c1_f0001.png").unlink()
    words = ("--checks.on_failure", "continue", "--fit.epochs", "1", "--split.validate_on", "each")
    ended = hpapipe("train", "--config", write_recipe(pairs.parent, pairs), *words)
    assert (ended.code, ended.err) == (0, "")
    assert "Left out 1 faulty pairs" in ended.out
    assert len(runs.read_table(Run(re.findall(r"\b[0-9a-f]{32}\b", ended.out)[-1]), "predictions")) == 11


def test_more_folds_than_pools_are_refused(pairs: Path, hpapipe: Any) -> None:
    """Frames of one pool never part, so pools are what counts."""
    line = fault(lambda folder: None, pairs, hpapipe, "--split.folds", "5")
    assert "5 folds for 4 groups of images" in line


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--fit.loss", "focal"), "fit.loss focal for segmentation"),
        (("--feed.draw", "balanced"), "feed.draw: balanced for segmentation"),
        (("--model.options", "{depth: 6}"), "divisible by 64"),
        (("--pairs.group", "f["), "regular expression"),
        (("--mask.cut", "1.5"), "`tuned`, or a number between 0 and 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(words: tuple[str, str], line: str, pairs: Path, hpapipe: Any) -> None:
    ended = hpapipe("train", "--config", write_recipe(pairs.parent, pairs), *words)
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1
    assert line in ended.err
