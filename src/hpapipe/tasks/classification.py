"""Which structures show in a field: what is particular to this task, as one record of functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pandas as pd

from hpapipe.config import Recipe
from hpapipe.imageset.feed import Feed
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.reading import Reading
from hpapipe.imageset.split import Split
from hpapipe.imageset.view import view_of
from hpapipe.labels import LabelSet, format_target
from hpapipe.models import weights as pretrained
from hpapipe.models.build import build, check_options, check_size, mixing, scaling_of
from hpapipe.plots import fields, labels, precision_recall, thresholds
from hpapipe.scoring import intervals, metrics
from hpapipe.scoring.intervals import Interval
from hpapipe.scoring.thresholds import Decision, decide, f1_curve, most_likely, name, parts, rivals
from hpapipe.tasks.classifier import JOINS, Member, Spec, ask, write_version
from hpapipe.tasks.lesson import Lesson
from hpapipe.tasks.part import Part, parts_of
from hpapipe.training.losses import loss as loss_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["parts_of", "write_version"]

MODULE = "hpapipe.tasks.classifier"

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


def check(recipe: Recipe) -> None:
    """Refuse an architecture, options or a size that no network can be built with.

    Raises:
        UserError: naming the nearest that exists, or the size that is needed.
    """
    check_options(recipe.model.name, recipe.model.options)
    check_size(recipe.model.name, *recipe.data.size)


def key(recipe: Recipe) -> str:
    """Names the learned labels in tags: how many, and whether a field has one of them or several."""
    label_set = recipe.data.label_set
    kind = "one" if label_set.one_label else "several"
    return f"{len(label_set)} labels, {kind} a field: {', '.join(label_set.names)}"


def lesson(
    recipe: Recipe,
    part: Part,
    source: Any,
    images: ImageSet,
    split: Split,
    fold: int,
    seed: int,
    weights: str | keras.Model | None = None,
) -> Lesson:
    """A network for some labels, and what it is trained with and tested on while `fold` is held out.

    Validation joins crops as the Version joins them; turns wait for the final answers, since they take eight times as
    long.

    Args:
        recipe: of the experiment.
        part: the labels that it answers.
        source: integers, to be indexed by fields, `[fields, height, width, channels]`.
        images: the labelled set.
        split: its folds.
        fold: that validates.
        seed: of drawing and augmentation.
        weights: as `network` takes them.
    """
    train, held_out = split.train(fold), split.valid(fold)
    built = network(recipe, part, source, train, weights)
    feed = Feed(source, part.targets(images.truth), train, recipe.feed, seed, size=recipe.data.size)
    loss, own = loss_of(recipe.fit, part.one_output), member(recipe, part, fold)
    reading = Reading(source, held_out, feed.batch_size, own.view)

    def validate() -> dict[str, float]:
        joined = JOINS[recipe.answer.join](reading.by_way(built.predict(reading, verbose=0))[0], axis=0)
        return epoch_numbers(recipe, part, loss, images.truth[held_out], joined)

    def answer() -> np.ndarray:
        return ask(built, source, held_out, feed.batch_size, own, recipe.answer.turns, recipe.answer.join)

    return Lesson(built, loss, feed, own, (len(train), len(held_out)), validate, answer)


def gathered(
    recipe: Recipe,
    images: ImageSet,
    together: np.ndarray,
    split: Split,
    trained: Sequence[tuple[Member, np.ndarray]],
) -> Answers:
    """What networks answered for the fields that they never saw.

    Args:
        recipe: its section `split`.
        images: the labelled set.
        together: int `[fields]`, what must stay together when fields are drawn or parted.
        split: of the set.
        trained: each network's member, and its probabilities for its fold, float32 `[fields, columns]`.
    """
    scores = np.full(images.truth.shape, np.nan, np.float32)
    for own, answered in trained:
        scores[np.ix_(split.valid(own.fold), np.asarray(own.columns))] = answered
    held_out = np.concatenate([split.valid(fold) for fold in recipe.split.runs])
    trained_on = np.concatenate([split.train(fold) for fold in recipe.split.runs])
    return Answers(
        ids=tuple(images.ids[field] for field in held_out),
        folds=split.folds[held_out],
        truth=images.truth[held_out],
        scores=scores[held_out],
        groups=together[held_out],
        train_share=images.truth[trained_on].mean(0),
    )


def conclude(recipe: Recipe, answers: Answers) -> tuple[Scored, dict[str, float]]:
    """(what is decided, with its scores; the macro F1 of every rival way to set thresholds)."""
    chosen, by_rivals = decision(recipe, answers)
    return score(recipe, answers, chosen), by_rivals


def network(
    recipe: Recipe, part: Part, images: Any, train: np.ndarray, weights: str | keras.Model | None = None
) -> keras.Model:
    """A network for these images, before its training; the same recipe and seed give the same weights.

    Args:
        recipe: its sections `model` and `data`.
        part: the labels that it answers.
        images: integers, to be indexed by fields, `[fields, height, width, channels]`.
        train: numbers of the fields that scaling is measured on.
        weights: that its body begins with, as `models.weights.load` takes them; none: by chance.

    Raises:
        UserError: options or images that do not fit the architecture, or weights that do not fit the network.
    """
    wanted = recipe.model
    scaling = scaling_of(images, train, wanted.scaling, mixing(wanted.mix, recipe.data.channels))
    shape = (*recipe.data.size, images.shape[-1])
    built = build(wanted.name, wanted.options, shape, part.outputs, part.one_output, scaling)
    if weights is not None:
        pretrained.load(built, weights)
    if wanted.frozen:
        pretrained.freeze(built)
    return built


def epoch_numbers(
    recipe: Recipe, part: Part, loss: keras.losses.Loss, truth: np.ndarray, outputs: np.ndarray
) -> dict[str, float]:
    """What is logged after each epoch, with labels named by the constant threshold: no tuning, so epochs compare.

    Args:
        recipe: its section `thresholds`.
        part: the labels that the network answers.
        loss: of training.
        truth: uint8 `[fields, labels]`, of all labels.
        outputs: of the network, float32 `[fields, outputs]`.
    """
    label_set, scores = part.label_set, part.scores(outputs)
    constant = np.full(len(label_set), recipe.thresholds.constant)
    always = always_one(recipe) and not part.name
    named = most_likely(scores) if label_set.one_label else name(scores, constant, always)
    numbers = {"val_loss": float(keras.ops.convert_to_numpy(loss(part.targets(truth).astype(np.float32), outputs)))}
    truth = truth[:, list(part.columns)]
    numbers |= metrics.summary(truth, scores, named)
    return numbers | _per_label_numbers(metrics.per_label_table(truth, scores, named, label_set.names, constant))


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
    return Scored(chosen, numbers | _per_label_numbers(table), table)


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


def spec(recipe: Recipe, decision: Decision, bits: int, members: Sequence[Member]) -> Spec:
    """What the Version needs beside its weights.

    Args:
        recipe: its sections `data`, `answer` and `thresholds`.
        decision: the thresholds to deploy.
        bits: 8 or 16, of the images.
        members: what each network sees and answers.
    """
    data = recipe.data
    return Spec(
        channels=data.channels,
        files=data.files,
        bits=bits,
        max_pixels=data.max_pixels,
        labels=data.label_set.names,
        indices=data.indices,
        one_label=data.one_label,
        thresholds=tuple(float(value) for value in decision.thresholds),
        always_name_one=always_one(recipe),
        turns=recipe.answer.turns,
        join=recipe.answer.join,
        members=tuple(members),
    )


def member(recipe: Recipe, part: Part, fold: int) -> Member:
    """What a network that never saw `fold` sees of a field, and which labels it answers."""
    return Member(view_of(recipe.data, recipe.answer.crops), part.columns, fold)


def _per_label_numbers(table: pd.DataFrame) -> dict[str, float]:
    """`f1/Nucleoli` and the like, a number for each label and measure."""
    measures = ("f1", "precision", "recall", "average_precision")
    return {f"{measure}/{row['name']}": float(row[measure]) for _, row in table.iterrows() for measure in measures}
