"""Reports of runs: of both tasks as they are trained, and of runs that hold less or hold something odd."""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from hpapipe import config
from hpapipe.errors import UserError
from hpapipe.tracking import registry, runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows import report_training
from hpapipe.workflows.kept import COMPARE, ENSEMBLE, EVALUATE, FOLD, KIND, TRAIN
from hpapipe.workflows.report import report
from hpapipe.workflows.report_card import portable
from html_pages import Reader
from pairs_on_disk import disc, save, white_on_black
from reported import log_end, log_epochs, log_run, log_scores

ALL = "data checks split curves scores labels precision-recall-and-thresholds best-and-worst weights speed recipe"
EVIL = "<script>alert(1)</script>"


def read(run: str, name: str = "page.html") -> Reader:
    """The page of a run, read."""
    done = report(config.load(None), run, Path(name))
    return Reader(done.path.read_text())


@pytest.fixture
def made(store: Path, recipe_file: Callable[..., Path]) -> Callable[..., str]:
    """`log_run` with the small recipe, of which sections can be given."""

    def make(kind: str = TRAIN, sections: dict[str, Any] | None = None, **given: Any) -> str:
        return log_run(recipe_file(store / "images", **(sections or {})), kind, **given)

    return make


def test_a_classification_run(trained: Any) -> None:
    """Each chapter holds what the run logged, in words and numbers."""
    registry.promote("small", "1", Run(trained.run), "for a test")
    done = report(config.load(trained.recipe), trained.run, Path("page.html"))
    page = Reader(done.path.read_text())
    assert page.outside == []
    assert list(page.words) == [*ALL.split(), "model-card"]
    metrics = runs.facts(Run(trained.run))[2]
    score = f"Macro F1 {metrics['score/macro_f1']:.3f} (95 % interval {metrics['score/macro_f1_low']:.3f} to"
    assert done.summary.startswith(score)
    fields = len(runs.read_table(Run(trained.run), "predictions"))
    assert done.summary.endswith(f"on {fields} fields that its networks never saw. Version 1 of small is champion.")
    assert done.summary in page.text
    assert done.next == "hpapipe predict FOLDER --register_as small"

    logged = runs.read_table(Run(trained.run), "per_label")
    (table,) = [rows for caption, rows in page.tables.items() if caption.startswith("Each label")]
    assert table[0][:4] == ["label", "fields", "named", "threshold"]
    shown = pd.DataFrame(table[1:], columns=table[0])
    assert list(shown["label"]) == ["a", "b", "c"]
    np.testing.assert_allclose(shown["F1"].astype(float), logged["f1"], atol=6e-4)
    assert "Great Expectations judged 19 rules over 32 images: 1 is broken." in page.words["checks"]
    rules = page.tables["Rules, and what was found"]
    assert len(rules) == 1 + 19
    assert [row[0] for row in rules if row[2] == "broken by 32 rows (100.0%)"] == [
        "Images should be neither a smooth ramp (below 0.001) nor pure pixel noise (above 18)."
    ]
    assert [row[0] for row in page.tables["What the checks measured in the images"][1:]] == ["red", "green"]
    assert page.tables["Folds"] == [
        ["fold", "fields", "validates"],
        ["0", f"{fields}", "yes"],
        ["1", f"{16 - fields}", "no"],
    ]
    assert page.tables["Networks, at their lowest validation loss"][1][0] == "2"
    assert {row[0] for row in page.tables["Rival ways to set thresholds"][1:]} >= {"crossfit", "constant", "maximum"}
    assert {"fit.epochs", "model.options.width"} <= {
        row[0] for row in page.tables["Options that differ from the defaults"]
    }
    assert 'load_model("models:/small/1")' in page.words["model-card"]
    assert "np.zeros((1, 32, 32, 2), np.uint8))  # red, green" in page.words["model-card"]
    assert "not stated" in page.words["data"]
    pictures = page.found("img")
    assert len(pictures) == 7
    assert all(str(each["alt"]).strip() for each in pictures)


def test_the_run_holds_the_very_page(trained: Any) -> None:
    """`report.html` is what was written; a second report takes its place."""
    for name in ("one.html", "two.html"):
        report(config.load(trained.recipe), trained.run, Path(name))
        assert runs.read_bytes(Run(trained.run), "report.html") == Path(name).read_bytes()


