"""From a recipe to a tracked, thresholded, registered Version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np
import psutil

from hpapipe.config import Recipe
from hpapipe.imageset.sources import faults_told
from hpapipe.progress import say
from hpapipe.tasks.judging import judge_of
from hpapipe.tasks.tasks import task_of
from hpapipe.tracking import runs
from hpapipe.tracking.runs import Run
from hpapipe.training.fit import set_precision
from hpapipe.workflows.fastest import settled
from hpapipe.workflows.fold import Trained, Watch, train_networks
from hpapipe.workflows.kept import KIND, TRAIN, keep_recipe, recipe_of
from hpapipe.workflows.logged import log_answers, log_figures
from hpapipe.workflows.material import Material, ready
from hpapipe.workflows.pretrained import check_weights
from hpapipe.workflows.registering import register


@dataclass(frozen=True)
class Outcome:
    """What came out.

    Args:
        run_id: of the run.
        model: registered name.
        version: number of the Version; empty where it is not registered yet.
        score: by which the task judges, on what the networks never saw.
        low: end of its 95 % interval.
        high: the other end.
        images_per_second: in training, the median of all networks.
        title: of the score, such as `Macro F1`.
        things: that it was measured on, such as `fields`.
    """

    run_id: str
    model: str
    version: str
    score: float
    low: float
    high: float
    images_per_second: float
    title: str
    things: str

    @property
    def told(self) -> str:
        """The score in words."""
        return f"{self.title} {self.score:.3f} (95 % interval {self.low:.3f} to {self.high:.3f})"


def train(recipe: Recipe, resume: str | None = None) -> Outcome:
    """Check, split, pack, train, score, log and register.

    Args:
        recipe: of the experiment; of no effect where a run is resumed, which keeps its own.
        resume: id of a run that was stopped.

    Raises:
        UserError: anything a user can mend.
        KeyboardInterrupt: stopped by the user; the run can be resumed.
    """
    if resume:
        recipe = recipe_of(runs.find(resume))
    recipe = checked(recipe)
    title = recipe.name or f"{recipe.model.name}, {recipe.data.size[1]}×{recipe.data.size[0]}"
    tags = {
        KIND: TRAIN,
        "mlflow.runName": title,
        "hpapipe.experiment": recipe.experiment,
        "hpapipe.recipe": recipe.fingerprint,
    }
    with runs.running(recipe.experiment, tags, resume) as run:
        try:
            keep_recipe(run, recipe)
            return train_on(ready(recipe, run), run)
        except KeyboardInterrupt:
            say("\nStopped. Everything up to the last finished epoch is kept.")
            say(f"Next: hpapipe train --resume {run.id}")
            raise


def checked(recipe: Recipe) -> Recipe:
    """The recipe with a number for its batch size, where its network can be built.

    Raises:
        UserError: it cannot, as far as can be told without images.
    """
    task_of(recipe).check(recipe)
    check_weights(recipe.model.weights)
    return settled(recipe)


def train_on(
    material: Material, run: Run, watch: Watch | None = None, keeps: Callable[[Outcome], bool] | None = None
) -> Outcome:
    """Train all networks, score them together and log everything.

    Args:
        material: to train from.
        run: to log to.
        watch: is told of each epoch, and may raise to stop the training.
        keeps: tells by the outcome whether the F1 of each label is drawn and the Version logged, which is registered
            when `hpapipe promote` asks for it; none: all figures are logged, and the Version is registered.
    """
    precision = set_precision(material.recipe.fit.precision)
    run.tags({"hpapipe.backend": keras.backend.backend(), "hpapipe.precision": precision})
    with faults_told(material.images):
        trained = train_networks(material, run, watch)
    return _finish(material, trained, run, keeps)


def _finish(material: Material, trained: list[Trained], run: Run, keeps: Callable[[Outcome], bool] | None) -> Outcome:
    """Score the networks' answers together, log everything, register the Version."""
    recipe, prepared, task = material.recipe, material.prepared, task_of(material.recipe)
    found = [(each.member, each.answers) for each in trained]
    answers = task.gathered(recipe, prepared.images, prepared.together, material.split, found)
    scored, by_rivals = task.conclude(recipe, answers)
    reached = scored.headline
    speed = float(np.median([each.images_per_second for each in trained]))
    judge = judge_of(recipe)
    reached_so = (reached.value, reached.low, reached.high, speed, judge.title, judge.things)
    outcome = Outcome(run.id, recipe.register_as, "", *reached_so)
    log_answers(run, recipe, answers, scored)
    memory = psutil.Process().memory_info().rss / 2**20
    cost = {"cost/training_seconds": sum(each.seconds for each in trained), "cost/memory_mib": memory}
    run.metrics_once({f"score/{name}": value for name, value in (scored.numbers | by_rivals).items()} | cost)
    if keeps and not keeps(outcome):
        return outcome
    if keeps:
        run.figure(*task.brief_figure(recipe, scored))
    else:
        log_figures(run, recipe, answers, scored, prepared.images.ids, material.shown)
    spec = task.spec(recipe, scored.decision, prepared.bits, [each.member for each in trained])
    number = register(run, recipe, [each.network for each in trained], spec, scored, now=keeps is None)
    return replace(outcome, version=number)
