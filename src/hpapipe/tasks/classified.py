"""Names for fields decided, scored, told and drawn: what becomes of a classifier's answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hpapipe.config import Recipe
from hpapipe.labels import LabelSet, format_target
from hpapipe.plots import fields, labels, precision_recall, thresholds
from hpapipe.scoring import intervals, metrics
from hpapipe.scoring.intervals import Interval
from hpapipe.scoring.thresholds import Decision, decide, f1_curve, parts, rivals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARTS = 5  # that thresholds are cross-fitted over


PROBABILITY = "probability of "


@dataclass(frozen=True)
class Answers:
    """Probabilities for fields whose labels are known, each from a network that never saw the field.

    Args:
        ids: names of the fields.
        folds: int `[fields]`.
        truth: uint8 `[fields, labels]`.
        scores: float32 `[fields, labels]`.
        groups: int `[fields]`; what must stay together when fields are drawn or parted.
        train_share: float `[labels]`, share of training fields that have the label.
    """

    ids: tuple[str, ...]
    folds: np.ndarray
    truth: np.ndarray
    scores: np.ndarray
    groups: np.ndarray
    train_share: np.ndarray


@dataclass(frozen=True)
class Scored:
    """The decision that is deployed, and every number that is reported of it."""

    decision: Decision
    numbers: dict[str, float]
    per_label: pd.DataFrame

    @property
    def headline(self) -> Interval:
        """What the run is judged by."""
        return Interval(*(self.numbers[f"macro_f1{end}"] for end in ("", "_low", "_high")))

    @property
    def shown(self) -> tuple[pd.DataFrame, str]:
        """(table, title) for a terminal."""
        return self.per_label[["name", "positives", "precision", "recall", "f1", "f1_low", "f1_high"]], "Per label"


def conclude(recipe: Recipe, answers: Answers) -> tuple[Scored, dict[str, float]]:
    """(what is decided, with its scores; the macro F1 of every rival way to set thresholds)."""
    chosen, by_rivals = decision(recipe, answers)
    return score(recipe, answers, chosen), by_rivals


def always_one(recipe: Recipe) -> bool:
    """Whether the most likely label is always named; alone, a label would be named for every field."""
    return recipe.thresholds.always_name_one and len(recipe.data.label_set) > 1


def decision(recipe: Recipe, answers: Answers) -> tuple[Decision, dict[str, float]]:
    """The thresholds that the recipe asks for, and the macro F1 of every rival way to set them."""
    wanted, one_label = recipe.thresholds, recipe.data.one_label
    parted = parts(len(answers.ids), PARTS, recipe.seed, answers.groups)
    given = (parted, wanted.constant, wanted.shrink, always_one(recipe), one_label, answers.train_share)
    chosen = decide(answers.truth, answers.scores, wanted.method, *given)
    if one_label:
        return chosen, {}
    others = rivals(answers.truth, answers.scores, *given)
    return chosen, {
        f"macro_f1_by/{method}": float(metrics.f1_per_label(answers.truth, rival.named).mean())
        for method, rival in others.items()
    }


def score(recipe: Recipe, answers: Answers, chosen: Decision) -> Scored:
    """How well a decision names, per label and in all, with 95 % intervals."""
    names = recipe.data.label_set.names
    numbers = metrics.summary(answers.truth, answers.scores, chosen.named)
    drawn = (recipe.score.bootstrap, recipe.seed, answers.groups)
    interval = intervals.bootstrap_macro_f1(answers.truth, chosen.named, *drawn)
    numbers |= {"macro_f1_low": interval.low, "macro_f1_high": interval.high}
    table = metrics.per_label_table(answers.truth, answers.scores, chosen.named, names, chosen.thresholds)
    low, high = intervals.f1_intervals(answers.truth, chosen.named, *drawn)
    table = table.assign(f1_low=low, f1_high=high)
    return Scored(chosen, numbers | per_label_numbers(table), table)


def predictions_table(label_set: LabelSet, answers: Answers, decision: Decision) -> pd.DataFrame:
    """Columns `id`, `fold`, `group`, `truth`, `named`, and a probability a label: what runs are compared by."""
    table = pd.DataFrame(
        {
            "id": answers.ids,
            "fold": answers.folds,
            "group": answers.groups,
            "truth": [format_target(indices) for indices in label_set.decode(answers.truth)],
            "named": [format_target(indices) for indices in label_set.decode(decision.named)],
        }
    )
    scores = pd.DataFrame(answers.scores, columns=[f"{PROBABILITY}{label}" for label in label_set.names])
    return table.join(scores)


def tables(recipe: Recipe, answers: Answers, scored: Scored) -> dict[str, pd.DataFrame]:
    """Every field's answer, and the table of labels."""
    predictions = predictions_table(recipe.data.label_set, answers, scored.decision)
    return {"predictions": predictions, "per_label": scored.per_label}


def figures(
    recipe: Recipe, answers: Answers, scored: Scored, image_of: Callable[[str], np.ndarray]
) -> Iterator[tuple[str, pd.DataFrame, Figure]]:
    """(name, table, figure) of everything that is drawn of the answers.

    Args:
        recipe: its sections `data` and `score`.
        answers: probabilities and truth.
        scored: the decision taken on them.
        image_of: id -> integers `[height, width, channels]`.
    """
    names = recipe.data.label_set.names
    truth, scores, named = answers.truth, answers.scores, scored.decision.named
    yield brief_figure(recipe, scored)
    table = precision_recall.precision_recall_table(truth, scores, names)
    yield "precision_recall", table, precision_recall.draw_precision_recall(table)
    table = labels.co_occurrence_table(truth, names)
    yield "label_co_occurrence", table, labels.draw_co_occurrence(table)
    if not recipe.data.one_label:
        tuned = {label: f1_curve(truth[:, index], scores[:, index]) for index, label in enumerate(names)}
        chosen = dict(zip(names, scored.decision.thresholds, strict=True))
        table = thresholds.f1_against_threshold_table(tuned, chosen)
        yield "f1_against_threshold", table, thresholds.draw_f1_against_threshold(table)
    table = fields.fields_table(
        answers.ids, truth, scores, named, names, field_losses(truth, scores), recipe.score.worst_fields
    )
    shown = {name: image_of(name) for name in table["id"]}
    yield "best_and_worst_fields", table, fields.draw_fields(table, shown, recipe.data.channels)


def brief_figure(recipe: Recipe, scored: Scored) -> tuple[str, pd.DataFrame, Figure]:
    """(name, table, figure) of the F1 of each label: all that is drawn of a trial."""
    f1, low, high, positives = scored.per_label[["f1", "f1_low", "f1_high", "positives"]].to_numpy().T
    table = labels.f1_per_label_table(recipe.data.label_set.names, f1, low, high, positives)
    return "f1_per_label", table, labels.draw_f1_per_label(table)


def field_losses(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Binary cross-entropy of each field, float64 `[fields]`."""
    likely = np.clip(np.where(truth, scores, 1 - scores), 1e-7, 1).astype(np.float64)
    return -np.log(likely).mean(1)


def per_label_numbers(table: pd.DataFrame) -> dict[str, float]:
    """`f1/Nucleoli` and the like, a number for each label and measure."""
    measures = ("f1", "precision", "recall", "average_precision")
    return {f"{measure}/{row['name']}": float(row[measure]) for _, row in table.iterrows() for measure in measures}