def test_no_folder_of_this_machine_is_in_the_page(trained: Any) -> None:
    """Of the set the last part of its path; the recipe says so too."""
    page = read(trained.run)
    assert trained.images.name in page.words["data"]
    assert f"folder: …/{trained.images.name}" in page.words["recipe"]
    assert str(trained.images.parent) not in Path("page.html").read_text()


def test_an_evaluation(trained: Any, hpapipe: Any) -> None:
    """Scores, labels and figures of the Version; no network was trained."""
    assert hpapipe("evaluate", "--config", trained.recipe, "--which", "1").code == 0
    (run,) = [each.info.run_id for each in Run(trained.run).client.search_runs(["1"], f"tags.`{KIND}` = '{EVALUATE}'")]
    page = read(run)
    assert "fields that the Version never saw. Version 1 of small is not champion; there is none yet." in page.text
    assert "1 of small, scored here" in page.text
    left_out = {"checks", "split", "curves", "weights", "speed"}
    assert list(page.words) == [name for name in ALL.split() if name not in left_out] + ["model-card"]
    assert "Scored on" in page.words["model-card"]
    assert "alone" not in page.words["model-card"]


@pytest.mark.whole
def test_a_segmentation_run(store: Path, hpapipe: Any) -> None:
    """Groups instead of labels, a cut instead of thresholds."""
    chance = np.random.default_rng(0)
    for pool in range(4):
        for frame in range(2):
            mask = disc(5 + pool, (32, 32), (14, 16))
            image = np.uint8(60 + 120 * mask + chance.integers(0, 30, mask.shape))
            save(Path(f"pairs/images/p{pool}_f{frame}.png"), image)
            save(Path(f"pairs/masks/p{pool}_f{frame}.png"), white_on_black(mask))
    recipe = {
        "task": "segmentation",
        "experiment": "small",
        "register_as": "small",
        "data": {"folder": "pairs", "size": 32},
        "split": {"folds": 2, "validate_on": "each"},
        "feed": {"batch_size": 4},
        "model": {"options": {"width": 2, "depth": 1, "dropout": 0.0}},
        "fit": {"epochs": 1},
        "score": {"bootstrap": 100, "worst_fields": 1},
    }
    Path("recipe.yaml").write_text(yaml.safe_dump(recipe))
    assert hpapipe("train", "--config", "recipe.yaml").code == 0
    done = report(config.load("recipe.yaml"), "1", Path("page.html"))
    page = Reader(done.path.read_text())
    assert page.outside == []
    chapters = ALL.replace("labels", "groups").replace("precision-recall-and-thresholds", "cut-and-areas").split()
    assert list(page.words) == [*chapters, "model-card"]
    assert "on 8 images that its networks never saw" in done.summary
    assert done.next == f"hpapipe promote {done.run}"
    assert "Great Expectations judged 12 rules over 8 images" in page.words["checks"]
    (groups,) = [rows for caption, rows in page.tables.items() if caption.startswith("Each group")]
    assert {row[0] for row in groups[1:]} == {"p0", "p1", "p2", "p3"}
    assert [row[0] for row in page.tables["Networks, at their lowest validation loss"][1:]] == ["fold 0", "fold 1"]
    assert len(page.found("img")) == 2 + 1 + 2 + 1 + 2
    scores = {row[0]: row[1] for row in page.tables["Scores, and what they mean"]}
    assert scores["Missed"].isdigit()
    assert "np.zeros((1, 32, 32), np.uint8))" in page.words["model-card"]


def test_nothing_that_is_logged_can_be_a_tag(made: Any) -> None:
    """Names, labels, ids, tags, and the text of the recipe are shown as they are, and never run."""
    labels = (EVIL, '"><img src=x onerror=alert(2)>', "c & d")
    sections = {"data": {"labels": list(labels), "channels": [EVIL, "b"]}, "model": {"weights": f"{EVIL}.keras"}}
    logged = partial(log_scores, labels=labels, ids=(EVIL, "f'\"1"))
    measured = pd.DataFrame({"id": [EVIL], "channel": EVIL, "width": 32, "height": 32, "bits": 8, "empty": False})
    measured = measured.assign(mean=1.0, spread=1.0, saturated=0.0)
    tags = {"hpapipe.data": EVIL, "hpapipe.code": EVIL}
    page = read(
        made(
            name=EVIL,
            sections=sections,
            tags=tags,
            end=log_end,
            scores=logged,
            epochs=log_epochs,
            checks=lambda run: run.table("checks/measurements", measured),
        )
    )
    assert page.outside == []
    assert len(page.found("script")) == 1
    assert len(page.found("img")) == 3
    assert page.found("title") == [{}]
    (table,) = [rows for caption, rows in page.tables.items() if caption.startswith("Each label")]
    assert [row[0] for row in table[1:]] == list(labels)
    assert page.tables["best and worst fields"][1][0] == EVIL
    assert page.tables["What the checks measured in the images"][1][0] == EVIL
    for chapter in ("data", "labels", "best-and-worst", "recipe", "model-card"):
        assert EVIL in page.words[chapter]


