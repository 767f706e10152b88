"""Comparisons of runs made by hand: what is paired, what is told, and what is logged and written."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from mlflow import MlflowClient

from hpapipe import config
from hpapipe.scoring.metrics import per_label_table
from hpapipe.tracking import registry, runs
from hpapipe.tracking.runs import Run
from hpapipe.workflows.compare import Compared
from hpapipe.workflows.compare import compare as work
from hpapipe.workflows.kept import COMPARE, ENSEMBLE, FOLD, KIND, TRAIN, keep_recipe

TRUTH = ("0", "1", "2", "0 1") * 5
WRONG = ("2",) * 20
CURVE = pd.DataFrame({"fold": 0, "epoch": [1, 2], "loss": [0.5, 0.4], "val_loss": [0.6, 0.5]})
BINS = pd.DataFrame({"part": ["whole model", "suffix"], "when": "end", "left": -1.0, "right": 1.0, "count": [5, 3]})
FIGURES = {"loss_curves", "weights", "f1_per_label", "share_of_ones", "score_and_speed"}

Made = Callable[..., str]


def log_training(run: Run, speed: float) -> None:
    run.table("figures/loss_curves", CURVE)
    run.table("figures/weights", BINS)
    run.metrics({"fit/images_per_second": speed})


@pytest.fixture
def made(store: Path, recipe_file: Callable[..., Path]) -> Made:
    """Makes a finished run that named these labels; returns its id."""

    def make(
        named: Sequence[str] = TRUTH,
        speeds: Sequence[float] = (100.0,),
        ids: Sequence[str] | None = None,
        name: str = "tiny",
        tags: dict[str, str] | None = None,
        **sections: object,
    ) -> str:
        recipe = config.load(recipe_file(store, **sections))
        labels = recipe.data.label_set
        known = {"hpapipe.split": "s", "hpapipe.data": "d", "hpapipe.labels": ", ".join(labels.names)}
        own = {KIND: TRAIN, "mlflow.runName": name, "hpapipe.experiment": "small", **known, **(tags or {})}
        with runs.running("small", own) as run:
            keep_recipe(run, recipe)
            fields = ids or [f"f{number:02d}" for number in range(len(named))]
            answers = {"id": fields, "fold": 0, "group": range(len(named)), "truth": TRUTH[: len(named)]}
            run.table("predictions", pd.DataFrame({**answers, "named": named, "probability of a": 0.5}))
            truth, answered = (labels.read(texts) for texts in (TRUTH[: len(named)], named))
            table = per_label_table(truth, answered.astype(float), answered, labels.names, np.full(3, 0.5))
            # A label without positives has no interval.
            run.table("per_label", table.assign(f1_low=[0.1, 0.2, np.nan], f1_high=[0.8, 0.9, np.nan]))
            score = float(table["f1"].mean())
            scores = {"macro_f1": score, "macro_f1_low": score - 0.1, "macro_f1_high": score + 0.1}
            run.metrics({f"score/{measure}": value for measure, value in scores.items()})
            run.metrics({"cost/training_seconds": 7})
            if own[KIND] == TRAIN and len(speeds) == 1:
                log_training(run, speeds[0])
            for fold, speed in enumerate(speeds if len(speeds) > 1 else ()):
                with runs.running("small", {KIND: FOLD, "mlflow.runName": f"fold {fold}"}, parent=run) as part:
                    log_training(part, speed)
        return run.id

    return make


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time of a comparison, and many tests look at numbers alone."""
    monkeypatch.setattr("hpapipe.workflows.compare._figures", lambda found: iter(()))


def compare(*run_ids: str, out: Path | None = None, experiment: str | None = None) -> Compared:
    return work(config.load(None, {"score.bootstrap": "100"}), run_ids, out, experiment)


def logged(run: str, folder: str = "") -> set[str]:
    return {each.path.removeprefix(f"{folder}/") for each in MlflowClient().list_artifacts(run, folder)}


@pytest.mark.usefixtures("no_figures")
def test_scores_stand_side_by_side_with_gains_over_the_first(made: Made) -> None:
    """All right after all wrong: 0.133 and 1, measured on the same 20 fields."""
    table = compare(made(WRONG), made(TRUTH, (50.0,))).table
    assert table["macro_f1"].tolist() == pytest.approx([0.4 / 3, 1])
    assert table["macro_f1_high"].tolist() == pytest.approx([0.4 / 3 + 0.1, 1.1])
    assert table["gain"].isna().tolist() == [True, False]
    gain, low, high = table[["gain", "low", "high"]].iloc[1]
    assert gain == pytest.approx(1 - 0.4 / 3)
    assert 0.5 < low < gain < high < 1
    assert table[["fields", "images_per_second", "training_seconds"]].to_numpy().tolist() == [[20, 100, 7], [20, 50, 7]]


