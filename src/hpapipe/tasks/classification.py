"""Which structures show in a field: what is particular to this task, as one record of functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from hpapipe.config import Recipe
from hpapipe.imageset.feed import Feed
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.reading import Reading
from hpapipe.imageset.split import Split
from hpapipe.imageset.view import view_of
from hpapipe.models import weights as pretrained
from hpapipe.models.build import build, check_options, check_size, mixing, scaling_of
from hpapipe.scoring import metrics
from hpapipe.scoring.thresholds import Decision, most_likely, name
from hpapipe.tasks.classified import (
    Answers,
    Scored,
    always_one,
    brief_figure,
    conclude,
    decision,
    field_losses,
    figures,
    per_label_numbers,
    predictions_table,
    score,
    tables,
)
from hpapipe.tasks.classifier import JOINS, Member, Spec, ask, read_version, seen_by, write_version
from hpapipe.tasks.lesson import Lesson
from hpapipe.tasks.part import Part, parts_of
from hpapipe.training.losses import loss as loss_of

if TYPE_CHECKING:
    pass

__all__ = [
    "Answers",
    "Scored",
    "brief_figure",
    "conclude",
    "decision",
    "field_losses",
    "figures",
    "parts_of",
    "predictions_table",
    "read_version",
    "score",
    "seen_by",
    "tables",
    "write_version",
]

MODULE = "hpapipe.tasks.classifier"


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


def shown(source: Any, images: ImageSet, field: int) -> np.ndarray:
    """A field as figures show it: as the network sees it, integers `[height, width, channels]`."""
    found: np.ndarray = source[field]
    return found


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
    pretrained.begin(built, weights, wanted.frozen)
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
    return numbers | per_label_numbers(metrics.per_label_table(truth, scores, named, label_set.names, constant))


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