def test_a_run_that_was_stopped_in_training(made: Any) -> None:
    """It says so; its losses are drawn from what was logged epoch by epoch."""

    def stop(run: Run) -> None:
        log_epochs(run)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(epochs=stop)
    (found,) = Run("").client.search_runs(["1"])
    done = report(config.load(None), found.info.run_id, Path("page.html"))
    page = Reader(done.path.read_text())
    assert done.summary == "This run has no scores: it was stopped, after 3 epochs of training."
    assert done.next == f"hpapipe train --resume {found.info.run_id}"
    assert list(page.words) == ["curves", "speed", "recipe"]
    (picture,) = page.found("img")
    assert picture["alt"] == "Lines: losses over 3 epochs; the lowest validation loss is 0.5."
    row = dict(zip(*page.tables["Networks, at their lowest validation loss"], strict=True))
    assert (row["epochs"], row["best epoch"], row["lowest validation loss"]) == ("3", "2", "0.500")
    assert row["macro F1 then"] == "0.200"


def test_a_run_that_failed_before_it_began(made: Any) -> None:
    """Its recipe is all that it has."""

    def fail(run: Run) -> None:
        raise UserError("All critical checks must pass.", "faults", "Mend them.")

    with pytest.raises(UserError):
        made(fail=fail)
    (found,) = Run("").client.search_runs(["1"])
    page = read(found.info.run_id)
    assert "This run has no scores: it failed, after 0 epochs of training." in page.text
    assert list(page.words) == ["recipe"]


def test_speed_is_the_median_of_the_epochs(made: Any) -> None:
    """64, 128 and 192 fields a second, in steps of 4."""
    page = read(made(epochs=log_epochs))
    (rows,) = [rows for caption, rows in page.tables.items() if caption.startswith("Training;")]
    row = dict(zip(*rows, strict=True))
    assert (row["images a second"], row["steps a second"], row["seconds an epoch"]) == ("128.0", "32.000", "2.000")
    assert row["seconds"] == "6.000"


