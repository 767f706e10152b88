"""Trials of a study: each a run with its point, its epochs and its end, and a Version where none beat it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mlflow import MlflowClient
from optuna.artifacts import get_all_artifact_meta
from optuna.trial import FrozenTrial, TrialState
from optuna_dashboard import get_note

from hpapipe import config
from hpapipe.tracking import registry
from hpapipe.tracking.runs import Run
from hpapipe.workflows import tune_trial
from hpapipe.workflows.material import Material
from hpapipe.workflows.space import grid, plain, read_space
from hpapipe.workflows.train import Outcome, train_on
from hpapipe.workflows.tune_queue import REASON, RUN, STOPPED, WORKER
from hpapipe.workflows.tune_trial import suggested
from tuned import HERE, Study, begun, tracked

COMPLETE, PRUNED, FAIL = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL

# Every field has the labels a and b. So whoever names all three everywhere has F1 1, 1 and 0; who names none, 0.
ALL, NONE = 0.001, 0.999
ALL_SCORE = pytest.approx(2 / 3)
SPACE = {
    "thresholds.constant": [ALL, NONE],
    "model.options.width": {"choices": [4, -4], "when": {"seed": 1}},
    "seed": [0, 1],
}


@pytest.fixture
def study(store: Path, image_folder: Callable[..., Any], recipe_file: Callable[..., Path]) -> Callable[..., Study]:
    """Begins a study of tiny networks on eight fields, with these options of the section `tune`."""

    def begin(**tune: Any) -> Study:
        path = recipe_file(
            image_folder(("0 1",) * 8).folder,
            fit={"epochs": 2, "learning_rate": 1e-6},
            thresholds={"method": "constant", "always_name_one": False},
            tune={"space": SPACE, "sampler": "random", **tune},
        )
        return begun(config.load(path))

    return begin


def steps(trial: FrozenTrial, name: str) -> dict[int, float]:
    """Epoch -> value of a metric of the trial's run, each of which was logged once."""
    history = MlflowClient().get_metric_history(trial.user_attrs[RUN], name)
    found = {point.step: point.value for point in history}
    assert len(found) == len(history)
    return found


def told(study: Study, trial: FrozenTrial) -> tuple[str, list[str]]:
    """(what hpapipe wrote in the note, names of the figures) that the dashboard shows beside a trial."""
    shown = optuna.trial.Trial(study.queue.study, trial._trial_id)
    note = get_note(shown).partition("\n\n---")[0]
    return note, sorted(meta.filename for meta in get_all_artifact_meta(shown))


def test_the_best_trial_is_one_promote_away(study: Callable[..., Study], hpapipe: Any) -> None:
    """Each trial is a part of the study's run; only one that none beat logs a Version, which waits for `promote`."""
    small = study(pruner="none")
    best, beaten = (small.train(thresholds__constant=constant, seed=0) for constant in (ALL, NONE))
    assert [best.state, beaten.state] == [COMPLETE, COMPLETE]
    assert [best.values, beaten.values] == [[ALL_SCORE], [0]]
    assert best.intermediate_values == {1: ALL_SCORE, 2: ALL_SCORE} == steps(best, "val/macro_f1")
    assert [run.id for run in small.runs] == [each.user_attrs[RUN] for each in (best, beaten)]
    for trial, constant in ((best, ALL), (beaten, NONE)):
        run = tracked(trial)
        assert run.info.status == "FINISHED"
        assert run.data.params["thresholds.constant"] == str(constant)
        assert run.data.metrics["score/macro_f1"] == trial.values[0]
        assert trial.user_attrs == {RUN: run.info.run_id, WORKER: HERE}
        expected = {
            "kind": "trial", "trial": str(trial.number), "study": "small", "experiment": "small", "ended": "FINISHED"
        }  # fmt: skip
        assert {name: run.data.tags[f"hpapipe.{name}"] for name in expected} == expected
        assert run.data.tags["mlflow.runName"] == f"trial {trial.number}"
    link = f"- MLflow: experiment 1, run [{best.user_attrs[RUN]}](http://127.0.0.1:5000/#/experiments/1/runs/"
    note, figures = told(small, best)
    assert note.startswith(f"- macro_f1 0.6667\n{link}")
    assert note.endswith(f"- Next: `hpapipe promote {best.user_attrs[RUN]}`")
    assert figures == ["f1_per_label.png", "loss_curves.png"]
    note, figures = told(small, beaten)
    assert note.startswith("- macro_f1 0\n- MLflow: ")
    assert "promote" not in note
    assert figures == ["loss_curves.png"]

    client = MlflowClient()
    assert client.search_registered_models() == []
    ended = hpapipe("promote", beaten.user_attrs[RUN])
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"Only a run with a Version of `small` can be promoted. Received run {beaten.user_attrs[RUN]}, which has none. "
        "Give the id of a finished training run.\n"
    )
    assert client.search_registered_models() == []
    ended = hpapipe("promote", best.user_attrs[RUN])
    assert (ended.code, ended.err, ended.out.splitlines()[0][:21]) == (0, "", "Version 1 is champion")
    (version,) = client.search_model_versions("name = 'small'")
    assert (version.run_id, version.tags["hpapipe.macro_f1"]) == (best.user_attrs[RUN], "0.6667")
    model = registry.load("small")[0].unwrap_python_model().version
    assert list(model.spec.thresholds) == [ALL] * 3