def test_what_is_logged(made: Made) -> None:
    """A run of the first one's experiment: figures with their tables, both tables, the runs' ids, a description."""
    ids = made(WRONG), made(TRUTH, fit={"epochs": 3})
    done = compare(*ids)
    (tags, experiment) = runs.facts(Run(done.run))[1], MlflowClient().get_experiment_by_name("small")
    assert MlflowClient().get_run(done.run).info.experiment_id == experiment.experiment_id
    assert (tags[KIND], tags["hpapipe.compared"], tags["hpapipe.ended"]) == (COMPARE, " ".join(ids), "FINISHED")
    assert logged(done.run) == {"compare.csv", "differences.csv", "figures"}
    assert logged(done.run, "figures") == {f"{name}.{end}" for name in FIGURES for end in ("png", "csv")}
    assert runs.read_table(Run(done.run), "compare")["id"].tolist() == list(ids)
    lines = tags["mlflow.note.content"].splitlines()
    assert lines[0].startswith("| run | macro_f1 |")
    assert lines[3].startswith(f"| tiny ({ids[1][:6]}) | 1.000 | 0.900 | 1.100 | 0.867 |")
    assert f"| tiny ({ids[1][:6]}) | 3 |" in lines


@pytest.mark.usefixtures("no_figures")
def test_another_experiment_can_be_named(made: Made) -> None:
    run = compare(made(), made(), experiment="elsewhere").run
    there = MlflowClient().get_experiment_by_name("elsewhere")
    assert MlflowClient().get_run(run).info.experiment_id == there.experiment_id


def test_folds_are_drawn_as_one_run_with_its_median_speed(made: Made) -> None:
    """A cross-validated run keeps its curves and weights in the runs of its folds."""
    done = compare(made(name="one"), made(speeds=(10.0, 20.0, 60.0), name="three"))
    assert done.table["images_per_second"].tolist() == [100, 20]
    for name, rows in (("figures/loss_curves", 2), ("figures/weights", 2)):
        table = runs.read_table(Run(done.run), name)
        assert table["fold"].tolist() == [fold for fold in ("", "fold 0", "fold 1", "fold 2") for _ in range(rows)]


def test_an_ensemble_has_scores_and_no_training(made: Made) -> None:
    """It trained no network: no curves, no weights, no speed."""
    done = compare(made(), made(name="both", tags={KIND: ENSEMBLE}))
    assert np.isnan(done.table["images_per_second"].iloc[1])
    assert set(runs.read_table(Run(done.run), "figures/loss_curves")["run"]) == {"tiny"}
    assert set(runs.read_table(Run(done.run), "figures/f1_per_label")["run"]) == {"tiny", "both"}
    ensembles = [made(name=name, tags={KIND: ENSEMBLE}) for name in ("a", "b")]
    assert "loss_curves.png" not in logged(compare(*ensembles).run, "figures")


@pytest.mark.usefixtures("no_figures")
def test_names_that_repeat_carry_the_first_digits_of_the_id(made: Made) -> None:
    ids = [made(name=name) for name in ("tiny", "tiny", "other")]
    assert compare(*ids).table["run"].tolist() == [f"tiny ({ids[0][:6]})", f"tiny ({ids[1][:6]})", "other"]


@pytest.mark.usefixtures("no_figures")
def test_only_options_that_differ_are_listed(made: Made) -> None:
    """And none of those that say where results are put."""
    first = made(name="a", fit={"epochs": 3}, register_as="one")
    differences = compare(first, made(name="b", seed=7, register_as="two")).differences
    assert list(differences.columns) == ["run", "seed", "fit.epochs"]
    assert differences.to_numpy().tolist() == [["a", "0", "3"], ["b", "7", "2"]]


@pytest.mark.usefixtures("no_figures")
def test_equal_recipes_are_told(made: Made) -> None:
    done = compare(made(), made())
    assert list(done.differences) == ["run"]
    assert done.notes == ("The recipes of all runs are the same.",)


@pytest.mark.usefixtures("no_figures")
def test_other_kinds_of_loss_are_told(made: Made) -> None:
    notes = compare(made(), made(fit={"loss": "focal"})).notes
    assert notes == ("The losses are of different kinds: their curves do not compare in height.",)


@pytest.mark.usefixtures("no_figures")
def test_runs_on_other_splits_are_compared_unpaired(made: Made) -> None:
    """No gains, and a line that says why and which run it is."""
    done = compare(made(name="a"), made(name="b", tags={"hpapipe.split": "another"}))
    assert "gain" not in done.table
    assert done.table["macro_f1"].tolist() == [1, 1]
    assert done.notes[0] == "Not the same split as a: b. So intervals are each run's own, not paired."


@pytest.mark.usefixtures("no_figures")
def test_other_channels_of_the_same_fields_are_told_and_paired(made: Made) -> None:
    """The same split means the same fields: what other channels gain is a question to ask."""
    done = compare(made(name="a"), made(name="b", tags={"hpapipe.data": "another"}))
    assert done.table["gain"].iloc[1] == 0
    assert done.notes[0] == "Not the same images or channels as a: b."


@pytest.mark.usefixtures("no_figures")
def test_runs_that_validated_on_other_folds_are_compared_unpaired(made: Made) -> None:
    done = compare(made(TRUTH[:10]), made(TRUTH[:10], ids=[f"g{number:02d}" for number in range(10)]))
    assert "gain" not in done.table
    assert done.notes[0].startswith("No field was validated on by all runs.")