def test_many_networks_are_listed_and_the_first_are_drawn(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three parts: three rows, two pictures where two are the most."""
    monkeypatch.setattr(report_training, "MOST_NETWORKS", 2)
    page = read(made(epochs=partial(log_epochs, epochs=1, parts=("label 0", "label 1", "label 2"))))
    rows = page.tables["Networks, at their lowest validation loss"]
    assert [row[0] for row in rows] == ["network", "label 0", "label 1", "label 2"]
    assert len(page.found("img")) == 2
    assert "The first 2 of 3 networks are drawn." in page.words["curves"]


def test_a_fold_points_to_its_run(made: Any) -> None:
    """It has curves and weights of its own; the scores are elsewhere."""
    run = made(FOLD, tags={"mlflow.parentRunId": "f" * 32}, epochs=log_epochs, end=log_end)
    page = read(run)
    assert f"One network of run {'f' * 32}, whose report has the scores." in page.text
    assert list(page.words) == ["curves", "weights", "speed", "recipe"]
    assert page.tables["Kernel weights"][1:] == [
        ["whole model", "start", "10", "0.000", "0.100", "-2.000", "0.500", "1"],
        ["suffix", "end", "10", "0.000", "0.100", "-2.000", "0.500", "1"],
    ]


def test_an_ensemble_shows_what_was_joined(made: Any) -> None:
    """Its members and the steps; networks of other runs are not its own."""
    steps = pd.DataFrame({"what": ["one", "together"], "macro_f1": [0.5, 0.6]})
    run = made(
        ENSEMBLE, tags={"hpapipe.members": "abc, def"}, scores=log_scores, steps=lambda run: run.table("steps", steps)
    )
    page = read(run)
    assert page.tables["What was joined: each run as it was, each asked anew, and all together"] == [
        ["what", "macro f1"],
        ["one", "0.500"],
        ["together", "0.600"],
    ]
    assert "abc, def" in page.text
    assert not {"curves", "weights", "speed"} & set(page.words)


def test_checks_that_were_broken_are_told(made: Any) -> None:
    """How many rows, which share, and which fields."""
    table = pd.DataFrame(
        {
            "suite": "images",
            "severity": ["critical", "warning"],
            "rule": ["Every image file must be readable.", "Grey levels should spread."],
            "column": "fault",
            "passed": [True, False],
            "rows": [0, 7],
            "share": [0.0, 0.25],
            "ids": ["", ", ".join(f"f{place}" for place in range(7))],
        }
    )
    page = read(made(checks=lambda run: run.table("checks/images", table)))
    assert "Great Expectations judged 2 rules: 1 is broken." in page.words["checks"]
    assert page.tables["Rules, and what was found"][1:] == [
        ["Every image file must be readable.", "critical", "holds", "", "images"],
        [
            "Grey levels should spread.",
            "warning",
            "broken by 7 rows (25.0%)",
            "f0, f1, f2, f3, f4 and 2 more",
            "images",
        ],
    ]


def test_limits_follow_from_the_run(made: Any) -> None:
    """Few positives, a single fold, no groups; nothing of that where it does not hold."""

    def few(run: Run) -> None:
        log_scores(run)
        table = runs.read_table(run, "per_label")
        run.table("per_label", table.assign(positives=[5, 30, 19]))

    page = read(made(scores=few, epochs=log_epochs))
    card = page.words["model-card"]
    assert "2 of 3 labels have fewer than 20 scored fields, so their scores and thresholds say little: a, c." in card
    assert "Scored on fold 0 of 2 alone, 2 fields." in card
    assert "names no specimen" in card
    assert "not for diagnosis" in card
    data = {"group_column": "plate"}
    page = read(made(sections={"split": {"validate_on": "each"}, "data": data}, scores=log_scores, epochs=log_epochs))
    card = page.words["model-card"]
    assert not any(words in card for words in ("fewer than", "alone", "names no specimen"))


def test_simulated_cells_are_told_as_such(made: Any) -> None:
    """No licence is needed for them, and nothing is known of real ones."""
    page = read(made(sections={"data": {"folder": None}}, scores=log_scores))
    assert "It has seen simulated images alone" in page.words["model-card"]
    assert "drawn by hpapipe" in page.words["model-card"]
    assert "not for diagnosis" not in page.words["model-card"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/home/me/images", "…/images"),
        ("~/images", "…/images"),
        ("C:\\Users\\me\\images", "…/images"),
        ("\\\\server\\share\\images", "…/images"),
        ("images/train", "images/train"),
        ("postgresql://me:secret@host/studies", "postgresql://…@host/studies"),
        ({"a": ["/x/y", 3, None]}, {"a": ["…/y", 3, None]}),
    ],
)
def test_paths_and_passwords_stay_behind(value: object, shown: object) -> None:
    """A page is handed on; the names of folders above are nobody's business."""
    assert portable(value) == shown


@pytest.mark.parametrize(("kind", "words"), [(COMPARE, "of the kind compare"), ("", "no run of hpapipe")])
def test_other_runs_are_refused(made: Any, kind: str, words: str) -> None:
    """Nothing is written."""
    run = made(kind)
    with pytest.raises(UserError, match=words):
        report(config.load(None), run, Path("page.html"))
    assert not Path("page.html").exists()


def test_a_full_disk_leaves_the_page_before_whole(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing beside it."""
    run = made(scores=log_scores)
    read(run)
    before = Path("page.html").read_bytes()
    written = Path.write_text

    def full(self: Path, text: str, **options: Any) -> int:
        written(self, text[:100], **options)
        raise OSError(errno.ENOSPC, "No space left on device")

    told = "The page must be written. Received “No space left on device” for page.html. "
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(UserError) as refused:
            report(config.load(None), run, Path("page.html"))
    assert str(refused.value).startswith(told)
    assert Path("page.html").read_bytes() == before
    assert [path.name for path in Path().glob("*page*")] + [path.name for path in Path().glob(".*page*")] == [
        "page.html"
    ]