def test_a_hopeless_trial_is_stopped_early(study: Callable[..., Study], hpapipe: Any) -> None:
    """Its run has come to an end and is marked; one before it that no network can be built from stopped nothing."""
    small = study(warmup_trials=2, warmup_epochs=2)
    for _ in range(2):
        epochs = {1: 0.9, 2: 0.9}
        small.queue.study.add_trial(optuna.create_trial(value=0.9, intermediate_values=epochs))
    unbuildable = small.train(thresholds__constant=ALL, seed=1, model__options__width=-4)
    assert (unbuildable.state, tracked(unbuildable).info.status) == (FAIL, "FAILED")
    assert unbuildable.user_attrs[REASON].startswith("The options of `residual` must fit the images. Received {'width'")
    pruned = small.train(thresholds__constant=ALL, seed=1, model__options__width=4)
    run = tracked(pruned)
    assert (pruned.state, pruned.intermediate_values) == (PRUNED, {1: ALL_SCORE, 2: ALL_SCORE})
    assert pruned.user_attrs[REASON] == "hopeless after epoch 2" == run.data.tags["hpapipe.pruned"]
    assert run.info.status == "FINISHED"
    assert run.data.params["model.options.width"] == "4"
    note, figures = told(small, pruned)
    assert note.startswith("- pruned: hopeless after epoch 2\n- MLflow: ")
    assert ("promote" in note, figures) == (False, [])
    assert hpapipe("promote", run.info.run_id).err.startswith("Only a run with a Version of `small` can be promoted.")


def test_a_stopped_trial_goes_on_in_its_run(study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch) -> None:
    """From its last epoch, and nothing stands twice."""

    def train(material: Material, run: Run, watch: Any, keeps: Any) -> Outcome:
        def stop(epoch: int, row: Any) -> None:
            watch(epoch, row)
            raise KeyboardInterrupt

        return train_on(material, run, stop, keeps)

    small = study(pruner="none")
    with monkeypatch.context() as patch:
        patch.setattr(tune_trial, "train_on", train)
        with pytest.raises(KeyboardInterrupt):
            small.train(thresholds__constant=ALL, seed=0)
    (first,) = small.queue.trials
    assert (first.user_attrs[STOPPED], first.intermediate_values) == (True, {1: ALL_SCORE})
    assert tracked(first).info.status == "KILLED"
    assert small.bench.place == Path("workspace/runs") / first.user_attrs[RUN]
    assert [path.name for path in Path("workspace/runs").iterdir()] == [first.user_attrs[RUN]]
    small.queue.put_back(HERE)
    second = small.train()
    assert (second.number, second.state) == (1, COMPLETE)
    assert second.params == first.params
    assert second.user_attrs == {RUN: first.user_attrs[RUN], WORKER: HERE}
    assert second.intermediate_values == {1: ALL_SCORE, 2: ALL_SCORE} == steps(second, "val/macro_f1")
    assert list(steps(second, "train/loss")) == [1, 2]
    assert [run.id for run in small.runs] == [second.user_attrs[RUN]]
    assert tracked(second).info.status == "FINISHED"
    small.bench.clear()
    assert list(Path("workspace/runs").iterdir()) == []


STEPS = st.tuples(*[st.integers(0, 900)] * 2, st.integers(1, 400)).map(lambda ends: tuple(end / 1000 for end in ends))


@settings(max_examples=25)
@given(STEPS, st.integers(1, 5), st.integers(1, 3))
def test_a_trial_tries_the_very_point_of_the_grid_that_it_was_made_for(
    ends: tuple[float, float, float], most: int, step: int
) -> None:
    """Lists and tables too, which Optuna keeps by their text, and the last value of a range of fractions."""
    low, high, distance = ends
    assume(low < high)
    assume((high - low) / distance < 6)
    space = {
        "fit.warmup": {"low": low, "high": high, "step": distance},
        "fit.epochs": {"low": 1, "high": most + 1, "step": step},
        "data.size": [[32, 16], 64],
        "model.weights": [None, "imagenet"],
        "model.frozen": {"choices": [True], "when": {"model.weights": "imagenet"}},
    }
    dimensions = read_space(config.parse({"tune": {"space": space}}))
    points = grid(dimensions)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for point in points:
        study.enqueue_trial({option: plain(value) for option, value in point.items()})
    assert [suggested(dimensions, study.ask()) for _ in points] == points