@pytest.mark.usefixtures("no_figures")
def test_gains_are_on_common_fields_alone(made: Made) -> None:
    """The second run was wrong only where the first was not asked."""
    done = compare(made(TRUTH[:8]), made((*TRUTH[:8], *WRONG[:12])))
    assert done.table["gain"].iloc[1] == 0
    assert done.table["fields"].tolist() == [8, 20]
    assert done.notes[0] == "Gains are on the 8 fields that all runs validated on, of 20."


def test_other_labels_are_refused_and_nothing_is_logged(made: Made, hpapipe: Any) -> None:
    """The error names both runs."""
    ids = made(), made(data={"labels": ["a", "b", "other"]})
    ended = hpapipe("compare", *ids)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    received = f"All runs must have the same label set. Received different ones in {ids[0]} and {ids[1]}."
    assert ended.err.startswith(received)
    assert comparisons() == []


def comparisons() -> list[str]:
    client = MlflowClient()
    everything = [each.experiment_id for each in client.search_experiments()]
    return [run.info.run_id for run in client.search_runs(everything, f"tags.`{KIND}` = '{COMPARE}'")]


def test_the_folder_holds_what_was_logged(made: Made, store: Path) -> None:
    """In a folder that is made, and again in the same one."""
    ids, out = (made(WRONG), made(TRUTH)), store / "new" / "folder"
    for _ in range(2):
        run = compare(*ids, out=out).run
        names = {path.name for path in out.iterdir()}
        assert names == logged(run, "figures") | {"compare.csv", "differences.csv"}
    assert (out / "compare.csv").read_text() == runs.read_text(Run(run), "compare.csv")


def test_a_disk_that_fills_leaves_no_half_of_a_comparison(
    made: Made, store: Path, hpapipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, no file, no run; what was there before stays."""
    ids, plain = (made(WRONG), made(TRUTH)), Figure.savefig
    saved: list[Path] = []

    def save(figure: Figure, file: Path) -> None:
        if len(saved) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        saved.append(file)
        plain(figure, file)

    monkeypatch.setattr(Figure, "savefig", save)
    (store / "out").mkdir()
    (store / "out" / "compare.csv").write_text("before")
    ended = hpapipe("compare", *ids, "--out", store / "out")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "“No space left on device” at" in ended.err
    assert ended.err.endswith("Give another with --out.\n")
    assert len(saved) == 3
    assert [(path.name, path.read_text()) for path in (store / "out").iterdir()] == [("compare.csv", "before")]
    assert comparisons() == []


@pytest.mark.usefixtures("no_figures")
def test_the_next_command_promotes_the_best_run_unless_it_is_champion(made: Made, hpapipe: Any) -> None:
    """A run without a Version, and the champion, cannot be promoted."""
    ids = made(WRONG), made(TRUTH)
    words = ("compare", f"{ids[0]}, {ids[1]}", "--score.bootstrap", "100")
    assert hpapipe(*words).out.splitlines()[-1] == "Next: mlflow ui"
    best = Run(ids[1])
    number = registry.register(best, f"runs:/{best.id}/version", "small", {})
    ended = hpapipe(*words)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-2:] == [
        f"Figures and tables are in run {comparisons()[0]}",
        f"Next: hpapipe promote {best.id}",
    ]
    registry.promote("small", number, best, "best")
    assert hpapipe(*words).out.splitlines()[-1] == "Next: mlflow ui"


@pytest.mark.usefixtures("no_figures")
def test_runs_are_printed_with_the_options_that_differ(made: Made, hpapipe: Any) -> None:
    """Two runs and three options: the options are the rows."""
    ids = made(name="a"), made(name="b", fit={"epochs": 3, "optimizer": "sgd", "momentum": 0.5})
    lines = [line.split() for line in hpapipe("compare", *ids).out.splitlines()]
    assert ["option", "a", "b"] in lines
    assert ["fit.optimizer", "adamw", "sgd"] in lines
    assert ["fit.epochs", "2", "3"] in lines


@pytest.mark.whole
def test_runs_of_the_real_thing(trained: Any, hpapipe: Any) -> None:
    """A run that trained one network against one that was cross-validated, as `hpapipe train` logs them."""
    ended = hpapipe("train", "--config", trained.recipe, "--split.validate_on", "each", "--fit.epochs", "1")
    assert ended.code == 0, ended.err
    ids = trained.run, ended.out.split("from run ")[1].split()[0]
    done = compare(*ids)
    assert done.table["fields"].lt(16).tolist() == [True, False]
    assert done.table["images_per_second"].gt(0).all()
    assert done.table["gain"].notna().tolist() == [False, True]
    assert set(done.differences) == {"run", "split.validate_on", "fit.epochs"}
    table = runs.read_table(Run(done.run), "figures/weights")
    assert table.groupby(["run", "part"])["fold"].nunique().tolist() in ([1, 1, 2, 2], [2, 2, 1, 1])
